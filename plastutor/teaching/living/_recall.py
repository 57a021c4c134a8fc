"""Recall: phases of neurons that walk from a cue to a stored pattern."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from plastutor.memory import (
    Gabor,
    VonMises,
    recall as climb,
    recall_error,
    store,
    weight_moments,
)
from plastutor.teaching.living._figure import Axes, Living, Series, Slider, frame

PRIOR, RULE = VonMises(0.0, 0.5), Gabor(1.0, 4.0, 0.0)
NEURONS, PATTERNS = 50, 40  # as many as a page recalls at once
N_STEPS, DT = 30, 0.5
FIRST = {"patterns": 5, "blur": 0.3}
INNER = 0.35  # the radius at which a walk begins; it ends at 1


def recall(key: Key[Array, ""]) -> Living:
    """Phases on a circle that walk home, with the load and the cue as sliders.

    Args:
        key: for the patterns and what blurs the cue; both are rounded, which is what
            the script gets.

    >>> recall(jax.random.key(0)).status
    'With 5 stored patterns the error falls from 0.28 to 0.15 radians.'
    """
    key_patterns, key_cue = jax.random.split(key)
    patterns = np.round(PRIOR.sample(key_patterns, (PATTERNS, NEURONS)), 2)
    blur = np.round(jax.random.normal(key_cue, (NEURONS,)), 2)
    off, errors = walk(patterns[: FIRST["patterns"]], blur, FIRST["blur"])
    axes = Axes(x=(-2.05, 2.05), y=(-1.2, 1.2))  # a circle on the page
    _, variance = weight_moments(RULE, PRIOR, 1)
    return Living(
        data={
            "kind": "recall",
            "axes": axes.spec(),
            "patterns": patterns.tolist(),
            "blur": blur.tolist(),
            "concentration": PRIOR.concentration,
            "sharpness": RULE.sharpness,
            "variance": float(variance),
            "squared": _squared_derivative(),
            "steps": N_STEPS,
            "dt": DT,
            "inner": INNER,
        },
        alt=f"Walks of {NEURONS} neurons from inside a circle, where the cue puts "
        "them, to its rim: the angle is the phase, from the stored one, which is to "
        "the right.",
        svg=frame(axes, "stored phase to the right; from the cue outwards", "", {}, {}),
        series=[
            Series("still", "null", spokes(axes, off[[0, 0]]), "without synapses"),
            Series("walk", "model", spokes(axes, off), "recall"),
            Series("home", "truth", axes.line([(INNER, 0), (1.15, 0)]), "stored phase"),
        ],
        controls=[
            Slider("patterns", "stored patterns", 2, PATTERNS, 1, FIRST["patterns"]),
            Slider("blur", "noise of the cue (rad)", 0.1, 0.8, 0.05, FIRST["blur"]),
        ],
        status=_status(FIRST["patterns"], errors),
    )


def walk(patterns, blur, level: float) -> tuple[np.ndarray, tuple[float, float]]:
    """Phases from those of the first pattern, (step, unit); the error at both ends."""
    patterns = jnp.asarray(patterns, float)
    noise, cue = VonMises(0.0, 1 / level**2), patterns[0] + level * jnp.asarray(blur)
    how: dict[str, Any] = {"n_steps": N_STEPS, "dt": DT, "n_patterns": len(patterns)}
    path = climb(cue, store(RULE, patterns), RULE, PRIOR, noise, **how).path
    ends = (float(recall_error(x, patterns[0], PRIOR)) for x in (path[0], path[-1]))
    first, last = ends
    return np.asarray(PRIOR.difference(path, patterns[:1])), (first, last)


def spokes(axes: Axes, off: np.ndarray) -> str:
    """A line for each neuron: its phase is the angle, the radius grows by the step."""
    radius = np.linspace(INNER, 1, len(off))[:, None]
    points = np.stack([radius * np.cos(off), radius * np.sin(off)], -1)
    return "".join(axes.line(points[:, k]) for k in range(off.shape[1]))


def _squared_derivative() -> float:
    """The mean square of the coupling, which sets the unit of time."""
    nodes, weights = (np.asarray(v) for v in PRIOR.nodes())
    d = nodes[:, None] - nodes[None]
    shape = np.exp(RULE.sharpness * (np.cos(d) - 1))
    coupling = shape * (np.cos(d) - RULE.sharpness * np.sin(d) ** 2)
    return float(weights @ coupling**2 @ weights)


def _status(patterns: int, errors: tuple[float, float]) -> str:
    verb = "falls" if errors[1] < errors[0] else "rises"
    return (
        f"With {patterns} stored patterns the error {verb} from {errors[0]:.2f} to "
        f"{errors[1]:.2f} radians."
    )
