"""Which rows the table on error bars has: known rules, their data, seeds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from table import Table

from plastutor.evidence import evidence_fit
from plastutor.fit import fit
from plastutor.gauss_newton import GaussNewton
from plastutor.losses import Objective, accept_loss, activity_loss, objective
from plastutor.rules import OJA_ORDERS, Orders, Rule, taylor, term_names, terms
from plastutor.tasks import foraging_task, neural_task
from plastutor.types import BEHAVIOUR, FLY

jax.config.update("jax_enable_x64", True)
FORGETTING = ("one", "x", "r", "xr", "w")
REFERENCE = range(10_000, 10_010)  # these data sets give the directions, no others


class Setting(NamedTuple):
    """A known rule, how data are made with it, and how it is inferred."""

    rule: Rule
    truth: jax.Array
    loss: Objective
    make: Callable  # key -> data
    find: Callable  # data -> theta
    only: tuple[str, ...] | None = None
    profiled: int = 0  # in so many data sets also by profiles
    band: bool = False  # and the rule, over the states that were visited


def recorded(orders, **options) -> Setting:
    """Activity under Oja's rule, and a series with these terms."""
    rule, truth = taylor(orders), terms(orders, xy=1.0, yyw=-1.0)
    sizes: dict[str, Any] = {"n_experiments": 20, "n_steps": 50, "noise": 0.2}
    sizes |= {"n_pre": 50, "n_post": 50}
    flat = {"taus": (1e3,), "rhos": (1.0,), "num_steps": 12}  # no prior to speak of

    def make(key):
        return neural_task(key, rule, truth, **sizes)

    def find(data):
        return evidence_fit(orders, data, **flat).theta

    return Setting(rule, truth, objective(rule, activity_loss), make, find, **options)


def foraging(network, n_post) -> Setting:
    """18 animals of 240 trials that learn by reward and forget."""
    orders = Orders(x=1, w=1, r=1)
    rule, truth = taylor(orders, FORGETTING), terms(orders, xr=1.0, w=-0.05)
    loss = objective(rule, accept_loss, network=network)

    def make(key):
        made = foraging_task(key, rule, truth, n_post=n_post, network=network)
        return made.experiment

    def find(data):
        start = jnp.zeros(orders.shape)
        return fit(loss, start, data, optimizer=GaussNewton(), num_steps=15).theta

    return Setting(rule, truth, loss, make, find, FORGETTING, profiled=200)


SETTINGS = {
    "activity": recorded(Orders(x=1, y=2, w=1), profiled=10),
    "27 terms": recorded(OJA_ORDERS, band=True),
    "behaviour": foraging(BEHAVIOUR, 10),
    "fly": foraging(FLY, 1),
}
SETS = {"activity": 200, "27 terms": 100, "behaviour": 200, "fly": 200}


def names_of(name) -> list[str]:
    """The rows of each data set of a setting."""
    setting = SETTINGS[name]
    orders = Orders(*(n - 1 for n in setting.truth.shape))
    free = setting.only or term_names(orders)
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


TABLES = [
    Table(
        "trust",
        rows=settings(),
        columns=["truth", "found", "std", "covered", "deviance", "distance"],
        batch_over=["row"],
    )
]
SOURCES = [
    "plastutor/types.py",
    "plastutor/experiments.py",
    "plastutor/rules.py",
    "plastutor/simulate.py",
    "plastutor/tasks.py",
    "plastutor/losses.py",
    "plastutor/gauss_newton.py",
    "plastutor/fit.py",
    "plastutor/evidence.py",
    "plastutor/uncertainty/__init__.py",
    "plastutor/uncertainty/gaussian.py",
    "plastutor/uncertainty/information.py",
    "plastutor/uncertainty/intervals.py",
    "plastutor/uncertainty/profiles.py",
]
