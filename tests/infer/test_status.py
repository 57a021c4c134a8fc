"""What a fit says of itself is so: random fits, many of which go wrong."""

from collections import Counter
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import plastutor as pt

OPTIMIZERS = {
    "L-BFGS": (pt.infer.LBFGS, 40),
    "Adam": (optax.adam(0.03), 40),
    "Gauss-Newton": (pt.GaussNewton(), 25),
}
ORDERS = {27: pt.OJA_ORDERS, 81: pt.Orders(x=2, y=2, w=2, r=2)}
KINDS = {"activity": (pt.activity, pt.RECORDED), "accept": (pt.accept, pt.FLY)}
LENGTHS = 10.0 ** np.linspace(-7, 2, 28)  # of steps of steepest descent
STATUSES = {"finished", "converged", "stalled", "diverged"}
SOME = [
    ("L-BFGS", 27, "activity", "float32"),
    ("L-BFGS", 81, "accept", "float64"),
    ("Adam", 81, "activity", "float64"),
    ("Adam", 27, "accept", "float32"),
    ("Gauss-Newton", 27, "activity", "float32"),
    ("Gauss-Newton", 27, "accept", "float64"),
]
EVERY = [
    (name, size, kind, dtype)
    for name in OPTIMIZERS
    for size in ORDERS
    for kind in KINDS
    for dtype in ("float32", "float64")
]


def random_data(key, kind, n_fits, dtype):
    """Experiments whose answers no rule gave, two for each fit."""
    n, n_steps, n_pre = 2 * n_fits, 10, 3
    keys = jr.split(key, 4)
    answers = jr.bernoulli(keys[1], shape=(n, n_steps))
    data = pt.make_experiment(
        np.asarray(2 * jr.uniform(keys[0], (n, n_steps, n_pre))),
        w0=np.asarray(jr.normal(keys[2], (n, n_pre, 1))),
        reward=np.asarray(jr.bernoulli(keys[3], shape=(n, n_steps)), float),
        dtype=dtype,
        **{kind: np.asarray(answers[..., None] if kind == "activity" else answers)},
    )
    return jax.tree.map(lambda leaf: leaf.reshape(n_fits, 2, *leaf.shape[1:]), data)


def random_fits(seed, n_fits, name, size, kind, dtype):
    """Starts from far too small to far too large."""
    keys = jr.split(jr.key(seed), 3)
    data = random_data(keys[0], kind, n_fits, dtype)
    likelihood, network = KINDS[kind]
    loss = pt.objective(pt.taylor(ORDERS[size]), likelihood, network=network)
    scale = 10 ** jr.uniform(keys[1], (n_fits, 1, 1, 1, 1), minval=-2.0, maxval=0.5)
    starts = scale * jr.normal(keys[2], (n_fits, *ORDERS[size].shape))
    optimizer, max_steps = OPTIMIZERS[name]
    how = {"optimizer": optimizer, "max_steps": max_steps, "data_axes": 0}
    return loss, data, pt.fit_many(loss, starts.astype(dtype), data, **how)


def share_gained(loss, theta, data):
    """What the best of many steps of steepest descent gains, over what is allowed."""
    value, gradient = jax.value_and_grad(loss)(theta, data)
    peak = jnp.abs(gradient).max()
    way = gradient / peak / jnp.linalg.norm((gradient / peak).ravel())
    after = jax.lax.map(
        lambda length: loss(theta - length * way, data), LENGTHS.astype(theta.dtype)
    )
    gain = value - jnp.where(jnp.isfinite(after), after, jnp.inf).min()
    allowed = 0.01 * value + 1e-6 * loss(jnp.zeros_like(theta), data)
    return gain / allowed, jnp.isfinite(value), jnp.isfinite(gradient).all()


def false_statuses(loss, data, fits, name):
    """The fits that say what is not so."""
    theta = jnp.stack([one.theta for one in fits])
    gained, known, smooth = jax.jit(jax.vmap(partial(share_gained, loss)))(theta, data)
    gained, known, smooth = map(np.asarray, (gained, known, smooth))
    if name == "Gauss-Newton":  # goes forward, where less overflows
        smooth = np.ones_like(smooth)
    wrong = []
    for k, one in enumerate(fits):
        finite = np.isfinite(one.losses).all() and np.isfinite(one.thetas).all()
        if (
            not np.isfinite(one.theta).all()
            or one.status not in STATUSES
            or (not (finite and known[k] and smooth[k]) and one.status != "diverged")
            or (one.status == "converged" and gained[k] > 1)
        ):
            wrong.append((k, one.status, gained[k], one.message))
    return wrong


@pytest.mark.parametrize("setting", SOME, ids=lambda s: "-".join(map(str, s)))
def test_no_status_is_false(setting):
    loss, data, fits = random_fits(0, 84, *setting)
    assert not false_statuses(loss, data, fits, setting[0])


@pytest.mark.weekly
@pytest.mark.parametrize("setting", EVERY, ids=lambda s: "-".join(map(str, s)))
def test_none_of_ten_thousand_is_false(setting):
    for seed in range(1, 4):
        loss, data, fits = random_fits(seed, 140, *setting)
        print(*setting, dict(Counter(one.status for one in fits)))
        assert not false_statuses(loss, data, fits, setting[0])


STILL = {"optimizer": optax.sgd(0.0), "max_steps": 30}


@pytest.mark.parametrize("many", [False, True], ids=["fit", "fit_many"])
def test_converged_is_checked(many):
    def fit(theta, loss=lambda t, data: jnp.sum((t - 1) ** 2) + 0.5):
        if many:
            return pt.fit_many(loss, jnp.stack([theta, theta]), None, **STILL)[1]
        return pt.fit(loss, theta, None, **STILL)

    assert fit(jnp.ones(2)).status == fit(jnp.array([1.0, 1.04])).status == "converged"
    assert (stalled := fit(jnp.array([1.0, 1.1]))).status == "stalled"
    assert "steepest descent would lower" in stalled.message
    assert "another optimiser" in stalled.message and stalled.losses.shape == (26,)
    # Whatever the scale of the loss and of theta.
    for unit in (1e-150, 1e150):
        scaled = lambda t, data, unit=unit: unit * jnp.sum((t - 1) ** 2) + 0.5 * unit
        assert fit(jnp.array([1.0, 1.04]), scaled).status == "converged"
        assert fit(jnp.array([1.0, 1.1]), scaled).status == "stalled"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_gradient_that_is_not_finite_is_said(name):
    loss = pt.objectives.Objective(
        lambda t, data: jnp.sqrt(t), lambda v, data: jnp.sum(v) + 1, None
    )
    start = jnp.array([0.0, 4.0])
    found = pt.fit(loss, start, None, optimizer=OPTIMIZERS[name][0], max_steps=3)
    assert found.status == "diverged" and np.isfinite(found.theta).all()


def test_a_curvature_that_is_not_finite_is_said():
    """The loss and the gradient stay finite; the square of the gradient does not."""
    loss = pt.objectives.Objective(
        lambda t, data: 1e200 * t, lambda v, data: jnp.sum(jnp.cos(v)) + 2, None
    )
    start = jnp.array([0.3])
    found = pt.fit(loss, start, None, optimizer=pt.GaussNewton(), max_steps=30)
    assert found.status == "diverged" and "float64" in found.message
    assert "the gradient or the curvature is not finite" in found.message
    np.testing.assert_array_equal(found.theta, start)
