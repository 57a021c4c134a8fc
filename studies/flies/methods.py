"""Forgetting in flies: the long tables of the chapters, by `make study-flies`.

Real flies: models beside each other on flies not seen, and on trials to come. Simulated
cohorts, with and without forgetting, through the same procedure: false alarms, power,
and how well the rate is found. One row for each goes to book/results/flies.csv. After
Ctrl-C the same command goes on where it was.
"""

import re
import sys
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree

from plastutor import flies
from plastutor.baselines import logistic_regression, q_learning
from plastutor.evaluate import percent_deviance
from plastutor.fit import fit_many, fit_restarts, lowest
from plastutor.gauss_newton import GaussNewton
from plastutor.held_out import (
    animal_losses,
    count_observations,
    leave_one_out,
    split_in_time,
)
from plastutor.losses import Objective, choice_loss
from plastutor.paired import paired
from plastutor.population import fit_population, predictive_losses, robust_interval
from plastutor.rules import Orders, free_indices, free_terms, taylor, terms
from plastutor.simulate import simulate
from plastutor.sweep import all_cores, sweep
from plastutor.types import FLY

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "book" / "results"
ORDERS = Orders(x=1, w=1, r=1)
FOUR = ("one", "x", "r", "xr")
FIVE = (*FOUR, "w")
TERMS = {
    "x r": ("xr",),
    "x r, w": ("xr", "w"),
    "x, x r, w": ("x", "xr", "w"),
    "x, r, x r, w": ("x", "r", "xr", "w"),
    "4 terms": FOUR,
    "5 terms": FIVE,
    "5 terms, x w": (*FIVE, "xw"),
    "5 terms, w r": (*FIVE, "wr"),
    "8 terms": None,
}
RESTARTS, STEPS = 6, 40
COHORTS, COHORT_RESTARTS, COHORT_STEPS = 200, 3, 26  # less, for time
POWER = 60  # cohorts with forgetting of which each fly is predicted from the others
CUTS = [round(0.05 * k, 2) for k in range(2, 20)]


class Setting(NamedTuple):
    """A row: what is done, with which model, and for cohorts the true rule."""

    kind: str
    model: str
    seed: int = 0
    cut: float = 1.0
    one: float = 0.0
    x: float = 0.0
    r: float = 0.0
    xr: float = 0.0
    w: float = 0.0


# --- models ---------------------------------------------------------------------------


class Model(NamedTuple):
    """A loss, where its theta may start, and which numbers of theta are free."""

    loss: Objective | list[Objective]
    init: object
    free: tuple[int, ...] | None
    restarts: int = RESTARTS
    steps: int = STEPS

    @property
    def how(self):
        return {"optimizer": GaussNewton(free=self.free), "num_steps": self.steps}


def learned_expectation(reward, plastic, rate):
    """E[R] as an average whose weights fall exponentially, and r = R - E[R]."""

    def step(expected, now):
        reward, plastic = now
        after = expected + rate * (reward - expected)
        return jnp.where(plastic, after, expected), reward - expected

    return jax.lax.scan(step, jnp.zeros_like(rate), (reward, plastic))[1]


def synapses(only, *, window=10, more=()):
    """A plasticity rule, and what may be added to it.

    more: "E" learns how fast the expected reward follows, "w0" the weights at the
    beginning, "stay" a pull of the option chosen last on the log-odds of accepting it.
    """
    rule = taylor(ORDERS, only, scale=0.1)
    network = FLY._replace(window=0 if "E" in more else window)

    def predict(rule, theta, data):
        if data.x.ndim == 3:
            return jax.vmap(lambda one: predict(rule, theta, one))(data)
        if "E" in more:
            rate = jax.nn.sigmoid(theta["E"])
            r = learned_expectation(data.reward, data.plastic, rate)
            data = data._replace(reward=r)
        if "w0" in more:
            data = data._replace(w0=theta["w0"] + data.w0)
        life = simulate(rule, theta["rule"], data, network=network, keep_weights=False)
        if "stay" in more:
            chosen = (data.x > 0).astype(data.x.dtype)  # in these data x is one-hot
            last = jnp.pad(chosen, ((1, 0), (0, 0)))[:-1]
            life = life._replace(option_logit=life.option_logit + theta["stay"] * last)
        return life

    def init(key):
        key_rule, key_rate = jr.split(key)
        rest = {"E": -2 + jr.normal(key_rate) / 2, "w0": 0.0, "stay": 0.0}
        rest = {name: jnp.asarray(rest[name]) for name in more}
        return {"rule": rule.init(key_rule), **rest}

    mask = {"rule": jnp.ones(ORDERS.shape), **{name: jnp.ones(()) for name in more}}
    if only is not None:
        mask["rule"] = jnp.asarray(free_terms(ORDERS, only))
    free = tuple(map(int, np.flatnonzero(ravel_pytree(mask)[0])))
    ahead = rule._replace(update=rule.forward or rule.update)
    loss = Objective(partial(predict, rule), choice_loss, None, partial(predict, ahead))
    return Model(loss, init, free)


