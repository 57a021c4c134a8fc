"""Checks of Forgetting in flies."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from plastutor.likelihoods import choice_probability
from plastutor.networks import expected_reward
from plastutor.teaching.checks._agreement import agrees


def half_time(function: Callable) -> bool:
    """Is `function(theta_w)` the number of trials in which half is forgotten?"""
    return agrees(
        function,
        lambda theta_w: np.log(0.5) / np.log(1 + theta_w / 2),
        [{"theta_w": theta_w} for theta_w in (-0.5, -0.4, -0.1)],
        "Each trial leaves the share 1 + theta_w / 2 of what the trial before left.",
    )


def choice_a(function: Callable) -> bool:
    """Is `function(logit_a, logit_b)` the probability p_A / (p_A + p_B)?"""

    def reference(logit_a, logit_b):
        return choice_probability(jnp.array([logit_a, logit_b]))[0]

    return agrees(
        function,
        reference,
        [
            {"logit_a": a, "logit_b": b}
            for a, b in ((0.0, 0.0), (1.0, -1.0), (-2.0, 3.0))
        ],
        "Turn each log-odds into a probability of accepting first: 1 / (1 + e^-logit).",
    )


def expected_of_ten(function: Callable) -> bool:
    """Is `function(reward)` the mean of the ten rewards before each trial?"""

    def reference(reward):
        return expected_reward(jnp.asarray(reward), jnp.ones(len(reward), bool), 10)

    return agrees(
        function,
        reference,
        [{"reward": np.ones(3)}, {"reward": np.arange(25) % 3 / 2.0}],
        "Put ten zeros in front, and leave the current reward out.",
    )
