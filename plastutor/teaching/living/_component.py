"""Component: does a neuron with your own rule find the first principal component?"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from plastutor._experiments import make_experiment
from plastutor._types import Experiment
from plastutor.networks import Network, identity
from plastutor.rules import OJA, OJA_ORDERS, terms
from plastutor.tasks import component_goals
from plastutor.teaching.living._figure import Axes, Living, Series, Slider, frame, ticks
from plastutor.teaching.living._weights import trajectory

NEURON, N_STEPS, EVERY = Network(identity, rate=0.02), 400, 4
TERMS = {"xy": 1.0, "yyw": 0.0}  # where the sliders begin: Hebb's rule


def component(key: Key[Array, ""]) -> Living:
    """A neuron under two terms with sliders, and how far along the component it is.

    Args:
        key: for the inputs and the initial weights; both are rounded, which is what
            the script gets.

    >>> import jax
    >>> component(jax.random.key(1)).status.startswith("In the end the cosine")
    True
    """
    experiment, target = rounded(key)
    axes = Axes(x=(0, N_STEPS), y=(-0.2, 2))
    rule = terms(OJA_ORDERS, xy=TERMS["xy"], yyw=TERMS["yyw"])
    _, (along, across), status = walk(experiment, target, rule)
    _, (best, _), _ = walk(experiment, target, jnp.asarray(OJA))
    return Living(
        data={
            "kind": "component",
            "axes": axes.spec(),
            "every": EVERY,
            "terms": list(TERMS),
            "x": experiment.x.tolist(),
            "w0": experiment.w0[:, 0].tolist(),
            "rate": NEURON.rate,
            "activation": "identity",
            "component": target.tolist(),
        },
        alt=f"Weights of a neuron over {N_STEPS} presentations: their length along the "
        "first principal component, and across it; under Oja's rule, and under that of "
        "the sliders.",
        svg=frame(
            axes,
            "presentation",
            "length of the weights",
            ticks(*np.linspace(0, N_STEPS, 5)),
            ticks(0, 1, 2),
        ),
        series=[
            Series("oja", "truth wide", drawn(axes, best), "Oja's rule, along"),
            Series("along", "model", drawn(axes, along), "this rule, along"),
            Series("across", "model dashed", drawn(axes, across), "this rule, across"),
        ],
        controls=[
            Slider(term, f"coefficient of {term}", -2, 2, 0.1, value)
            for term, value in TERMS.items()
        ],
        status=status,
    )


def rounded(key: Key[Array, ""]) -> tuple[Experiment, np.ndarray]:
    """One experiment and its component, with the digits that the page gets."""
    goals = component_goals(key, 1, n_steps=N_STEPS)
    x = np.round(np.asarray(goals.experiment.x[0], float), 2)
    w0 = np.round(np.asarray(goals.experiment.w0[0], float), 3)
    target = np.round(np.asarray(goals.target[0, :, 0], float), 4)
    return make_experiment(jnp.asarray(x), w0=jnp.asarray(w0)), target


def walk(experiment: Experiment, target: np.ndarray, theta: Array):
    """Weights, their length along and across the component, and a sentence."""
    w, end = trajectory(theta, experiment, NEURON)
    along = w @ target
    across = np.sqrt(np.maximum((w**2).sum(1) - along**2, 0))
    if end is not None:
        said = f"The weights diverge: in step {end} one passes 1000, and the lines end."
    else:
        size = np.sqrt(along[-1] ** 2 + across[-1] ** 2)
        cosine = abs(along[-1]) / size if size > 0 else 0.0
        said = (
            f"In the end the cosine with the component is {cosine:.2f}, and the length "
            f"of the weights {size:.2f}."
        )
    return w, (np.abs(along), across), said


def drawn(axes: Axes, values: np.ndarray) -> str:
    """A line through every few values, and the last."""
    kept = np.unique([*range(0, len(values), EVERY), len(values) - 1])
    return axes.line(np.stack([kept, values[kept]], 1))
