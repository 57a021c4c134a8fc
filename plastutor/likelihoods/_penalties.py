"""Penalties on theta."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float

from plastutor._types import Theta


def l1(strength: float | Mapping[str, float]) -> Callable[[Theta], Float[Array, ""]]:
    """A penalty that prefers few terms: strength * sum |theta|.

    Args:
        strength: one for all parameters; or one for each of some projections, for a
            theta that is a mapping from projections.

    Raises:
        ValueError: when called, a strength for a projection that theta has not.

    >>> float(l1(0.5)(jnp.array([1.0, -2.0])))
    1.5
    >>> float(l1({"rec": 2.0})({"ff": jnp.ones(3), "rec": jnp.ones(2)}))
    4.0
    """
    named = isinstance(strength, Mapping)
    return _l1(tuple(sorted(strength.items())) if named else strength)


@lru_cache  # equal penalties are one: what is compiled with one serves all
def _l1(strength):
    if isinstance(strength, tuple):
        return Partial(_l1_by_projection, dict(strength))
    return Partial(_l1_norm, strength)  # a pytree: JAX can see the strength as data


def _l1_by_projection(strengths, theta):
    unknown = {*strengths} - ({*theta} if isinstance(theta, Mapping) else set())
    if unknown or not strengths:
        has = ", ".join(sorted(theta)) if isinstance(theta, Mapping) else "one array"
        raise ValueError(
            f"l1 has strengths for {', '.join(sorted(strengths)) or 'no projection'}, "
            f"and theta has {has}; expected strengths for projections of theta."
        )
    return sum(_l1_norm(each, theta[name]) for name, each in strengths.items())


def _l1_norm(strength, theta):
    sums = [jnp.abs(leaf).sum() for leaf in jax.tree.leaves(theta)]
    return strength * jnp.stack(sums).sum()
