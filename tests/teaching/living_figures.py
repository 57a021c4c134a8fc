"""Figures to play with, small ones of each kind."""

from functools import cache
from pathlib import Path

import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.teaching import living

FOLDER = Path(living.__file__).parent
LEVELS, NAMES = [0.0, 0.2, 0.4], ["x", "xy", "growth"]
THETA_TRUE = [0.0, 1.0, 0.5]


def an_experiment(n_pre=2, steps=300):
    key_x, key_w = jr.split(jr.key(3))
    x = np.round(jr.normal(key_x, (steps, n_pre)), 3)
    w0 = np.round(0.5 * jr.normal(key_w, (n_pre, 1)), 4)
    return pt.make_experiment(x, w0=w0)


def a_loop(n_pre=2, steps=200, w0=None):
    """Two neurons that drive one another."""
    key_x, key_ff, key_rec = jr.split(jr.key(4), 3)
    shapes = {"ff": (key_ff, (n_pre, 2)), "rec": (key_rec, (2, 2))}
    drawn = {name: np.round(0.5 * jr.normal(*one), 4) for name, one in shapes.items()}
    x = np.round(jr.normal(key_x, (steps, n_pre)), 3)
    return pt.make_experiment(x, w0=w0 or drawn)


LOOP = pt.networks.Recurrent(rates=0.05)


def fits(sets=7):
    rng = np.random.default_rng(0)
    shape = len(LEVELS), sets, len(NAMES)
    return {
        name: (rng.normal(size=shape).round(3), rng.random(shape[:2]).round(4))
        for name in ("evidence", "plain <loss>")
    }


FIGURES = {
    "weights": lambda: living.weights(an_experiment(steps=1000)),
    "component": lambda: living.component(jr.key(0)),
    "loop": lambda: living.loop(a_loop(), network=LOOP),
    "recall": lambda: living.recall(jr.key(0)),
    "noise": lambda: living.noise(LEVELS, fits(), NAMES, THETA_TRUE),
    "forgetting": lambda: living.forgetting(jr.key(0)),
}
figure_of = cache(lambda kind: FIGURES[kind]())
every_figure = pytest.mark.parametrize("kind", FIGURES)
