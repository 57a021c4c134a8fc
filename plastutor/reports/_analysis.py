"""What both reports do: compare models, count fits, put the report together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree

from plastutor import evaluate
from plastutor._cohorts import Cohort
from plastutor._types import Experiment, Theta
from plastutor.evaluate.uncertainty import EndDeviance, end_deviance
from plastutor.infer import (
    LBFGS,
    GaussNewton,
    distinct_optima,
    fit_many,
    free_coefficients,
    lowest_loss,
    nats_above_best,
)
from plastutor.objectives import Objective, objective
from plastutor.reports._report import NOTHING, TO_ALL, Report
from plastutor.rules import taylor

NO_ENDS = EndDeviance((), np.zeros(0), np.zeros(0), np.nan)
SAME = 0.01  # starts whose losses differ by less than this share reached the same


class Model(NamedTuple):
    """What `leave_one_out` needs to know of a model."""

    loss: Any  # an objective, or a list of them to choose among
    init: Callable
    restarts: int = 1
    optimizer: Any = LBFGS
    max_steps: int = 50


def rule_model(orders, terms, kind, network, restarts: int, max_steps: int) -> Model:
    """A rule with these terms."""
    rule = taylor(orders, terms, scale=0.1)
    loss = objective(rule, kind, network=network)
    return Model(loss, rule.init, restarts, GaussNewton(), max_steps)


ABSENT = 1e9  # where a coefficient starts that is not there; no step moves it far


class Present(NamedTuple):
    """A prediction in which coefficients that are absent count as 0.

    So which terms a model has is data, its start: models that differ in nothing else
    are compiled once.
    """

    predict: Callable

    def __call__(self, theta, data):
        """What is predicted."""

        def kept(leaf):
            return jnp.where(leaf < ABSENT / 2, leaf, 0)

        return self.predict(jax.tree.map(kept, theta), data)


def some_of(loss: Objective) -> Objective:
    """The same loss, for models that have some of its coefficients and not others."""
    forward = None if loss.forward is None else Present(loss.forward)
    return replace(loss, predict=Present(loss.predict), forward=forward, mean=None)


class Found(NamedTuple):
    """What the models made of some data.

    Attributes:
        data: with initial weights.
        losses: for each model, the loss of each animal, predicted from the others.
        left_out: the fits behind them.
        theta: of the rule, in the best fit to all animals.
        free: where in the row that it makes the rule's terms are.
        interval: of these; NaN with too few animals.
        ends: the deviance at the ends of their Laplace intervals.
        fits: for each model, how many fits there were and how they ended.
    """

    data: Experiment
    losses: dict[str, np.ndarray]
    left_out: dict[str, evaluate.LeftOut]
    theta: Theta
    free: tuple[int, ...]
    interval: np.ndarray
    ends: EndDeviance
    fits: dict[str, dict[str, int]]


class Predicted(NamedTuple):
    """Each animal predicted from the others: the first, second and last of `Found`."""

    losses: dict[str, np.ndarray]
    left_out: dict[str, evaluate.LeftOut]
    fits: dict[str, dict[str, int]]


def predict_each(keys, models: dict[str, Model], name: str, cohort: Cohort):
    """Predict each animal from the others.

    There is a key for doing nothing, which the rule of a name does where all its
    coefficients are 0, and then at least one for each model.
    """
    (key, *keys), rule = keys, models[name]
    nothing = evaluate.null_theta(rule.init(key))
    losses = {NOTHING: evaluate.animal_losses(rule.loss, nothing, cohort)}
    left_out, fits = {}, {}
    for each, model, own in zip(models, models.values(), keys, strict=False):
        one = evaluate.leave_one_out(own, data=cohort, **model._asdict())
        left_out[each], losses[each] = one, or_infinite(one.losses)
        fits[each] = _counts(one.restarts, one.status)
    return Predicted(losses, left_out, fits)


def fit_to_all(
    key, rule: Model, predicted: Predicted, cohort: Cohort, *, known: bool = True
) -> Found:
    """Fit a rule to all animals, which are predicted already.

    Where the initial weights are not known but drawn, the likelihood is that of the
    draw, and the ends of its intervals tell nothing.
    """
    starts = jax.vmap(rule.init)(jr.split(key, rule.restarts))
    how = {"optimizer": rule.optimizer, "max_steps": rule.max_steps + 10}
    to_all = fit_many(rule.loss, starts, cohort.data, **how)
    lowest = np.array([lowest_loss(fit) for fit in to_all])
    counts = _counts(lowest[None], [[fit.status for fit in to_all]])
    counts |= _optima(rule.loss, to_all, cohort.data)
    theta = to_all[lowest.argmin()].theta
    free = free_coefficients(rule.loss, theta)
    interval = np.full((2, len(free)), np.nan)
    if cohort.n_animals > len(free):
        interval = evaluate.cluster_robust_interval(rule.loss, theta, cohort)
    ends = NO_ENDS
    if known and np.isfinite(lowest.min()):
        ends = end_deviance(rule.loss, theta, cohort.data)
    losses, left_out, fits = predicted
    rest = free, np.array(interval), ends, fits | {TO_ALL: counts}
    return Found(cohort.data, losses, left_out, theta, *rest)


def or_infinite(losses: np.ndarray) -> np.ndarray:
    """The same losses; infinite where a prediction diverged."""
    return np.where(np.isfinite(losses), losses, np.inf)


def _counts(losses: np.ndarray, status: list[list[str]]) -> dict[str, int]:
    """How many fits there were and how they ended; a row has the same data."""
    lowest = losses.min(1, keepdims=True)
    same = np.isfinite(lowest) & (losses <= (1 + SAME) * lowest)
    diverged = int((np.array(status) == "diverged").sum())
    return {
        "fits": losses.size,
        "diverged": diverged,
        "at the lowest loss": int(same.sum()),
    }


def _optima(loss, fits, data) -> dict[str, int]:
    """How many reached the best fit, and how many optima there are beside it."""
    others = distinct_optima(loss, fits, data)[1:]
    return {
        "within 1 nat of it": int((nats_above_best(loss, fits, data) < 1).sum()),
        "other optima within 8 units of deviance": len(others),
    }


def put_together(
    key,
    source: tuple[str, str, tuple[str, ...]],
    found: list[Found],
    name: str,
    terms: Sequence[str],
    total,
    details,
) -> Report:
    """A report on what was found with each draw of the initial weights.

    `source` is a file's name and hash and the names of animals; `name` is that of the
    rule that is compared with the others, and `terms` name all coefficients that the
    fit to all has, free or not.
    """
    first, free = found[0], [*found[0].free]
    losses = {e: np.stack([one.losses[e] for one in found]) for e in first.losses}
    mean = {each: values.mean(0) for each, values in losses.items()}
    return Report(
        *source,
        int(evaluate.count_observations(first.data).sum()),
        losses,
        total,
        {
            other: evaluate.compare_models(key, mean[name], mean[other], total)
            for other in mean
            if other != name and np.isfinite([mean[name], mean[other]]).all()
        },
        tuple(terms[k] for k in free),
        np.stack([np.array(ravel_pytree(one.theta)[0])[free] for one in found]),
        first.interval,
        first.ends,
        {
            each: {how: sum(one.fits[each][how] for one in found) for how in counts}
            for each, counts in first.fits.items()
        },
        details,
    )


def check_enough(file: str, what: str, names: Sequence[str], advice: str = "") -> None:
    """Refuse too few to predict each from the others."""
    if len(names) < 3:
        raise ValueError(
            f"{file or 'The table'} has {len(names)} {what}(s), {', '.join(names)}; "
            f"expected at least 3, since each is predicted from the others.{advice}"
        )
