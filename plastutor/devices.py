"""Devices: a batch is shared among all that are visible, with nothing to configure."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

__all__ = ["spread"]


def spread(batch: Any) -> Any:
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
