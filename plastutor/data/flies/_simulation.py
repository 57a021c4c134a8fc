"""Simulate flies that choose as the real ones do."""

from __future__ import annotations

from functools import partial

import jax
import jax.random as jr
import numpy as np

from plastutor.data.flies._files import FlyChoices
from plastutor.networks import FLY
from plastutor.rules import Orders, taylor
from plastutor.tasks import foraging_task

MAX_PRESENTATIONS = 2400  # presentations of an animal, ten a trial


@partial(jax.jit, static_argnames=("orders", "count"))
def _forage(key, theta, orders, count):
    made = foraging_task(
        key,
        taylor(orders),
        theta,
        n_experiments=count,
        n_post=1,
        input_std=0.0,
        w_std=0.0,
        max_presentations=MAX_PRESENTATIONS,
        network=FLY,
    )
    seen = made.experiment
    return seen.valid, seen.plastic, made.odour, seen.reward


def simulate_flies(key, theta, *, count: int = 18) -> list[FlyChoices]:
    """Flies that forage by a rule we know, in the task of the simulations.

    240 trials, reward probabilities 0.2 : 0.8, 0.9 : 0.1, 0.2 : 0.8, baited (Mehta et
    al. 2024, appendix A.4); which odour is A is drawn for each fly.

    Args:
        key: a JAX random key.
        theta: the coefficients of a Taylor rule, shape (x, y, w, r); see `terms`.
        count: flies.

    Example:
        >>> import plastutor as pt
        >>> flies = simulate_flies(jr.key(0), pt.terms(Orders(x=1, w=1, r=1), xr=1.0))
        >>> len(flies), len(flies[0].choice)
        (18, 240)
    """
    orders = Orders(*(size - 1 for size in np.shape(theta)))
    key_life, key_side = jr.split(key)
    made = _forage(key_life, theta, orders, count)
    flip = np.asarray(jr.bernoulli(key_side, shape=(count,)))
    found = []
    for k, (met, accept, odour, reward) in enumerate(
        zip(*map(np.asarray, made), strict=True)
    ):
        odour = odour ^ flip[k]
        choices = odour[accept], reward[accept]
        found.append(FlyChoices(k + 1, *choices, odour[met], accept[met]))
    return found
