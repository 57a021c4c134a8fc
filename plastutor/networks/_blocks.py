"""Blocks of steps: what is kept, and computed again, on the way back through time."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import PyTree

MIN_BYTES_IN_BLOCKS = 2**20  # of the states in all steps; less is kept whole


def block_length(n_steps: int, state: PyTree) -> int:
    """How many steps to keep on the way back: about the square root, little padding.

    >>> block_length(50, jnp.zeros((100, 1000), "float32"))
    10
    """
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
    if n_steps * size <= MIN_BYTES_IN_BLOCKS:
        return n_steps
    root = math.isqrt(n_steps)  # up to twice that: fewer blocks, sooner done
    return min(range(root, 2 * root + 1), key=lambda b: (-(-n_steps // b) * b, b))


def in_blocks(rows: PyTree, length: int) -> PyTree:
    """Arrays with one row a step as (block, step), padded with zeros at the end.

    >>> in_blocks(jnp.arange(1, 6), 3).tolist()
    [[1, 2, 3], [4, 5, 0]]
    """

    def cut(leaf):
        blocks = -(-len(leaf) // length)
        pad = blocks * length - len(leaf)
        padded = jnp.pad(leaf, [(0, pad)] + [(0, 0)] * (leaf.ndim - 1))
        return padded.reshape(blocks, length, *leaf.shape[1:])

    return jax.tree.map(cut, rows)
