"""Which rows the table on error bars has: known rules, their data, seeds."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from table import Table

import plastutor as pt

jax.config.update("jax_enable_x64", True)
FORGETTING = ("one", "x", "r", "xr", "w")
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


def foraging(network, n_post) -> Setting:
    """18 animals of 240 trials that learn by reward and forget."""
    orders = pt.Orders(x=1, w=1, r=1)
    rule, truth = pt.taylor(orders, FORGETTING), pt.terms(orders, xr=1.0, w=-0.05)
    loss = pt.objective(rule, pt.accept, network=network)

    def make(key):
        made = pt.foraging_task(key, rule, truth, n_post=n_post, network=network)
        return made.experiment

    def find(data):
        start = jnp.zeros(orders.shape)
        how = {"optimizer": pt.GaussNewton(), "max_steps": 15}
        found = pt.fit(loss, start, data, **how)
        return found.theta, found.status

    return Setting(rule, truth, loss, make, find, profiled=200)


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


TABLES = [
    Table(
        "trust",
        rows=settings,
        columns=["status", "truth", "found", "std", "covered", "deviance", "distance"],
        batch_over=["row"],
        again=[{"setting": name, "seed": 3} for name in SETS],
    )
]
