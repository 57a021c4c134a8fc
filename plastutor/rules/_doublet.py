"""Doublets: plasticity by pairs of spikes, in six numbers (Confavreux et al. 2020)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float

from plastutor._types import Rule
from plastutor.rules._taylor import plain_update

DOUBLET_NAMES = ("log_tau_pre", "log_tau_post", "alpha", "beta", "gamma", "kappa")
"""What the six numbers of a doublet rule are called, in their order."""


class Doublet(NamedTuple):
    """What a synapse sees on one of its sides: in each step, for each neuron.

    Attributes:
        spikes: 1 where there was one, else 0.
        trace: its trace, which decays with a time constant in ms and grows by 1 with
            each spike; that of before this step's spike.
    """

    spikes: Float[Array, ...]
    trace: Float[Array, ...]


def doublet() -> Rule:
    """The doublet rule: a change with each spike, and more with each pair of spikes.

    With a spike of the sender a weight changes by alpha + kappa * trace of the
    receiver, and with one of the receiver by beta + gamma * trace of the sender. theta
    holds six numbers, in the order of `DOUBLET_NAMES`: the logarithms of both time
    constants in ms, and the four changes, in units of the network's rate.

    `apply` and `update` take a `Doublet` as x and one as y.

    >>> import plastutor as pt
    >>> theta = pt.rules.doublet_theta(alpha=-1.0, kappa=2.0)
    >>> both = Doublet(jnp.array(1.0), jnp.array(0.0)), Doublet(0.0, jnp.array(3.0))
    >>> float(pt.rules.doublet().apply(theta, *both, 0.5, 0.0))
    5.0
    """
    return _doublet()


@lru_cache  # the same Rule each time, so JAX compiles it once
def _doublet() -> Rule:
    def apply(theta, x, y, w, r):
        if jnp.shape(theta) != (6,):
            raise ValueError(
                f"theta has shape {jnp.shape(theta)}; expected (6,), the numbers of a "
                f"doublet rule: {', '.join(DOUBLET_NAMES)}."
            )
        alpha, beta, gamma, kappa = theta[2:]
        return x.spikes * (alpha + kappa * y.trace) + y.spikes * (
            beta + gamma * x.trace
        )

    def init(key):
        taus = jnp.log(jnp.array([20.0, 20.0]))
        return jnp.concatenate([taus, jax.random.normal(key, (4,))])

    return Rule(init, apply, plain_update(apply))


def doublet_theta(
    *,
    tau_pre: ArrayLike = 20.0,
    tau_post: ArrayLike = 20.0,
    alpha: ArrayLike = 0.0,
    beta: ArrayLike = 0.0,
    gamma: ArrayLike = 0.0,
    kappa: ArrayLike = 0.0,
) -> Float[Array, 6]:
    """The six numbers of a doublet rule.

    Args:
        tau_pre: of the sender's trace, in ms.
        tau_post: of the receiver's trace, in ms.
        alpha: change with each spike of the sender.
        beta: change with each spike of the receiver.
        gamma: change with a spike of the receiver, for each unit of the sender's trace.
        kappa: change with a spike of the sender, for each unit of the receiver's trace.

    Raises:
        ValueError: a time constant that is not above zero.

    >>> doublet_theta(alpha=-0.5, kappa=1.0)[2:].tolist()
    [-0.5, 0.0, 0.0, 1.0]
    """
    taus = {"tau_pre": tau_pre, "tau_post": tau_post}
    for name, tau in taus.items():
        if not isinstance(tau, Tracer) and not 0 < np.asarray(tau) < np.inf:
            raise ValueError(f"{name} is {tau}; expected milliseconds, above 0.")
    logs = [jnp.log(jnp.asarray(tau, float)) for tau in taus.values()]
    changes = [jnp.asarray(v, float) for v in (alpha, beta, gamma, kappa)]
    return jnp.stack([*logs, *changes])


def vogels(rate_hz: float, tau: float = 20.0) -> Float[Array, 6]:
    """Inhibitory plasticity that keeps a rate (Vogels et al. 2011).

    gamma = kappa = 1 and alpha = -2 * rate * tau.

    Args:
        rate_hz: the rate of the receiver, in Hz.
        tau: of both traces, in ms.

    >>> round(float(mean_field_rate(vogels(5.0))), 6)
    5.0
    """
    alpha = -2 * rate_hz * tau / 1000
    return doublet_theta(tau_pre=tau, tau_post=tau, alpha=alpha, gamma=1.0, kappa=1.0)


def mean_field_rate(
    theta: Float[ArrayLike, 6], input_hz: ArrayLike = 10.0
) -> Float[Array, ""]:
    """The receiver's rate in Hz at which weights stay, if spikes were independent.

    -alpha / (kappa tau_post + gamma tau_pre + beta / input rate); it is stable for
    inhibitory synapses where the denominator is positive.

    Args:
        theta: of a doublet rule.
        input_hz: rate of the senders, in Hz.
    """
    log_pre, log_post, alpha, beta, gamma, kappa = jnp.asarray(theta)
    seconds = kappa * jnp.exp(log_post) / 1000 + gamma * jnp.exp(log_pre) / 1000
    return -alpha / (seconds + beta / jnp.asarray(input_hz))
