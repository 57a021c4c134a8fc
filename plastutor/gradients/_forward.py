"""Forward: the sensitivity of the weights to theta, carried along with the weights.

Forward mode, or real-time recurrent learning. Nothing of the past is kept: the memory
does not depend on the length of a recording, and a recording may come in pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from plastutor._types import Experiment, Rule, Rules, Theta
from plastutor.networks import AnyNetwork, local_activity, own_activity, seeing


class ForwardState(NamedTuple):
    """A network after some step, with its sensitivities.

    Attributes:
        state: of the network: its weights, and what else it carries.
        sensitivities: d(state)/d(theta), the same tree with an axis of k parameters.
        total: the sum of the losses of all observations so far.
        count: the number of these observations.
        gradient: of `total`, over each of k parameters.
    """

    state: PyTree
    sensitivities: PyTree
    total: Float[Array, "*exp"]
    count: Float[Array, "*exp"]
    gradient: Float[Array, "*exp k"]


def _directions(rule: Rule | Rules, flat):
    """One direction of theta for each parameter that matters."""
    free = np.arange(flat.size) if rule.free is None else np.array(rule.free)
    return np.eye(flat.size, dtype=flat.dtype)[free]


def init_state(
    rule: Rule | Rules, theta: Theta, network: AnyNetwork, data: Experiment
) -> ForwardState:
    """The state before the first step; with a batch, one for each experiment.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        network: what is fixed about the learner.
        data: where the weights begin: its w0 is looked at, and nothing else.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy",))
    >>> init_state(rule, pt.OJA, pt.RECORDED, e).sensitivities.w.shape
    (1, 3, 2)
    """
    if data.x.ndim == 3:
        return jax.vmap(partial(init_state, rule, theta, network))(data)
    flat, _ = ravel_pytree(theta)
    k, state = len(_directions(rule, flat)), network.init_state(data)
    zeros = partial(jnp.zeros, dtype=flat.dtype)
    start = jax.tree.map(lambda leaf: jnp.zeros((k, *leaf.shape), leaf.dtype), state)
    return ForwardState(state, start, zeros(()), zeros(()), zeros(k))


def advance(
    rule: Rule | Rules,
    theta: Theta,
    network: AnyNetwork,
    sums: Callable,
    carry: ForwardState,
    data: Experiment,
    *,
    local: bool = False,
) -> ForwardState:
    """Go on through (a piece of) an experiment, with the sensitivities.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        carry: the state after the step before.
        data: the piece; its w0 is not looked at. A batch, if `carry` is one.
        local: the sensitivities of a synapse do not know that the activity of its
            neuron depends on the weights, E <- (1 + d dw / d w) E + d dw / d theta. A
            synapse then needs nothing but what it has itself, as in e-prop (Bellec et
            al. 2020, for the weights of neurons). Exact only where dw does not depend
            on y.

    Returns:
        The state after the last step of the piece.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy",))
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> start = init_state(rule, pt.HEBB, pt.RECORDED, e)
    >>> end = advance(rule, pt.HEBB, pt.RECORDED, sums, start, e)
    >>> int(end.count), bool((end.sensitivities.w > 0).all())  # more xy, larger weights
    (10, True)
    """
    if data.x.ndim == 3:
        one = partial(advance, rule, theta, network, sums, local=local)
        return jax.vmap(one)(carry, data)
    flat, unravel = ravel_pytree(theta)
    directions = _directions(rule, flat)
    steps = data._replace(w0=None, options=None)
    forward = rule.forward_mode
    how = seeing(network, local_activity if local else own_activity)

    # A loop over indices: a scan would copy the recording before it goes through it.
    def step(t, carry):
        state, sensitivities, total, count, gradient = carry
        now = jax.tree.map(lambda leaf: leaf[t], steps)._replace(options=data.options)

        def after(flat, state):
            state, made = network.step(forward, unravel(flat), state, now, **how)
            loss, observed = sums(made, now)
            return (state, loss), observed

        def along(*direction):
            return jax.jvp(after, (flat, state), direction, has_aux=True)

        (state, loss), (sensitivities, of_loss), observed = jax.vmap(
            along, out_axes=(None, 0, None)
        )(directions, sensitivities)
        sums_now = (
            total + loss,
            count + jnp.asarray(observed, count.dtype),
            gradient + of_loss,
        )
        return ForwardState(state, sensitivities, *sums_now)

    return jax.lax.fori_loop(0, data.x.shape[0], step, carry)


def value_and_gradient(
    rule: Rule | Rules, theta: Theta, carry: ForwardState
) -> tuple[Float[Array, ""], Theta]:
    """The mean loss of all that was observed, and its gradient, shaped as theta.

    >>> import plastutor as pt
    >>> e, rule = pt.make_experiment([[1.0]], w0=[[0.0]]), pt.taylor(pt.OJA_ORDERS)
    >>> end = init_state(rule, pt.HEBB, pt.RECORDED, e)._replace(total=3.0, count=2)
    >>> value, gradient = value_and_gradient(rule, pt.HEBB, end)
    >>> float(value), gradient.shape
    (1.5, (3, 3, 3, 1))
    """
    flat, unravel = ravel_pytree(theta)
    count, k = jnp.sum(carry.count), carry.gradient.shape[-1]
    gradient = carry.gradient.reshape(-1, k).sum(0) / count
    return jnp.sum(carry.total) / count, unravel(gradient @ _directions(rule, flat))