@cache  # the same loss: JAX need not compile it again
def model_of(name: str) -> Model:
    """A model by its name in the table: "5 terms + E", "x r, window 0"."""
    if name == "win-stay-lose-shift":
        return Model(logistic_regression(1), lambda key: jnp.zeros(2), None, 1, 8)
    if name == "logistic regression":
        losses = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
        return Model(losses, lambda key: jnp.zeros(20), None, 1, 6)
    if name == "Q-learning":
        return Model(q_learning(), partial(jr.normal, shape=(3,)), None, 10)
    if name == "chosen by the others":
        every = [synapses(TERMS[k]) for k in ("4 terms", "5 terms", "5 terms, x w")]
        return Model([one.loss for one in every], synapses(None).init, None, 2)
    base, _, more = name.partition(" + ")
    base, _, window = base.partition(", window ")
    only, more = TERMS[base], tuple(filter(None, re.split(", ", more)))
    return synapses(only, window=int(window or 10), more=more)


# --- what a row does ------------------------------------------------------------------


def fly_data():
    """The real flies."""
    return flies.experiments(flies.load())


def shuffled(data, seed: int):
    """The same choices; the rewards of each fly in another order."""
    valid, reward = np.asarray(data.valid), np.array(data.reward)
    draw = np.random.default_rng(seed)
    for row, there in zip(reward, valid, strict=True):
        row[there] = draw.permutation(row[there])
    return data._replace(reward=jnp.asarray(reward))


def cohort(setting: Setting):
    """18 simulated flies."""
    truth = terms(ORDERS, **{name: getattr(setting, name) for name in FIVE})
    return flies.experiments(flies.simulate_flies(jr.key(setting.seed), truth))


def do_nothing(data):
    return np.log(2) * count_observations(data)


def score(losses, null) -> dict:
    each = 100 * (1 - losses / null)
    return {
        "deviance": f"{percent_deviance(losses, null):.4f}",
        "median": f"{np.median(each):.4f}",
        "above": int((losses < null).sum()),
        "flies": len(null),
        "nats": " ".join(f"{value:.3f}" for value in losses),
    }


def left_out(model: Model, data, seed=0):
    key, how = jr.key(seed), {"restarts": model.restarts, **model.how}
    return leave_one_out(key, model.loss, model.init, data, **how)


def pooled(model: Model, data, seed=0):
    how = {"restarts": model.restarts, **model.how}
    return fit_restarts(jr.key(seed), model.loss, model.init, data, **how).theta


def run_model(setting: Setting) -> dict:
    """A model on flies that its fit has not seen."""
    data = fly_data()
    if setting.kind == "rewards shuffled":
        data = shuffled(data, setting.seed)
    if setting.kind == "hierarchical":
        return score(leave_one_out_of_population(setting.model, data), do_nothing(data))
    found = left_out(model_of(setting.model), data)
    gap = found.restarts - found.restarts.min(1, keepdims=True)
    return {
        **score(found.losses, do_nothing(data)),
        "reached": f"{(gap < 1e-4).mean():.3f}",
    }


def leave_one_out_of_population(name: str, data):
    """Each fly from a population fitted to the others, and its own choices so far."""
    model, losses = model_of(name), []
    found = left_out(model, data)
    for k, fit in enumerate(found.fits):
        alone = jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], data)
        others = jax.tree.map(lambda leaf, k=k: np.delete(leaf, k, 0), data)
        population = fit_population(model.loss, fit.theta, others, free=model.free)
        losses += [*predictive_losses(jr.key(k), model.loss, population, alone)]
    return np.array(losses)


def small(theta):
    """The penalty of a fit to one fly."""
    return 1e-3 * sum((leaf**2).sum() for leaf in jax.tree.leaves(theta))


def run_prefix(setting: Setting) -> dict:
    """The first trials of all flies are fitted, and the rest is predicted."""
    data, model = fly_data(), model_of(setting.model)
    carry = setting.kind != "later trials, reset"
    first, rest = split_in_time(data, setting.cut, carry=carry)
    if setting.kind == "later trials, each fly":
        # Without a penalty some flies' coefficients leave for infinity.
        model = model._replace(loss=replace(model.loss, penalty=small))
        alone = jax.tree.map(lambda leaf: leaf[:, None], first)
        starts = jax.vmap(model.init)(
            jr.split(jr.key(0), len(first.x) * model.restarts)
        )
        repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf, model.restarts, 0), alone)
        fits = fit_many(model.loss, starts, repeated, data_axes=0, **model.how)
        each = range(0, len(fits), model.restarts)
        best = [min(fits[k : k + model.restarts], key=lowest).theta for k in each]
        return score(animal_losses(model.loss, best, rest), do_nothing(rest))
    theta = pooled(model, first)
    if setting.kind == "later trials, hierarchical":
        found = fit_population(model.loss, theta, first, free=model.free)
        losses = predictive_losses(jr.key(0), model.loss, found, rest, given=first)
        return score(losses, do_nothing(rest))
    return score(animal_losses(model.loss, theta, rest), do_nothing(rest))


