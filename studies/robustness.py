"""Noise and missing neurons: the whole grid, by `make study-robustness`.

Recovers a rule from recordings of falling quality, by the protocol of Mehta et al.
(2024, Fig. 2D-G) and by `plastutor.evidence`, and writes one row for each fit to
book/results/robustness.csv. Finished cells are kept: after Ctrl-C the same command goes
on where it was.
"""

import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from table import Table
from tqdm import tqdm

from plastutor.evaluate import weight_r2
from plastutor.evidence import evidence_fit, normal_equations
from plastutor.experiments import first_steps
from plastutor.rules import OJA, OJA_ORDERS, taylor, term_names, terms
from plastutor.simulate import simulate
from plastutor.tasks import hide_inputs, neural_task, redraw_w0
from plastutor.types import RECORDED

NOISES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
CORNERS = ((0.0, 1.0), (1.0, 1.0), (0.0, 0.5), (1.0, 0.5))
NAMES = term_names(OJA_ORDERS)
ORDER_3 = tuple(name for name in NAMES if name == "one" or len(name) <= 3)  # 17 terms
NO_LOW = tuple(name for name in ORDER_3 if name != "one" and len(name) > 1)  # 13
EPOCHS = 50
POOREST = ("main", "plain", 1.0, 0.5, range(20))
CORES = sorted(
    os.sched_getaffinity(0)
    if hasattr(os, "sched_getaffinity")
    else range(os.cpu_count() or 1)
)


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
    f"plastutor/{name}.py"
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
SOURCES += ["studies/robustness.py"]


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


def jobs():
    """(variant, method, noise, recorded, seeds): first what the chapter needs most."""
    grid = [(noise, recorded) for noise in NOISES for recorded in FRACTIONS]
    edges = [
        (noise, recorded) for noise, recorded in grid if noise == 0 or recorded == 1
    ]
    both = "plain", "evidence"
    for noise, recorded in [*edges, CORNERS[-1]]:
        yield from (("main", method, noise, recorded, range(20)) for method in both)
    for noise in NOISES:
        yield "main", "efficient", noise, 1.0, range(20)
    for noise, recorded in CORNERS:
        yield "main", "nothing", noise, recorded, range(20)
        for variant, seeds in (
            ("13 terms", range(10)),
            ("shared w0", range(10)),
            ("another rule", range(10)),
            ("100 to 1000", range(3)),
        ):
            yield from ((variant, method, noise, recorded, seeds) for method in both)
    for noise, recorded in CORNERS[1:]:
        for method in list(METHODS)[1:]:
            yield "main", method, noise, recorded, range(10)
    for noise, recorded in grid:
        if (noise, recorded) not in [*edges, CORNERS[-1]]:
            yield from (("main", method, noise, recorded, range(20)) for method in both)
    for noise, recorded in edges:
        yield from (("main", method, noise, recorded, range(20, 50)) for method in both)


COLUMNS = ["variant", "method", "noise", "recorded", "seed", "r2", "noise_found", "tau"]
COLUMNS += ["rho", *ORDER_3, "seconds"]


def cell(
    variant, method, noise, recorded, seeds
) -> tuple[list[dict], np.ndarray | None]:
    """One row for each seed, and for the plain fits theta after every epoch."""
    setting, start = VARIANTS[variant], time.perf_counter()
    found, history, thetas = None, None, np.zeros((len(seeds), *OJA_ORDERS.shape))
    if method == "plain":
        data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill=1.0))
        history = np.asarray(plain(jnp.array(seeds), data, only=setting.only))
        thetas = history[:, -1]
    elif method in METHODS:
        estimate, fill = METHODS[method]
        data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill))
        found = estimate(seeds, data, only=setting.only)
        thetas = np.asarray(found.theta)
    rows = []
    for k, seed in enumerate(seeds):
        values = dict(zip(NAMES, thetas[k].ravel(), strict=True))
        if method == "efficient":
            r2, values = efficient(seed, setting, noise), {}
        else:
            r2 = score(seed, setting, thetas[k])
        row = {"r2": f"{r2:.5f}"}
        row |= {name: f"{values[name]:.4f}" for name in ORDER_3 if name in values}
        if found is not None:
            row |= {
                "noise_found": f"{found.noise[k]:.4f}",
                "tau": f"{found.tau[k]:g}",
                "rho": f"{found.rho[k]:g}",
            }
        rows.append(row | {"seed": seed})
    each = (time.perf_counter() - start) / len(seeds)
    same = {"variant": variant, "method": method, "noise": noise, "recorded": recorded}
    return [same | row | {"seconds": f"{each:.2f}"} for row in rows], history


def one_core(cores) -> None:
    """What a worker does first: keep to one core, and leave Ctrl-C to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_setaffinity"):  # not on a Mac
        os.sched_setaffinity(0, {cores.get()})
    jax.config.update("jax_enable_x64", True)


def results(todo, workers):
    """(job, its rows and history), as they are done.

    A process for each core: these programs gain little from a second one.
    """
    if workers == 1:
        yield from ((job, cell(*job)) for job in todo)
        return
    context = multiprocessing.get_context("spawn")
    cores = context.Queue()
    for k in range(workers):
        cores.put(CORES[k % len(CORES)])
    with ProcessPoolExecutor(workers, context, one_core, (cores,)) as pool:
        futures = {pool.submit(cell, *job): job for job in todo}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # cells that have begun still end
            raise


def main(*only_variants: str, workers: int | None = None):
    """Run every cell that is not yet in the table."""
    jax.config.update("jax_enable_x64", True)
    settings = {
        name: str(setting._replace(truth=None)) for name, setting in VARIANTS.items()
    }
    table = Table("robustness", COLUMNS, SOURCES, settings)
    training = Table(
        "robustness_training", ["seed", "epoch", *ORDER_3], SOURCES, settings
    )
    todo = [
        job
        for job in jobs()
        if (not only_variants or job[0] in only_variants)
        and not table.has(**dict(zip(COLUMNS, job[:4], strict=False)), seed=job[4][0])
    ]
    workers = workers or len(CORES)
    for job, (rows, history) in tqdm(
        results(todo, workers), total=len(todo), unit="cell"
    ):
        if history is not None and job == POOREST:
            training.add(
                [
                    {"seed": seed, "epoch": epoch + 1}
                    | {
                        name: f"{value:.4f}"
                        for name, value in zip(NAMES, theta.ravel(), strict=True)
                        if name in ORDER_3
                    }
                    for seed, thetas in enumerate(history[:3])
                    for epoch, theta in enumerate(thetas)
                ]
            )
        table.add(rows)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the workers too
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        print("\nStopped. All finished cells are kept; the same command goes on.")
