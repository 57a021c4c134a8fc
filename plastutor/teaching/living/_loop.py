"""Rules in a loop: the weights between two neurons, a rule for each projection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from plastutor._simulate import simulate
from plastutor._types import Experiment
from plastutor.networks import Recurrent
from plastutor.rules import OJA_ORDERS, taylor, terms
from plastutor.teaching.living._figure import Axes, Living, Series, Slider, frame, ticks
from plastutor.teaching.living._weights import ACTIVATIONS, TOO_FAR

# The terms with a slider, by projection: where it begins, ends, step.
TERMS = {
    "ff_xy": (1.0, -2, 2, 0.1),
    "ff_yyw": (-1.0, -2, 2, 0.1),
    "rec_xy": (-1.0, -2, 2, 0.1),
    "rec_w": (-0.5, -2, 2, 0.1),
}
NAMES = ("from 1 to 2", "from 2 to 1")


def loop(experiment: Experiment, *, network: Recurrent) -> Living:
    """The weights between two neurons, under a rule for each projection with sliders.

    The inputs and the initial weights are rounded, which is what the script gets.

    Args:
        experiment: one experiment of up to 1,000 steps, all plastic, with one to three
            inputs and w0 of `ff`, (pre, 2), and `rec`, (2, 2).
        network: what is fixed about the neurons, without masks, signs and homeostasis;
            its activation is that of one of the four named networks, or jnp.tanh.

    Raises:
        ValueError: the experiment or the network is another one.

    >>> import plastutor as pt
    >>> w0 = {"ff": jnp.ones((1, 2)), "rec": jnp.array([[0.0, 0.5], [-0.5, 0.0]])}
    >>> e = pt.make_experiment(jnp.ones((50, 1)), w0=w0)
    >>> loop(e, network=Recurrent(rates=0.05)).status
    'After 50 steps the weight from 1 to 2 is -0.41, that from 2 to 1 is -0.69.'
    """
    _check_loop(experiment, network)
    x = np.round(np.asarray(experiment.x, float), 3)
    w0 = {k: np.round(np.asarray(experiment.w0[k], float), 4) for k in ("ff", "rec")}
    rounded = experiment._replace(
        x=jnp.asarray(x), w0={k: jnp.asarray(w) for k, w in w0.items()}
    )
    steps, axes = len(x), Axes(x=(0, len(x)), y=(-2, 2))
    every = -(-steps // 200)
    theta = {name: value for name, (value, *_) in TERMS.items()}
    w, end = between(theta, rounded, network)
    kept = np.unique([*range(0, len(w), every), len(w) - 1])
    series = []
    for k, (name, dashes) in enumerate(zip(NAMES, ("", " dashed"), strict=True)):
        still = axes.line([(0, w[0, k]), (steps, w[0, k])])
        label = "rec does not learn" if k == 0 else ""
        series.append(Series(f"still-{k + 1}", "null" + dashes, still, label))
        path = axes.line(np.stack([kept, w[kept, k]], 1))
        series.append(Series(f"between-{k + 1}", "model" + dashes, path, name))
    return Living(
        data={
            "kind": "loop",
            "axes": axes.spec(),
            "every": every,
            "terms": list(TERMS),
            "x": x.tolist(),
            "w0": {name: each.tolist() for name, each in w0.items()},
            "rates": {name: network.rate(name) for name in w0},
            "activation": ACTIVATIONS[network.activation],
        },
        alt=f"The two weights between two neurons over {steps} steps, under the rules "
        "of the sliders, and where the connections between neurons do not learn.",
        svg=frame(
            axes,
            "step",
            "weight between neurons",
            ticks(*np.linspace(0, steps, 5)),
            ticks(-2, -1, 0, 1, 2),
        ),
        series=series,
        controls=[
            Slider(name, name.replace("_", ", coefficient of "), low, high, step, value)
            for name, (value, low, high, step) in TERMS.items()
        ],
        status=_status(w, end),
    )


def between(theta: Mapping[str, float], experiment: Experiment, network: Recurrent):
    """Both weights before and after each step, (step, 2), and the step that ended them.

    It is the one in which a weight of any projection became too large.
    """
    of: dict[str, dict[str, Any]] = {"ff": {}, "rec": {}}
    for name, value in theta.items():
        projection, _, term = name.partition("_")
        of[projection][term] = value
    rules = {name: taylor(OJA_ORDERS) for name in of}
    tables = {name: terms(OJA_ORDERS, **each) for name, each in of.items()}
    w = simulate(rules, tables, experiment, network=network).w
    assert isinstance(w, Mapping)
    both = {k: np.concatenate([experiment.w0[k][None], w[k]]) for k in of}
    every = np.concatenate([each.reshape(len(each), -1) for each in both.values()], 1)
    wrong = ~(np.abs(every) <= TOO_FAR).all(1)  # NaN is wrong too
    end = int(wrong.argmax()) if wrong.any() else None
    return both["rec"][:end, [0, 1], [1, 0]], end


def _status(w, end: int | None) -> str:
    if end is not None:
        return (
            f"The weights diverge: in step {end} one passes {TOO_FAR:g}, and the lines "
            "end."
        )
    first, second = (f"{v:.2f}" for v in w[-1] + 0.0)
    return (
        f"After {len(w) - 1} steps the weight from 1 to 2 is {first}, that from 2 to 1 "
        f"is {second}."
    )


def _check_loop(experiment: Experiment, network: Recurrent) -> None:
    x, w0 = np.shape(experiment.x), experiment.w0
    shapes = {k: np.shape(w) for k, w in w0.items()} if isinstance(w0, Mapping) else {}
    wanted = {"ff": (x[-1], 2), "rec": (2, 2)}
    if len(x) != 2 or x[0] > 1000 or not 1 <= x[1] <= 3 or shapes != wanted:
        raise ValueError(
            f"The inputs have shape {x}, the initial weights {shapes or 'no names'}; "
            "expected one experiment of up to 1000 steps, (time, pre), with one to "
            "three inputs and w0 of ff, (pre, 2), and rec, (2, 2)."
        )
    if not bool(jnp.all(experiment.plastic & experiment.valid)):
        raise ValueError(
            "Some steps are not plastic; expected an experiment in which all are. "
            "Leave plastic and valid out of make_experiment."
        )
    more = network.masks or network.signs or network.homeostasis
    if more or network.between != ("rec",) or network.activation not in ACTIVATIONS:
        raise ValueError(
            "The network has masks, signs, homeostasis, other projections or an "
            "activation that the figure's script does not know; expected "
            "Recurrent(rates=...) with jnp.tanh or jax.nn.sigmoid."
        )
