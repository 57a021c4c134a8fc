"""Noise and missing neurons: the whole grid, by `make study-robustness`.

Recovers a rule from recordings of falling quality, by the protocol of Mehta et al.
(2024, Fig. 2D-G) and by `plastutor.evidence`, and writes one row for each fit to
book/results/robustness.csv. Two small tables stand beside it: coefficients over
training, and how the estimator was tuned.
"""

import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from plastutor.evaluate import weight_r2
from plastutor.evidence import evidence_fit, normal_equations
from plastutor.experiments import first_steps
from plastutor.losses import activity_loss, objective
from plastutor.rules import OJA, OJA_ORDERS, taylor, term_names, terms
from plastutor.simulate import simulate
from plastutor.sweep import all_cores, sweep
from plastutor.tasks import hide_inputs, neural_task, redraw_w0
from plastutor.types import RECORDED

jax.config.update("jax_enable_x64", True)
ROOT = Path(__file__).resolve().parent.parent
NOISES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
CORNERS = ((0.0, 1.0), (1.0, 1.0), (0.0, 0.5), (1.0, 0.5))
NAMES = term_names(OJA_ORDERS)
ORDER_3 = tuple(name for name in NAMES if name == "one" or len(name) <= 3)  # 17 terms
NO_LOW = tuple(name for name in ORDER_3 if name != "one" and len(name) > 1)  # 13
EPOCHS = 50


class Setting(NamedTuple):
    """One variant of the study."""

    truth: np.ndarray = OJA
    only: tuple = ORDER_3
    redraw: bool = True  # the student's initial weights are drawn anew
    n_experiments: int = 200
    n_steps: int = 10
    n_pre: int = 50
    n_post: int = 50
    x_std: float = 0.1
    w_std: float = 0.01  # 1 / (n_pre + n_post)

    def experiments(self, key, **options):
        """Experiments with the true rule."""
        names = ("n_experiments", "n_steps", "n_pre", "n_post", "x_std", "w_std")
        sizes = {name: getattr(self, name) for name in names}
        return neural_task(key, RULE, self.truth, **(sizes | options))


RULE = taylor(OJA_ORDERS)
THREE = np.asarray(terms(OJA_ORDERS, x=0.6, yw=-0.5, xx=1.5))
VARIANTS = {
    "main": Setting(),
    "13 terms": Setting(only=NO_LOW),
    "shared w0": Setting(redraw=False),
    "another rule": Setting(truth=THREE),  # dw = 0.6 x - 0.5 y w + 1.5 x^2
    # Outputs do not influence each other: 20 of the 1000 are drawn, and no others.
    "100 to 1000": Setting(
        n_experiments=50,
        n_steps=50,
        n_pre=100,
        n_post=20,
        x_std=0.1**0.5,
        w_std=0.02**0.5,
    ),
}
SOURCES = [
    ROOT / f"plastutor/{name}.py"
    for name in (
        "types",
        "experiments",
        "rules",
        "simulate",
        "tasks",
        "evidence",
        "evaluate",
    )
]
SOURCES += [Path(__file__)]


def student(seed, setting, noise, recorded, fill=0.0):
    """What the student is given; unrecorded inputs are left out, or noise."""
    key_data, key_w0, key_hide, _, _ = jr.split(jr.key(seed), 5)
    # Where there is noise, single precision is enough.
    dtype = "float32" if noise else "float64"
    data = setting.experiments(key_data, noise=noise, recorded=recorded, dtype=dtype)
    if setting.redraw:
        data = redraw_w0(key_w0, data, std=setting.w_std)
    return hide_inputs(key_hide, data, recorded, fill_std=fill * setting.x_std)


def held_out(seed, setting):
    """25 new experiments without noise, with new initial weights."""
    return setting.experiments(jr.split(jr.key(seed), 5)[3], n_experiments=25)


def stacked(seeds, make):
    """The data of several seeds, along a new leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(make, seeds))


@partial(jax.jit, static_argnames="only")
def plain(seeds, data, *, only):
    """The authors' way: Adam, one trajectory a step; theta after every epoch."""
    rule = taylor(OJA_ORDERS, only)
    optimizer = optax.chain(optax.clip_by_global_norm(0.2), optax.adam(1e-3))

    def loss(theta, experiment):
        y = simulate(rule, theta, experiment, keep_weights=False).y
        recorded = ~jnp.isnan(experiment.activity)
        # Half the squared error, divided by all neurons, as in the authors' code.
        return jnp.mean(jnp.where(recorded, experiment.activity - y, 0) ** 2) / 2

    def step(carry, experiment):
        theta, state = carry
        gradient = jax.grad(loss)(theta, experiment)
        updates, state = optimizer.update(gradient, state)
        return (optax.apply_updates(theta, updates), state), None

    def one(seed, data):
        data = jax.tree.map(
            lambda v: v.astype("float32") if v.dtype == "float64" else v, data
        )
        theta = rule.init(jr.split(jr.key(seed), 5)[4]).astype("float32")

        def epoch(carry, _):
            carry, _ = jax.lax.scan(step, carry, data)
            return carry, carry[0]

        state = theta, optimizer.init(theta)
        return jax.lax.scan(epoch, state, None, length=EPOCHS)[1]

    return jax.vmap(one)(seeds, data)


