"""Baselines: what predicts two-option choices without a plasticity rule.

Each is a function of theta and data like any `objective`, so `fit` and `leave_one_out`
serve them as they serve a rule.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor.losses import Objective
from plastutor.types import Experiment

__all__ = ["logistic_regression", "q_learning"]


def _signed_choice(data: Experiment):
    """+1 for the first option, -1 for the second, 0 for none; (exp, time)."""
    if data.choice is None or data.options is None or data.options.shape[-2] != 2:
        raise ValueError("This baseline needs choices between two options.")
    made = (data.choice >= 0) & data.valid
    return jnp.where(made, 1 - 2 * data.choice, 0).astype(data.reward.dtype)


def _signed_loss(logit: Float[Array, "*exp time"], data: Experiment):
    """Mean negative log-likelihood, where logit is the log-odds of the first option."""
    sign = _signed_choice(data)
    made = sign != 0
    return -jnp.sum(jnp.where(made, jax.nn.log_sigmoid(sign * logit), 0)) / made.sum()


def logistic_regression(lags: int = 10, *, penalty: float = 0.0) -> Objective:
    """Logistic regression of a choice on the last `lags` rewarded choices and choices.

    theta has 2 * lags weights: for each lag, one for reward x choice and one for
    choice (choice = +1 or -1); there is no intercept. It is the form used for matching
    by Lau and Glimcher (2005).

    Args:
        lags: how many past trials are looked at.
        penalty: strength of the L2 penalty, added as penalty * sum theta^2.

    >>> float(logistic_regression(10, penalty=0.1).penalty(jnp.ones(20)).round(2))
    2.0
    """

    def predict(theta, data):
        choice = _signed_choice(data)
        events = jnp.stack([data.reward * choice, choice], -1)
        pad = [(0, 0)] * (events.ndim - 2) + [(lags, 0), (0, 0)]
        padded, steps = jnp.pad(events, pad), events.shape[-2]
        logit = jnp.zeros_like(choice)
        for lag in range(1, lags + 1):
            past = padded[..., lags - lag : lags - lag + steps, :]
            logit += past @ theta.reshape(lags, 2)[lag - 1]
        return logit

    return Objective(predict, _signed_loss, lambda theta: penalty * (theta**2).sum())


def q_learning() -> Objective:
    """Q-learning with forgetting: two values, a softmax choice (Ito and Doya 2009).

    The chosen option's value moves toward the reward, Q += alpha (R - Q); the other's
    decays, Q *= 1 - forget; the log-odds of the first option are beta (Q_1 - Q_2).
    theta = (logit alpha, logit forget, log beta), so that any numbers are legal.

    >>> theta = jnp.zeros(3)  # alpha = forget = 1/2, beta = 1
    """

    def predict(theta, data):
        alpha, forget = jax.nn.sigmoid(theta[0]), jax.nn.sigmoid(theta[1])

        def step(q, now):
            sign, reward = now
            chosen = jnp.stack([sign > 0, sign < 0])
            learned = q + alpha * (reward[None] - q)
            faded = (1 - forget) * q
            kept = jnp.where(chosen, learned, faded)
            return jnp.where(sign[None] == 0, q, kept), q[0] - q[1]

        def one(sign, reward):
            start = jnp.zeros((2, *sign.shape[1:]), theta.dtype)
            return jax.lax.scan(step, start, (sign, reward))[1]

        sign, reward = _signed_choice(data), data.reward.astype(theta.dtype)
        gap = one(jnp.moveaxis(sign, -1, 0), jnp.moveaxis(reward, -1, 0))
        return jnp.exp(theta[2]) * jnp.moveaxis(gap, 0, -1)

    return Objective(predict, _signed_loss, None)
