"""Checks of Rewards from choices."""

import numpy as np

from plastutor.teaching.checks._agreement import check

DRAWS = np.random.default_rng(0)
ACCEPTS = (
    ([1.0, 0.0, 1.0], 0.5),
    ([1.0, 1.0, 0.0, 1.0], 0.7),
    ([1.0, np.nan, 0.0], 0.5),
)


@check(
    [{"p": p, "trials": trials} for p, trials in ((0.2, 1), (0.2, 3), (0.8, 2))],
    "No reward waits only if none was drawn in any of the trials.",
)
def bait_probability(p, trials):
    """Is `function(p, trials)` how likely a reward waits after so many trials?"""
    return 1 - (1 - p) ** trials


@check(
    [
        {"drawn": np.array(drawn), "taken": np.array(taken)}
        for drawn, taken in (
            ([1, 0, 0, 0], [0, 0, 1, 0]),
            ([1, 1, 0], [1, 0, 0]),
            np.random.default_rng(0).integers(0, 2, (2, 12)),
        )
    ],
    "The reward of a trial is drawn before the odour is taken; what was taken is gone "
    "in the next trial.",
)
def baited_rewards(drawn, taken):
    """Is `function(drawn, taken)` whether a reward waits, trial by trial?"""
    waits, before = [], False
    for new, took in zip(drawn, taken, strict=True):
        waits.append(bool(before or new))
        before = waits[-1] and not took
    return np.array(waits)


@check(
    [
        {
            "accept": np.array(accept),
            "p": DRAWS.uniform(0.1, 0.9, len(accept)),
            "p_nothing": np.full(len(accept), level),
        }
        for accept, level in ACCEPTS
    ],
    "The likelihood of a presentation is p if it was accepted, else 1 - p; leave out "
    "those that are NaN, in both sums.",
)
def deviance_explained(accept, p, p_nothing):
    """Is `function(accept, p, p_nothing)` the percent deviance explained?"""
    there = ~np.isnan(accept)

    def deviance(p):
        likelihood = np.where(accept == 1, p, 1 - p)[there]
        return -2 * np.log(likelihood).sum()

    return 100 * (1 - deviance(p) / deviance(p_nothing))


@check(
    [
        {"estimate": estimate, "curvature": 2.0, "penalty": penalty}
        for estimate, penalty in ((1.0, 0.5), (-1.0, 0.5), (0.1, 0.5), (1.0, 0.0))
    ],
    "Where theta is above zero the derivative is h (theta - estimate) + penalty; theta "
    "cannot go below zero, and then it is zero.",
)
def soft_threshold(estimate, curvature, penalty):
    """Is `function(estimate, curvature, penalty)` the minimum with an L1 penalty?"""
    return np.sign(estimate) * max(abs(estimate) - penalty / curvature, 0)
