"""Gradients: the mean loss of a rule over recordings, and three ways to its slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from plastutor.simulate import advance, begin
from plastutor.slopes import follow, rested, value_and_slope
from plastutor.types import Experiment, Network, Rule

__all__ = ["mean_loss"]

WORTH_BLOCKS = 2**20  # bytes of weights in a life; a shorter one is kept whole


def _block_length(steps: int, bytes_a_step: int) -> int:
    """How many steps to keep on the way back: about the square root, little padding."""
    if steps * bytes_a_step <= WORTH_BLOCKS:
        return steps
    root = math.isqrt(steps)  # up to twice that: fewer blocks, sooner done
    return min(range(root, 2 * root + 1), key=lambda b: (-(-steps // b) * b, b))


def _in_blocks(data: Experiment, length: int) -> Experiment:
    """The steps of one experiment as (block, step), padded at the end."""
    blocks = -(-len(data.x) // length)

    def cut(leaf):
        pad = blocks * length - len(leaf)
        padded = jnp.pad(leaf, [(0, pad)] + [(0, 0)] * (leaf.ndim - 1))
        return padded.reshape(blocks, length, *leaf.shape[1:])

    return jax.tree.map(cut, data._replace(w0=None, options=None))


def _sum_of_one(rule, network, sums, theta, data):
    """Sum of the losses and count of one experiment.

    Block by block: on the way back, only the weights before each block are kept, and
    those within one block at a time. Nor is anything kept of what was predicted.
    """
    w0 = data.w0
    length = _block_length(len(data.x), w0.size * w0.dtype.itemsize)

    def block(carry, piece):
        state, total, count = carry
        piece = piece._replace(options=data.options)
        state, seen = advance(rule, theta, network, state, piece, keep_weights=False)
        lost, observed = sums(seen, piece)
        return (state, total + lost, count + observed), None

    if length < len(data.x):
        block = jax.checkpoint(block, prevent_cse=False)
    start = begin(data, network), jnp.zeros((), w0.dtype), jnp.zeros((), int)
    (_, total, count), _ = jax.lax.scan(block, start, _in_blocks(data, length))
    return total, count


def _reverse(rule: Rule, network: Network, sums: Callable) -> Callable:
    """The mean loss, for gradients back through the life."""

    @jax.jit
    def mean(theta, data):
        one = partial(_sum_of_one, rule, network, sums)
        if data.x.ndim == 3:
            one = jax.vmap(one, (None, 0))
        total, count = one(theta, data)
        return jnp.sum(total) / jnp.sum(count)

    return mean


def _forward(rule: Rule, network: Network, sums: Callable, local: bool) -> Callable:
    """The mean loss, whose gradient is found on the way forward."""
    plain = _reverse(rule, network, sums)
    mean = jax.custom_vjp(plain)

    def ahead(theta, data):
        if any(leaf.perturbed for leaf in jax.tree.leaves(data, is_leaf=_is_primal)):
            raise ValueError(
                "This loss was made with gradient='forward' or 'local', which knows "
                "its slope over theta and no other. For slopes over stimuli or initial "
                "weights make it with gradient='reverse'."
            )
        theta, data = jax.tree.map(
            lambda leaf: leaf.value, (theta, data), is_leaf=_is_primal
        )
        running = rested(rule, theta, network, data)
        running = follow(rule, theta, network, sums, running, data, local=local)
        return value_and_slope(rule, theta, running)

    def back(slope, falls):
        return jax.tree.map(lambda leaf: falls * leaf, slope), None

    mean.defvjp(ahead, back, symbolic_zeros=True)
    return mean


def _is_primal(leaf) -> bool:
    return hasattr(leaf, "perturbed")


def mean_loss(
    rule: Rule, network: Network, sums: Callable, gradient: str = "reverse"
) -> Callable:
    """The mean loss as a function of theta and data, without a trajectory in between.

    Args:
        rule: the plasticity rule.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        gradient: "reverse", "forward" or "local"; see `plastutor.losses.objective`.

    Returns:
        `(theta, data) -> mean loss`, for data of one precision.

    Raises:
        ValueError: an unknown gradient.

    >>> from plastutor.experiments import make_experiment
    >>> from plastutor.rules import HEBB, OJA_ORDERS, taylor
    >>> from plastutor.types import RECORDED
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> mean = mean_loss(taylor(OJA_ORDERS), RECORDED, sums, "forward")
    >>> float(mean(HEBB, make_experiment([[1.0]], w0=[[0.0]])))
    0.5
    """
    if gradient not in ("reverse", "forward", "local"):
        raise ValueError(
            f"gradient is {gradient!r}; expected 'reverse', 'forward' or 'local'."
        )
    if gradient == "reverse":
        return _reverse(rule, network, sums)
    return _forward(rule, network, sums, gradient == "local")
