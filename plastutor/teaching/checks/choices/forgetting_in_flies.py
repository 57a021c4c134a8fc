"""Checks of Forgetting in flies."""

import jax.numpy as jnp
import numpy as np

from plastutor import networks
from plastutor.likelihoods import choice_probability
from plastutor.teaching.checks._agreement import check


@check(
    [{"theta_w": theta_w} for theta_w in (-0.5, -0.4, -0.1)],
    "Each trial leaves the share 1 + theta_w / 2 of what the trial before left.",
)
def half_time(theta_w):
    """Is `function(theta_w)` the number of trials in which half is forgotten?"""
    return np.log(0.5) / np.log(1 + theta_w / 2)


@check(
    [{"logit_a": a, "logit_b": b} for a, b in ((0.0, 0.0), (1.0, -1.0), (-2.0, 3.0))],
    "Turn each log-odds into a probability of accepting first: 1 / (1 + e^-logit).",
)
def probability_of_a(logit_a, logit_b):
    """Is `function(logit_a, logit_b)` the probability p_A / (p_A + p_B)?"""
    return choice_probability(jnp.array([logit_a, logit_b]))[0]


@check(
    [{"reward": np.ones(3)}, {"reward": np.arange(25) % 3 / 2.0}],
    "Put ten zeros in front, and leave the current reward out.",
)
def expected_reward(reward):
    """Is `function(reward)` the mean of the ten rewards before each trial?"""
    every = jnp.ones(len(reward), bool)
    return networks.expected_reward(jnp.asarray(reward), every, 10)
