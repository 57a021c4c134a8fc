"""Checks of JAX in ten minutes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees


def traces(function: Callable) -> bool:
    """Is `function(sizes)` how often a compiled function is traced, call by call?"""
    return agrees(
        function,
        lambda sizes: len(set(sizes)),
        [{"sizes": sizes} for sizes in ([3, 3], [2, 2, 5], [2, 5, 2, 5])],
        "A program is compiled once for each size, and kept.",
    )


def derivatives(function: Callable) -> bool:
    """Does `function(x, y, w)` give -y^2, the slope of Oja's rule in w, everywhere?"""
    cases = [
        {"x": np.ones(1), "y": np.array([0.5]), "w": np.ones((1, 1))},
        {"x": np.ones(3), "y": np.array([0.8, 0.1]), "w": np.ones((3, 2))},
        {"x": np.arange(2.0), "y": np.arange(4.0), "w": np.arange(8.0).reshape(2, 4)},
    ]
    return agrees(
        function,
        lambda x, y, w: np.broadcast_to(-(y**2), w.shape),
        cases,
        "Differentiate oja for one synapse with jax.grad(oja, argnums=2), then map it "
        "over the outputs with in_axes (None, 0, 0) and over the inputs with "
        "(0, None, 0).",
    )


def running_expectation(function: Callable) -> bool:
    """Does `function(reward, rate)` give the expectation before each reward?"""

    def reference(reward, rate):
        expected = np.zeros(len(reward))
        for t in range(len(reward) - 1):
            expected[t + 1] = expected[t] + rate * (reward[t] - expected[t])
        return expected

    cases = [
        {"reward": np.array([1.0, 0.0, 0.0]), "rate": 1.0},
        {"reward": np.array([1.0, 1.0, 0.0]), "rate": 0.5},
        {"reward": np.array([0.0, 1.0, 0.0, 1.0, 1.0]), "rate": 0.1},
    ]
    return agrees(
        function,
        reference,
        cases,
        "The step of the scan gets e and one reward; it returns the new e, and the old "
        "one to keep.",
    )
