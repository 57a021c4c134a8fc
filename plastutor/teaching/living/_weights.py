"""Rule terms -> weights: one neuron under a rule whose terms have sliders."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from plastutor._simulate import simulate
from plastutor._types import Experiment
from plastutor.networks import LINEAR, Network, identity, step_size
from plastutor.rules import HEBB, OJA, OJA_ORDERS, taylor
from plastutor.teaching.living._figure import (
    Axes,
    Choice,
    Living,
    Series,
    Slider,
    frame,
    ticks,
)

TOO_FAR = 1000.0  # as in living.js: a weight beyond this ends the lines
ACTIVATIONS = {identity: "identity", jax.nn.sigmoid: "sigmoid", jnp.tanh: "tanh"}

# The rules that have a name here, and the terms with a slider: name, ends, step.
NAMED = {
    "Hebb": {"xy": 1.0},
    "Oja": {"xy": 1.0, "yyw": -1.0},
    "Hebb with a plain decay": {"xy": 1.0, "w": -1.0},
    "anti-Hebb": {"xy": -1.0},
    "do nothing": {},
}
TERMS = {
    "xy": (-2, 2, 0.1),
    "yyw": (-2, 2, 0.1),
    "w": (-4, 4, 0.1),
    "one": (-2, 2, 0.1),
}


def weights(experiment: Experiment, *, network: Network = LINEAR) -> Living:
    """The weights of one neuron under a rule whose terms have sliders.

    The stimuli are rounded to three decimals, which is what the script gets.

    Args:
        experiment: one experiment, up to 2,000 steps, with one neuron and one to three
            inputs, all of its steps plastic.
        network: what is fixed about the neuron; its activation is that of one of the
            four named networks.

    Raises:
        ValueError: the experiment or the network is another one.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((50, 2)), w0=jnp.ones((2, 1)))
    >>> weights(e).status
    'The weights stay finite: after 50 steps their length is 3.81.'
    """
    _check_trajectory(experiment, network)
    x = np.round(np.asarray(experiment.x, float), 3)
    w0 = np.round(np.asarray(experiment.w0, float), 4)
    rounded = experiment._replace(x=jnp.asarray(x), w0=jnp.asarray(w0))
    every = -(-len(x) // 200)  # more points than that look like one line
    axes = Axes(x=(0, len(x)), y=(-2, 2))
    named = {name: dict.fromkeys(TERMS, 0.0) | theta for name, theta in NAMED.items()}
    sliders = [
        Slider(term, f"coefficient of {term}", *ends, named["Hebb"][term])
        for term, ends in TERMS.items()
    ]
    at = ticks(*np.linspace(0, len(x), 5))
    return Living(
        data={
            "kind": "weights",
            "axes": axes.spec(),
            "every": every,
            "terms": list(TERMS),
            "named": named,
            "x": x.tolist(),
            "w0": w0[:, 0].tolist(),
            "rate": step_size(network, len(w0)),
            "activation": ACTIVATIONS[network.activation],
        },
        alt=f"Each weight of a neuron over {len(x)} steps: under the rule of the "
        "sliders, under Oja's rule, and under a rule that does nothing.",
        svg=frame(axes, "step", "weight", at, ticks(-2, -1, 0, 1, 2)),
        series=_series(axes, every, rounded, network),
        controls=[Choice("rule", "rule", list(NAMED), "your own"), *sliders],
        status=_status(*trajectory(HEBB, rounded, network)),
    )


def _series(axes: Axes, every: int, experiment: Experiment, network: Network):
    """The weights under three rules, a line for each weight."""
    each = [f"this rule, weight {k + 1}" for k in range(len(experiment.w0))]
    series = []
    for name, theta, look, labels in (
        ("nothing", 0 * OJA, "null", ["does nothing"]),
        ("oja", OJA, "truth wide", ["Oja's rule"]),
        ("weight", HEBB, "model", each),
    ):
        w, _ = trajectory(theta, experiment, network)
        kept = np.unique([*range(0, len(w), every), len(w) - 1])
        dashes, labels = ("", " dashed", " dotted"), (*labels, "", "")
        for k, values in enumerate(w.T):
            path = axes.line(np.stack([kept, values[kept]], 1))
            series.append(Series(f"{name}-{k + 1}", look + dashes[k], path, labels[k]))
    return series


def _status(w, end: int | None) -> str:
    if end is not None:
        return (
            f"The weights diverge: in step {end} one passes {TOO_FAR:g}, and the lines "
            "end."
        )
    steps, size = len(w) - 1, np.linalg.norm(w[-1])
    return f"The weights stay finite: after {steps} steps their length is {size:.2f}."


def _check_trajectory(experiment: Experiment, network: Network) -> None:
    shapes = np.shape(experiment.x), np.shape(experiment.w0)
    one = len(shapes[0]) == 2 and shapes[0][1] in (1, 2, 3) and shapes[1][1:] == (1,)
    if not one or shapes[0][0] > 2000:
        raise ValueError(
            f"The stimuli have shape {shapes[0]} and the first weights {shapes[1]}; "
            "expected one experiment of up to 2000 steps, (time, pre) and (pre, 1), "
            "with one to three inputs. Take one neuron: w0[:, :1]."
        )
    if not bool(jnp.all(experiment.plastic & experiment.valid)):
        raise ValueError(
            "Some steps are not plastic; expected an experiment in which all are. "
            "Leave plastic and valid out of make_experiment."
        )
    if network.activation not in ACTIVATIONS:
        raise ValueError(
            "The network has an activation that the figure's script does not know; "
            "expected that of RECORDED, BEHAVIOUR, FLY or LINEAR."
        )


def trajectory(theta, experiment: Experiment, network: Network):
    """Weights before and after each step, (step, pre), and the step that ended them."""
    w = simulate(taylor(OJA_ORDERS), theta, experiment, network=network).w
    assert w is not None
    w = np.concatenate([experiment.w0[None], w])[..., 0]
    wrong = ~(np.abs(w) <= TOO_FAR).all(1)  # NaN is wrong too
    end = int(wrong.argmax()) if wrong.any() else None
    return w[:end], end
