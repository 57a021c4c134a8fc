"""Terms of a Taylor rule: orders, names, indices, and rules that have a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from numpy.typing import DTypeLike

from plastutor._experiments import check_dtype

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
    orders: Orders, *, dtype: DTypeLike | None = None, **coefficients: ArrayLike
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


def _coefficients(orders: Orders, named: Mapping[str, ArrayLike]) -> np.ndarray:
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


def free_terms(orders: Orders, only: Sequence[str]) -> Float[np.ndarray, "x y w r"]:
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


OJA = _coefficients(OJA_ORDERS, {"xy": 1.0, "yyw": -1.0})
"""Oja's rule (1982): dw = x y - y^2 w."""

HEBB = _coefficients(OJA_ORDERS, {"xy": 1.0})
"""Hebb's rule: dw = x y."""


def reward_covariance(
    orders: Orders = BEHAVIOUR_ORDERS, *, decay: float = 0.0
) -> Float[Array, "x y w r"]:
    """The reward-covariance rule dw = x r - decay * w, with r = R - E[R].

    With decay = 0 it is the rule that the paper simulates by default.

    >>> rule = reward_covariance(Orders(x=1, w=1, r=1), decay=0.05)
    >>> round(float(rule[0, 0, 1, 0]), 2)
    -0.05
    """
    return terms(orders, dtype=None, xr=1.0, **({"w": -decay} if decay else {}))
