"""Weights: what they drive, and the one place where they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from plastutor._types import Rule, Theta

if TYPE_CHECKING:
    from plastutor.networks._network import Network

LARGE, PARTS = 2**19, 4  # synapses from which x @ w is cut, and into how many parts


@jax.custom_jvp
def layer_drive(x, w):
    """The drive of each neuron, x @ w, for a stimulus x (pre,) and weights (pre, post).

    Of a large layer part by part. On a processor each core changes some rows of w, and
    finds them again where it left them. XLA computes the derivatives where they are
    needed.

    >>> layer_drive(jnp.ones(1000), jnp.ones((1000, 600))).shape
    (600,)
    """
    pre, post = w.shape
    if w.size < LARGE or pre % PARTS:
        return x @ w
    parts = x.reshape(PARTS, 1, -1) @ w.reshape(PARTS, -1, post)
    return parts.sum((0, 1))


@layer_drive.defjvp
def _drive_jvp(at, along):
    (x, w), (dx, dw) = at, along
    # Not x @ dw: its way back is an outer product that is laid out the other way round.
    return layer_drive(x, w), dx @ w + (x[:, None] * dw).sum(0)


def step_size(network: Network, n_pre: int) -> float:
    """By what a rule's dw is multiplied: the rate (/ n_pre)."""
    return network.rate / (n_pre if network.divide_by_pre else 1)


def weight_change(
    rule: Rule,
    theta: Theta,
    network: Network,
    x: Float[Array, " pre *step"],
    y: Float[Array, " post *step"],
    w: Float[Array, "pre post *step"],
    r: Float[ArrayLike, "*step"],
    plastic: Bool[Array, ""] | None = None,
) -> Float[Array, "pre post *step"]:
    """What a step adds to the weights: rate * dw (/ n_pre), or 0 if it is not plastic.

    A rule that is linear in theta has the factor in theta, which saves a pass over w.
    """
    factor = step_size(network, w.shape[0])
    if plastic is not None:
        factor = jnp.where(plastic, factor, 0).astype(w.dtype)
    if rule.linear:
        return rule.update(factor * theta, x, y, w, r)
    return factor * rule.update(theta, x, y, w, r)


def next_weights(
    rule: Rule,
    theta: Theta,
    network: Network,
    w: Float[Array, "pre post"],
    x: Float[Array, " pre"],
    y: Float[Array, " post"],
    r: Float[ArrayLike, ""],
    plastic: Bool[Array, ""],
) -> Float[Array, "pre post"]:
    """The weights after a step: w + rate * dw (/ n_pre), where the step is plastic."""
    return w + weight_change(rule, theta, network, x, y, w, r, plastic)
