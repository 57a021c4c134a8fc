"""Checks of the assignment Reward rules from choices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from plastutor import likelihoods
from plastutor._experiments import make_experiment
from plastutor.networks import BEHAVIOUR, accept_logit, expected_reward
from plastutor.objectives import objective
from plastutor.rules import Orders, taylor, terms
from plastutor.teaching.checks._agreement import check, check_theta

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


def _stimuli_and_weights() -> list[dict]:
    draws = np.random.default_rng(0)
    return [
        {"x": 0.75 * np.eye(2)[odour], "w": size * draws.normal(size=(2, 10))}
        for odour, size in ((0, 0.0), (0, 1.0), (1, 1.0))
    ]


@check(_stimuli_and_weights, "Is it the mean of y, times five?")
def accept_probability(x, w):
    """Is `function(x, w)` the probability of accepting the stimulus x?"""
    return jax.nn.sigmoid(accept_logit(BEHAVIOUR, x, w))


@check(
    lambda: [
        {name: values for name, values in _session(trials).items() if name != "odour"}
        for trials in (1, 6, 30)
    ],
    "Rejected odours leave no memory.",
)
def reward_prediction_error(reward, accept):
    """Is `function(reward, accept)` the reward less the mean of the last ten?"""
    return reward - expected_reward(jnp.asarray(reward), accept == 1)


def _sessions() -> list[dict]:
    theta = np.asarray(terms(ORDERS, xr=1.0, w=-0.1, one=0.02))
    return [{"theta": theta} | _session(trials) for trials in (1, 5, 40)]


@check(
    _sessions,
    "The weights change by half of the sum, and only after accepting.",
    tolerance=1e-3,
)
def log_likelihood(theta, odour, accept, reward):
    """Is `function(theta, odour, accept, reward)` the sum of log p of what was done?"""
    return -len(odour) * _loss(theta, odour, accept, reward)


@check_theta(
    np.zeros((2, 1, 2, 2)),
    "Fit with your log_likelihood, or with `pt.fit` and `pt.accept`.",
)
def theta_of_animals(theta, data):
    """Has `theta`, (2, 1, 2, 2), less loss on `data` than the rule of zeros?"""
    return _loss(theta, **data)
