"""Report: the whole analysis of an animal's choices in one call."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from plastutor import likelihoods
from plastutor._types import Experiment
from plastutor.data import Choices
from plastutor.evaluate import (
    ModelComparison,
    Population,
    count_observations,
    fit_population,
    logistic_regression,
    percent_deviance,
    q_learning,
)
from plastutor.infer import GaussNewton
from plastutor.networks import FLY, Network
from plastutor.objectives import objective
from plastutor.reports._analysis import (
    NOTHING,
    Model,
    analyse,
    check_enough,
    gains,
    rule_model,
    text,
)
from plastutor.rules import Orders, taylor

ORDERS = Orders(x=1, w=1, r=1)
TERMS = ("one", "r", "w", "x", "xr")  # in the order of theta's row
FORGETS, DOES_NOT = "with forgetting", "without forgetting"


class ChoiceReport(NamedTuple):
    """What choices tell about the rule behind them.

    Attributes:
        file: the name of the file that was analysed.
        sha256: the hash of its bytes.
        animals: their names.
        options: their names.
        n_observations: how many choices there are.
        reward_shares: the share of each option in the rewards of each experiment; NaN
            where none was rewarded.
        choice_shares: its share in the choices.
        losses: for each model, the summed loss of each animal, predicted from the
            others; in nats, infinite where a fitted model diverged.
        comparisons: for each other model, what the rule with forgetting gains on it.
        terms: the terms of the rule.
        theta: their coefficients, in a fit to all animals.
        interval: their 95 % intervals over animals, the lower and the upper ends; NaN
            with too few animals.
        fits: for each model, how many fits there were; how many of them diverged, and
            how many came to the lowest loss of those to the same animals.
        population: how much the animals differ.
    """

    file: str
    sha256: str
    animals: tuple[str, ...]
    options: tuple[str, ...]
    n_observations: int
    reward_shares: Float[np.ndarray, "exp option"]
    choice_shares: Float[np.ndarray, "exp option"]
    losses: dict[str, np.ndarray]
    comparisons: dict[str, ModelComparison]
    terms: tuple[str, ...]
    theta: Float[np.ndarray, " term"]
    interval: Float[np.ndarray, "2 term"]
    fits: dict[str, dict[str, int]]
    population: Population

    def deviance(self, model: str) -> float:
        """Percent deviance explained of animals that the fit has not seen."""
        return percent_deviance(self.losses[model], self.losses[NOTHING])

    def __str__(self) -> str:
        head = (
            f"{self.file}: {len(self.animals)} animals, {self.n_observations} choices "
            f"among {len(self.options)} options ({', '.join(self.options)}).\n"
            "Each animal predicted from the others, percent deviance explained:\n"
        )
        scores = {name: f"{self.deviance(name):6.2f}" for name in self.losses}
        spread = [f"{value:.2f}" for value in self.population.spread]
        rest = scores, "std between animals", spread
        return head + text(self, "animal", "points", *rest)


def report_choices(
    key: PRNGKeyArray, choices: Choices, *, network: Network = FLY, restarts: int = 6
) -> ChoiceReport:
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
    data, animal = choices.experiment, choices.animal
    key_fit, key_boot, *keys = jr.split(key, 7)
    rule = taylor(ORDERS, TERMS, scale=0.1)
    loss = objective(rule, likelihoods.choice, network=network)
    without_w = [term for term in TERMS if term != "w"]
    newton, draw = GaussNewton(), partial(jr.normal, shape=(3,))
    history = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
    models = {
        DOES_NOT: rule_model(ORDERS, without_w, loss, restarts, 30),
        FORGETS: rule_model(ORDERS, TERMS, loss, restarts, 30),
        "win-stay-lose-shift": Model(
            logistic_regression(1), partial(_zeros, 2), 1, newton, 8
        ),
        "last ten trials": Model(history, partial(_zeros, 20), 1, newton, 6),
        "Q-learning": Model(q_learning(), draw, max(restarts, 10), newton, 30),
    }
    found = analyse((key_fit, *keys), models, FORGETS, data, animal)
    free, counts = models[FORGETS].optimizer.free, count_observations(data)
    return ChoiceReport(
        choices.file,
        choices.sha256,
        choices.animals,
        choices.options,
        int(counts.sum()),
        *_shares(data, counts),
        found.losses,
        gains(key_boot, found.losses, FORGETS, found.losses[NOTHING]),
        TERMS,
        np.asarray(found.theta.ravel())[list(free)],
        found.interval,
        found.fits,
        fit_population(loss, found.theta, data, free=free, animal=animal),
    )


def _shares(data: Experiment, counts) -> tuple[np.ndarray, np.ndarray]:
    """The share of each option in the rewards and choices of each experiment."""
    assert data.options is not None  # choices have options
    chosen = np.asarray(data.choice)[..., None] == np.arange(data.options.shape[-2])
    chosen &= np.asarray(data.valid)[..., None]
    reward = np.asarray(data.reward)[..., None] * chosen
    reward = np.maximum(reward, 0)  # a punishment is no part of the rewards
    with np.errstate(invalid="ignore", divide="ignore"):  # there may be no reward
        reward_shares = reward.sum(1) / reward.sum((1, 2))[:, None]
    return reward_shares, chosen.sum(1) / counts[:, None]


def _zeros(size, key):
    return jnp.zeros(size)
