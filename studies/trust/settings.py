"""Which rows the table on error bars has: known rules, their data, seeds."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from table import Table

import plastutor as pt

jax.config.update("jax_enable_x64", True)
FORGETTING = ("one", "x", "r", "xr", "w")
TRUTHS: dict[str, dict[str, Any]] = {
    "weak": {"xr": 1.0, "w": -0.05},
    "flies": {"one": -0.5, "r": -1.0, "w": -0.2, "x": 2.5, "xr": 2.0},
}
REFERENCE = range(10_000, 10_010)  # these data sets give the directions, no others


class Setting(NamedTuple):
    """A known rule, how data are made with it, and how it is inferred."""

    rule: pt.Rule
    truth: jax.Array
    loss: pt.objectives.Objective
    make: Callable  # key -> data
    find: Callable  # data -> theta, and how its fit ended
    profiled: int = 0  # in so many data sets also by profiles
    band: bool = False  # and the rule, over the states that were visited


def recorded(orders, **options) -> Setting:
    """Activity under Oja's rule, and a series with these terms."""
    rule, truth = pt.taylor(orders), pt.terms(orders, xy=1.0, yyw=-1.0)
    sizes: dict[str, Any] = {"n_experiments": 20, "n_steps": 50, "noise": 0.2}
    sizes |= {"n_pre": 50, "n_post": 50}
    flat = {"taus": (1e3,), "rhos": (1.0,), "max_steps": 12}  # no prior to speak of

    def make(key):
        return pt.neural_task(key, rule, truth, **sizes)

    def find(data):
        found = pt.evidence_fit(orders, data, **flat)
        return found.theta, "converged" if found.converged else "not converged"

    return Setting(rule, truth, pt.objective(rule, pt.activity), make, find, **options)


def newton(loss, orders) -> Callable:
    """A fit that starts where nothing changes."""

    def find(data):
        start = jnp.zeros(orders.shape)
        how = {"optimizer": pt.GaussNewton(), "max_steps": 15}
        found = pt.fit(loss, start, data, **how)
        return found.theta, found.status

    return find


def foraging(network, n_post, truth="weak", animals=18, block=80, **how) -> Setting:
    """Animals, and three blocks of trials, that learn by reward and forget."""
    orders = pt.Orders(x=1, w=1, r=1)
    rule, theta = pt.taylor(orders, FORGETTING), pt.terms(orders, **TRUTHS[truth])
    loss = pt.objective(rule, pt.accept, network=network, **how)
    sizes = {"n_experiments": animals, "trials_per_block": block, "n_post": n_post}

    def make(key):
        return pt.foraging_task(key, rule, theta, network=network, **sizes).experiment

    return Setting(rule, theta, loss, make, newton(loss, orders), profiled=200)


SETTINGS = {
    "activity": recorded(pt.Orders(x=1, y=2, w=1), profiled=10),
    "27 terms": recorded(pt.OJA_ORDERS, band=True),
    "behaviour": foraging(pt.BEHAVIOUR, 10),
    "fly": foraging(pt.FLY, 1),
}
SETS = {"activity": 200, "27 terms": 100, "behaviour": 200, "fly": 200}


def names_of(name) -> list[str]:
    """The rows of each data set of a setting."""
    setting = SETTINGS[name]
    orders = pt.Orders(*(n - 1 for n in setting.truth.shape))
    free = FORGETTING if setting.rule.free else pt.term_names(orders)
    stiff = [f"direction {k + 1}" for k in range(len(free))]
    return [*free, *stiff, *["band"] * setting.band]


def settings() -> list[dict]:
    """One for each row of the table."""
    return [
        {"setting": name, "seed": seed, "row": row}
        for name, count in SETS.items()
        for seed in range(count)
        for row in names_of(name)
    ]


SIZES = [(4, 120), (8, 120), (16, 120), (16, 240)]  # animals, trials of each
SHARES = {"own": 0.0, "shared": 0.5}  # of the variance, common to all neurons
FOUR = ("w", "yyw", "x", "xy")  # terms of the rule that is fitted to recordings


@lru_cache
def sized(truth, animals, trials) -> Setting:
    """Animals without a hidden layer, some of them, with some trials."""
    how = {"animals": animals, "block": trials // 3, "trials": trials}
    return foraging(pt.FLY, 1, truth, **how)


@lru_cache
def sharing(noise) -> Setting:
    """Oja's rule by four terms; neurons share some of the variance of their noise."""
    share = SHARES[noise]
    orders = pt.Orders(x=1, y=2, w=1)
    rule, truth = pt.taylor(orders, FOUR), pt.terms(orders, xy=1.0, yyw=-1.0)
    sizes: dict[str, Any] = {"n_experiments": 20, "n_pre": 20, "n_post": 10}
    loss = pt.objective(rule, pt.activity)

    def make(key):
        key, own, common = jr.split(key, 3)
        data = pt.neural_task(key, rule, truth, **sizes)
        assert data.activity is not None
        *each, neurons = data.activity.shape
        apart = (1 - share) ** 0.5 * jr.normal(own, (*each, neurons))
        together = share**0.5 * jr.normal(common, (*each, 1))
        return data._replace(activity=data.activity + 0.1 * (apart + together))

    return Setting(rule, truth, loss, make, newton(loss, orders))


def settings_of_sizes() -> list[dict]:
    """One for each coefficient of each data set: 100 of each size and truth."""
    return [
        {"rule": truth, "animals": animals, "trials": trials, "seed": seed, "row": row}
        for truth in TRUTHS
        for animals, trials in SIZES
        for seed in range(100)
        for row in FORGETTING
    ]


def settings_of_shares() -> list[dict]:
    """One for each coefficient of each recording: 60 with shared noise, 60 without."""
    return [
        {"noise": noise, "seed": seed, "row": row}
        for noise in SHARES
        for seed in range(60)
        for row in FOUR
    ]


TABLES = [
    Table(
        "trust",
        rows=settings,
        columns=["status", "truth", "found", "std", "covered", "deviance", "distance"],
        batch_over=["row"],
        again=[{"setting": name, "seed": 3} for name in SETS],
    ),
    Table(
        "trust_sizes",
        rows=settings_of_sizes,
        columns=[
            "status",
            "truth",
            "found",
            "std",
            "covered",
            "deviance",
            "deviance_low",
            "deviance_high",
            "warned",
            "distance",
        ],
        batch_over=["row"],
        again=[{"rule": truth, "trials": 120, "seed": 3} for truth in TRUTHS],
    ),
    Table(
        "trust_shared",
        rows=settings_of_shares,
        columns=[
            "status",
            "truth",
            "found",
            "std",
            "covered",
            "low",
            "high",
            "covered_over_experiments",
            "correlation",
            "warned",
            "distance",
        ],
        batch_over=["row"],
        again=[{"noise": noise, "seed": 3} for noise in SHARES],
    ),
]