def by_evidence(seeds, data, *, only, **options):
    """All seeds as one program."""
    return jax.vmap(lambda one: evidence_fit(OJA_ORDERS, one, only=only, **options))(
        data
    )


def by_growing_horizon(seeds, data, *, only):
    """The first 3 steps of each experiment, then 6, then all."""
    theta = jnp.zeros((len(seeds), *OJA_ORDERS.shape))
    for steps in (3, 6, data.x.shape[2]):
        cut = jax.vmap(partial(first_steps, steps=steps))(data)
        found = jax.vmap(
            lambda one, start: evidence_fit(
                OJA_ORDERS, one, only=only, theta0=start, num_steps=5
            )
        )(cut, theta)
        theta = found.theta
    return found


METHODS = {
    "evidence": (by_evidence, 0.0),
    "no prior": (partial(by_evidence, taus=(1e3,), rhos=(1.0,)), 0.0),
    "equal prior": (partial(by_evidence, rhos=(1.0,)), 0.0),
    "fresh inputs": (by_evidence, 1.0),
    "one step ahead": (partial(by_evidence, forced=True), 0.0),
    "growing horizon": (by_growing_horizon, 0.0),
}


def score(seed, setting, theta) -> float:
    """Mean R2 of the weights on new experiments; minus infinity if they diverge."""
    new = held_out(seed, setting)
    r2 = weight_r2(RULE, jnp.asarray(theta, new.x.dtype), setting.truth, new).mean()
    return float(r2) if np.isfinite(r2) else -np.inf


def efficient(seed, setting, noise, draws=20) -> float:
    """R2 of an efficient estimator that knows the true terms: Cramer and Rao's limit.

    Its error is drawn from the inverse Fisher information at the truth.
    """
    if noise == 0:
        return 1.0
    free = np.flatnonzero(setting.truth)
    directions = np.eye(setting.truth.size)[free].reshape(-1, *OJA_ORDERS.shape)
    data = student(seed, setting, noise, 1.0)
    information = jax.jit(
        lambda data: normal_equations(
            RULE,
            jnp.asarray(setting.truth),
            jnp.asarray(directions),
            data,
            RECORDED,
            False,
        )[0]
    )(data)
    spread = np.linalg.cholesky(np.linalg.inv(np.asarray(information)) * noise**2)
    errors = np.random.default_rng(seed).normal(size=(draws, len(free))) @ spread.T
    thetas = setting.truth + np.tensordot(errors, directions, 1)
    return float(np.mean([max(score(seed, setting, theta), 0) for theta in thetas]))


def each(variant, method, cells, seeds, column="method") -> list[dict]:
    """One setting for each row of some cells."""
    first = {"variant": variant, column: method}
    return [
        first | {"noise": noise, "recorded": recorded, "seed": seed}
        for noise, recorded in cells
        for seed in seeds
    ]


def settings() -> list[dict]:
    """One for each row of the main table."""
    grid = [(noise, recorded) for noise in NOISES for recorded in FRACTIONS]
    edges = [cell for cell in grid if cell[0] == 0 or cell[1] == 1]
    column = [cell for cell in grid if cell[1] == 1]
    rows = each("main", "efficient", column, range(20))
    rows += each("main", "nothing", CORNERS, range(20))
    for method in ("plain", "evidence"):
        rows += each("main", method, edges, range(50))
        rows += each("main", method, [c for c in grid if c not in edges], range(20))
        rows += each("13 terms", method, [*column, *CORNERS[2:]], range(20))
        rows += each("shared w0", method, CORNERS, range(20))
        rows += each("another rule", method, CORNERS, range(20))
        rows += each("100 to 1000", method, CORNERS, range(3))
    for method in list(METHODS)[1:]:
        rows += each("main", method, CORNERS[1:], range(10))
    return rows


