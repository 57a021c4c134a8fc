"""Are the error bars honest? Fits to many data sets, by `make study-trust`.

Every data set is made with a known rule, fitted, and given error bars by
`plastutor.uncertainty`. book/results/trust.csv has one row for each coefficient, for
each direction of the Fisher information and for the rule itself: how far off was the
fit, what was its error bar, was the truth inside?
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from plastutor.distil import States, visited_states
from plastutor.evidence import evidence_fit
from plastutor.fit import fit
from plastutor.gauss_newton import GaussNewton
from plastutor.losses import Objective, accept_loss, activity_loss, objective
from plastutor.rules import OJA_ORDERS, Orders, Rule, taylor, term_names, terms
from plastutor.sweep import all_cores, sweep
from plastutor.tasks import foraging_task, neural_task
from plastutor.types import BEHAVIOUR, FLY
from plastutor.uncertainty import fisher, laplace, profile

jax.config.update("jax_enable_x64", True)
ROOT = Path(__file__).resolve().parent.parent
MODULES = "types experiments rules simulate tasks losses gauss_newton fit evidence"
SOURCES = [ROOT / f"plastutor/{name}.py" for name in MODULES.split()]
SOURCES += [*sorted((ROOT / "plastutor/uncertainty").glob("*.py")), Path(__file__)]
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
COLUMNS = ["truth", "found", "std", "covered", "deviance", "distance"]


@lru_cache
def directions(name) -> np.ndarray:
    """Eigenvectors of the Fisher information at the truth, the stiffest first."""
    setting, total = SETTINGS[name], 0.0
    for seed in REFERENCE:
        data = setting.make(jr.key(seed))
        found = fisher(setting.loss, setting.truth, data, only=setting.only)
        total = total + np.asarray(found.matrix)
    return np.linalg.eigh(total)[1].T[::-1]


def rows_of(name, seed) -> dict[str, dict]:
    """All that one data set gives, by the name of the row."""
    setting = SETTINGS[name]
    data = setting.make(jr.key(seed))
    theta = setting.find(data)
    around = laplace(setting.loss, theta, data, only=setting.only)
    truth = np.asarray(setting.truth).ravel()[around.free]
    low, high = around.interval
    rows: dict[str, dict] = {}
    for k, term in enumerate(around.names):
        rows[term] = {
            "truth": truth[k],
            "found": around.mean[k],
            "std": around.std[k],
            "covered": float(low[k] <= truth[k] <= high[k]),
        }
        if seed < setting.profiled:
            held = profile(
                setting.loss,
                theta,
                data,
                term,
                values=truth[k : k + 1],
                only=setting.only,
            )
            rows[term]["deviance"] = held.deviance[0]
    for k, row in enumerate(directions(name)):
        off, std = row @ (around.mean - truth), around.std_along(row)
        rows[f"direction {k + 1}"] = {
            "truth": row @ truth,
            "found": row @ around.mean,
            "std": std,
            "covered": float(abs(off) <= 1.96 * std),
        }
    if setting.band:
        states = some_states(seed, setting, data)
        low, high = around.band(setting.rule, states)
        dw = np.asarray(
            jax.vmap(setting.rule.apply, (None, 0, 0, 0, 0))(setting.truth, *states)
        )
        rows["band"] = {
            "truth": np.sqrt(np.mean(dw**2)),
            "found": np.sqrt(np.mean((high + low) ** 2) / 4),
            "std": np.mean(high - low) / 2 / 1.96,
            "covered": np.mean((low <= dw) & (dw <= high)),
        }
    return {row: {"distance": around.distance} | rows[row] for row in rows}


def some_states(seed, setting, data) -> States:
    """1000 of the states that the network visited under the true rule."""
    first = jax.tree.map(lambda leaf: leaf[:2], data)
    states = visited_states(setting.rule, setting.truth, first)
    pick = np.random.default_rng(seed).integers(len(states.x), size=1000)
    return States(*(v[pick] for v in states))


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


def run(batch) -> list[dict]:
    """The rows of one data set."""
    name, seed = batch[0]["setting"], batch[0]["seed"]
    rows = rows_of(name, seed)
    return [{k: f"{v:.5g}" for k, v in rows[one["row"]].items()} for one in batch]


def main():
    """Run every data set that is not yet in the table."""
    with all_cores() as client:
        sweep(
            run,
            settings(),
            ROOT / "book" / "results" / "trust.csv",
            columns=COLUMNS,
            batch_over=["row"],
            client=client,
            header={"made by": "make study-trust"},
            code=SOURCES,
        )


if __name__ == "__main__":
    # The workers look for the functions of a module, and this one has no name here.
    from trust import main

    main()
