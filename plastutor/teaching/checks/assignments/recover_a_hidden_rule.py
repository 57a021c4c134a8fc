"""Checks of the assignment Recover a hidden rule."""

from __future__ import annotations

import jax
import numpy as np

from plastutor import likelihoods
from plastutor._experiments import make_experiment
from plastutor.objectives import objective
from plastutor.rules import OJA_ORDERS, taylor, terms
from plastutor.teaching.checks._agreement import check, check_theta

LOSS = jax.jit(objective(taylor(OJA_ORDERS), likelihoods.activity))
NOTHING = np.zeros((3, 3, 3, 1))


def _loss(theta, x, w0, activity) -> float:
    recorded = make_experiment(x, w0=w0, activity=activity)
    return float(LOSS(theta, recorded))


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


@check(_cases, "The mean is over what was recorded, not over all entries.")
def loss_on_recordings(theta, x, w0, activity):
    """Is `function(theta, x, w0, activity)` the mean squared error where recorded?"""
    return _loss(theta, x, w0, activity)


@check(_cases, "Which of the two losses is below?")
def percent_explained(theta, x, w0, activity):
    """Is `function(theta, x, w0, activity)` the percent of the null loss explained?"""
    return 100 - 100 * _loss(theta, x, w0, activity) / _loss(NOTHING, x, w0, activity)


@check_theta(NOTHING, "Fit in one of the ways that the task names.")
def theta_of_recordings(theta, data):
    """Has `theta`, (3, 3, 3, 1), less loss on `data` than the rule of zeros?"""
    return _loss(theta, **data)
