"""Checks of Gradients through learning."""

from collections.abc import Callable
from functools import partial, update_wrapper

import jax
import jax.numpy as jnp
import numpy as np

from plastutor.teaching.checks._agreement import agrees, check


@check(
    [
        {"f": f, "a": a, "h": h}
        for f in (np.square, np.exp)
        for a, h in ((1.0, 0.1), (-0.5, 0.01))
    ],
    "Go the same way h to both sides; the two points are 2 h apart.",
    tolerance=1e-6,
)
def central_difference(f, a, h):
    """Does `function(f, a, h)` give (f(a + h) - f(a - h)) / (2 h)?"""
    return (f(a + h) - f(a - h)) / (2 * h)


@check(
    [
        {"theta": np.array([0.5, -0.5]), "gradient": g, "rate": 0.1, "limit": 1.0}
        for g in np.array([[0.3, -0.4], [30.0, -40.0], [0.0, 0.0]])
    ],
    "Only a gradient longer than the limit is shortened, to that limit; its direction "
    "stays.",
)
def clipped_step(theta, gradient, rate, limit):
    """Does `function(theta, gradient, rate, limit)` step down a shortened gradient?"""
    size = np.linalg.norm(gradient)
    return theta - rate * gradient * (limit / size if size > limit else 1.0)


def _gradient_and_value(loss, y, activity):
    """The derivative of a loss by each y, and then the loss; None stays None."""
    value = loss(y, activity)
    if value is None:
        return None
    return jnp.append(jax.grad(loss)(y, activity).ravel(), value)


def masked_loss(function: Callable) -> bool:
    """Does `function(y, activity)` ignore NaN, in its value and in its gradient?"""

    def reference(y, activity):
        recorded = ~jnp.isnan(activity)
        error = jnp.where(recorded, y - jnp.where(recorded, activity, 0), 0)
        return jnp.sum(error**2) / jnp.sum(recorded)

    y = jnp.array([[0.2, 0.4], [0.6, 0.9]])
    cases = [
        {"y": y, "activity": jnp.array(activity)}
        for activity in (
            [[0.1, 0.5], [0.5, 0.7]],
            [[0.1, np.nan], [0.5, 0.7]],
            [[np.nan, np.nan], [0.5, np.nan]],
        )
    ]
    return agrees(
        update_wrapper(partial(_gradient_and_value, function), function),
        partial(_gradient_and_value, reference),
        cases,
        "The numbers compared are the derivative by each y and then the loss. Take NaN "
        "out with jnp.where before you square, and divide by the number of the rest.",
    )
