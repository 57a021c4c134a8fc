"""Spiking: neurons that fire, in a layer that classifies its input in every step.

Axes: `state` the variables of one neuron, `class` what is told apart; the others as in
`plastutor._types`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray

from plastutor._types import Scalar

STEEPNESS = 10.0  # of the sigmoid that lends a spike its derivative
Neurons = Float[Array, "state post"]


@jax.custom_jvp
def spike(v: Float[ArrayLike, "*any"]) -> Float[Array, "*any"]:
    """1 where v is above zero, else 0, with the derivative of a sigmoid.

    The step itself has the derivative zero, from which nothing can be learned. The
    surrogate is that of sigmoid(10 v), as in Lohoff et al. (2025).

    >>> float(spike(0.1)), float(jax.grad(spike)(0.0))
    (1.0, 2.5)
    """
    v = jnp.asarray(v)
    return (v > 0).astype(v.dtype)


@spike.defjvp
def _spike_jvp(at, along):
    s = jax.nn.sigmoid(STEEPNESS * at[0])
    return spike(at[0]), STEEPNESS * s * (1 - s) * along[0]


class Cell(NamedTuple):
    """A kind of neuron, as pure functions of its state.

    Neurons meet only in the current: `step` and `fire` are element-wise across neurons.

    Attributes:
        n_state: the number k of state variables of a neuron; they begin at zero.
        step: `(state (k, n), current (n,)) -> state (k, n)`, the next state.
        fire: `state (k, n) -> spikes (n,)`, 0 or 1.
    """

    n_state: int
    step: Callable
    fire: Callable


@lru_cache  # the same arguments give the same Cell, so JAX need not compile it again
def lif(*, leak: float = 0.9) -> Cell:
    """Leaky integrate-and-fire: u <- leak u + (1 - leak) current, a spike where u > 1.

    After a spike u is set to zero before the next step, u <- u - z u (Lohoff et al.
    2025, arXiv 2501.11407). No derivative flows through the z of the reset.

    Args:
        leak: what a step leaves of the potential, between 0 and 1.

    >>> cell = lif()
    >>> [round(float(v), 3) for v in cell.step(jnp.array([[0.5, 1.2]]), jnp.ones(2))[0]]
    [0.55, 0.1]
    """

    def fire(state):
        return spike(state[0] - 1)

    def step(state, current):
        (u,) = state
        u = u - jax.lax.stop_gradient(fire(state)) * u
        return jnp.stack([leak * u + (1 - leak) * current])

    return Cell(1, step, fire)


@lru_cache
def alif(*, leak: float = 0.9, recovery: float = 0.97, strength: float = 0.5) -> Cell:
    """Adaptive integrate-and-fire: every spike raises the neuron's own threshold.

    u as in `lif`, and a <- recovery a + z, with a spike where u > 1 + strength a: the
    adaptive threshold of Bellec et al. (2020, Nature Communications 11:3625). No
    derivative flows through the z of the reset, but it does through the z that feeds a.

    Args:
        leak: what a step leaves of the potential, between 0 and 1.
        recovery: what a step leaves of the adaptation, between 0 and 1.
        strength: by how much a spike raises the threshold.

    >>> cell = alif()
    >>> float(cell.fire(jnp.array([[1.2], [0.0]]))[0])  # at rest the threshold is 1
    1.0
    >>> float(cell.fire(jnp.array([[1.2], [1.0]]))[0])  # after a spike it is 1.5
    0.0
    """

    def fire(state):
        return spike(state[0] - 1 - strength * state[1])

    def step(state, current):
        u, a = state
        z = fire(state)
        u = u - jax.lax.stop_gradient(z) * u
        return jnp.stack([leak * u + (1 - leak) * current, recovery * a + z])

    return Cell(2, step, fire)


class SpikingLayer(NamedTuple):
    """The weights of a spiking layer and its read-out.

    Attributes:
        w_in: from inputs to neurons.
        w_out: from neurons to the log-odds of the classes.
        w_rec: from neurons to neurons, one step later; None without recurrence.
    """

    w_in: Float[Array, "pre post"]
    w_out: Float[Array, "post class"]
    w_rec: Float[Array, "post post"] | None = None

    @property
    def w_hidden(self) -> Float[Array, "source post"]:
        """The weights of `sources`, one row each."""
        if self.w_rec is None:
            return self.w_in
        return jnp.concatenate([self.w_in, self.w_rec])

    def sources(self, cell: Cell, state: Neurons, x: Float[Array, " pre"]) -> Array:
        """All that drives a neuron in one step: inputs, and the spikes before."""
        return x if self.w_rec is None else jnp.concatenate([x, cell.fire(state)])

    def initial_state(self, cell: Cell) -> Neurons:
        """Neurons at rest."""
        return jnp.zeros((cell.n_state, self.w_in.shape[1]), self.w_in.dtype)

    def log_probability(self, z: Float[Array, "*time post"]) -> Array:
        """Of each class, from the spikes z: softmax(z @ w_out)."""
        return jax.nn.log_softmax(z @ self.w_out)


@partial(jax.jit, static_argnames=("n_pre", "n_post", "n_class", "recurrent"))
def init_spiking_layer(
    key: PRNGKeyArray,
    n_pre: int,
    n_post: int,
    n_class: int,
    *,
    recurrent: bool = True,
    gain: Scalar = 15.0,
    gain_rec: Scalar = 2.0,
) -> SpikingLayer:
    """Random weights, normal with a standard deviation of gain / sqrt(rows).

    Spikes are rare, and `lif` takes in a tenth of a current, so that neurons fire only
    at a gain well above 1. That of the read-out is 1.

    Args:
        key: for the weights.
        n_pre: the number of inputs.
        n_post: the number of neurons.
        n_class: the number of classes.
        recurrent: whether the neurons send spikes to each other.
        gain: of the weights from the inputs.
        gain_rec: of the weights between neurons. The larger, the more e-prop misses.

    >>> init_spiking_layer(jax.random.key(0), 20, 8, 5).w_rec.shape
    (8, 8)
    """
    k_in, k_rec, k_out = jax.random.split(key, 3)
    w_in = gain * jax.random.normal(k_in, (n_pre, n_post)) / n_pre**0.5
    w_out = jax.random.normal(k_out, (n_post, n_class)) / n_post**0.5
    if not recurrent:
        return SpikingLayer(w_in, w_out)
    w_rec = gain_rec * jax.random.normal(k_rec, (n_post, n_post)) / n_post**0.5
    return SpikingLayer(w_in, w_out, w_rec)


def run_spikes(
    cell: Cell, layer: SpikingLayer, x: Float[Array, "time pre"]
) -> Float[Array, "time post"]:
    """The spikes of a layer at rest that gets the inputs x.

    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> run_spikes(lif(), layer, jnp.ones((100, 20))).shape
    (100, 8)
    """
    w = layer.w_hidden

    def step(state, x):
        state = cell.step(state, layer.sources(cell, state, x) @ w)
        return state, cell.fire(state)

    return jax.lax.scan(step, layer.initial_state(cell), x)[1]
