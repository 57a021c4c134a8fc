"""Checks of the assignment Reward rules from choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from plastutor import likelihoods
from plastutor._experiments import make_experiment
from plastutor.networks import BEHAVIOUR, accept_logit, expected_reward
from plastutor.objectives import objective
from plastutor.rules import Orders, taylor, terms
from plastutor.teaching.checks._agreement import agrees
from plastutor.teaching.checks._beside_nothing import beside_nothing

ORDERS = Orders(x=1, w=1, r=1)
LOSS = jax.jit(objective(taylor(ORDERS), likelihoods.accept, network=BEHAVIOUR))


def _loss(theta, odour, accept, reward) -> float:
    """Nats a presentation; odour is -1 where an animal had finished."""
    met = odour >= 0
    animals = make_experiment(
        np.where(met[..., None], 0.75 * np.eye(2)[odour], 0.0),
        w0=np.zeros((2, 10)),
        accept=accept,
        reward=reward,
        valid=met,
    )
    return float(LOSS(theta, animals))


def _session(trials: int) -> dict:
    """What an animal met, did and got."""
    draws = np.random.default_rng(trials)
    odour, accept, paid = draws.integers(2, size=(3, trials))
    return {"odour": odour, "accept": accept * 1.0, "reward": accept * paid * 1.0}


def accept_probability(function: Callable) -> bool:
    """Is `function(x, w)` the probability of accepting the stimulus x?"""
    draws = np.random.default_rng(0)
    cases = [
        {"x": 0.75 * np.eye(2)[odour], "w": size * draws.normal(size=(2, 10))}
        for odour, size in ((0, 0.0), (0, 1.0), (1, 1.0))
    ]
    return agrees(
        function,
        lambda x, w: jax.nn.sigmoid(accept_logit(BEHAVIOUR, x, w)),
        cases,
        "Is it the mean of y, times five?",
    )


def reward_prediction_error(function: Callable) -> bool:
    """Is `function(reward, accept)` the reward less the mean of the last ten?"""
    sessions = [_session(trials) for trials in (1, 6, 30)]
    return agrees(
        function,
        lambda reward, accept: (
            reward - expected_reward(jnp.asarray(reward), accept == 1)
        ),
        [{name: one[name] for name in ("reward", "accept")} for one in sessions],
        "Rejected odours leave no memory.",
    )


def log_likelihood(function: Callable) -> bool:
    """Is `function(theta, odour, accept, reward)` the sum of log p of what was done?"""
    theta = np.asarray(terms(ORDERS, xr=1.0, w=-0.1, one=0.02))
    return agrees(
        function,
        lambda theta, odour, **did: -len(odour) * _loss(theta, odour, **did),
        [{"theta": theta} | _session(trials) for trials in (1, 5, 40)],
        "The weights change by half of the sum, and only after accepting.",
        tolerance=1e-3,
    )


def theta_of_animals(theta: Any, data: Mapping) -> bool:
    """Has `theta`, (2, 1, 2, 2), less loss on `data` than the rule of zeros?"""
    return beside_nothing(
        theta,
        np.zeros((2, 1, 2, 2)),
        lambda theta: _loss(theta, **data),
        "Fit with your log_likelihood, or with `pt.fit` and `pt.accept`.",
    )
