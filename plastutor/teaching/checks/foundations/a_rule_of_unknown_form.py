"""Checks of A rule of unknown form."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np

from plastutor.infer import predicted_gains
from plastutor.teaching.checks._agreement import agrees


def sets_of_terms(function: Callable) -> bool:
    """Is `function(most)` the number of sets of one to `most` of 27 terms?"""
    return agrees(
        function,
        lambda most: sum(comb(27, size) for size in range(1, most + 1)),
        [{"most": most} for most in (1, 2, 5)],
        "Add up the sets of each size; in a set the order does not count.",
    )


def explained_share(function: Callable) -> bool:
    """Is `function(dw, approximation)` the explained share of the variance of dw?"""
    draws = np.random.default_rng(0)
    cases = [
        {"dw": dw, "approximation": approximation}
        for dw in draws.normal(1.0, 2.0, (2, 6))
        for approximation in (dw + 0.5, 0.5 * dw)
    ]
    return agrees(
        function,
        lambda dw, approximation: 1 - np.var(dw - approximation) / np.var(dw),
        cases,
        "Compare the variance of what is left over with the variance of dw.",
    )


def gain_of_adding(function: Callable) -> bool:
    """Is `function(gradient, matrix, kept, new)` the predicted gain of one more term?

    The terms in the list `kept` are at their optimum, so that their gradient is zero.
    """

    def reference(gradient, matrix, kept, new):
        free = np.isin(np.arange(len(gradient)), kept)
        return predicted_gains(0 * gradient, gradient, matrix, free)[-1, new]

    root = np.random.default_rng(0).normal(size=(6, 4))
    cases = [
        {"gradient": np.array(slopes), "matrix": root.T @ root, "kept": kept, "new": 3}
        for slopes, kept in (
            ([0.0, 1.0, 2.0, -3.0], [0]),
            ([0.0, 0.0, 2.0, 1.5], [0, 1]),
        )
    ]
    return agrees(
        function,
        reference,
        cases,
        "The curvature is H_kk - H_kA H_AA^-1 H_Ak, with np.ix_(kept, kept) for H_AA; "
        "the gain is half the squared slope over it.",
    )


def smallest_as_good(function: Callable) -> bool:
    """Is `function(losses, size)` the smallest set within one standard error?"""
    hard = np.array([0.0, 1.0, 2.0, 3.0])
    wobble = np.array([1.0, -1.0, 1.0, -1.0])
    losses = np.stack([5 + hard, hard + 0.1 + wobble, hard])
    cases = [
        {"losses": losses, "size": np.array([0, 1, 2])},
        {"losses": losses - 0.09 * wobble, "size": np.array([0, 1, 2])},
        {"losses": np.stack([5 + hard, hard + 0.1, hard]), "size": np.arange(3)},
        {"losses": losses + [[0], [0.6], [0]], "size": np.arange(3)},
    ]

    def reference(losses, size):
        worse = losses - losses[losses.mean(1).argmin()]
        error = worse.std(1, ddof=1) / np.sqrt(worse.shape[1])
        return np.flatnonzero(worse.mean(1) <= error)[0]

    return agrees(
        function,
        reference,
        cases,
        "Subtract the losses of the best set, experiment by experiment; the standard "
        "error is that of the mean of these differences.",
    )
