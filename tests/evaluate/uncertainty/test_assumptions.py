"""What intervals take for granted, against profiles and sums by hand."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.evaluate.uncertainty import (
    EndDeviance,
    end_deviance,
    residual_correlation,
)

ORDERS, ONLY = pt.Orders(x=1, w=1, r=1), ("xr", "w")
RULE = pt.taylor(ORDERS, ONLY)
OF_ACTIVITY = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), pt.activity)


@pytest.fixture(scope="module")
def few():
    """Few choices, their loss, and the fit."""
    loss = pt.objective(RULE, pt.accept, network=pt.FLY)
    sizes = {"n_experiments": 2, "trials_per_block": 10, "n_post": 1}
    truth = pt.terms(ORDERS, xr=1.0, w=-0.05)
    made = pt.foraging_task(jr.key(0), RULE, truth, network=pt.FLY, **sizes)
    start, how = jnp.zeros(ORDERS.shape), {"optimizer": pt.GaussNewton()}
    theta = pt.fit(loss, start, made.experiment, max_steps=20, **how).theta
    return loss, theta, made.experiment


def test_in_a_linear_model_both_ends_are_where_they_should_be(linear):
    found = end_deviance(*linear, max_steps=1, batch_size=3)
    assert found.names == pt.laplace(*linear).names
    np.testing.assert_allclose([found.low, found.high], 3.8415, rtol=1e-3)
    assert not found.lopsided.any() and "near 3.84,\nas it should" in str(found)
    half = end_deviance(*linear, level=0.5, max_steps=1)
    np.testing.assert_allclose([half.low, half.high], 0.4549, rtol=1e-3)


def test_the_deviance_is_that_of_the_profile(few):
    found = end_deviance(*few, max_steps=10)
    around = pt.laplace(*few)
    for k, term in enumerate(found.names):
        ends = [end[k] for end in around.interval]
        held = pt.profile(*few, term, values=ends, max_steps=10).deviance
        np.testing.assert_allclose([found.low[k], found.high[k]], held, rtol=1e-4)
    assert found.lopsided[found.names.index("w")]
    assert "Lopsided, use the profile (pt.profile)" in str(found)
    assert f"w {found.low[0]:.1f}, {found.high[0]:.1f}" in str(found)


def test_along_the_ridge_alone_the_deviance_is_no_lower(few):
    along, fitted = end_deviance(*few, max_steps=0), end_deviance(*few, max_steps=10)
    assert (along.low >= fitted.low - 1e-6).all()
    assert (along.high >= fitted.high - 1e-6).all()


def test_far_is_sqrt_2_times_more_or_less():
    low, high = np.array([2.8, 2.6, 3.8, np.nan, 3.8]), np.full(5, 3.8)
    high[2:] = 5.5, np.nan, np.inf
    found = EndDeviance(tuple("abcde"), low, high, 3.84)
    assert found.lopsided.tolist() == [False, True, True, False, True]


def test_an_infinite_interval_has_no_ends(blind):
    _, (loss, theta, data) = blind
    found, around = end_deviance(loss, theta, data), pt.laplace(loss, theta, data)
    np.testing.assert_array_equal(np.isnan(found.low), np.isinf(around.std))
    assert np.isnan(found.low).any() and np.isfinite(found.low).any()
    none = np.full(2, np.nan)
    assert "No Laplace interval has ends" in str(
        EndDeviance(("a", "b"), *[none] * 2, 1)
    )


def recording(seed=0, shared=0.0, **sizes):
    key, own, common = jr.split(jr.key(seed), 3)
    sizes = {"n_experiments": 12, "n_steps": 20, "n_pre": 4, "n_post": 5} | sizes
    data = pt.neural_task(key, OF_ACTIVITY.rule, pt.OJA, **sizes)
    shape = data.activity.shape
    noise = (1 - shared) ** 0.5 * jr.normal(own, shape)
    noise += shared**0.5 * jr.normal(common, (*shape[:2], 1))
    return data._replace(activity=data.activity + 0.1 * noise)


def test_the_correlation_by_hand():
    data, draw = recording(1, 0.3), np.random.default_rng(0)
    hidden = draw.random(data.activity.shape) < 0.3
    data = data._replace(activity=jnp.where(hidden, jnp.nan, data.activity))
    y = np.asarray(pt.simulate(OF_ACTIVITY.rule, pt.OJA, data).y)
    e = np.asarray(data.activity) - y
    z = (e - np.nanmean(e, (0, 1))) / np.nanstd(e, (0, 1))
    each = []
    for steps in z:
        pairs = [
            a * b
            for step in steps
            for i, a in enumerate(step)
            for b in step[i + 1 :]
            if np.isfinite(a * b)
        ]
        each.append(np.mean(pairs))
    found = residual_correlation(OF_ACTIVITY, pt.OJA, data)
    assert found.mean == pytest.approx(np.mean(each), abs=1e-5)
    half = 2.201 * np.std(each, ddof=1) / np.sqrt(12)  # Student's t of 11
    assert found.high - found.mean == pytest.approx(half, rel=1e-3)


def test_shared_noise_is_noticed():
    found = residual_correlation(OF_ACTIVITY, pt.OJA, recording(2, 0.5))
    assert found.shared and found.mean == pytest.approx(0.5, abs=0.1)
    assert "cluster_robust_interval" in str(found)
    apart = residual_correlation(OF_ACTIVITY, pt.OJA, recording(3))
    assert not apart.shared and abs(apart.mean) < 0.05
    assert "no sign of noise that neurons share" in str(apart)


def test_one_neuron_shares_nothing():
    alone = residual_correlation(OF_ACTIVITY, pt.OJA, recording(4, n_post=1))
    assert np.isnan(alone.mean) and not alone.shared
    assert "No two neurons were recorded at once" in str(alone)


def test_the_interval_over_experiments_by_hand():
    """The sandwich of activity, from the derivatives of every residual."""
    data = recording(5, 0.5)

    def residuals(few):
        yyw, xy = (pt.terms(pt.OJA_ORDERS, **{n: 1.0}) for n in ("yyw", "xy"))
        theta = few[0] * yyw + few[1] * xy
        made = pt.simulate(OF_ACTIVITY.rule, theta, data)
        return (data.activity - made.y).reshape(12, -1)

    best = jnp.array([-1.0, 1.0])
    e, j = residuals(best), -jax.jacobian(residuals)(best)
    h = np.einsum("eia,eib->ab", j, j)
    g = np.einsum("eia,ei->ea", j, e)
    spread = np.linalg.inv(h) @ (g.T @ g) @ np.linalg.inv(h)
    half = 2.228 * np.sqrt(np.diag(spread) * 12 / 10)  # Student's t of 10
    low, high = pt.evaluate.cluster_robust_interval(OF_ACTIVITY, pt.OJA, data)
    np.testing.assert_allclose((high - low) / 2, half, rtol=2e-3)
    np.testing.assert_allclose((high + low) / 2, best, atol=1e-5)
