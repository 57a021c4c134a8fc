"""Checks of Learning while it happens."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from plastutor.teaching.checks._agreement import agrees


def local_trace(function: Callable) -> bool:
    """Is `function(trace, of_w, of_theta)` the local slope of a weight, a step on?"""

    def reference(trace, of_w, of_theta):
        return (1 + of_w) * trace + of_theta

    rows = np.random.default_rng(0).normal(size=(4, 3)).round(2)
    return agrees(
        function,
        reference,
        [dict(zip(("trace", "of_w", "of_theta"), row, strict=True)) for row in rows],
        "The old slope stays, is changed through the weight, and gains that of the "
        "step itself.",
    )


def diagonal(function: Callable) -> bool:
    """Is `function(function, at)` the slope of each number over its own input?"""
    curves = (
        (jnp.sin, jnp.cos),
        (jnp.square, lambda v: 2 * v),
        (jnp.exp, jnp.exp),
    )
    slope_of = dict(curves)

    def reference(function, at):
        return slope_of[function](at)

    return agrees(
        function,
        reference,
        [
            {"function": curve, "at": jnp.linspace(-1, 1, size)}
            for (curve, _), size in zip(curves, (1, 3, 4), strict=True)
        ],
        "Move all numbers at once: a tangent of ones. Of a full Jacobian, only the "
        "diagonal is asked for.",
    )


def fewest_kept(function: Callable) -> bool:
    """Is `function(steps)` the least number of sets of weights kept at a time?"""

    def reference(steps):
        return min(-(-steps // length) + length for length in range(1, steps + 1))

    return agrees(
        function,
        reference,
        [{"steps": steps} for steps in (1, 2, 10, 50, 100, 1000)],
        "With b blocks it is b and the steps of one block, steps / b rounded up. Try "
        "all b.",
    )
