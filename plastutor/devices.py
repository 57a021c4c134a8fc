"""Devices: a batch is shared among all that are visible, with nothing to configure."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.core import Tracer
from jax.sharding import Mesh, NamedSharding, PartitionSpec

__all__ = ["spread"]


def spread(batch: Any) -> Any:
    """The same batch, each device holding its share of the leading axis.

    What is computed from it with jax.vmap and jax.jit is then computed where the shares
    are. The shares are equal, so the number of devices used is the largest that divides
    the batch: 50 experiments on 8 devices go to 5. With one device, or inside jax.jit,
    nothing happens.

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
    size = leaves[0].shape[0]
    share = max(n for n in range(1, len(devices) + 1) if size % n == 0)
    mesh = Mesh(np.array(devices[:share]), ("exp",))
    return jax.device_put(batch, NamedSharding(mesh, PartitionSpec("exp")))
