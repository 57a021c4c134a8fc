"""Penalties on theta."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Theta


def l1(strength: float) -> Callable[[Theta], Float[Array, ""]]:
    """A penalty that prefers few terms: strength * sum |theta|.

    >>> float(l1(0.5)(jnp.array([1.0, -2.0])))
    1.5
    """

    def penalty(theta):
        sums = [jnp.abs(leaf).sum() for leaf in jax.tree.leaves(theta)]
        return strength * jnp.stack(sums).sum()

    return penalty
