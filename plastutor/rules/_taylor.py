"""The truncated Taylor series as a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from plastutor._devices import sum_rows
from plastutor._types import Rule
from plastutor.rules._terms import Orders, _check_orders, free_indices, free_terms


def _each_power(v, order: int) -> list:
    """1, v, v^2, ... (products, so that 0^0 is 1)."""
    powers = [jnp.ones_like(v)]
    for _ in range(order):
        powers.append(powers[-1] * v)
    return powers


def _powers(v, order: int):
    """The same along a new last axis."""
    return jnp.stack(_each_power(v, order), axis=-1)


def _horner(coefficients, v) -> Any:
    """c_0 + v (c_1 + v (c_2 + ...)). None is a coefficient that is always zero."""
    value = None
    for coefficient in reversed(list(coefficients)):
        if value is None:
            value = coefficient
        else:
            value = v * value if coefficient is None else coefficient + v * value
    return value


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
    free = None if only is None else free_terms(orders, only)
    kept = np.ones(orders.shape) if free is None else free
    there = kept.max(axis=3) > 0  # which x^a y^b w^c
    w_powers = tuple(map(int, np.flatnonzero(there.max(axis=(0, 1)))))

    def freed(theta):
        if jnp.shape(theta) != orders.shape:
            raise ValueError(
                f"theta has shape {jnp.shape(theta)}; expected {orders.shape}: one "
                f"axis for the powers of each of x, y, w and r, as in {orders}."
            )
        return theta if free is None else theta * free.astype(theta.dtype)

    def init(key):
        return freed(scale * jax.random.normal(key, orders.shape))

    def apply(theta, x, y, w, r):
        powers = [_powers(v, n) for v, n in zip((x, y, w, r), orders, strict=True)]
        return jnp.einsum("abcd,a,b,c,d->", freed(theta), *powers)

    def without_r(theta, r):
        """The coefficients of x^a y^b w^c, with the powers of r summed over."""
        theta = jnp.moveaxis(freed(theta), 3, 0)
        if jnp.ndim(r):  # of many steps: one number a step for a whole layer
            theta, r = theta[..., None, None, None], r[(None,) * 5]
        return _horner(theta, r)

    # Horner's scheme through all powers, number by number: XLA makes one pass over the
    # synapses, and no array of powers is kept. The powers of x come first: they are one
    # number for a whole row of synapses, so that of each synapse only y and w are read.
    def by_power_of_w(theta, x, y):
        """A_c of dw = A_0 + w (A_1 + w (A_2 + ...)), (pre, post) or less."""

        def of_x(b, c):
            a = range(orders.x + 1)
            return _horner(
                [theta[k, b, c] if there[k, b, c] else None for k in a], rows
            )

        rows = x[:, None]
        return [
            _horner([of_x(b, c) for b in range(orders.y + 1)], y[None])
            for c in range(orders.w + 1)
        ]

    def fused(theta, x, y, w, r):
        value = _horner(by_power_of_w(without_r(theta, r), x, y), w)
        return jnp.zeros_like(w) if value is None else jnp.broadcast_to(value, w.shape)

    def pull(theta, x, y, w, r, d):
        of_w = [d * power for power in _each_power(w, orders.w)]
        of_x, of_r = _each_power(x, orders.x), _each_power(r, orders.r)
        before = jnp.stack([p * q[None] for p in of_x for q in of_r], axis=1)
        # One row after the other: a product of matrices would first be laid out.
        rows = [
            jnp.einsum("pkt,pt->pk", before, sum_rows(p[None] * q, 1)).sum(0)
            for p in _each_power(y, orders.y)
            for q in of_w
        ]
        a, b, c, d = orders.shape
        slope = jnp.stack(rows).reshape(b, c, a, d)
        return freed(slope.transpose(2, 0, 1, 3))

    def fused_and_saved(theta, x, y, w, r):
        return fused(theta, x, y, w, r), (theta, x, y, w, r)

    def backward(saved, g):
        # All but the slopes of x and w follows from the sums S_ac = sum_i x_i^a g w^c.
        # Recomputing A_c is cheaper than storing it for every step of a life.
        theta, x, y, w, r = saved
        small, back_small = jax.vjp(without_r, theta, r)
        of_x, back_x = jax.vjp(lambda x: jnp.stack(_each_power(x, orders.x)), x)
        g_w = [g, *(g * power for power in _each_power(w, orders.w)[1:])]
        none = jnp.zeros((orders.x + 1, len(y)), g.dtype)
        n_w = range(orders.w + 1)
        sums = [of_x @ g_w[c] if c in w_powers else none for c in n_w]
        powers = jnp.stack(_each_power(y, orders.y))
        # Not a product of matrices: of a whole batch those are slow here.
        d_small = (jnp.stack(sums)[:, :, None] * powers[None, None]).sum(-1)
        d_theta, d_r = back_small(d_small.transpose(1, 2, 0))

        # Number by number again: products of such small matrices cost more.
        def of_y(b):
            found = np.argwhere(there[:, b])
            each = [b * small[a, b, c] * sums[c][a] for a, c in found]
            return reduce(jnp.add, each) if each else None

        d_y = _horner([of_y(b) for b in range(1, orders.y + 1)], y)
        d_y = jnp.zeros_like(y) if d_y is None else d_y
        v = jnp.einsum("abc,bj->caj", small, powers)
        (d_x,) = back_x(sum((v[c] @ g_w[c].T for c in w_powers), jnp.zeros_like(of_x)))
        parts = by_power_of_w(small, x, y)
        slope = _horner(
            [c * part if c in w_powers else None for c, part in enumerate(parts)][1:], w
        )
        d_w = jnp.zeros_like(g) if slope is None else g * slope
        return d_theta, d_x, d_y, d_w, d_r

    update = jax.custom_vjp(fused)
    update.defvjp(fused_and_saved, backward)
    where = None if only is None else free_indices(orders, only)
    return Rule(init, apply, update, fused, pull, where, linear=True)
