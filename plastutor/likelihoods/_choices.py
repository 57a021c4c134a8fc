"""Accepting, rejecting and choosing: the likelihood of a simulated trajectory."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Experiment, Trajectory
from plastutor.likelihoods._activity import _needed


def accept_sums(trajectory: Trajectory, experiment: Experiment):
    accept = _needed(experiment.accept, "accept", "pt.accept")
    if trajectory.logit is None:
        raise ValueError("pt.accept needs a network with a read-out: BEHAVIOUR or FLY.")
    observed = ~jnp.isnan(accept) & experiment.valid
    sign = jnp.where(observed, 2 * accept - 1, 0)
    loss = -jax.nn.log_sigmoid(sign * trajectory.logit)
    return jnp.sum(jnp.where(observed, loss, 0)), jnp.sum(observed)


def choice_sums(trajectory: Trajectory, experiment: Experiment):
    choice = _needed(experiment.choice, "choice", "pt.choice")
    logit = _needed(trajectory.option_logit, "options", "pt.choice")
    log_p = jax.nn.log_softmax(jax.nn.log_sigmoid(logit), axis=-1)
    chosen = jax.nn.one_hot(choice, logit.shape[-1], dtype=logit.dtype)
    observed = (choice >= 0) & experiment.valid
    loss = -jnp.sum(log_p * chosen, -1)
    return jnp.sum(jnp.where(observed, loss, 0)), jnp.sum(observed)


def accept(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean negative log-likelihood of accepting or rejecting, in nats a presentation.

    L = -mean over valid presentations of a log p + (1 - a) log(1 - p), with
    p = sigmoid(logit). Padding does not count.

    >>> import plastutor as pt
    >>> e = pt.make_experiment([[1.0]], w0=[[0.0]], accept=[1.0], reward=[0.0])
    >>> trajectory = Trajectory(None, jnp.zeros((1, 1)), logit=jnp.zeros(1))
    >>> round(float(accept(trajectory, e)), 3)
    0.693
    """
    total, count = accept_sums(trajectory, experiment)
    return total / count.astype(total.dtype)


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


def choice(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean negative log-likelihood of the choices, in nats a choice.

    L = -mean over choices of log P(choice), see `choice_probability`. It needs only
    what was finally chosen.

    >>> import plastutor as pt
    >>> e = pt.make_experiment([[1.0, 0.0]], w0=jnp.zeros((2, 1)), reward=[0.0],
    ...                     options=jnp.eye(2), choice=[0])
    >>> even = Trajectory(None, jnp.zeros((1, 1)), option_logit=jnp.zeros((1, 2)))
    >>> round(float(choice(even, e)), 3)
    0.693
    """
    total, count = choice_sums(trajectory, experiment)
    return total / count.astype(total.dtype)
