"""Checks of Forgetting in flies."""

import jax.numpy as jnp
import numpy as np

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
    [
        {"choice": np.array(choice), "b": b, "rho": rho}
        for choice, b, rho in (
            ([0, 0, 1], 1.0, 0.5),
            ([1, 0, 1, 1], 2.0, 0.25),
            (np.arange(30) % 4 // 3, 3.0, 0.1),
        )
    ],
    "Both traces start at 0. Before a trial write down b times the traces; after it "
    "both move by the share rho: the chosen odour's toward 1, the other's toward 0.",
)
def choice_kernel(choice, b, rho):
    """Is `function(choice, b, rho)` what a habit adds to both, before each trial?"""
    trace, before = np.zeros(2), []
    for chosen in choice:
        before.append(b * trace)
        trace = (1 - rho) * trace + rho * np.eye(2)[chosen]
    return np.array(before)
