"""Report: the whole analysis of an animal's choices in one call."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from plastutor.baselines import logistic_regression, q_learning
from plastutor.choices import Choices
from plastutor.evaluate import null_theta, percent_deviance
from plastutor.fit import fit_restarts
from plastutor.gauss_newton import GaussNewton
from plastutor.held_out import animal_losses, count_observations, leave_one_out
from plastutor.losses import choice_loss, objective
from plastutor.paired import Paired, paired
from plastutor.population import Population, fit_population, robust_interval
from plastutor.rules import Orders, free_indices, taylor
from plastutor.types import FLY, Network

__all__ = ["Report", "report_choices"]

ORDERS = Orders(x=1, w=1, r=1)
TERMS = ("one", "r", "w", "x", "xr")  # in the order of theta's row
FORGETS, DOES_NOT, NOTHING = "with forgetting", "without forgetting", "does nothing"


class Report(NamedTuple):
    """What choices tell about the rule behind them.

    Attributes:
        choices: what was analysed.
        losses: for each model, the summed loss of each animal, predicted from the
            others; in nats.
        against: for each other model, what the rule with forgetting gains on it.
        terms: the terms of the rule.
        theta: their coefficients, in a fit to all animals.
        interval: their 95 % intervals over animals; NaN with too few animals.
        population: how much the animals differ.
    """

    choices: Choices
    losses: dict[str, np.ndarray]
    against: dict[str, Paired]
    terms: tuple[str, ...]
    theta: np.ndarray
    interval: tuple[np.ndarray, np.ndarray]
    population: Population

    def deviance(self, model: str) -> float:
        """Percent deviance explained of animals that the fit has not seen."""
        return percent_deviance(self.losses[model], self.losses[NOTHING])

    def __str__(self) -> str:
        made = self.choices
        count = int(count_observations(made.experiment).sum())
        lines = [
            f"{len(made.animals)} animals, {count} choices among {len(made.options)} "
            f"options ({', '.join(made.options)}).",
            "Each animal predicted from the others, percent deviance explained:",
        ]
        lines += [f"  {name:20s} {self.deviance(name):6.2f}" for name in self.losses]
        lines += ["The rule with forgetting gains, in points (95 % over animals):"]
        for name, one in self.against.items():
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
    key, choices: Choices, *, network: Network = FLY, restarts: int = 6
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

    >>> from plastutor.choices import read_choices
    >>> made = read_choices("my_choices.csv")  # doctest: +SKIP
    >>> print(report_choices(jr.key(0), made))  # doctest: +SKIP
    """
    data, animal = choices.experiment, choices.animal
    key_fit, key_boot, *keys = jr.split(key, 7)
    losses = {}

    def predict(name, key, loss, init, restarts, free=None, num_steps=30):
        how = {"optimizer": GaussNewton(free=free), "num_steps": num_steps}
        found = leave_one_out(
            key, loss, init, data, animal=animal, restarts=restarts, **how
        )
        losses[name] = found.losses

    def rule_with(only):
        rule = taylor(ORDERS, only, scale=0.1)
        free = free_indices(ORDERS, only)
        return rule, objective(rule, choice_loss, network=network), free

    rule, loss, free = rule_with(TERMS)
    simpler, simpler_loss, fewer = rule_with([term for term in TERMS if term != "w"])
    nothing = null_theta(rule.init(key_fit))
    losses[NOTHING] = animal_losses(loss, nothing, data, animal=animal)
    predict(DOES_NOT, keys[0], simpler_loss, simpler.init, restarts, fewer)
    predict(FORGETS, keys[1], loss, rule.init, restarts, free)
    zeros = {lags: partial(_zeros, 2 * lags) for lags in (1, 10)}
    one_back = logistic_regression(1)
    predict("win-stay-lose-shift", keys[2], one_back, zeros[1], 1, num_steps=8)
    history = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
    predict("last ten trials", keys[3], history, zeros[10], 1, num_steps=6)
    draw = partial(jr.normal, shape=(3,))
    predict("Q-learning", keys[4], q_learning(), draw, max(restarts, 10))

    how = {"optimizer": GaussNewton(free=free), "num_steps": 40}
    theta = fit_restarts(key_fit, loss, rule.init, data, restarts=restarts, **how).theta
    if len(choices.animals) > len(free):
        interval = robust_interval(loss, theta, data, free=free, animal=animal)
    else:
        interval = np.full(len(free), np.nan), np.full(len(free), np.nan)
    return Report(
        choices,
        losses,
        {
            name: paired(key_boot, losses[FORGETS], each, losses[NOTHING])
            for name, each in losses.items()
            if name != FORGETS
        },
        TERMS,
        np.asarray(theta.ravel())[list(free)],
        interval,
        fit_population(loss, theta, data, free=free, animal=animal),
    )


def _zeros(size, key):
    return jnp.zeros(size)
