"""Fresh data: drawn anew for every step of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from jaxtyping import ArrayLike


@partial(jax.tree_util.register_dataclass, data_fields=["key"], meta_fields=["sample"])
@dataclass(frozen=True)
class Fresh:
    """Data that are new in each step: `fit(loss, theta0, Fresh(sample, key))`.

    Attributes:
        sample: `key -> data`, a function that JAX can trace; a function defined once is
            compiled once.
        key: a JAX random key; of `fit_many` with data_axes=0, one for each fit. The
            data of a step depend on it and on the step alone.

    >>> data = Fresh(jax.random.normal, jax.random.key(0))
    >>> bool(data.draw(3) == data.draw(3)), bool(data.draw(3) == data.draw(4))
    (True, False)
    """

    sample: Callable
    key: Any

    def draw(self, step: ArrayLike) -> Any:
        """The data of a step."""
        return self.sample(jax.random.fold_in(self.key, step))


def data_at(data: Any, step: ArrayLike) -> Any:
    """The data of a step: what was drawn for it, or the same in each.

    >>> data_at(2.0, 5)
    2.0
    """
    return data.draw(step) if isinstance(data, Fresh) else data
