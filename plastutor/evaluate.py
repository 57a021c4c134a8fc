"""Evaluate: on data that the fit has not seen, beside the model that does nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from plastutor.fit import LBFGS, fit_many, lowest
from plastutor.losses import Objective, accept_loss, choice_loss
from plastutor.simulate import simulate
from plastutor.types import RECORDED, Experiment, Fit, Network, Rule, Theta

__all__ = [
    "Comparison",
    "LeftOut",
    "animal_losses",
    "bootstrap_interval",
    "compare",
    "leave_one_out",
    "null_theta",
    "percent_deviance",
    "r2",
    "weight_r2",
]


def null_theta(theta: Theta) -> Theta:
    """The do-nothing model: the same parameters, all zero, so that dw = 0.

    >>> float(null_theta(jnp.ones(3)).sum())
    0.0
    """
    return jax.tree.map(jnp.zeros_like, theta)


def r2(true, predicted) -> float:
    """The coefficient of determination, one for each column, then their plain mean.

    R2 = 1 - sum (true - predicted)^2 / sum (true - mean)^2, sums over the rows. A
    column that never changes counts 1 if predicted exactly, else 0.

    Args:
        true: samples x columns, for example (steps, synapses).
        predicted: the same shape.

    Raises:
        ValueError: the shapes differ or are not two-dimensional.

    >>> r2([[0.0, 1.0], [2.0, 5.0]], [[0.0, 3.0], [2.0, 3.0]])
    0.5
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.shape != predicted.shape or true.ndim != 2:
        raise ValueError(
            f"true has shape {true.shape}, predicted {predicted.shape}; expected the "
            "same shape (samples, columns) twice. Use reshape(-1, columns)."
        )
    residual = ((true - predicted) ** 2).sum(0)
    total = ((true - true.mean(0)) ** 2).sum(0)
    return float(_ratio(residual, total).mean())


def _ratio(residual, total):
    """1 - residual / total, for each column."""
    constant = np.where(residual == 0, 1.0, 0.0)
    safe = np.where(total > 0, total, 1.0)
    return np.where(total > 0, 1 - residual / safe, constant)


@partial(jax.jit, static_argnames=("rule", "network"))
def _weight_sums(rule, theta, theta_true, data, network):
    """Residual and total sum of squares of every synapse, one experiment at a time."""

    def life(theta, experiment):
        w = simulate(rule, theta, experiment, network=network).w
        return jnp.where(experiment.valid[:, None, None], w, 0)

    def add(total, experiment):
        return total + life(theta_true, experiment).sum(0), None

    zero = jnp.zeros(data.w0.shape[1:], jnp.result_type(data.w0, *jax.tree.leaves(theta)))
    mean = jax.lax.scan(add, zero, data)[0] / data.valid.sum()

    def add_squares(sums, experiment):
        true, found = life(theta_true, experiment), life(theta, experiment)
        off = jnp.where(experiment.valid[:, None, None], true - mean, 0)
        return (sums[0] + ((true - found) ** 2).sum(0), sums[1] + (off**2).sum(0)), None

    return jax.lax.scan(add_squares, (zero, zero), data)[0]


def weight_r2(
    rule: Rule,
    theta: Theta,
    theta_true: Theta,
    held_out: Experiment,
    *,
    network: Network = RECORDED,
) -> Float[np.ndarray, "pre post"]:
    """R2 of the weights, one for every synapse, over the steps of all experiments.

    Both rules start from the same initial weights and get the same stimuli. The
    weights are not stored, so that 100,000 synapses fit into memory.

    Args:
        rule: the rule, the same for both thetas.
        theta: what was inferred.
        theta_true: the truth.
        held_out: a batch of experiments that the fit has not seen.
        network: what is fixed about the learner.

    >>> from plastutor.rules import HEBB, OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> new = neural_task(jr.key(0), rule, OJA, n_experiments=3, n_pre=5, n_post=2)
    >>> float(weight_r2(rule, OJA, OJA, new).mean())
    1.0
    """
    theta, theta_true = jax.tree.map(jnp.asarray, (theta, theta_true))
    sums = _weight_sums(rule, theta, theta_true, held_out, network)
    return _ratio(*map(np.asarray, sums))


