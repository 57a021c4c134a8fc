"""Checks of Learning while it happens."""

import jax.numpy as jnp
import numpy as np

from plastutor.teaching.checks._agreement import check

CURVES = {jnp.sin: jnp.cos, jnp.square: lambda v: 2 * v, jnp.exp: jnp.exp}
ROWS = np.random.default_rng(0).normal(size=(4, 3)).round(2)


@check(
    [dict(zip(("trace", "of_w", "of_theta"), row, strict=True)) for row in ROWS],
    "The old sensitivity stays, is changed through the weight, and gains that of the "
    "step itself.",
)
def eligibility_trace(trace, of_w, of_theta):
    """Is `function(trace, of_w, of_theta)` the trace of a weight, a step on?"""
    return (1 + of_w) * trace + of_theta


@check(
    lambda: [
        {"function": curve, "at": jnp.linspace(-1, 1, size)}
        for curve, size in zip(CURVES, (1, 3, 4), strict=True)
    ],
    "Move all numbers at once: a tangent of ones. Of a full Jacobian, only the "
    "diagonal is asked for.",
)
def jacobian_diagonal(function, at):
    """Is `function(function, at)` the derivative of each number by its own input?"""
    return CURVES[function](at)


@check(
    [{"steps": steps} for steps in (1, 2, 10, 50, 100, 1000)],
    "With b blocks it is b and the steps of one block, steps / b rounded up. Try all "
    "b.",
)
def fewest_stored(steps):
    """Is `function(steps)` the least number of sets of weights stored at a time?"""
    return min(-(-steps // length) + length for length in range(1, steps + 1))
