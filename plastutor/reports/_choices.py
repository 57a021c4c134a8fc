"""Report: the whole analysis of an animal's choices in one call."""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from plastutor import likelihoods
from plastutor._types import Experiment
from plastutor.data import Choices
from plastutor.evaluate import fit_population, logistic_regression, q_learning
from plastutor.infer import GaussNewton
from plastutor.networks import FLY, Network
from plastutor.reports._analysis import (
    Model,
    analyse,
    check_enough,
    put_together,
    rule_model,
)
from plastutor.reports._report import NOTHING, Matching, Report
from plastutor.rules import Orders

ORDERS = Orders(x=1, w=1, r=1)
TERMS = ("one", "r", "x", "xr", "w")
FORGETS, DOES_NOT = "with forgetting", "without forgetting"


def report_choices(
    key: PRNGKeyArray, choices: Choices, *, network: Network = FLY, restarts: int = 6
) -> Report:
    """Infer a rule from choices, with and without forgetting, and compare.

    Every animal is predicted from all the others, by a plasticity rule with the terms
    one, x, r, x r, without and with the decay term w (Mehta et al. 2024, Eq. 6), and by
    win-stay-lose-shift, regression on the last ten trials, and Q-learning. The rule is
    then fitted to all animals, with intervals, and to each as one of a population.

    Args:
        key: a JAX random key.
        choices: from `read_choices`.
        network: what is fixed about the learner; its `window` is how many rewards the
            expectation is the mean of.
        restarts: starts of each fit.

    Raises:
        ValueError: fewer than three animals.

    >>> import plastutor as pt
    >>> choices = pt.read_choices("my_choices.csv")  # doctest: +SKIP
    >>> print(report_choices(jr.key(0), choices))  # doctest: +SKIP
    """
    check_enough(choices.file, "animal", choices.animals)
    key_fit, key_boot, *keys = jr.split(key, 7)
    how = likelihoods.choice, network, restarts, 30
    newton, draw = GaussNewton(), partial(jr.normal, shape=(3,))
    history = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
    models = {
        DOES_NOT: rule_model(ORDERS, TERMS[:-1], *how),
        FORGETS: rule_model(ORDERS, TERMS, *how),
        "win-stay-lose-shift": Model(
            logistic_regression(1), partial(_zeros, 2), 1, newton, 8
        ),
        "last ten trials": Model(history, partial(_zeros, 20), 1, newton, 6),
        "Q-learning": Model(q_learning(), draw, max(restarts, 10), newton, 30),
    }
    found = analyse((key_fit, *keys), models, FORGETS, choices.cohort)
    population = fit_population(models[FORGETS].loss, found.theta, choices.cohort)
    details = Matching(choices.options, *_shares(found.data), population)
    source = choices.file, choices.sha256, choices.animals
    rest = FORGETS, ORDERS, found.losses[NOTHING], details
    return put_together(key_boot, source, [found], *rest)


def _shares(data: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """The share of each option in the rewards and choices of each experiment."""
    assert data.options is not None  # choices have options
    chosen = np.asarray(data.choice)[..., None] == np.arange(data.options.shape[-2])
    chosen &= np.asarray(data.valid)[..., None]
    reward = np.asarray(data.reward)[..., None] * chosen
    reward = np.maximum(reward, 0)  # a punishment is no part of the rewards
    with np.errstate(invalid="ignore", divide="ignore"):  # there may be no reward
        return tuple(n.sum(1) / n.sum((1, 2))[:, None] for n in (reward, chosen))


def _zeros(size, key):
    return jnp.zeros(size)
