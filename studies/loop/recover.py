"""Two rules from recordings: Gauss-Newton, then an L1 penalty, and how it is judged."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy import stats

import plastutor as pt

from .settings import (
    ASIDE,
    FIRST,
    FITTED,
    NEW,
    NOISE,
    ORDERS,
    STEPS,
    STRENGTHS,
    TRUE,
    W_STD,
)

RULES = {name: pt.taylor(ORDERS) for name in TRUE}
NAMES = pt.term_names(ORDERS)


def thetas_of(terms, dtype):
    """The tables of true coefficients, by projection."""
    return {k: jnp.asarray(pt.terms(ORDERS, **v), dtype) for k, v in terms.items()}


def cut(data, start, stop):
    """Some experiments of a batch."""
    return jax.tree.map(lambda leaf: leaf[start:stop], data)


def experiments(key, rules, theta, network, recorded=1.0):
    """Experiments to fit, to choose the penalty, and to judge."""
    made = pt.tasks.recurrent_task(
        key,
        rules,
        theta,
        network=network,
        n_experiments=FITTED + ASIDE + NEW,
        n_steps=STEPS,
        noise=NOISE,
        recorded=recorded,
        dtype=jax.tree.leaves(theta)[0].dtype,
    )
    first, second = FITTED, FITTED + ASIDE
    return cut(made, 0, first), cut(made, first, second), cut(made, second, None)


def with_own_w0(seed, *sets):
    """What a student has who does not know initial weights: its own random ones."""
    return [
        pt.redraw_w0(jr.key(1000 + seed + 100 * k), data, std=W_STD)
        for k, data in enumerate(sets)
    ]


def lasso(theta, gradient, matrix, strength, sweeps=300):
    """The best theta of the loss' parabola around theta with an L1 penalty.

    By coordinate descent, one coefficient after the other.
    """
    found, gradient = theta.copy(), gradient.copy()
    size = np.diag(matrix)
    for _ in range(sweeps):
        for k in np.flatnonzero(size > 0):
            target = found[k] - gradient[k] / size[k]
            new = np.sign(target) * max(abs(target) - strength / size[k], 0)
            gradient += matrix[:, k] * (new - found[k])
            found[k] = new
    return found


def recover(loss, start, max_steps, fitted, aside):
    """The fit, and theta with the L1 penalty that predicts what was left aside best."""
    fit = pt.fit(loss, start, fitted, optimizer=pt.GaussNewton(), max_steps=max_steps)
    theta = fit.theta
    flat, unravel = ravel_pytree(theta)
    every = jax.vmap(unravel)(jnp.eye(flat.size, dtype=flat.dtype))
    parts = jax.jit(partial(pt.infer.gauss_newton_terms, loss))(theta, every, fitted)
    gradient, matrix = (np.asarray(part, float) for part in parts[1:])
    rows = [lasso(np.asarray(flat, float), gradient, matrix, s) for s in STRENGTHS]
    thetas = jax.vmap(unravel)(jnp.asarray(np.array(rows), flat.dtype))
    losses = np.asarray(jax.vmap(loss, (0, None))(thetas, aside))
    best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
    theta = jax.tree.map(lambda leaf: leaf[best], thetas)
    return fit._replace(theta=theta), STRENGTHS[best]


def first_fit(loss, start, fitted):
    """A fit from nothing, to the first few experiments."""
    count, steps = FIRST
    few = cut(fitted, 0, count)
    return pt.fit(loss, start, few, optimizer=pt.GaussNewton(), max_steps=steps).theta


def rank(theta, true):
    """The worst rank, by size, among the terms of a projection of a true one."""
    size = np.abs(np.asarray(theta)).ravel()
    order = [NAMES[k] for k in np.argsort(-size, kind="stable")]
    return 1 + max(order.index(term) for term in true)


def change_r2(change, found):
    """R2 of all that the weights of a projection changed by, synapses together.

    Beside a model in which nothing changes.
    """
    return float(1 - ((change - found) ** 2).sum() / (change**2).sum())


def as_words(theta) -> str:
    """All coefficients of a projection, as one text."""
    return " ".join(f"{v:.4g}" for v in np.asarray(theta).ravel())


def status(fit, *numbers) -> str:
    """How a fit ended: diverged if one of its numbers is not finite."""
    known = all(np.isfinite(np.asarray(n, float)).all() for n in numbers)
    return fit.status if known else "diverged"


def gain_over(other, losses) -> dict[str, float]:
    """By how much losses are below other ones, over experiments, with a 95 % interval.

    Paired: what makes an experiment hard is common to both.
    """
    gain = np.asarray(other, float) - np.asarray(losses, float)
    half = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain) if gain.any() else 0.0
    mean = gain.mean()
    return {"gain": mean, "low": mean - half, "high": mean + half}