def percent_deviance(loss, null_loss) -> float:
    """Percent deviance explained: 100 (1 - D / D_null), with D = -2 log-likelihood.

    Both arguments are negative log-likelihoods of the same observations: means, or one
    value an animal, which are summed first. The null model is the one that does not
    learn.

    >>> percent_deviance([0.5, 0.5], [0.5, 1.5])
    50.0
    """
    return float(100 * (1 - np.sum(loss) / np.sum(null_loss)))


class Comparison(NamedTuple):
    """How well a rule does on held-out experiments; None where there is no such data.

    Attributes:
        r2_weights: mean over synapses of the R2 of the weights; needs the true theta.
        r2_activity: mean over neurons of the R2 of the activity; against the true
            theta's if given, else against what was recorded.
        percent_deviance: of the accept/reject or choice data, in percent.
    """

    r2_weights: float | None
    r2_activity: float | None
    percent_deviance: float | None


def compare(
    rule: Rule,
    theta: Theta,
    held_out: Experiment,
    *,
    theta_true: Theta | None = None,
    network: Network = RECORDED,
) -> Comparison:
    """Score a rule on experiments that it has not seen.

    Args:
        rule: the rule.
        theta: what was inferred; `null_theta(theta)` scores the do-nothing model.
        held_out: a batch of new experiments.
        theta_true: the truth, where it is known.
        network: what is fixed about the learner.

    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> new = neural_task(jr.key(0), rule, OJA, n_experiments=3, n_pre=5, n_post=2)
    >>> compare(rule, OJA, new, theta_true=OJA)
    Comparison(r2_weights=1.0, r2_activity=1.0, percent_deviance=None)
    """
    if held_out.x.ndim == 2:
        held_out = jax.tree.map(lambda leaf: leaf[None], held_out)
    life = partial(simulate, rule, experiment=held_out, network=network, keep_weights=False)
    found = life(theta)
    weights = activity = deviance = None
    true_activity = held_out.activity
    if theta_true is not None:
        weights = float(weight_r2(rule, theta, theta_true, held_out, network=network).mean())
        true_activity = life(theta_true).y
    if true_activity is not None:
        seen = np.asarray(held_out.valid)
        true, predicted = np.asarray(true_activity)[seen], np.asarray(found.y)[seen]
        recorded = ~np.isnan(true).all(0)
        activity = r2(true[:, recorded], predicted[:, recorded])
    if held_out.accept is not None or held_out.choice is not None:
        data_loss = accept_loss if held_out.choice is None else choice_loss
        nothing = life(null_theta(theta))
        deviance = percent_deviance(
            data_loss(found, held_out), data_loss(nothing, held_out)
        )
    return Comparison(weights, activity, deviance)


class LeftOut(NamedTuple):
    """What leaving out one animal at a time gave.

    Attributes:
        fits: for each animal, the best fit to the others.
        losses: for each animal, the summed loss of that fit on the animal itself.
        restarts: for each animal, the loss on the others of every restart.
        chosen: for each animal, the index of the loss that was used on it.
    """

    fits: list[Fit]
    losses: Float[np.ndarray, " exp"]
    restarts: Float[np.ndarray, "exp restart"]
    chosen: list[int]


@partial(jax.jit, static_argnames=("loss",))
def _per_animal(loss, thetas, data):
    def one(theta, animal):
        return loss.data_loss(loss.predict(theta, animal), animal)

    batch_of_one = jax.tree.map(lambda leaf: leaf[:, None], data)
    return jax.vmap(one)(thetas, batch_of_one)


def _observations(data: Experiment) -> np.ndarray:
    """How many choices, or else accepts and rejects, each animal made."""
    if data.choice is not None:
        return np.asarray((data.choice >= 0) & data.valid).sum(-1)
    return np.asarray(~jnp.isnan(data.accept) & data.valid).sum(-1)


def animal_losses(loss: Objective, theta: Theta, data: Experiment) -> Float[Array, " exp"]:
    """The loss of each animal, summed over its choices, without the penalty.

    Args:
        loss: made by `objective`, with a loss that is a mean over choices.
        theta: one theta for all, or a list with one for each animal.
        data: a batch, one experiment an animal.
    """
    count = data.x.shape[0]
    thetas = theta if isinstance(theta, list) else [theta] * count
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *thetas)
    return np.asarray(_per_animal(loss, stacked, data)) * _observations(data)


