"""How a row of the table on rewards is made."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .animals import data_of
from .fits import METHODS, loss_of
from .labels import as_printed, text, theta_of
from .settings import MLP, NAMES, READ, SCORES, TAYLOR, TOO_LARGE, TRAIN, Setting


def r2(true, predicted, seen):
    """R2 of every column over the rows that were seen, and their mean."""
    true, predicted = (jnp.where(seen[:, None], v, 0) for v in (true, predicted))
    off = jnp.where(seen[:, None], true - true.sum(0, keepdims=True) / seen.sum(), 0)
    return jnp.mean(1 - ((true - predicted) ** 2).sum(0) / (off**2).sum(0))


def scores(setting, rule, theta, theta_true, animal):
    """R2 of weights and activity, percent deviance of the fit and of the truth.

    Last R2 of weights and activity where the weights do not change at all.
    """
    by_trial = pt.gradients.completed_trials(animal, setting.trials)
    trial = jnp.cumsum(animal.plastic & animal.valid) - (animal.plastic & animal.valid)

    def simulated(rule, theta):
        w = pt.simulate(rule, theta, by_trial, network=setting.network).w
        assert w is not None
        before = jnp.concatenate([animal.w0[None], w])[trial]
        y = jnp.tanh((animal.x[..., None] * before).sum(1))
        return w.reshape(len(w), -1), y, loss_of(setting, rule)(theta, animal)

    w, y, loss = simulated(rule, theta)
    w_true, y_true, loss_true = simulated(TAYLOR, theta_true)
    w_fixed, y_fixed, nothing = simulated(TAYLOR, jnp.zeros_like(theta_true))
    found = jnp.array(
        [
            r2(w_true, w, by_trial.valid),
            r2(y_true, y, animal.valid),
            100 * (1 - loss / nothing),
            100 * (1 - loss_true / nothing),
            r2(w_true, w_fixed, by_trial.valid),
            r2(y_true, y_fixed, animal.valid),
        ]
    )
    # An animal whose simulation diverges is the worst that can be.
    return jnp.where(jnp.isfinite(found), found, -jnp.inf)


@partial(jax.jit, static_argnums=0)
def fit_and_score(setting: Setting, keys, thetas_true, data):
    """For each fit: what its method found, and the scores of its 7 held-out animals.

    One fit after the other: on a CPU nothing is gained by more of them at once, since
    18 animals fill the cache. On a GPU give `map` a batch_size.
    """
    rule = MLP if setting.method == "mlp" else TAYLOR

    def one(given):
        key, theta_true, data = given
        train, held_out = (
            jax.tree.map(lambda leaf, part=part: leaf[part], data)
            for part in (slice(TRAIN), slice(TRAIN, None))
        )
        most = min(READ * setting.trials, train.x.shape[1])
        train = jax.vmap(partial(pt.first_steps, steps=most))(train)
        theta, loss, left_out = METHODS[setting.method](setting, key, train)
        each = jax.vmap(lambda e: scores(setting, rule, theta, theta_true, e))(held_out)
        return theta, loss, each, left_out

    return jax.lax.map(one, (keys, thetas_true, data))


def cost_of_gradient(setting: Setting, theta, data) -> dict[str, str]:
    """Time and memory of one loss and gradient over the animals of one fit."""
    train = jax.tree.map(lambda leaf: leaf[0, :TRAIN], data)
    run = jax.jit(jax.value_and_grad(loss_of(setting))).lower(theta, train).compile()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(run(theta, train))
        times.append(time.perf_counter() - start)
    memory = run.memory_analysis().temp_size_in_bytes
    return {
        "status": "finished",
        "gradient_ms": f"{1e3 * min(times):.2f}",
        "memory_mb": f"{memory / 1e6:.1f}",
    }


def status(unfinished, largest, loss, each, left_out=0) -> str:
    """Whether a row is what it seems, in words."""
    problems = []
    grown = ~(largest < TOO_LARGE)
    if grown.any():
        problems.append(
            f"the true rule diverges: weights beyond {TOO_LARGE:g} in {grown.sum()} of "
            f"{len(grown)} animals"
        )
    if unfinished:
        problems.append(f"{unfinished} animals did not complete all trials")
    lost = np.isneginf(each[:, 2]).sum()
    if not np.isfinite(loss):
        problems.append("the fit diverged")
    elif lost:
        problems.append(f"the fit diverges in {lost} of {len(each)} held-out animals")
    if left_out:
        problems.append(
            f"no finite gradient in {left_out} steps, which were left out; the paper's "
            "fit would have ended there"
        )
    return "; ".join(problems) or "finished"


def run(batch: list[dict]) -> list[dict]:
    """The rows of settings that differ in rule and seed only."""
    several = [Setting(**setting) for setting in batch]
    shared = several[0]
    thetas = jnp.stack([jnp.asarray(theta_of(one.rule)) for one in several])
    keys = jnp.stack([jr.split(jr.key(one.seed)) for one in several])
    start = time.perf_counter()
    data, unfinished, largest = data_of(shared, keys[:, 0], thetas)
    if shared.method == "gradient":
        return [cost_of_gradient(shared, thetas[0], data)]
    # One program for all rules, seeds and stimuli: they are data.
    program = shared._replace(rule="", seed=0, given="", input_mean="")
    found = fit_and_score(program, keys[:, 1], thetas, data)
    found = jax.tree.map(np.asarray, found)
    seconds = (time.perf_counter() - start) / len(several)
    rows = []
    for k, setting in enumerate(several):
        theta, loss, each, left_out = jax.tree.map(lambda leaf, k=k: leaf[k], found)
        row = {
            "status": status(unfinished[k], largest[k], loss, each, left_out),
            "loss": f"{loss:.5f}",
            "seconds": f"{seconds:.2f}",
        }
        row |= {
            name: f"{value:.4f}"
            for name, value in zip(SCORES, np.median(each, 0), strict=True)
        }
        if setting.method != "mlp":
            values = dict(zip(NAMES, theta.ravel().tolist(), strict=True))
            largest_first = sorted(NAMES, key=lambda name: -abs(values[name]))[:8]
            row["found"] = text(
                {name: values[name] for name in largest_first if values[name]}
            )
            row["true_terms"] = text(
                {name: values[name] for name in as_printed(setting.rule)}
            )
        rows.append(row)
    return rows
