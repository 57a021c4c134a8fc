"""Checks of the assignment Simulate a rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from plastutor import likelihoods
from plastutor._experiments import make_experiment
from plastutor._simulate import simulate
from plastutor.objectives import objective
from plastutor.rules import OJA_ORDERS, taylor, terms
from plastutor.teaching.checks._agreement import agrees, check, check_theta

RULE = taylor(OJA_ORDERS)
SIMULATE = jax.jit(functools.partial(simulate, RULE))
LOSS = jax.jit(objective(RULE, likelihoods.activity))


def _among_terms(theta):
    """The rule (a, b, c) among the 27 terms of the book."""
    a, b, c = map(float, theta)
    return terms(OJA_ORDERS, xy=a, yyw=-b, w=-c)


def _misfit(theta, x, w0, activity) -> float:
    recorded = make_experiment(x, w0=w0, activity=activity)
    return float(LOSS(_among_terms(theta), recorded))


def _synapses() -> list[dict]:
    draws = np.random.default_rng(0)
    y, x, w = draws.uniform(size=3), draws.normal(size=2), draws.normal(size=(2, 3))
    return [{"theta": theta, "x": x, "y": y, "w": w} for theta in np.eye(3)]


@check(_synapses, "Look at one term after the other.")
def weight_change(theta, x, y, w):
    """Is `function(theta, x, y, w)` the change a x y - b y^2 w - c w of all weights?"""
    return RULE.update(_among_terms(theta), x, y, w, 0.0)


def _part(function: Callable, place: int, **given) -> Any:
    """One of the things that a function returns."""
    answer = function(**given)
    return None if answer is None else answer[place]


def trajectory_of_a_network(function: Callable) -> bool:
    """Is `function(theta, x, w0)` the activity in each step and the weights after?"""

    def simulated(theta, x, w0):
        return SIMULATE(_among_terms(theta), make_experiment(x, w0=w0))

    draws = np.random.default_rng(0)
    x, w0 = draws.normal(size=(12, 4)), draws.normal(size=(4, 2))
    theta = np.array([1.0, 0.5, 0.1])
    cases = [{"theta": theta, "x": x[:n], "w0": w0} for n in (1, 2, 12)]
    hint = "Is the activity taken before the weights change?"
    parts = [function, function]
    if callable(function):
        parts = [functools.partial(_part, function, place) for place in (0, 1)]
        name = getattr(function, "__name__", "your function")
        for place, part in enumerate(parts):
            # As one would write it.
            part.__name__ = f"{name}(...)[{place}]"  # pyright: ignore
    references = (
        lambda **given: simulated(**given).y,
        lambda **given: simulated(**given).w,
    )
    return all(map(agrees, parts, references, [cases] * 2, [hint] * 2))


def _recordings() -> list[dict]:
    draws = np.random.default_rng(0)
    given = {
        "theta": np.array([1.0, 0.5, 0.1]),
        "x": draws.normal(size=(8, 4)),
        "w0": draws.normal(size=(4, 2)),
    }
    activity = draws.uniform(size=(8, 2))
    holes = np.where(draws.uniform(size=activity.shape) < 0.4, np.nan, activity)
    return [given | {"activity": one} for one in (activity, holes)]


@check(_recordings, "What is the mean of NaN and 1?")
def misfit_on_recordings(theta, x, w0, activity):
    """Is `function(theta, x, w0, activity)` the mean squared error where recorded?"""
    return _misfit(theta, x, w0, activity)


@check_theta(
    np.zeros(3), "Give your misfit, averaged over experiments, to an optimiser."
)
def theta_of_three_terms(theta, data):
    """Has `theta`, (a, b, c), less misfit on `data` than (0, 0, 0)?"""
    return _misfit(theta, **data)
