"""Held out: predict every animal from the others, and later steps from earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.tree_util import Partial
from jaxtyping import Float, PRNGKeyArray

from plastutor._cohorts import Cohort, as_cohort
from plastutor._experiments import check_experiment, hide
from plastutor._types import Experiment, Fit, Theta
from plastutor.infer import LBFGS, fit_many, lowest_loss
from plastutor.likelihoods import likelihood_of
from plastutor.objectives import Objective

MAX_FITS_PER_BATCH = 256  # fits that are run together, to bound the memory


class LeftOut(NamedTuple):
    """What leaving out one animal at a time gave.

    Attributes:
        fits: for each animal, the best fit to the others.
        losses: for each animal, the summed loss of that fit on the animal itself.
        restarts: for each animal, the loss on the others of every restart.
        chosen: for each animal, the index of the loss that was used on it.
        status: for each animal, `Fit.status` of every restart.
    """

    fits: list[Fit]
    losses: Float[np.ndarray, " animal"]
    restarts: Float[np.ndarray, "animal restart"]
    chosen: list[int]
    status: list[list[str]]


@partial(jax.jit, static_argnames=("loss",))
def _per_animal(loss, thetas, data):
    def one(theta, animal):
        return loss.likelihood(loss.predict(theta, animal), animal)

    batch_of_one = jax.tree.map(lambda leaf: leaf[:, None], data)
    return jax.vmap(one)(thetas, batch_of_one)


def count_observations(data: Experiment) -> np.ndarray:
    """How many choices, or accepts and rejects, or activities there are.

    Args:
        data: a batch of experiments, or as from `Cohort.by_animal`.

    Returns:
        One number for each experiment, or for each animal.
    """
    there = np.asarray(likelihood_of(data).observed(data)[1])
    return there.sum(tuple(range(1, there.ndim)))


def animal_losses(
    loss: Objective,
    theta: Theta,
    data: Experiment | Cohort,
) -> Float[np.ndarray, " animal"]:
    """The loss of each animal, summed over its choices, without the penalty.

    Args:
        loss: made by `objective`, with a loss that is a mean over choices.
        theta: one theta for all, or a list with one for each animal.
        data: a cohort, or a batch with one experiment an animal.

    Returns:
        One number an animal, shape (animal,).
    """
    cohort = as_cohort(data)
    data, owner, count = cohort.data, cohort.animal, cohort.n_animals
    thetas = theta if isinstance(theta, list) else [theta] * count
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves)[owner], *thetas)
    observed = count_observations(data)
    bare = replace(loss, penalty=None)  # one program, whatever the penalty
    mean = np.asarray(_per_animal(bare, stacked, data))
    return np.bincount(owner, np.where(observed > 0, mean * observed, 0), count)


def _hide_animals(data: Experiment, owner, animals) -> Experiment:
    return hide(data, jnp.isin(owner, animals)[:, None])


def split_in_time(
    data: Experiment, fraction: float, *, carry: bool = True
) -> tuple[Experiment, Experiment]:
    """The first steps of every animal, to fit, and the rest, to predict.

    Both parts hold all steps, but what was observed in the other part is hidden from
    the loss. So the rest starts with the weights and the expected reward that the
    animal's own first steps have led to.

    Args:
        data: a batch, one experiment an animal.
        fraction: how much belongs to the first part, between 0 and 1; of each animal's
            valid steps, rounded.
        carry: False lets the rest start with w0 and without a memory of rewards, as in
            Mehta et al. (2024): nothing is learned in the first steps.

    Raises:
        ValueError: no such part, or no batch.

    >>> import plastutor as pt
    >>> one = pt.make_experiment(jnp.ones((1, 4, 1)), w0=jnp.zeros((1, 1, 1)),
    ...                       accept=[[1.0, 0.0, 1.0, 1.0]], reward=jnp.zeros((1, 4)))
    >>> first, rest = split_in_time(one, 0.5)
    >>> [float(v) for v in first.accept[0]], [float(v) for v in rest.accept[0]]
    ([1.0, 0.0, nan, nan], [nan, nan, 1.0, 1.0])
    """
    if not 0 < fraction < 1:
        raise ValueError(
            f"fraction is {fraction!r}; expected a number between 0 and 1, such as "
            "0.5: the part of the steps that is fitted."
        )
    check_experiment(data)
    data = as_cohort(data).data  # refuses what is no batch
    count = jnp.cumsum(data.valid, axis=1)
    early = count <= jnp.round(fraction * count[:, -1:])
    first, rest = hide(data, ~early), hide(data, early)
    return first, rest if carry else rest._replace(plastic=data.plastic & ~early)


@lru_cache  # the same loss gives the same function, so JAX need not compile it again
def _without(loss: Objective) -> Objective:
    """The loss of the others, on (experiments, their animals, those left out, penalty).

    The penalty is data, and with it its strength: one program serves all strengths. So
    what is predicted holds theta, which a penalty is about.
    """

    def predicting(predict):
        return lambda theta, data: (predict(theta, data[0]), theta)

    def likelihood(predicted, data):
        prediction, theta = predicted
        *observed, penalty = data
        mean = loss.likelihood(prediction, _hide_animals(*observed))
        return mean if penalty is None else mean + penalty(theta)

    forward = predicting(loss.forward or loss.predict)
    return Objective(predicting(loss.predict), likelihood, None, forward, loss.rule)


def _fit_without(loss, starts, data, groups, how) -> list[list[Fit]]:
    """For each group of animals left out, fits to the others, one for each restart."""
    restarts = jax.tree.leaves(starts)[0].shape[1]
    left_out = np.repeat(np.array(groups), restarts, 0)
    starts = jax.tree.map(
        lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), starts
    )
    # Each fit simulates all animals: many animals have more pairs than there is memory.
    # Chunks of one size, the last one filled up, so that one program does for all: for
    # pairs, and for single animals.
    count, folds = len(left_out), (data[1].max() + 1) * restarts
    size = -(-folds // -(-folds // MAX_FITS_PER_BATCH))
    penalty = loss.penalty
    if penalty is not None and not isinstance(penalty, Partial):
        penalty = Partial(penalty)  # a pytree without any data
    bare = _without(replace(loss, penalty=None))
    fits = []
    for k in range(0, count, size):
        rows = np.minimum(np.arange(k, k + size), count - 1)
        fits += fit_many(
            bare,
            jax.tree.map(lambda leaf, rows=rows: leaf[rows], starts),
            (*data, left_out[rows], penalty),
            data_axes=(None, None, 0, None),
            **how,
        )
    return [fits[k : k + restarts] for k in range(0, count, restarts)]


def _choose(key, losses, init, cohort, restarts, how) -> list[int]:
    """For each animal, the loss that predicts best among the *other* animals.

    A fit without animals i and j is scored on j when i is to be predicted, and on i
    when j is. So animal i never takes part in the choice made for it.
    """
    data, owner, count = cohort.data, cohort.animal, cohort.n_animals
    pairs = [(i, j) for i in range(count) for j in range(i)]
    score = np.zeros((len(losses), count))
    for k, loss in enumerate(losses):
        starts = _starts(key, init, len(pairs), restarts)
        fits = _fit_without(loss, starts, (data, owner), pairs, how)
        best = [min(group, key=lowest_loss).theta for group in fits]
        for first in (0, 1):
            left = [pair[1 - first] for pair in pairs]
            pair, row = np.nonzero(np.array(pairs)[:, [first]] == owner)
            scored = jax.tree.map(lambda leaf, row=row: np.asarray(leaf)[row], data)
            np.add.at(score[k], left, animal_losses(loss, best, Cohort(scored, pair)))
    return [int(k) for k in score.argmin(0)]


def _starts(key, init, folds, restarts):
    keys = jr.split(key, (folds, restarts))
    return jax.vmap(jax.vmap(init))(keys)


def leave_one_out(
    key: PRNGKeyArray,
    loss: Objective | Sequence[Objective],
    init: Callable,
    data: Experiment | Cohort,
    *,
    restarts: int = 10,
    optimizer: Any = LBFGS,
    max_steps: int = 50,
) -> LeftOut:
    """Predict every animal from a fit to all the others.

    Each fold has its own random restarts, and the best of them is taken by its loss on
    the animals that were fitted. The animal left out has no part in that.

    Args:
        key: a JAX random key.
        loss: made by `objective`; or several of them (penalties, say, or terms), among
            which a leave-one-out inside the other animals chooses.
        init: `key -> theta`, such as rule.init.
        data: a cohort, the experiments of whose animals are left out together; or a
            batch with one experiment an animal.
        restarts: starts for each fold.
        optimizer: as in `fit`.
        max_steps: as in `fit`.

    Raises:
        ValueError: fewer than three animals.
    """
    cohort = as_cohort(data)
    data, owner, count = cohort.data, cohort.animal, cohort.n_animals
    if count < 3:
        raise ValueError(
            f"There are {count} animals; leaving one out needs at least 3."
        )
    check_experiment(data)
    losses = [loss] if isinstance(loss, Objective) else list(loss)
    key_folds, key_choice = jr.split(key)
    how = {"optimizer": optimizer, "max_steps": max_steps}
    chosen = [0] * count
    if len(losses) > 1:
        chosen = _choose(key_choice, losses, init, cohort, restarts, how)
    folds: dict[int, list[Fit]] = {}
    all_starts = _starts(key_folds, init, count, restarts)
    for k in sorted(set(chosen)):
        mine = np.array([i for i in range(count) if chosen[i] == k])
        starts = jax.tree.map(
            lambda leaf, mine=mine: np.asarray(leaf)[mine], all_starts
        )
        groups = [(int(i), int(i)) for i in mine]  # the program that pairs have
        found = _fit_without(losses[k], starts, (data, owner), groups, how)
        folds |= dict(zip(map(int, mine), found, strict=True))
    fits = [min(folds[i], key=lowest_loss) for i in range(count)]
    thetas = [fit.theta for fit in fits]
    own = {k: animal_losses(losses[k], thetas, cohort) for k in {*chosen}}
    return LeftOut(
        fits,
        np.array([own[k][i] for i, k in enumerate(chosen)]),
        np.array([[lowest_loss(f) for f in folds[i]] for i in range(count)]),
        chosen,
        [[fit.status for fit in folds[i]] for i in range(count)],
    )
