"""Devices: how a batch is laid out on them, with nothing to configure."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

try:
    from jax.experimental.layout import Layout, with_layout_constraint
except ImportError:  # it is experimental: in a JAX without it only speed is lost
    Layout = with_layout_constraint = None

# Elements of a batch: from how many on it is worth compiling twice, and in a group.
MIN_EXPERIMENTS_GROUPED, EXPERIMENTS_A_GROUP = 200, 50


def spread(batch: PyTree) -> PyTree:
    """The same batch, each device holding its share of the leading axis.

    What is computed from it with jax.vmap and jax.jit is then computed where the shares
    are. The shares are equal: on 8 devices 16 experiments are shared by eights, and 10
    by twos, with four copies, because all arrays of a program must be on the same
    devices. So choose multiples of the number of devices. With one device, or inside
    jax.jit, nothing happens.

    Args:
        batch: a tree of arrays with a leading axis of the same length.

    Returns:
        The same tree.

    >>> spread(np.zeros((4, 2))).shape
    (4, 2)
    """
    leaves, devices = jax.tree.leaves(batch), jax.devices()
    if len(devices) == 1 or any(isinstance(leaf, Tracer) for leaf in leaves):
        return batch
    shares = math.gcd(leaves[0].shape[0], len(devices))
    mesh = Mesh(np.reshape(devices, (shares, -1)), ("exp", "copy"))
    return jax.device_put(batch, NamedSharding(mesh, PartitionSpec("exp")))


def _one_processor() -> bool:
    return jax.device_count() == 1 and jax.default_backend() == "cpu"


def laid_out(values: Array | np.ndarray) -> Array | np.ndarray:
    """The same array, with the numbers along its last axis side by side in memory.

    XLA moves an axis by counting differently, and leaves the numbers where they are. A
    processor then takes one at a time, where it could take several. Elsewhere nothing
    happens: of several devices, each would be given the whole batch.

    >>> laid_out(jax.numpy.ones((3, 2)).T).shape
    (2, 3)
    """
    if Layout is None or with_layout_constraint is None or not _one_processor():
        return values
    return with_layout_constraint(values, Layout(tuple(range(values.ndim))))


def in_groups(one: Callable, batch: PyTree) -> PyTree:
    """What `jax.vmap(one)(batch)` gives, with the memory of one group.

    One processor takes a large batch group by group, and on the way back computes each
    group again, so that nothing is kept of the others. A graphics card, or several
    devices, take all at once.

    Args:
        one: a function of one element of the batch.
        batch: a tree of arrays with a leading axis of the same length.

    >>> in_groups(lambda v: 2 * v, np.ones((3, 2))).shape
    (3, 2)
    """
    size = jax.tree.leaves(batch)[0].shape[0]
    if size < MIN_EXPERIMENTS_GROUPED or not _one_processor():
        return jax.vmap(one)(batch)
    again = jax.checkpoint(one, prevent_cse=False)
    return jax.lax.map(again, batch, batch_size=EXPERIMENTS_A_GROUP)


def sum_rows(values: Array, axis: int) -> Array:
    """The sum over an axis.

    XLA adds whole rows many numbers at a time, and the numbers of a sum one by one. Of
    many rows that would be a long program, so they are left to it.
    """
    if values.shape[axis] > 16:
        return values.sum(axis)
    return reduce(jnp.add, jnp.moveaxis(values, axis, 0))
