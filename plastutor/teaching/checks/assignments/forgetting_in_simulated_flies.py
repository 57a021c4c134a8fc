"""Checks of the assignment Forgetting in flies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from plastutor import likelihoods
from plastutor._simulate import simulate
from plastutor.data import choice_experiments
from plastutor.networks import FLY
from plastutor.objectives import objective
from plastutor.rules import Orders, taylor, terms
from plastutor.teaching.checks._agreement import agrees
from plastutor.teaching.checks._beside_nothing import beside_nothing

ORDERS = Orders(x=1, w=1, r=1)
RULE = taylor(ORDERS)
LOSS = jax.jit(objective(RULE, likelihoods.choice, network=FLY))


def choice_probability(function: Callable) -> bool:
    """Is `function(theta, choice, reward)` the probability P(1) before each trial?"""

    def reference(theta, choice, reward):
        fly = choice_experiments([choice], [reward])
        logit = simulate(RULE, theta, fly, network=FLY).option_logit
        assert logit is not None  # these experiments have options
        return likelihoods.choice_probability(logit)[0, :, 1]

    draws = np.random.default_rng(0)
    theta = np.asarray(terms(ORDERS, xr=1.0, x=0.2, w=-0.1))
    choice, reward = draws.integers(2, size=(2, 30))
    return agrees(
        function,
        reference,
        [
            {"theta": theta, "choice": choice[:n], "reward": reward[:n] * 1.0}
            for n in (1, 3, 30)
        ],
        "Both weights change in each trial, by half of the sum.",
        tolerance=1e-3,
    )


def time_constant(function: Callable) -> bool:
    """Is `function(theta)` the time constant of forgetting, in trials?"""
    return agrees(
        function,
        lambda theta: -2 / theta[0, 0, 1, 0],
        [{"theta": np.asarray(terms(ORDERS, xr=1.0, w=w))} for w in (-0.2, -0.5)],
        "theta[0, 0, 1, 0] is of w.",
    )


def theta_of_flies(theta: Any, data: Mapping) -> bool:
    """Has `theta`, (2, 1, 2, 2), less loss on `data` than the rule of zeros?"""
    flies = choice_experiments(list(data["choice"]), list(data["reward"]))
    return beside_nothing(
        theta,
        np.zeros((2, 1, 2, 2)),
        lambda theta: LOSS(theta, flies),
        "Start the fit from several places.",
    )
