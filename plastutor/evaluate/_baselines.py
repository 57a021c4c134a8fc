"""Baselines: what predicts choices or activity without a plasticity rule.

Each is a function of theta and data like any `objective`, so `fit` and `leave_one_out`
serve them as they serve a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from plastutor import likelihoods
from plastutor._types import Experiment, Trajectory
from plastutor.networks import RECORDED, Network
from plastutor.objectives import Objective


def _chosen(data: Experiment) -> Float[Array, "*exp time option"]:
    """1 at the option that was chosen; all 0 where none was."""
    if data.choice is None or data.options is None:
        raise ValueError(
            "This baseline needs choices; pass options= and choice= to "
            "make_experiment, or read a table with read_choices."
        )
    made = jax.nn.one_hot(data.choice, data.options.shape[-2], dtype=data.reward.dtype)
    return made * data.valid[..., None]


def _as_options(value):
    """A trajectory in which each option has a value, for `softmax_choice`."""
    return Trajectory(None, value, option_logit=value)


@lru_cache  # one function for the same lags, so that JAX compiles it once
def _history(lags: int) -> Callable:
    """(theta, data) -> the value of every option, from the last `lags` trials."""

    def predict(theta, data):
        chosen = _chosen(data)
        events = jnp.stack([data.reward[..., None] * chosen, chosen], -1)
        pad = [(0, 0)] * (events.ndim - 3) + [(lags, 0), (0, 0), (0, 0)]
        padded, steps = jnp.pad(events, pad), events.shape[-3]
        value = jnp.zeros_like(chosen)
        for lag in range(1, lags + 1):
            past = padded[..., lags - lag : lags - lag + steps, :, :]
            value += past @ theta.reshape(lags, 2)[lag - 1]
        return _as_options(value)

    return predict


def logistic_regression(lags: int = 10, *, penalty: float = 0.0) -> Objective:
    """Regression of a choice on the last `lags` rewards and choices.

    theta has 2 * lags weights: for each lag, one for a choice that was rewarded (times
    the reward) and one for a choice. They add to the value of the option that was
    chosen then; a softmax of the values gives the next choice. There is no intercept.
    With two options it is the logistic regression used for matching by Lau and
    Glimcher (2005); with `lags=1` it is win-stay-lose-shift.

    Args:
        lags: how many past trials are looked at.
        penalty: strength of the L2 penalty, added as penalty * sum theta^2.

    >>> float(logistic_regression(10, penalty=0.1).penalty(jnp.ones(20)).round(2))
    2.0
    """
    return Objective(_history(lags), likelihoods.softmax_choice, _l2(penalty))


@lru_cache
def _l2(strength):
    return Partial(_l2_norm, strength)


def _l2_norm(strength, theta):
    return strength * (theta**2).sum()


def q_learning() -> Objective:
    """Q-learning with forgetting: a value for each option, a softmax choice.

    The chosen option's value moves toward the reward, Q += alpha (R - Q); those of the
    others decay, Q *= 1 - forget; P(k) is the softmax of beta Q_k (Ito and Doya 2009).
    theta = (logit alpha, logit forget, log beta), so that any numbers are legal.

    >>> theta = jnp.zeros(3)  # alpha = forget = 1/2, beta = 1
    """
    return Objective(_q_values, likelihoods.softmax_choice, None)


def _q_values(theta, data):
    alpha, forget = jax.nn.sigmoid(theta[0]), jax.nn.sigmoid(theta[1])

    def step(q, now):
        chosen, reward = now
        learned = q + alpha * (reward[..., None] - q)
        kept = jnp.where(chosen > 0, learned, (1 - forget) * q)
        return jnp.where(chosen.any(-1, keepdims=True), kept, q), q

    chosen = jnp.moveaxis(_chosen(data).astype(theta.dtype), -2, 0)
    reward = jnp.moveaxis(data.reward.astype(theta.dtype), -1, 0)
    q = jax.lax.scan(step, jnp.zeros_like(chosen[0]), (chosen, reward))[1]
    return _as_options(jnp.exp(theta[2]) * jnp.moveaxis(q, 0, -2))


def fixed_weights(network: Network = RECORDED) -> Objective:
    """Recorded activity without plasticity: weights that never change.

    theta are the weights (pre, post), the same in all experiments. What beats this can
    have learned; what only beats weights drawn at random need not have.

    Args:
        network: its activation gives the activity from x @ theta.

    >>> import plastutor as pt
    >>> one = pt.make_experiment([[0.0]], w0=[[0.0]], activity=[[0.5]])
    >>> float(fixed_weights()(jnp.zeros((1, 1)), one))
    0.0
    """
    return Objective(_fixed(network), likelihoods.activity, None)


@lru_cache
def _fixed(network: Network) -> Callable:
    def predict(theta, data):
        return Trajectory(None, network.activation(data.x @ theta))

    return predict
