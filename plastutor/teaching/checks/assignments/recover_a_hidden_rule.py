"""Checks of the assignment Recover a hidden rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from plastutor import likelihoods
from plastutor._experiments import make_experiment
from plastutor.objectives import objective
from plastutor.rules import OJA_ORDERS, taylor, terms
from plastutor.teaching.checks._agreement import agrees
from plastutor.teaching.checks._beside_nothing import beside_nothing

LOSS = jax.jit(objective(taylor(OJA_ORDERS), likelihoods.activity))
NOTHING = np.zeros((3, 3, 3, 1))


def _loss(theta, x, w0, activity) -> float:
    recorded = make_experiment(x, w0=w0, activity=activity)
    return float(LOSS(theta, recorded))


def _percent(theta, **given) -> float:
    return 100 - 100 * _loss(theta, **given) / _loss(NOTHING, **given)


def _cases() -> list[dict]:
    """Three short experiments, recorded in full and with holes."""
    draws = np.random.default_rng(0)
    given = {
        "theta": np.asarray(terms(OJA_ORDERS, xy=0.5, w=-0.1)),
        "x": draws.normal(size=(3, 6, 4)),
        "w0": draws.normal(size=(3, 4, 2)),
    }
    activity = draws.uniform(size=(3, 6, 2)) * np.array([0.5, 1.0, 2.0])[:, None, None]
    # Not as many in each experiment: the mean of means is another number.
    shares = np.array([0.9, 0.6, 0.3])[:, None, None]
    recorded = draws.uniform(size=activity.shape) < shares
    holes = np.where(recorded, activity, np.nan)
    return [given | {"activity": a} for a in (activity, holes)]


def loss_on_recordings(function: Callable) -> bool:
    """Is `function(theta, x, w0, activity)` the mean squared error where recorded?"""
    hint = "The mean is over what was recorded, not over all entries."
    return agrees(function, _loss, _cases(), hint)


def percent_explained(function: Callable) -> bool:
    """Is `function(theta, x, w0, activity)` the percent of the null loss explained?"""
    hint = "Which of the two losses is below?"
    return agrees(function, _percent, _cases(), hint)


def theta_of_recordings(theta: Any, data: Mapping) -> bool:
    """Has `theta`, (3, 3, 3, 1), less loss on `data` than the rule of zeros?"""
    return beside_nothing(
        theta,
        NOTHING,
        lambda theta: _loss(theta, **data),
        "Fit in one of the ways that the task names.",
    )
