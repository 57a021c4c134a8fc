"""Classes predicted by a spiking network: cross-entropy and accuracy."""

from __future__ import annotations

from functools import partial

import jax
from jaxtyping import Array, Float, Int

from plastutor.networks import Cell, SpikingLayer, run_spikes


def _one_loss(cell, layer, x, label):
    return -layer.log_probability(run_spikes(cell, layer, x))[:, label].mean()


def spiking_loss(
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
) -> Float[Array, ""]:
    """Cross-entropy of the labels (nats), the mean over examples and steps.

    The probability of each class in step t is softmax(z_t @ w_out).

    >>> import jax.numpy as jnp
    >>> from plastutor.networks import init_spiking_layer, lif
    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> silent = spiking_loss(lif(), layer, jnp.zeros((3, 100, 20)), jnp.arange(3))
    >>> round(float(jnp.exp(silent)), 3)  # without a spike it can only guess: 1 in 5
    5.0
    """
    return jax.vmap(partial(_one_loss, cell, layer))(x, label).mean()


def spiking_accuracy(
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
) -> Float[Array, ""]:
    """The share of examples whose class has the highest probability over all steps.

    >>> import jax.numpy as jnp
    >>> from plastutor.networks import init_spiking_layer, lif
    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> x = jnp.zeros((4, 100, 20))
    >>> label = jnp.array([0, 0, 0, 3])  # ties go to 0
    >>> float(spiking_accuracy(lif(), layer, x, label))
    0.75
    """
    z = jax.vmap(partial(run_spikes, cell, layer))(x)
    return (layer.log_probability(z).sum(1).argmax(-1) == label).mean()
