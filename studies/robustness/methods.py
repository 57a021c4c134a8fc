"""How a row of the tables on noise and missing neurons is made."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import plastutor as pt

from .settings import EPOCHS, NAMES, OPTIONS, ORDER_3, RULE, SIZES, VARIANTS


def student(seed, setting, noise, recorded, fill=0.0):
    """What the student is given; unrecorded inputs are left out, or noise."""
    key_data, key_w0, key_hide, _, _ = jr.split(jr.key(seed), 5)
    # Where there is noise, single precision is enough.
    dtype = "float32" if noise else "float64"
    data = setting.experiments(key_data, noise=noise, recorded=recorded, dtype=dtype)
    if setting.redraw:
        data = pt.redraw_w0(key_w0, data, std=setting.w_std)
    return pt.hide_inputs(key_hide, data, recorded, fill_std=fill * setting.x_std)


def held_out(seed, setting):
    """25 new experiments without noise, with new initial weights."""
    return setting.experiments(jr.split(jr.key(seed), 5)[3], n_experiments=25)


def stacked(seeds, make):
    """The data of several seeds, along a new leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *map(make, seeds))


@partial(jax.jit, static_argnames="only")
def plain(seeds, data, *, only):
    """The authors' way: Adam, one trajectory a step; theta after every epoch."""
    rule = pt.taylor(pt.OJA_ORDERS, only)
    optimizer = optax.chain(optax.clip_by_global_norm(0.2), optax.adam(1e-3))

    def loss(theta, experiment):
        y = pt.simulate(rule, theta, experiment, keep_weights=False).y
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
    return jax.vmap(
        lambda one: pt.evidence_fit(pt.OJA_ORDERS, one, only=only, **options)
    )(data)


def no_prior(seeds, data, *, only):
    """A very wide one, in 64 bits: in 32 and at noise 1 no step is accepted."""
    data = jax.tree.map(
        lambda v: v.astype("float64") if v.dtype == "float32" else v, data
    )
    return by_evidence(seeds, data, only=only, taus=(1e3,), rhos=(1.0,))


# Without the zero among the sizes: alternatives are compared where there is a rule.
sure = partial(by_evidence, taus=SIZES)


def by_growing_horizon(seeds, data, *, only):
    """The first 3 steps of each experiment, then 6, then all."""
    theta = jnp.zeros((len(seeds), *pt.OJA_ORDERS.shape))
    for steps in (3, 6, data.x.shape[2]):
        cut = jax.vmap(partial(pt.first_steps, steps=steps))(data)
        found = jax.vmap(
            lambda one, start: pt.evidence_fit(
                pt.OJA_ORDERS, one, only=only, theta0=start, max_steps=5, taus=SIZES
            )
        )(cut, theta)
        theta = found.theta
    return found


METHODS = {
    "evidence": (by_evidence, 0.0),
    "no prior": (no_prior, 0.0),
    "a rule for sure": (sure, 0.0),
    "equal prior": (partial(sure, rhos=(1.0,)), 0.0),
    "fresh inputs": (sure, 1.0),
    "one step ahead": (partial(sure, forced=True), 0.0),
    "growing horizon": (by_growing_horizon, 0.0),
}


def score(seed, setting, theta) -> float:
    """Mean R2 of the weights on new experiments; minus infinity if they diverge."""
    new = held_out(seed, setting)
    r2 = pt.weight_r2(RULE, jnp.asarray(theta, new.x.dtype), setting.truth, new).mean()
    return float(r2) if np.isfinite(r2) else -np.inf


normal_equations = jax.jit(pt.infer.normal_equations, static_argnums=0)


def status(score, converged=None, fitted=True, found=True) -> str:
    """Whether a row is what it seems: a fit, its score finite, and at rest."""
    if not fitted:
        return "no step was accepted"
    if not found:
        return "nothing found"
    if not np.isfinite(score):
        return "diverged"
    if converged is None:
        return "finished"
    return "converged" if converged else "not converged"


def efficient(seed, setting, noise, draws=20) -> list[float]:
    """R2 of an efficient estimator that knows the true terms: Cramer and Rao's limit.

    Its error is drawn from the inverse Fisher information at the truth, some times.
    """
    if noise == 0:
        return [1.0] * draws
    free = np.flatnonzero(setting.truth)
    directions = np.eye(setting.truth.size)[free].reshape(-1, *pt.OJA_ORDERS.shape)
    data = student(seed, setting, noise, 1.0)
    information, *_ = normal_equations(RULE, setting.truth, directions, data)
    spread = np.linalg.cholesky(np.linalg.inv(np.asarray(information)) * noise**2)
    errors = np.random.default_rng(seed).normal(size=(draws, len(free))) @ spread.T
    thetas = setting.truth + np.tensordot(errors, directions, 1)
    return [score(seed, setting, theta) for theta in thetas]


