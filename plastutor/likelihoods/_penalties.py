"""Penalties on theta."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from plastutor._types import Theta


def l1(strength: float) -> Callable[[Theta], Float[Array, ""]]:
    """A penalty that prefers few terms: strength * sum |theta|.

    >>> float(l1(0.5)(jnp.array([1.0, -2.0])))
    1.5
    """
    return _l1(strength)


@lru_cache  # equal penalties are one: what is compiled with one serves all
def _l1(strength):
    return Partial(_l1_norm, strength)  # a pytree: JAX can see the strength as data


def _l1_norm(strength, theta):
    sums = [jnp.abs(leaf).sum() for leaf in jax.tree.leaves(theta)]
    return strength * jnp.stack(sums).sum()
