"""Train a spiking network by any of its gradients."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from plastutor._types import Scalar
from plastutor.gradients import spiking_gradient
from plastutor.networks import Cell, SpikingLayer

_STATIC = ("cell", "how", "n_answer", "max_steps", "batch_size")


@partial(jax.jit, static_argnames=_STATIC)
def train_spiking(
    key: PRNGKeyArray,
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    how: str = "bptt",
    feedback: Float[Array, "class post"] | None = None,
    n_answer: int | None = None,
    max_steps: int = 200,
    batch_size: int = 16,
    rates: tuple[Scalar, Scalar, Scalar] = (0.1, 0.03, 0.001),
) -> tuple[SpikingLayer, Float[Array, " step"]]:
    """Train by Adam on batches of examples, with any of the gradients.

    Args:
        key: for the choice of examples.
        cell: the kind of neuron.
        layer: where to start.
        x: inputs.
        label: the right classes.
        how: as in `spiking_gradient`.
        feedback: as in `spiking_gradient`.
        n_answer: as in `spiking_gradient`.
        max_steps: the number of updates.
        batch_size: the number of examples in an update.
        rates: the rates of Adam for w_in, w_out and w_rec; 0 freezes. Where w_rec moves
            fast, the exact gradient through many steps explodes.

    Returns:
        The layer at the end, and the loss of each batch before its update.

    >>> import plastutor as pt
    >>> patterns = pt.tasks.spike_patterns(jax.random.key(0), n_class=2)
    >>> x, label = pt.tasks.pattern_task(jax.random.key(1), patterns, 50)
    >>> layer = pt.networks.init_spiking_layer(jax.random.key(2), 40, 8, 2)
    >>> key, cell = jax.random.key(3), pt.networks.lif()
    >>> _, losses = train_spiking(key, cell, layer, x, label, max_steps=30)
    >>> bool(losses[-1] < losses[0])
    True
    """
    adam: Any = optax.scale_by_adam()

    def moved(w, rate, change) -> Any:
        return None if w is None else w - rate * change

    def update(carry, at):
        layer, state = carry
        value, gradient = spiking_gradient(
            cell, layer, x[at], label[at], how=how, feedback=feedback, n_answer=n_answer
        )
        change, state = adam.update(gradient, state)
        return (SpikingLayer(*map(moved, layer, rates, change)), state), value

    at = jax.random.randint(key, (max_steps, batch_size), 0, len(label))
    (layer, _), losses = jax.lax.scan(update, (layer, adam.init(layer)), at)
    return layer, losses