def named(theta) -> dict:
    """The coefficients that a student may have, as text."""
    values = dict(zip(NAMES, theta.ravel(), strict=True))
    return {name: f"{values[name]:.4f}" for name in ORDER_3}


def training(setting, noise, recorded, seeds):
    """Theta of the plain fits after every epoch: (seed, epoch, x, y, w, r)."""
    data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill=1.0))
    return plain(jnp.array(seeds), data, only=setting.only)


def run_fits(batch) -> list[dict]:
    """The fits of one cell: all seeds as one program."""
    variant, method, noise, recorded, _ = batch[0].values()
    seeds = [setting["seed"] for setting in batch]
    setting, start = VARIANTS[variant], time.perf_counter()
    found, thetas = None, np.zeros((len(seeds), *pt.OJA_ORDERS.shape))
    if method == "plain":
        thetas = np.asarray(training(setting, noise, recorded, seeds)[:, -1])
    elif method not in ("nothing", "efficient"):
        estimate, fill = METHODS[method]
        data = stacked(seeds, lambda s: student(s, setting, noise, recorded, fill))
        found = estimate(seeds, data, only=setting.only)
        thetas = np.asarray(found.theta)
    rows = []
    for k, seed in enumerate(seeds):
        if method == "efficient":
            draws = efficient(seed, setting, noise)
            limit = np.mean(np.maximum(draws, 0))
            row = {"status": status(limit), "r2": f"{limit:.5f}"}
            rows.append(row | {"draws": " ".join(f"{r2:.4f}" for r2 in draws)})
            continue
        r2, ended = score(seed, setting, thetas[k]), {}
        if found is not None:
            ended = {"converged": found.converged[k], "fitted": found.fitted[k]}
            ended["found"] = found.tau[k] > 0
            r2 = r2 if found.fitted[k] else np.nan  # that of the start is no result
        row = {"status": status(r2, **ended), "r2": f"{r2:.5f}"}
        row |= named(thetas[k])
        if found is not None:
            row["noise_found"] = f"{found.noise[k]:.4f}"
            row |= {"tau": f"{found.tau[k]:g}", "rho": f"{found.rho[k]:g}"}
            row |= {"gain": f"{found.gain[k]:.2f}"}
            row["converged"] = bool(found.converged[k])
        rows.append(row)
    each = f"{(time.perf_counter() - start) / len(seeds):.2f}"
    return [row | {"seconds": each} for row in rows]


def run_training(batch) -> list[dict]:
    """Coefficients of the plain fits over training, where the recording is poorest."""
    seeds = sorted({setting["seed"] for setting in batch})
    thetas = np.asarray(training(VARIANTS["main"], 1.0, 0.5, seeds))
    each = [thetas[seeds.index(s["seed"]), s["epoch"] - 1] for s in batch]
    return [{"status": status(theta.sum())} | named(theta) for theta in each]


def run_tuning(batch) -> list[dict]:
    """Loss on the last 50 noisy experiments of a fit to the first 150."""
    variant, option, noise, recorded, _ = batch[0].values()
    seeds = [setting["seed"] for setting in batch]
    data = stacked(seeds, lambda s: student(s, VARIANTS[variant], noise, recorded))
    first = jax.tree.map(lambda leaf: leaf[:, :150], data)
    last = jax.tree.map(lambda leaf: leaf[:, 150:], data)
    thetas = jnp.zeros((len(seeds), *pt.OJA_ORDERS.shape), data.x.dtype)
    converged = [None] * len(seeds)
    if option != "nothing":
        found = by_evidence(seeds, first, only=ORDER_3, **OPTIONS[option])
        thetas, converged = found.theta, [*map(bool, found.converged)]
    losses = jax.vmap(pt.objective(RULE, pt.activity))(thetas, last)
    return [
        {"status": status(loss, ended), "loss": f"{loss:.8g}"}
        for loss, ended in zip(losses, converged, strict=True)
    ]


def run(batch) -> list[dict]:
    """The rows of a batch, of whichever table."""
    table = {"epoch": run_training, "option": run_tuning, "method": run_fits}
    (make,) = (table[name] for name in table if name in batch[0])
    return make(batch)
