"""Accepting, rejecting and choosing: the likelihood of a simulated trajectory."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Experiment
from plastutor.likelihoods._activity import activity
from plastutor.likelihoods._likelihood import Likelihood


def choice_probability(
    option_logit: Float[Array, "*any option"],
) -> Float[Array, "*any option"]:
    """The probability that each option is the one finally accepted.

    Options are presented at random, each equally often, until one is accepted, with
    probability p_k = sigmoid(logit_k). Then P(k) = p_k / sum_j p_j, whatever was
    rejected before. That is exact when p does not change within a trial and the
    stimuli carry no noise.

    >>> [float(p) for p in choice_probability(jnp.zeros(2))]
    [0.5, 0.5]
    """
    return jax.nn.softmax(jax.nn.log_sigmoid(option_logit), axis=-1)


def _logit(trajectory):
    return trajectory.logit


def _accept_loss(logit, accept):
    return -jax.nn.log_sigmoid((2 * accept - 1) * logit)


def _accept(key, logit):
    return (jax.random.uniform(key, logit.shape) < jax.nn.sigmoid(logit)).astype(
        logit.dtype
    )


def _white_accept(logit, tangents, accept):
    """Accepting has the variance p (1 - p), which is also dp / d(logit)."""
    root = jnp.exp((jax.nn.log_sigmoid(logit) + jax.nn.log_sigmoid(-logit)) / 2)
    return (accept - jax.nn.sigmoid(logit)) / root, tangents * root[None]


accept = Likelihood("accept", _logit, _accept_loss, _accept, _white_accept)
"""Accepting or rejecting: the mean negative log-likelihood of a presentation, in nats.

L = -mean over valid presentations of a log p + (1 - a) log(1 - p), with
p = sigmoid(logit). Padding does not count.

>>> import plastutor as pt
>>> e = pt.make_experiment([[1.0]], w0=[[0.0]], accept=[1.0], reward=[0.0])
>>> trajectory = pt.Trajectory(None, jnp.zeros((1, 1)), logit=jnp.zeros(1))
>>> round(float(accept(trajectory, e)), 3)
0.693
"""


def _option_logit(trajectory):
    return trajectory.option_logit


def _log_accept(trajectory):
    logit = trajectory.option_logit
    return None if logit is None else jax.nn.log_sigmoid(logit)


def _choice_loss(u, choice):
    """Of P(k) = exp(u_k) / sum_j exp(u_j)."""
    chosen = jax.nn.one_hot(choice, u.shape[-1], dtype=u.dtype)
    return -jnp.sum(jax.nn.log_softmax(u, axis=-1) * chosen, -1)


def _white_choice(u, tangents, choice):
    """Covariance diag(p) - p p^T, and its root as one row an option."""
    log_p = jax.nn.log_softmax(u)
    p, root = jnp.exp(log_p), jnp.exp(log_p / 2)
    chosen = jax.nn.one_hot(choice, u.shape[-1], dtype=u.dtype)
    mean = jnp.sum(tangents * p[None], axis=-1, keepdims=True)
    return (chosen - p) / root, (tangents - mean) * root[None]


choice = Likelihood(
    "choice", _log_accept, _choice_loss, jax.random.categorical, _white_choice
)
"""Choices between options met one by one: mean negative log-likelihood, in nats.

L = -mean over choices of log P(choice), see `choice_probability`. It needs only what
was finally chosen.

>>> import plastutor as pt
>>> e = pt.make_experiment([[1.0, 0.0]], w0=jnp.zeros((2, 1)), reward=[0.0],
...                     options=jnp.eye(2), choice=[0])
>>> even = pt.Trajectory(None, jnp.zeros((1, 1)), option_logit=jnp.zeros((1, 2)))
>>> round(float(choice(even, e)), 3)
0.693
"""

softmax_choice = Likelihood(
    "choice", _option_logit, _choice_loss, jax.random.categorical, _white_choice
)
"""Choices between options seen together: P(k) is the softmax of the log-odds.

With two options the difference of their log-odds decides; with `choice` it matters as
well how readily an animal accepts either of them.

>>> import plastutor as pt
>>> e = pt.make_experiment([[1.0, 0.0]], w0=jnp.zeros((2, 1)), reward=[0.0],
...                     options=jnp.eye(2), choice=[0])
>>> logit = jnp.array([[0.0, jnp.log(3.0)]])
>>> made = pt.Trajectory(None, jnp.zeros((1, 1)), option_logit=logit)
>>> round(float(jnp.exp(-softmax_choice(made, e))), 3)
0.25
"""


def likelihood_of(data: Experiment) -> Likelihood:
    """The likelihood of what the data hold: choices, else accepts, else activity.

    Raises:
        ValueError: they hold none of these.

    >>> import plastutor as pt
    >>> likelihood_of(pt.make_experiment([[1.0]], w0=[[0.0]], activity=[[0.5]])).field
    'activity'
    """
    for likelihood in (choice, accept, activity):
        if getattr(data, likelihood.field) is not None:
            return likelihood
    raise ValueError("The data hold no choices, accepts or activity to predict.")
