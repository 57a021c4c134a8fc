"""The truncated Taylor series as a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from plastutor._types import Rule
from plastutor.rules._fast_taylor import FastTaylor, each_power
from plastutor.rules._terms import Orders, _check_orders, free_indices, free_terms


def plain_update(apply: Callable) -> Callable:
    """The whole-layer update of a one-synapse rule, by two nested `vmap`s.

    This is what `Rule.update` means. The Taylor rule has a faster form of the same.

    >>> update = plain_update(lambda theta, x, y, w, r: theta * x * y)
    >>> update(2.0, jnp.ones(3), jnp.ones(4), jnp.zeros((3, 4)), 0.0).shape
    (3, 4)
    """
    every_post = jax.vmap(apply, (None, None, 0, 0, None))
    return jax.vmap(every_post, (None, 0, None, 0, None))


def taylor(
    orders: Orders, only: Sequence[str] | None = None, *, scale: float = 1e-4
) -> Rule:
    """A truncated Taylor series: dw = sum_abcd theta[a, b, c, d] x^a y^b w^c r^d.

    Mehta et al. (2024) use 27 terms (x, y, w up to squares) for recorded activity and
    81 (r too) for choices.

    Args:
        orders: the highest power of each variable.
        only: the terms that are free; the others stay zero. Default: all of them.
        scale: standard deviation of the initial coefficients.

    Returns:
        A rule whose theta always has the four axes (x, y, w, r).

    Raises:
        ValueError: a negative order, an unknown term, a term named twice.

    >>> fly = taylor(Orders(x=1, w=1, r=1), ("one", "x", "r", "xr", "w"))
    >>> fly.init(jax.random.key(0)).shape
    (2, 1, 2, 2)
    """
    _check_orders(orders)
    if isinstance(only, str):
        raise ValueError(
            f"only is {only!r}; expected a sequence of terms, such as ({only!r},)."
        )
    return _taylor(orders, None if only is None else tuple(only), scale)


@lru_cache  # the same arguments give the same Rule, so JAX need not compile it again
def _taylor(orders: Orders, only: tuple[str, ...] | None, scale: float) -> Rule:
    kept = None if only is None else free_terms(orders, only)

    def free(theta):
        if jnp.shape(theta) != orders.shape:
            raise ValueError(
                f"theta has shape {jnp.shape(theta)}; expected {orders.shape}: one "
                f"axis for the powers of each of x, y, w and r, as in {orders}."
            )
        return theta if kept is None else theta * kept.astype(theta.dtype)

    def init(key):
        return free(scale * jax.random.normal(key, orders.shape))

    def apply(theta, x, y, w, r):
        powers = [
            jnp.stack(each_power(v, n))
            for v, n in zip((x, y, w, r), orders, strict=True)
        ]
        return jnp.einsum("abcd,a,b,c,d->", free(theta), *powers)

    there = np.ones(orders.shape) if kept is None else kept
    fast = FastTaylor(orders, free, np.asarray(there.any(axis=3)))
    where = None if only is None else free_indices(orders, only)
    return Rule(
        init, apply, fast.update(), fast.change, fast.theta_vjp, where, linear=True
    )
