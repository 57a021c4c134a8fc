"""Checks of A rule of unknown form."""

from math import comb

import numpy as np

from plastutor.infer import predicted_gains
from plastutor.teaching.checks._agreement import check

DRAWS = np.random.default_rng(0)
ROOT = np.random.default_rng(0).normal(size=(6, 4))
HARD = np.array([0.0, 1.0, 2.0, 3.0])  # the loss on each experiment
WOBBLE = np.array([1.0, -1.0, 1.0, -1.0])
LOSSES = np.stack([5 + HARD, HARD + 0.1 + WOBBLE, HARD])


@check(
    [{"most": most} for most in (1, 2, 5)],
    "Add up the sets of each size; in a set the order does not count.",
)
def count_term_sets(most):
    """Is `function(most)` the number of sets of one to `most` of 27 terms?"""
    return sum(comb(27, size) for size in range(1, most + 1))


@check(
    [
        {"dw": dw, "approximation": approximation}
        for dw in DRAWS.normal(1.0, 2.0, (2, 6))
        for approximation in (dw + 0.5, 0.5 * dw)
    ],
    "Compare the variance of what is left over with the variance of dw.",
)
def explained_variance(dw, approximation):
    """Is `function(dw, approximation)` the explained share of the variance of dw?"""
    return 1 - np.var(dw - approximation) / np.var(dw)


@check(
    [
        {
            "gradient": np.array(gradient),
            "matrix": ROOT.T @ ROOT,
            "kept": kept,
            "new": 3,
        }
        for gradient, kept in (
            ([0.0, 1.0, 2.0, -3.0], [0]),
            ([0.0, 0.0, 2.0, 1.5], [0, 1]),
        )
    ],
    "The curvature is H_kk - H_kA H_AA^-1 H_Ak, with np.ix_(kept, kept) for H_AA; the "
    "gain is half the squared gradient over it.",
)
def predicted_gain(gradient, matrix, kept, new):
    """Is `function(gradient, matrix, kept, new)` the predicted gain of one more term?

    The terms in the list `kept` are at their optimum, so that their gradient is zero.
    """
    free = np.isin(np.arange(len(gradient)), kept)
    return predicted_gains(0 * gradient, gradient, matrix, free)[-1, new]


@check(
    [
        {"losses": losses, "size": np.arange(3)}
        for losses in (
            LOSSES,
            LOSSES - 0.09 * WOBBLE,
            np.stack([5 + HARD, HARD + 0.1, HARD]),
            LOSSES + [[0], [0.6], [0]],
        )
    ],
    "Subtract the losses of the best set, experiment by experiment; the standard error "
    "is that of the mean of these differences.",
)
def one_standard_error_rule(losses, size):
    """Is `function(losses, size)` the smallest set within one standard error?"""
    worse = losses - losses[losses.mean(1).argmin()]
    error = worse.std(1, ddof=1) / np.sqrt(worse.shape[1])
    return np.flatnonzero(worse.mean(1) <= error)[0]
