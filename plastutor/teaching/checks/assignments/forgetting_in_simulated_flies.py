"""Checks of the assignment Forgetting in flies."""

from __future__ import annotations

import jax
import numpy as np

from plastutor import likelihoods
from plastutor._simulate import simulate
from plastutor._types import Rules
from plastutor.data import choice_experiments
from plastutor.networks import Parallel
from plastutor.objectives import objective
from plastutor.rules import Orders, taylor, terms
from plastutor.teaching.checks._agreement import check, check_theta

ORDERS = Orders(x=1, w=1, r=1)
RULES = Rules({"ff": taylor(ORDERS), "kernel": taylor(ORDERS)})
NETWORK = Parallel(tuple(RULES))
LOSS = jax.jit(objective(RULES, likelihoods.choice, network=NETWORK))


def _sessions() -> list[dict]:
    """Rules of the values and of the habit; choices and rewards of the first trials."""
    values, habit = terms(ORDERS, xr=1.0, x=0.2, w=-0.1), terms(ORDERS, x=0.8, w=-0.4)
    theta = np.stack([values, habit])
    choice, reward = np.random.default_rng(0).integers(2, size=(2, 30))
    return [
        {"theta": theta, "choice": choice[:n], "reward": reward[:n] * 1.0}
        for n in (1, 3, 30)
    ]


def _by_projection(theta) -> dict:
    return dict(zip(RULES, theta, strict=True))


@check(
    _sessions,
    "All four weights change in each trial, by half of the sum; values and habits add.",
    tolerance=1e-3,
)
def choice_probability(theta, choice, reward):
    """Is `function(theta, choice, reward)` the probability P(1) before each trial?"""
    fly = choice_experiments([choice], [reward])
    logit = simulate(RULES, _by_projection(theta), fly, network=NETWORK).option_logit
    assert logit is not None  # these experiments have options
    return likelihoods.choice_probability(logit)[0, :, 1]


@check(
    lambda: [{"theta": np.asarray(terms(ORDERS, xr=1.0, w=w))} for w in (-0.2, -0.5)],
    "theta[0, 0, 1, 0] is of w.",
)
def time_constant(theta):
    """Is `function(theta)` the time constant of forgetting, in trials?"""
    return -2 / theta[0, 0, 1, 0]


@check_theta(np.zeros((2, 2, 1, 2, 2)), "Start the fit from several places.")
def theta_of_flies(theta, data):
    """Has `theta`, (2, 2, 1, 2, 2), less loss on `data` than the rule of zeros?"""
    flies = choice_experiments(list(data["choice"]), list(data["reward"]))
    return LOSS(_by_projection(theta), flies)
