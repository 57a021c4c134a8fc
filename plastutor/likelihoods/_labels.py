"""Classes predicted by a spiking network: cross-entropy and accuracy."""

from __future__ import annotations

import jax
from jaxtyping import Array, Float, Int

from plastutor._experiments import answer_steps
from plastutor.networks import Cell, SpikingLayer, run_spikes


def _log_probability(cell, layer, x, n_answer):
    """Of each class, in each of the steps that count."""
    n_steps = len(x)
    z = run_spikes(cell, layer, x)
    return layer.log_probability(z[n_steps - answer_steps(n_steps, n_answer) :])


def spiking_loss(
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    n_answer: int | None = None,
) -> Float[Array, ""]:
    """Cross-entropy of the labels (nats), the mean over examples and steps.

    The probability of each class in step t is softmax(z_t @ w_out).

    Args:
        cell: the kind of neuron.
        layer: the weights.
        x: inputs, in spikes a step.
        label: the right classes.
        n_answer: how many of the last steps count; default all.

    Raises:
        ValueError: no such number of steps.

    >>> import jax.numpy as jnp
    >>> from plastutor.networks import init_spiking_layer, lif
    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> silent = spiking_loss(lif(), layer, jnp.zeros((3, 100, 20)), jnp.arange(3))
    >>> round(float(jnp.exp(silent)), 3)  # without a spike it can only guess: 1 in 5
    5.0
    """

    def one(x, label):
        return -_log_probability(cell, layer, x, n_answer)[:, label].mean()

    return jax.vmap(one)(x, label).mean()


def spiking_accuracy(
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    n_answer: int | None = None,
) -> Float[Array, ""]:
    """The share of examples whose class has the highest probability over the steps.

    Args:
        cell: the kind of neuron.
        layer: the weights.
        x: inputs, in spikes a step.
        label: the right classes.
        n_answer: how many of the last steps count; default all.

    Raises:
        ValueError: no such number of steps.

    >>> import jax.numpy as jnp
    >>> from plastutor.networks import init_spiking_layer, lif
    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> x = jnp.zeros((4, 100, 20))
    >>> label = jnp.array([0, 0, 0, 3])  # ties go to 0
    >>> float(spiking_accuracy(lif(), layer, x, label))
    0.75
    """
    log_p = jax.vmap(lambda x: _log_probability(cell, layer, x, n_answer))(x)
    return (log_p.sum(1).argmax(-1) == label).mean()
