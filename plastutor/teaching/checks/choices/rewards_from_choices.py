"""Checks of Rewards from choices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees


def reward_waits(function: Callable) -> bool:
    """Is `function(p, trials)` how likely a reward waits after so many trials?"""
    cases = ((0.2, 1), (0.2, 3), (0.8, 2))
    return agrees(
        function,
        lambda p, trials: 1 - (1 - p) ** trials,
        [{"p": p, "trials": trials} for p, trials in cases],
        "No reward waits only if none was drawn in any of the trials.",
    )


def baited(function: Callable) -> bool:
    """Is `function(drawn, taken)` whether a reward waits, trial by trial?"""

    def reference(drawn, taken):
        waits, found = False, []
        for new, took in zip(drawn, taken, strict=True):
            waits = bool(waits or new)
            found.append(waits)
            waits = waits and not took
        return np.array(found)

    draws = np.random.default_rng(0)
    cases = [
        {"drawn": np.array([1, 0, 0, 0]), "taken": np.array([0, 0, 1, 0])},
        {"drawn": np.array([1, 1, 0]), "taken": np.array([1, 0, 0])},
        dict(zip(("drawn", "taken"), draws.integers(0, 2, (2, 12)), strict=True)),
    ]
    return agrees(
        function,
        reference,
        cases,
        "The reward of a trial is drawn before the odour is taken; what was taken is "
        "gone in the next trial.",
    )


def deviance_explained(function: Callable) -> bool:
    """Is `function(accept, p, p_nothing)` the percent deviance explained?"""

    def reference(accept, p, p_nothing):
        there = ~np.isnan(accept)

        def deviance(p):
            likelihood = np.where(accept == 1, p, 1 - p)[there]
            return -2 * np.log(likelihood).sum()

        return 100 * (1 - deviance(p) / deviance(p_nothing))

    draws = np.random.default_rng(0)
    cases = [
        {
            "accept": np.array(accept),
            "p": draws.uniform(0.1, 0.9, len(accept)),
            "p_nothing": np.full(len(accept), level),
        }
        for accept, level in (
            ([1.0, 0.0, 1.0], 0.5),
            ([1.0, 1.0, 0.0, 1.0], 0.7),
            ([1.0, np.nan, 0.0], 0.5),
        )
    ]
    return agrees(
        function,
        reference,
        cases,
        "The likelihood of a presentation is p if it was accepted, else 1 - p; leave "
        "out those that are NaN, in both sums.",
    )


def shrunk(function: Callable) -> bool:
    """Is `function(estimate, curvature, penalty)` the minimum with an L1 penalty?"""
    cases = [
        {"estimate": estimate, "curvature": 2.0, "penalty": penalty}
        for estimate, penalty in ((1.0, 0.5), (-1.0, 0.5), (0.1, 0.5), (1.0, 0.0))
    ]
    return agrees(
        function,
        lambda estimate, curvature, penalty: (
            np.sign(estimate) * max(abs(estimate) - penalty / curvature, 0)
        ),
        cases,
        "Where theta is above zero the slope is h (theta - estimate) + penalty; it "
        "cannot go below zero, and then theta is zero.",
    )