def run_cohort(setting: Setting) -> dict:
    """A simulated cohort through the procedure of the chapter."""
    data, model, row = cohort(setting), model_of("5 terms"), {}
    theta = pooled(model, data, setting.seed)
    low, high = robust_interval(model.loss, theta, data, free=model.free)
    (of_w,) = free_indices(ORDERS, ("w",))
    place = free_indices(ORDERS, FIVE).index(of_w)
    row["found_w"] = f"{theta['rule'][0, 0, 1, 0]:.5f}"
    row["low_w"], row["high_w"] = f"{low[place]:.5f}", f"{high[place]:.5f}"
    if setting.w == 0 or setting.seed < POWER:
        null, less = do_nothing(data), {"restarts": COHORT_RESTARTS}
        less["steps"] = COHORT_STEPS
        without, with_w = (
            left_out(model_of(name)._replace(**less), data, setting.seed).losses
            for name in ("4 terms", "5 terms")
        )
        key = jr.key(setting.seed)
        found = paired(key, with_w, without, null, alternative="greater")
        row |= score(with_w, null)
        row |= {"gain": f"{found.gain:.4f}", "better": found.better}
        row |= {"p_value": f"{found.p_value:.2e}", "nats": ""}
    return row


def run(batch: list[dict]) -> list[dict]:
    """One setting after the other."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for values in batch:
        setting, start = Setting(**values), time.perf_counter()
        kind = setting.kind.split(",")[0]
        work = {"cohort": run_cohort, "later trials": run_prefix}.get(kind, run_model)
        row = work(setting)
        rows.append({**row, "seconds": f"{time.perf_counter() - start:.1f}"})
    return rows


# --- all rows -------------------------------------------------------------------------


def settings(truths: dict[str, dict[str, float]]):
    """Every row of the table, for these rules of the simulated cohorts."""
    rivals = ["win-stay-lose-shift", "logistic regression", "Q-learning"]
    for name in [*TERMS, *rivals, "chosen by the others"]:
        yield Setting("unseen flies", name)
    for name in ("x r", "x r, w", "4 terms", "5 terms", "5 terms, x w"):
        yield Setting("unseen flies", f"{name}, window 0")
    for window in (3, 5, 7, 15, 20, 30):
        yield Setting("unseen flies", f"5 terms, window {window}")
    for more in ("E", "w0", "stay"):
        yield Setting("unseen flies", f"5 terms + {more}")
    for more in ("E", "stay", "E, stay"):
        yield Setting("unseen flies", f"5 terms, x w + {more}")
    for name in ("5 terms", "5 terms, x w", "5 terms, x w + E, stay"):
        yield Setting("hierarchical", name)
    for seed in range(5):
        for name in ("4 terms", "5 terms", *rivals):
            yield Setting("rewards shuffled", name, seed)
    for cut in CUTS:
        for name in ("x, x r, w", "4 terms", "5 terms", "5 terms, x w"):
            yield Setting("later trials", name, cut=cut)
        yield Setting("later trials, reset", "5 terms", cut=cut)
        yield Setting("later trials, each fly", "5 terms", cut=cut)
        for name in ("x, x r, w", "5 terms"):
            yield Setting("later trials, hierarchical", name, cut=cut)
    for seed in range(COHORTS):
        for model, truth in truths.items():
            yield Setting(f"cohort, {model}", "5 terms", seed, 1.0, **truth)


def inferred() -> dict[str, dict[str, float]]:
    """The rules of the simulated cohorts: those of the real flies, rounded."""
    jax.config.update("jax_enable_x64", True)
    data, found = fly_data(), {}
    for name, only in {"no forgetting": FOUR, "forgetting": FIVE}.items():
        theta = pooled(synapses(only), data)["rule"]
        found[name] = {
            term: round(float(theta.ravel()[free_indices(ORDERS, (term,))[0]]), 3)
            for term in only
        }
    return found


COLUMNS = ["deviance", "median", "above", "flies", "nats", "reached", "gain", "better"]
COLUMNS += ["p_value", "found_w", "low_w", "high_w", "seconds"]
SOURCES = [
    ROOT / "plastutor" / f"{name}.py"
    for name in (
        "types",
        "experiments",
        "rules",
        "simulate",
        "tasks",
        "losses",
        "gauss_newton",
        "fit",
        "paired",
        "held_out",
        "population",
        "baselines",
        "choices",
        "fly_simulation",
        "flies",
    )
]
SOURCES += [ROOT / "studies" / "flies.py"]


def main(*kinds: str):
    """Run every row that is not yet in the table, or those of some kinds."""
    wanted = [one for one in settings(inferred()) if not kinds or one.kind in kinds]
    with all_cores() as client:
        sweep(
            run,
            [one._asdict() for one in wanted],
            RESULTS / "flies.csv",
            columns=COLUMNS,
            batch_over=("seed",),
            batch_size=4,
            client=client,
            header={
                "made by": "make study-flies",
                "data": flies.CITATION,
            },
            code=SOURCES,
        )


if __name__ == "__main__":
    # The workers look for the functions of a module, and this one has no name here.
    from flies import main  # pyright: ignore

    main(*sys.argv[1:])
