"""Coefficients: which numbers of theta are free, and what they are called."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from plastutor._types import Theta
from plastutor.objectives import Objective
from plastutor.rules import Orders, term_names


def free_coefficients(loss: Objective, theta: Theta) -> tuple[int, ...]:
    """Where the free coefficients stand in the row that theta makes (`ravel_pytree`).

    The rule of the loss says which: name them in `taylor(only=...)`. Without a rule, or
    with one that names none, all are free.

    Args:
        loss: made by `objective`.
        theta: of that loss.

    >>> import plastutor as pt
    >>> loss = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), pt.activity)
    >>> free_coefficients(loss, pt.OJA)
    (7, 12)
    """
    free = loss.rule.free if loss.rule is not None else None
    return tuple(range(ravel_pytree(theta)[0].size)) if free is None else free


def free_directions(loss: Objective, theta: Theta) -> tuple[Float[Array, "k n"], Theta]:
    """The directions of the free coefficients: as rows, and as thetas."""
    flat, unravel = ravel_pytree(theta)
    rows = jnp.eye(flat.size, dtype=flat.dtype)[
        jnp.array(free_coefficients(loss, theta))
    ]
    return rows, jax.vmap(unravel)(rows)


def coefficient_names(loss: Callable, theta: Theta) -> tuple[str, ...]:
    """What the free coefficients are called, in the order of the row theta makes.

    Terms for a Taylor rule, after the name of its projection if there are several; the
    names that a baseline gives; of a network the places in its arrays.

    Args:
        loss: made by `objective`, or a baseline.
        theta: of that loss.

    >>> import plastutor as pt
    >>> loss = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), pt.activity)
    >>> coefficient_names(loss, pt.OJA)
    ('yyw', 'xy')
    """
    names: list[str] = list(getattr(getattr(loss, "predict", None), "names", ()))
    if not names:
        for path, leaf in jax.tree_util.tree_leaves_with_path(theta):
            shape = np.shape(leaf)
            place = jax.tree_util.keystr(path, simple=True, separator=" ")
            if len(shape) == 4:
                terms = term_names(Orders(*(n - 1 for n in shape)))
                names += [f"{place} {term}".strip() for term in terms]
            else:
                names += [
                    f"{place}{[*index] if index else ''}" for index in np.ndindex(shape)
                ]
    if not isinstance(loss, Objective):
        return tuple(names)
    return tuple(names[k] for k in free_coefficients(loss, theta))
