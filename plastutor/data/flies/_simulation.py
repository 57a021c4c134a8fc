"""Simulate flies that choose as the real ones do."""

from __future__ import annotations

from functools import partial

import jax
import jax.random as jr
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float, PRNGKeyArray

from plastutor.data.flies._files import FlyChoices
from plastutor.networks import FLY
from plastutor.rules import Orders, taylor
from plastutor.tasks import foraging_task

MAX_PRESENTATIONS = 2400  # presentations of an animal, ten a trial


@partial(jax.jit, static_argnames=("orders", "n_flies"))
def _forage(key, theta, orders, n_flies):
    made = foraging_task(
        key,
        taylor(orders),
        theta,
        n_experiments=n_flies,
        n_post=1,
        input_std=0.0,
        w_std=0.0,
        max_presentations=MAX_PRESENTATIONS,
        network=FLY,
    )
    batch = made.experiment
    return batch.valid, batch.plastic, made.odour, batch.reward


def simulate_flies(
    key: PRNGKeyArray, theta: Float[ArrayLike, "x y w r"], *, n_flies: int = 18
) -> list[FlyChoices]:
    """Flies that forage by a known rule, in the task of the simulations.

    240 trials, reward probabilities 0.2 : 0.8, 0.9 : 0.1, 0.2 : 0.8, baited (Mehta et
    al. 2024, appendix A.4); which odour is A is drawn for each fly.

    Args:
        key: a JAX random key.
        theta: the coefficients of a Taylor rule, shape (x, y, w, r); see `terms`.
        n_flies: how many flies.

    Example:
        >>> import plastutor as pt
        >>> flies = simulate_flies(jr.key(0), pt.terms(Orders(x=1, w=1, r=1), xr=1.0))
        >>> len(flies), len(flies[0].choice)
        (18, 240)
    """
    orders = Orders(*(size - 1 for size in np.shape(theta)))
    key_task, key_side = jr.split(key)
    made = _forage(key_task, theta, orders, n_flies)
    flip = np.asarray(jr.bernoulli(key_side, shape=(n_flies,)))
    flies = []
    for k, (met, accept, odour, reward) in enumerate(
        zip(*map(np.asarray, made), strict=True)
    ):
        odour = odour ^ flip[k]
        choices = odour[accept], reward[accept]
        flies.append(FlyChoices(k + 1, *choices, odour[met], accept[met]))
    return flies