def _fit_without(loss, starts, data, groups, optimizer, num_steps) -> list[list[Fit]]:
    """For each group of animals left out, fits to the others, one for each restart."""
    count = data.x.shape[0]
    others = jnp.array([[k for k in range(count) if k not in g] for g in groups])
    restarts = jax.tree.leaves(starts)[0].shape[1]
    kept = jax.tree.map(lambda leaf: jnp.repeat(leaf[others], restarts, 0), data)
    starts = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), starts)
    fits = fit_many(
        loss, starts, kept, own_data=True, optimizer=optimizer, num_steps=num_steps
    )
    return [fits[k : k + restarts] for k in range(0, len(fits), restarts)]


def _choose(key, losses, init, data, restarts, optimizer, num_steps) -> list[int]:
    """For each animal, the loss that predicts best among the *other* animals.

    A fit without animals i and j is scored on j when i is to be predicted, and on i
    when j is. So animal i never takes part in the choice made for it.
    """
    count = data.x.shape[0]
    pairs = [(i, j) for i in range(count) for j in range(i)]
    score = np.zeros((len(losses), count))
    for k, loss in enumerate(losses):
        starts = _starts(key, init, len(pairs), restarts)
        fits = _fit_without(loss, starts, data, pairs, optimizer, num_steps)
        best = [min(group, key=lowest).theta for group in fits]
        for first in (0, 1):
            scored = np.array([pair[first] for pair in pairs])
            left = [pair[1 - first] for pair in pairs]
            animals = jax.tree.map(lambda leaf, scored=scored: leaf[scored], data)
            np.add.at(score[k], left, animal_losses(loss, best, animals))
    return [int(k) for k in score.argmin(0)]


def _starts(key, init, folds, restarts):
    keys = jr.split(key, (folds, restarts))
    return jax.vmap(jax.vmap(init))(keys)


def leave_one_out(
    key,
    loss: Objective | Sequence[Objective],
    init: Callable,
    data: Experiment,
    *,
    restarts: int = 10,
    optimizer=LBFGS,
    num_steps: int = 50,
) -> LeftOut:
    """Predict every animal from a fit to all the others.

    Each fold has its own random restarts, and the best of them is taken by its loss on
    the animals that were fitted. The animal left out has no part in that.

    Args:
        key: a JAX random key.
        loss: made by `objective`; or several of them (penalties, say), among which a
            leave-one-out inside the other animals chooses.
        init: `key -> theta`, such as rule.init.
        data: a batch, one experiment an animal.
        restarts: starts for each fold.
        optimizer: as in `fit`.
        num_steps: as in `fit`.

    Raises:
        ValueError: fewer than three animals.
    """
    count = data.x.shape[0] if data.x.ndim == 3 else 1
    if count < 3:
        raise ValueError(f"There are {count} animals; leaving one out needs at least 3.")
    losses = [loss] if isinstance(loss, Objective) else list(loss)
    key_folds, key_choice = jr.split(key)
    chosen = [0] * count
    if len(losses) > 1:
        chosen = _choose(key_choice, losses, init, data, restarts, optimizer, num_steps)
    folds: dict[int, list[Fit]] = {}
    all_starts = _starts(key_folds, init, count, restarts)
    for k in sorted(set(chosen)):
        mine = np.array([i for i in range(count) if chosen[i] == k])
        starts = jax.tree.map(lambda leaf, mine=mine: leaf[mine], all_starts)
        groups = [(int(i),) for i in mine]
        found = _fit_without(losses[k], starts, data, groups, optimizer, num_steps)
        folds |= dict(zip(map(int, mine), found, strict=True))
    fits = [min(folds[i], key=lowest) for i in range(count)]
    seen = animal_losses(losses[0], [found.theta for found in fits], data)
    return LeftOut(
        fits, seen, np.array([[lowest(f) for f in folds[i]] for i in range(count)]), chosen
    )


def bootstrap_interval(
    key, statistic: Callable, *per_animal, level: float = 0.95, num: int = 10_000
) -> tuple[float, float]:
    """A percentile bootstrap interval over animals.

    Args:
        key: a JAX random key.
        statistic: a function of the arrays, for example `percent_deviance`.
        *per_animal: arrays with one value an animal; they are drawn together.
        level: the interval's coverage.
        num: bootstrap samples.

    >>> low, high = bootstrap_interval(jr.key(0), np.mean, np.arange(20.0))
    >>> low < 9.5 < high
    True
    """
    arrays = [np.asarray(values) for values in per_animal]
    count = len(arrays[0])
    draws = np.asarray(jr.randint(key, (num, count), 0, count))
    values = [statistic(*(values[draw] for values in arrays)) for draw in draws]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