COLUMNS = ["r2", "noise_found", "tau", "rho", "converged", *ORDER_3, "seconds"]


def run(batch) -> list[dict]:
    """The fits of one cell: all seeds as one program."""
    variant, method, noise, recorded, _ = batch[0].values()
    seeds = [setting["seed"] for setting in batch]
    setting, start = VARIANTS[variant], time.perf_counter()
    found, thetas = None, np.zeros((len(seeds), *OJA_ORDERS.shape))
    if method == "plain":
        thetas = np.asarray(training(setting, noise, recorded, seeds)[:, -1])
    elif method in METHODS:
        estimate, fill = METHODS[method]
        data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill))
        found = estimate(seeds, data, only=setting.only)
        thetas = np.asarray(found.theta)
    rows = []
    for k, seed in enumerate(seeds):
        if method == "efficient":
            rows.append({"r2": f"{efficient(seed, setting, noise):.5f}"})
            continue
        row = {"r2": f"{score(seed, setting, thetas[k]):.5f}"} | named(thetas[k])
        if found is not None:
            row["noise_found"] = f"{found.noise[k]:.4f}"
            row |= {"tau": f"{found.tau[k]:g}", "rho": f"{found.rho[k]:g}"}
            row["converged"] = bool(found.converged[k])
        rows.append(row)
    each = f"{(time.perf_counter() - start) / len(seeds):.2f}"
    return [row | {"seconds": each} for row in rows]


def named(theta) -> dict:
    """The coefficients that a student may have, as text."""
    values = dict(zip(NAMES, theta.ravel(), strict=True))
    return {name: f"{values[name]:.4f}" for name in ORDER_3}


def training(setting, noise, recorded, seeds):
    """Theta of the plain fits after every epoch: (seed, epoch, x, y, w, r)."""
    data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill=1.0))
    return plain(jnp.array(seeds), data, only=setting.only)


def run_training(batch) -> list[dict]:
    """Coefficients of the plain fits over training, where the recording is poorest."""
    seeds = sorted({setting["seed"] for setting in batch})
    thetas = np.asarray(training(VARIANTS["main"], 1.0, 0.5, seeds))
    return [named(thetas[seeds.index(s["seed"]), s["epoch"] - 1]) for s in batch]


OPTIONS = {f"margin {m}": {"margin": float(m)} for m in (0, 1, 2, 4)}
OPTIONS |= {f"tau {t:g}": {"taus": (t,)} for t in (0.5, 1.5, 5.0, 15.0)}
OPTIONS |= {f"rho {r:g}": {"rhos": (r,)} for r in (0.003, 0.03, 0.3, 1.0)}


def run_tuning(batch) -> list[dict]:
    """Loss on the last 50 noisy experiments of a fit to the first 150."""
    variant, option, noise, recorded, _ = batch[0].values()
    seeds = [setting["seed"] for setting in batch]
    data = stacked(seeds, lambda s: student(s, VARIANTS[variant], noise, recorded))
    first = jax.tree.map(lambda leaf: leaf[:, :150], data)
    last = jax.tree.map(lambda leaf: leaf[:, 150:], data)
    if option == "nothing":
        thetas = jnp.zeros((len(seeds), *OJA_ORDERS.shape), data.x.dtype)
    else:
        thetas = by_evidence(seeds, first, only=ORDER_3, **OPTIONS[option]).theta
    losses = jax.jit(jax.vmap(objective(RULE, activity_loss)))(thetas, last)
    return [{"loss": f"{loss:.8g}"} for loss in losses]


def main():
    """Run every row that is not yet in the tables."""
    results = ROOT / "book" / "results"
    common = {"header": {"made by": "make study-robustness"}, "code": SOURCES}
    epochs = [{"seed": s, "epoch": e + 1} for s in range(3) for e in range(EPOCHS)]
    tuning = [
        row
        for variant in ("main", "another rule")
        for option in ("nothing", *OPTIONS)
        for row in each(variant, option, CORNERS[1:], range(100, 110), "option")
    ]
    with all_cores() as client:
        for name, call, rows, columns, over in (
            ("robustness", run, settings(), COLUMNS, ["seed"]),
            ("robustness_training", run_training, epochs, ORDER_3, ["seed", "epoch"]),
            ("robustness_tuning", run_tuning, tuning, ["loss"], ["seed"]),
        ):
            sweep(
                call,
                rows,
                results / f"{name}.csv",
                columns=columns,
                batch_over=over,
                client=client,
                **common,
            )


if __name__ == "__main__":
    # The workers look for the functions of a module, and this one has no name here.
    from robustness import main

    main()
