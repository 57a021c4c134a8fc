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
    animal_losses,
    cluster_robust_interval,
    compare_models,
    count_observations,
    fit_population,
    leave_one_out,
    logistic_regression,
    null_theta,
    percent_deviance,
    q_learning,
)
from plastutor.infer import GaussNewton, fit_restarts
from plastutor.networks import FLY, Network
from plastutor.objectives import objective
from plastutor.rules import Orders, taylor

ORDERS = Orders(x=1, w=1, r=1)
TERMS = ("one", "r", "w", "x", "xr")  # in the order of theta's row
FORGETS, DOES_NOT, NOTHING = "with forgetting", "without forgetting", "does nothing"


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
            others; in nats.
        comparisons: for each other model, what the rule with forgetting gains on it.
        terms: the terms of the rule.
        theta: their coefficients, in a fit to all animals.
        interval: their 95 % intervals over animals, the lower and the upper ends; NaN
            with too few animals.
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
    population: Population

    def deviance(self, model: str) -> float:
        """Percent deviance explained of animals that the fit has not seen."""
        return percent_deviance(self.losses[model], self.losses[NOTHING])

    def __str__(self) -> str:
        lines = [
            f"{self.file}: {len(self.animals)} animals, {self.n_observations} choices "
            f"among {len(self.options)} options ({', '.join(self.options)}).",
            "Each animal predicted from the others, percent deviance explained:",
        ]
        lines += [f"  {name:20s} {self.deviance(name):6.2f}" for name in self.losses]
        lines += ["The rule with forgetting gains, in points (95 % over animals):"]
        for name, one in self.comparisons.items():
            low, high = one.interval
            lines += [
                f"  on {name:20s} {one.gain:6.2f} ({low:.2f} to {high:.2f}), "
                f"{one.verdict}"
            ]
        lines += ["Its coefficients (95 % over animals), std between animals:"]
        ends = zip(*self.interval, strict=True)
        rows = zip(self.terms, self.theta, ends, self.population.spread, strict=True)
        for term, value, (low, high), spread in rows:
            within = f"({low:.2f} to {high:.2f})"
            lines += [f"  {term:4s} {value:6.2f} {within}; {spread:.2f}"]
        if np.isnan(self.interval[0]).any():
            lines += [f"  No intervals: they need more than {len(TERMS)} animals."]
        return "\n".join(lines)


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
    if len(choices.animals) < 3:
        raise ValueError(
            f"{choices.file or 'The table'} has {len(choices.animals)} animal(s), "
            f"{', '.join(choices.animals)}; expected at least 3, since each is "
            "predicted from the others."
        )
    cohort = choices.cohort
    data = cohort.data
    key_fit, key_boot, *keys = jr.split(key, 7)
    losses = {}

    def predict(name, key, loss, init, restarts, max_steps=30):
        how = {"optimizer": GaussNewton(), "max_steps": max_steps}
        losses[name] = leave_one_out(
            key, loss, init, cohort, restarts=restarts, **how
        ).losses

    without_w = [term for term in TERMS if term != "w"]
    simpler, rule = (taylor(ORDERS, only, scale=0.1) for only in (without_w, TERMS))
    simpler_loss, loss = (
        objective(one, likelihoods.choice, network=network) for one in (simpler, rule)
    )
    nothing = null_theta(rule.init(key_fit))
    losses[NOTHING] = animal_losses(loss, nothing, cohort)
    predict(DOES_NOT, keys[0], simpler_loss, simpler.init, restarts)
    predict(FORGETS, keys[1], loss, rule.init, restarts)
    zeros = {lags: partial(_zeros, 2 * lags) for lags in (1, 10)}
    one_back = logistic_regression(1)
    predict("win-stay-lose-shift", keys[2], one_back, zeros[1], 1, max_steps=8)
    history = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
    predict("last ten trials", keys[3], history, zeros[10], 1, max_steps=6)
    draw = partial(jr.normal, shape=(3,))
    predict("Q-learning", keys[4], q_learning(), draw, max(restarts, 10))

    how = {"optimizer": GaussNewton(), "max_steps": 40}
    theta = fit_restarts(key_fit, loss, rule.init, data, restarts=restarts, **how).theta
    interval = np.full((2, len(TERMS)), np.nan)
    if len(choices.animals) > len(TERMS):
        interval = np.array(cluster_robust_interval(loss, theta, cohort))
    population = fit_population(loss, theta, cohort)
    counts = count_observations(data)
    return ChoiceReport(
        choices.file,
        choices.sha256,
        choices.animals,
        choices.options,
        int(counts.sum()),
        *_shares(data, counts),
        losses,
        {
            name: compare_models(key_boot, losses[FORGETS], each, losses[NOTHING])
            for name, each in losses.items()
            if name != FORGETS
        },
        TERMS,
        np.asarray(theta.ravel())[list(population.free)],
        interval,
        population,
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
