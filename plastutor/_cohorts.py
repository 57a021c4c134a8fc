"""Cohorts: which experiments belong to which animal."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from plastutor._types import Experiment


@dataclass(frozen=True, eq=False)  # it holds arrays: a cohort equals itself alone
class Cohort:
    """Experiments that belong to animals; what takes one takes a plain batch as well.

    Attributes:
        data: a batch of experiments.
        animal: for each experiment, the number of its animal, from 0 up; default one
            experiment an animal.

    Raises:
        ValueError: no batch, or no such numbers.

    >>> import plastutor as pt
    >>> three = pt.make_experiment(np.ones((3, 5, 1)), w0=np.zeros((1, 1)))
    >>> cohort = Cohort(three, [0, 1, 0])
    >>> cohort.n_animals, cohort.by_animal.x.shape
    (2, (2, 2, 5, 1))
    >>> cohort.by_animal.valid.any(-1).tolist()
    [[True, True], [True, False]]
    """

    data: Experiment
    animal: Int[np.ndarray, " exp"] | Any = None

    def __post_init__(self) -> None:
        if self.data.x.ndim != 3:
            raise ValueError(
                f"x has shape {self.data.x.shape}; expected a batch, with a first axis "
                "for experiments. Put x[None] and the like into make_experiment."
            )
        count, animal = self.data.x.shape[0], self.animal
        owner = np.arange(count) if animal is None else np.asarray(animal)
        numbers = np.unique(owner)
        if owner.shape != (count,) or not np.array_equal(numbers, range(len(numbers))):
            raise ValueError(
                f"animal is {animal!r}; expected one number for each of the {count} "
                "experiments, from 0 up without a gap: [0, 0, 1] for two animals."
            )
        object.__setattr__(self, "animal", owner)

    @property
    def n_animals(self) -> int:
        """How many animals there are."""
        return int(self.animal.max()) + 1

    @cached_property
    def by_animal(self) -> Experiment:
        """The experiments of each animal together: leading axes (animal, session).

        Animals with fewer sessions than others get empty ones, without a valid step.
        """
        own = self.animal == np.arange(self.n_animals)[:, None]
        # Each animal's own experiments first, and others, of which nothing is valid.
        index = np.argsort(~own, axis=1, kind="stable")[:, : own.sum(1).max()]
        there = np.take_along_axis(own, index, 1)[..., None]
        # In NumPy, which compiles nothing.
        grouped = jax.tree.map(lambda leaf: np.asarray(leaf)[index], self.data)
        grouped = grouped._replace(
            valid=grouped.valid & there, plastic=grouped.plastic & there
        )
        return jax.tree.map(jnp.asarray, grouped)


def as_cohort(data: Experiment | Cohort) -> Cohort:
    """The cohort, or that of a plain batch: one experiment an animal."""
    return data if isinstance(data, Cohort) else Cohort(data)
