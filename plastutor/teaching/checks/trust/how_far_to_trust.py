"""Checks of How far to trust an inferred rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees

SQUARES = ([[4.0]], [[2.0, 1.9], [1.9, 2.0]], [[5.0, -1.0, 0.0], [-1, 2, 1], [0, 1, 9]])


def widening(function: Callable) -> bool:
    """Is `function(c)` how much wider an interval is if both are unknown?"""
    return agrees(
        function,
        lambda c: (1 - c**2) ** -0.5,
        [{"c": c} for c in (0.0, 0.9, -0.5)],
        "Invert the matrix of rows (1, c) and (c, 1); a half-width goes with the root.",
    )


def half_width(function: Callable) -> bool:
    """Is `function(matrix, k)` 1.96 standard deviations of coefficient k?"""

    def reference(matrix, k):
        return 1.96 * np.linalg.inv(matrix)[k, k] ** 0.5

    return agrees(
        function,
        reference,
        [{"matrix": np.array(one), "k": k} for one in SQUARES for k in range(len(one))],
        "The inverse of the whole matrix is the covariance of all coefficients. One "
        "over an entry of the diagonal is the variance only if all others are known.",
    )


def best_plan(function: Callable) -> bool:
    """Is `function(done, plans, k)` the plan after which k is known best?"""

    def reference(done, plans, k):
        after = [np.linalg.inv(done + plan)[k, k] for plan in plans]
        return after.index(min(after))

    done = np.array([[2.0, 1.9], [1.9, 2.0]])
    plans = [
        np.array([[3.0, 2.9], [2.9, 3.0]]),  # the most on the diagonal
        np.eye(2),  # the best on its own
        0.01 * np.eye(2),  # the worst
        np.array([[1.0, -0.9], [-0.9, 1.0]]),
    ]
    lonely = [np.diag([0.0, 1.0]), np.diag([2.0, 0.0]), np.diag([1.0, 5.0])]
    return agrees(
        function,
        reference,
        [
            {"done": before, "plans": given, "k": k}
            for before, given in ((done, plans), (np.eye(2), lonely))
            for k in (0, 1)
        ],
        "Information adds up: invert done + plan, and compare the variances of k.",
    )
