"""Plasticity rules dw = g_theta(x, y, w, r): Taylor series and named rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from plastutor.experiments import check_dtype
from plastutor.types import Rule

__all__ = [
    "BEHAVIOUR_ORDERS",
    "HEBB",
    "OJA",
    "OJA_ORDERS",
    "Orders",
    "free_indices",
    "free_terms",
    "plain_update",
    "reward_covariance",
    "taylor",
    "term_names",
    "terms",
]

LETTERS = "xywr"


class Orders(NamedTuple):
    """The highest power of each variable in a truncated Taylor series.

    >>> Orders(x=2, y=2, w=2).shape
    (3, 3, 3, 1)
    """

    x: int = 0
    y: int = 0
    w: int = 0
    r: int = 0

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Shape of theta: axes x, y, w, r, in that order."""
        return (self.x + 1, self.y + 1, self.w + 1, self.r + 1)


OJA_ORDERS = Orders(x=2, y=2, w=2)
"""The 27 terms that the paper uses for recorded activity."""

BEHAVIOUR_ORDERS = Orders(x=2, y=2, w=2, r=2)
"""The 81 terms that the paper uses for choices."""


def _check_orders(orders: Orders) -> None:
    for letter, order in zip(LETTERS, orders, strict=True):
        if isinstance(order, bool) or not isinstance(order, int) or order < 0:
            raise ValueError(
                f"The order of {letter} is {order!r}; expected a whole number from 0 "
                "up, for example Orders(x=2, y=2, w=2)."
            )


def _powers_of(term: str, orders: Orders) -> tuple[int, ...]:
    """The index of a term in theta: "yyw" is (0, 2, 1, 0), "one" is (0, 0, 0, 0)."""
    if term == "one":
        return (0, 0, 0, 0)
    wrong = sorted(set(term) - set(LETTERS))
    if wrong or not term:
        problem = f"has the unknown letter {''.join(wrong)!r}" if wrong else "is empty"
        raise ValueError(
            f"The term {term!r} {problem}. A term is "
            "'one' or a product of x (pre), y (post), w (weight) and r (reward), for "
            "example 'xy' or 'yyw'."
        )
    index = tuple(term.count(letter) for letter in LETTERS)
    for letter, power, order in zip(LETTERS, index, orders, strict=True):
        if power > order:
            raise ValueError(
                f"The term {term!r} holds {letter} to the power {power}, but the "
                f"series stops at {order}. Raise it: Orders({letter}={power}, ...)."
            )
    return index


def _indices(names: Sequence[str], orders: Orders) -> list[tuple[int, ...]]:
    """Indices of several terms; one named twice (also as xy and yx) is an error."""
    _check_orders(orders)
    found: dict[tuple[int, ...], str] = {}
    for name in names:
        index = _powers_of(name, orders)
        if index in found:
            raise ValueError(
                f"{found[index]!r} and {name!r} are the same term. Name it once, with "
                "the sum of the two coefficients."
            )
        found[index] = name
    return list(found)


def terms(
    orders: Orders, *, dtype=None, **coefficients: float
) -> Float[Array, "x y w r"]:
    """The theta of a Taylor rule, from the coefficients of its terms.

    theta[a, b, c, d] multiplies x^a y^b w^c r^d. All terms not named are zero.

    Args:
        orders: the highest power of each variable.
        dtype: float32 or float64; default JAX's own.
        **coefficients: one for each term, such as xy=1.0; the constant is `one`.

    Raises:
        ValueError: an unknown letter, a power above the order, a term named twice.

    >>> oja = terms(Orders(x=2, y=2, w=2), xy=1.0, yyw=-1.0)
    >>> float(oja[1, 1, 0, 0]), float(oja[0, 2, 1, 0]), int((oja != 0).sum())
    (1.0, -1.0, 2)
    """
    return jnp.asarray(_coefficients(orders, coefficients), check_dtype(dtype))


def _coefficients(orders: Orders, named: dict[str, float]) -> np.ndarray:
    theta = np.zeros(orders.shape)
    for index, value in zip(_indices(list(named), orders), named.values(), strict=True):
        theta[index] = value
    return theta


def term_names(orders: Orders) -> list[str]:
    """The name of every coefficient, in the order of `theta.ravel()`.

    >>> term_names(Orders(x=1, y=1))
    ['one', 'y', 'x', 'xy']
    """
    return [
        "".join(letter * power for letter, power in zip(LETTERS, index, strict=True))
        or "one"
        for index in product(*map(range, orders.shape))
    ]


def free_terms(orders: Orders, only: Sequence[str]) -> np.ndarray:
    """1 at the terms of a subset and 0 elsewhere, in the shape of theta.

    >>> int(free_terms(Orders(x=1, w=1, r=1), ("x", "xr")).sum())
    2
    """
    mask = np.zeros(orders.shape)
    for index in _indices(only, orders):
        mask[index] = 1
    return mask


def free_indices(orders: Orders, only: Sequence[str]) -> tuple[int, ...]:
    """Where the terms of a subset stand in `theta.ravel()`, in ascending order.

    >>> free_indices(Orders(x=1, w=1, r=1), ("xr", "x", "w"))
    (2, 4, 5)
    """
    return tuple(map(int, np.flatnonzero(free_terms(orders, only))))


def _each_power(v, order: int) -> list:
    """1, v, v^2, ... (products, so that 0^0 is 1)."""
    powers = [jnp.ones_like(v)]
    for _ in range(order):
        powers.append(powers[-1] * v)
    return powers


def _powers(v, order: int):
    """The same along a new last axis."""
    return jnp.stack(_each_power(v, order), axis=-1)


def add_up(values, axis: int):
    """The sum over an axis.

    XLA adds whole rows many numbers at a time, and the numbers of a sum one by one. Of
    many rows that would be a long program, so they are left to it.
    """
    if values.shape[axis] > 16:
        return values.sum(axis)
    return reduce(jnp.add, jnp.moveaxis(values, axis, 0))


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
            jnp.einsum("pkt,pt->pk", before, add_up(p[None] * q, 1)).sum(0)
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


OJA = _coefficients(OJA_ORDERS, {"xy": 1.0, "yyw": -1.0})
"""Oja's rule (1982): dw = x y - y^2 w."""

HEBB = _coefficients(OJA_ORDERS, {"xy": 1.0})
"""Hebb's rule: dw = x y."""


def reward_covariance(orders: Orders = BEHAVIOUR_ORDERS, *, decay: float = 0.0):
    """The reward-covariance rule dw = x r - decay * w, with r = R - E[R].

    With decay = 0 it is the rule that the paper simulates by default.

    >>> rule = reward_covariance(Orders(x=1, w=1, r=1), decay=0.05)
    >>> round(float(rule[0, 0, 1, 0]), 2)
    -0.05
    """
    return terms(orders, xr=1.0, **({"w": -decay} if decay else {}))
