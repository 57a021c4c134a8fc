"""Slopes: a life that carries, with its weights, what they owe to theta.

Forward mode. The slope of the weights over each coefficient goes through the life with
the weights, so that nothing of the past is kept: the memory does not depend on the
length of a recording, and a recording may come in pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import Network, State, initial_state, network_step, remember


class ForwardState(NamedTuple):
    """A life that is followed with its slopes, up to some step.

    Attributes:
        state: the weights now, and the rewards that are remembered.
        slopes: of the weights over each of k parameters.
        total: the sum of the losses of all observations so far.
        count: the number of these observations.
        gradient: the slope of `total` over each of k parameters.
    """

    state: State
    slopes: Float[Array, "*exp k pre post"]
    total: Float[Array, "*exp"]
    count: Float[Array, "*exp"]
    gradient: Float[Array, "*exp k"]


def _directions(rule: Rule, flat):
    """One direction of theta for each parameter that matters."""
    free = np.arange(flat.size) if rule.free is None else np.array(rule.free)
    return np.eye(flat.size, dtype=flat.dtype)[free]


def init_state(
    rule: Rule, theta: Theta, network: Network, data: Experiment
) -> ForwardState:
    """A life before its first step; with a batch, one for each experiment.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        network: what is fixed about the learner.
        data: where the life begins: its w0 is looked at, and nothing else.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy",))
    >>> init_state(rule, pt.OJA, pt.RECORDED, e).slopes.shape
    (1, 3, 2)
    """
    flat, _ = ravel_pytree(theta)
    shape, k = data.w0.shape, len(_directions(rule, flat))
    batch = shape[:-2]
    zeros = partial(jnp.zeros, dtype=flat.dtype)
    slopes = zeros((*batch, k, *shape[-2:]))
    return ForwardState(
        initial_state(data, network),
        slopes,
        zeros(batch),
        zeros(batch),
        zeros((*batch, k)),
    )


def advance(
    rule: Rule,
    theta: Theta,
    network: Network,
    sums: Callable,
    running: ForwardState,
    data: Experiment,
    *,
    local: bool = False,
) -> ForwardState:
    """Go on through (a piece of) an experiment, with the slopes.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        running: where the life has come to.
        data: the piece; its w0 is not looked at. A batch, if `running` is one.
        local: the slopes of a synapse do not know that the activity of its neuron
            depends on the weights, E <- (1 + d dw / d w) E + d dw / d theta. A synapse
            then needs nothing but what it has itself, as in e-prop (Bellec et al. 2020,
            for the weights of neurons). Exact only where dw does not depend on y.

    Returns:
        The life as it stands after the last step of the piece.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy",))
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> start = init_state(rule, pt.HEBB, pt.RECORDED, e)
    >>> life = advance(rule, pt.HEBB, pt.RECORDED, sums, start, e)
    >>> int(life.count), bool((life.slopes > 0).all())  # more learning, larger weights
    (10, True)
    """
    if data.x.ndim == 3:
        one = partial(advance, rule, theta, network, sums, local=local)
        return jax.vmap(one)(running, data)
    flat, unravel = ravel_pytree(theta)
    directions = _directions(rule, flat)
    steps = data._replace(w0=None, options=None)

    # A loop over indices: a scan would copy the recording before it goes through it.
    def step(t, running):
        state, slopes, total, count, gradient = running
        now = jax.tree.map(lambda leaf: leaf[t], steps)
        completed = now.plastic & now.valid
        r = now.reward - (state.memory.mean() if network.window else 0.0)

        def lived(flat, w):
            inputs = now.x, r, completed
            after, seen = network_step(
                rule.ahead, unravel(flat), network, data.options, w, inputs, local=local
            )
            loss, observed = sums(seen, now)
            return (after, loss), observed

        def slope(direction, move):
            return jax.jvp(lived, (flat, state.w), (direction, move), has_aux=True)

        (w, loss), (slopes, falls), observed = jax.vmap(
            slope, out_axes=(None, 0, None)
        )(directions, slopes)
        memory = state.memory
        if network.window:
            memory = remember(memory, now.reward, completed)
        return ForwardState(
            State(w, memory), slopes, total + loss, count + observed, gradient + falls
        )

    return jax.lax.fori_loop(0, data.x.shape[0], step, running)


def value_and_gradient(rule: Rule, theta: Theta, running: ForwardState):
    """The mean loss of all that was observed, and its slope, in the shape of theta.

    >>> import plastutor as pt
    >>> e, rule = pt.make_experiment([[1.0]], w0=[[0.0]]), pt.taylor(pt.OJA_ORDERS)
    >>> life = init_state(rule, pt.HEBB, pt.RECORDED, e)._replace(total=3.0, count=2)
    >>> value, slope = value_and_gradient(rule, pt.HEBB, life)
    >>> float(value), slope.shape
    (1.5, (3, 3, 3, 1))
    """
    flat, unravel = ravel_pytree(theta)
    count = jnp.sum(running.count)
    k = running.gradient.shape[-1]
    gradient = running.gradient.reshape(-1, k).sum(0) / count
    return (
        jnp.sum(running.total) / count,
        unravel(gradient @ _directions(rule, flat)),
    )
