"""What both reports do: compare models, count fits, write a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.random as jr
import numpy as np

from plastutor._types import Theta
from plastutor.evaluate import (
    LeftOut,
    ModelComparison,
    animal_losses,
    cluster_robust_interval,
    compare_models,
    leave_one_out,
    null_theta,
)
from plastutor.infer import LBFGS, GaussNewton, fit_many, lowest_loss
from plastutor.objectives import Objective
from plastutor.rules import Orders, free_indices, taylor

NOTHING, TO_ALL = "does nothing", "the rule, to all"
SAME = 0.01  # starts whose losses differ by less than this share reached the same


class Model(NamedTuple):
    """What `leave_one_out` needs to know of a model."""

    loss: Objective | list[Objective]
    init: Callable
    restarts: int = 1
    optimizer: Any = LBFGS
    max_steps: int = 50


def rule_model(orders: Orders, terms: Sequence[str], *how: Any) -> Model:
    """A rule whose other terms start at 0 and stay; loss, restarts, steps."""
    loss, restarts, max_steps = how
    optimizer = GaussNewton(free=free_indices(orders, terms))
    init = taylor(orders, terms, scale=0.1).init
    return Model(loss, init, restarts, optimizer, max_steps)


class Found(NamedTuple):
    """What the models made of some data.

    Attributes:
        losses: for each model, the loss of each animal, predicted from the others.
        left_out: the fits behind them.
        theta: of the rule, in the best fit to all animals.
        interval: of what is free in it; NaN with too few animals.
        fits: for each model, how many fits there were and how they ended.
    """

    losses: dict[str, np.ndarray]
    left_out: dict[str, LeftOut]
    theta: Theta
    interval: np.ndarray
    fits: dict[str, dict[str, int]]


def analyse(keys, models: dict[str, Model], name: str, data, animal=None) -> Found:
    """Predict each animal from the others, and fit the model of a name to all.

    There is a key for the fit to all, and then one for each model.
    """
    (key, *keys), rule = keys, models[name]
    nothing = null_theta(rule.init(key))
    losses = {NOTHING: animal_losses(rule.loss, nothing, data, animal=animal)}
    left_out, fits = {}, {}
    for each, model, own in zip(models, models.values(), keys, strict=False):
        one = leave_one_out(own, data=data, animal=animal, **model._asdict())
        left_out[each], losses[each] = one, or_infinite(one.losses)
        fits[each] = _counts(one.restarts, one.status)
    starts = jax.vmap(rule.init)(jr.split(key, rule.restarts))
    how = {"optimizer": rule.optimizer, "max_steps": rule.max_steps + 10}
    to_all = fit_many(rule.loss, starts, data, **how)
    lowest = np.array([lowest_loss(fit) for fit in to_all])
    fits[TO_ALL] = _counts(lowest[None], [[fit.status for fit in to_all]])
    theta, free = to_all[lowest.argmin()].theta, rule.optimizer.free
    interval = np.full((2, len(free)), np.nan)
    if len(losses[NOTHING]) > len(free):
        how = {"free": free, "animal": animal}
        interval = np.array(cluster_robust_interval(rule.loss, theta, data, **how))
    return Found(losses, left_out, theta, interval, fits)


def or_infinite(losses: np.ndarray) -> np.ndarray:
    """The same losses; infinite where a prediction diverged."""
    return np.where(np.isfinite(losses), losses, np.inf)


def _counts(losses: np.ndarray, status: list[list[str]]) -> dict[str, int]:
    """How many fits there were and how they ended; a row has the same data."""
    lowest = losses.min(1, keepdims=True)
    same = np.isfinite(lowest) & (losses <= (1 + SAME) * lowest)
    diverged = int((np.array(status) == "diverged").sum())
    return {"fits": losses.size, "diverged": diverged, "lowest loss": int(same.sum())}


def gains(key, losses, name: str, total) -> dict[str, ModelComparison]:
    """What a model gains on each other, as far as both have predicted."""
    return {
        other: compare_models(key, losses[name], each, total)
        for other, each in losses.items()
        if other != name and np.isfinite([losses[name], each]).all()
    }


def check_enough(file: str, what: str, names: Sequence[str], advice: str = "") -> None:
    """Refuse too few to predict each from the others."""
    if len(names) < 3:
        raise ValueError(
            f"{file or 'The table'} has {len(names)} {what}(s), {', '.join(names)}; "
            f"expected at least 3, since each is predicted from the others.{advice}"
        )


def text(report: Any, what: str, unit: str, scores, beside: str, values) -> str:
    """The text on models, coefficients and fits.

    Args:
        report: of either kind.
        what: was predicted, such as "animal".
        unit: of a gain.
        scores: for each model, what is said of it.
        beside: what stands beside the coefficients.
        values: that, for each of them.
    """
    within = lambda ends: "({:.2f} to {:.2f})".format(*ends)
    lines = [f"  {name:20s} {score}" for name, score in scores.items()]
    lines += [f"The rule gains on them, in {unit} (95 % over {what}s):"]
    for name, one in report.comparisons.items():
        lines += [f"  {name:20s} {one.gain:6.2f} {within(one.interval)}, {one.verdict}"]
    lines += [f"Its coefficients (95 % over {what}s), {beside}:"]
    rows = report.terms, np.atleast_2d(report.theta)[0], report.interval.T, values
    for term, theta, ends, value in zip(*rows, strict=True):
        lines += [f"  {term:4s} {theta:6.2f} {within(ends)}; {value}"]
    if np.isnan(report.interval).any():
        lines += [f"  No intervals: they need more than {len(report.terms)} {what}s."]
    lines += ["Fits, and how many diverged or came to the lowest loss for their data:"]
    for name, counts in report.fits.items():
        said = ", ".join(f"{count} {how}" for how, count in counts.items())
        lines += [f"  {name:20s} {said}"]
    return "\n".join(lines)
