"""Checks of Gradients through learning."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np

from plastutor.teaching.checks._agreement import agrees


def central_difference(function: Callable) -> bool:
    """Does `function(f, a, h)` give (f(a + h) - f(a - h)) / (2 h)?"""
    cases = [
        {"f": f, "a": a, "h": h}
        for f in (np.square, np.exp)
        for a, h in ((1.0, 0.1), (-0.5, 0.01))
    ]
    return agrees(
        function,
        lambda f, a, h: (f(a + h) - f(a - h)) / (2 * h),
        cases,
        "Go the same way h to both sides; the two points are 2 h apart.",
        tolerance=1e-6,
    )


def clipped_step(function: Callable) -> bool:
    """Does `function(theta, gradient, rate, limit)` step down a shortened gradient?"""
    theta = np.array([0.5, -0.5])
    cases = [
        {"theta": theta, "gradient": np.array(g), "rate": 0.1, "limit": 1.0}
        for g in ([0.3, -0.4], [30.0, -40.0], [0.0, 0.0])
    ]

    def reference(theta, gradient, rate, limit):
        size = np.linalg.norm(gradient)
        return theta - rate * gradient * (limit / size if size > limit else 1.0)

    return agrees(
        function,
        reference,
        cases,
        "Only a gradient longer than the limit is shortened, to that limit; its "
        "direction stays.",
    )


def masked_loss(function: Callable) -> bool:
    """Does `function(y, activity)` ignore NaN, in its value and in its gradient?"""

    def with_slope(loss):
        @wraps(loss)
        def both(y, activity):
            value = loss(y, activity)
            if value is None:
                return None
            return jnp.append(jax.grad(loss)(y, activity).ravel(), value)

        return both

    def reference(y, activity):
        seen = ~jnp.isnan(activity)
        error = jnp.where(seen, y - jnp.where(seen, activity, 0), 0)
        return jnp.sum(error**2) / jnp.sum(seen)

    y = jnp.array([[0.2, 0.4], [0.6, 0.9]])
    cases = [
        {"y": y, "activity": jnp.array(seen)}
        for seen in (
            [[0.1, 0.5], [0.5, 0.7]],
            [[0.1, np.nan], [0.5, 0.7]],
            [[np.nan, np.nan], [0.5, np.nan]],
        )
    ]
    return agrees(
        with_slope(function),
        with_slope(reference),
        cases,
        "The numbers compared are the slopes along each y and then the loss. Take NaN "
        "out with jnp.where before you square, and divide by the count of the rest.",
    )
