"""Checks of How far to trust an inferred rule."""

import numpy as np

from plastutor.teaching.checks._agreement import check

SQUARES = ([[4.0]], [[2.0, 1.9], [1.9, 2.0]], [[5.0, -1.0, 0.0], [-1, 2, 1], [0, 1, 9]])
DONE = np.array([[2.0, 1.9], [1.9, 2.0]])
PLANS = [
    np.array([[3.0, 2.9], [2.9, 3.0]]),  # the most on the diagonal
    np.eye(2),  # the best on its own
    0.01 * np.eye(2),  # the worst
    np.array([[1.0, -0.9], [-0.9, 1.0]]),
]
DIAGONAL = [np.diag([0.0, 1.0]), np.diag([2.0, 0.0]), np.diag([1.0, 5.0])]


@check(
    [{"c": c} for c in (0.0, 0.9, -0.5)],
    "Invert the matrix of rows (1, c) and (c, 1); a half-width goes with the root.",
)
def interval_widening(c):
    """Is `function(c)` how much wider an interval is if both are unknown?"""
    return (1 - c**2) ** -0.5


@check(
    [{"matrix": np.array(one), "k": k} for one in SQUARES for k in range(len(one))],
    "The inverse of the whole matrix is the covariance of all coefficients. One over "
    "an entry of the diagonal is the variance only if all others are known.",
)
def half_width(matrix, k):
    """Is `function(matrix, k)` 1.96 standard deviations of coefficient k?"""
    return 1.96 * np.linalg.inv(matrix)[k, k] ** 0.5


@check(
    [
        {"done": before, "plans": plans, "k": k}
        for before, plans in ((DONE, PLANS), (np.eye(2), DIAGONAL))
        for k in (0, 1)
    ],
    "Information adds up: invert done + plan, and compare the variances of k.",
)
def best_plan(done, plans, k):
    """Is `function(done, plans, k)` the plan after which k is known best?"""
    after = [np.linalg.inv(done + plan)[k, k] for plan in plans]
    return after.index(min(after))
