"""Evidence: the estimator against textbook formulas, and against what is known."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import multivariate_normal

import plastutor as pt
from plastutor.infer._evidence import _posteriors

RULE = pt.taylor(pt.OJA_ORDERS)
PLAIN = RULE._replace(update=pt.rules.plain_update(RULE.apply))
FEW = ("xy", "yyw", "x", "w", "xx", "one")
FREE = [k for k, name in enumerate(pt.term_names(pt.OJA_ORDERS)) if name in FEW]
DIRECTIONS = np.eye(27)[FREE].reshape(-1, *pt.OJA_ORDERS.shape)
GRID = {"taus": (0.5, 1.5), "rhos": (0.1, 1.0)}
FLAT = {"taus": (1e3,), "rhos": (1.0,)}


@pytest.fixture(scope="module")
def gappy():
    """A small batch in which neurons are missing, steps are padding, weights rest."""
    rng = np.random.default_rng(0)
    activity = rng.uniform(size=(3, 6, 3))
    activity[rng.uniform(size=activity.shape) < 0.3] = np.nan
    return pt.make_experiment(
        rng.normal(size=(3, 6, 4)),
        w0=rng.normal(size=(3, 4, 3)),
        valid=np.arange(6) < np.array([[6], [4], [5]]),
        plastic=rng.uniform(size=(3, 6)) < 0.8,
        activity=activity,
    )


def neural(seed=0, **settings):
    sizes = {"n_experiments": 40, "n_steps": 10, "n_pre": 15, "n_post": 10}
    spread = {"x_std": 0.3, "w_std": 0.1}
    return pt.neural_task(jr.key(seed), RULE, pt.OJA, **(sizes | spread | settings))


@pytest.fixture(scope="module")
def clean():
    return neural()


@pytest.fixture(scope="module")
def noisy():
    return neural(noise=0.5)


def held_out_r2(theta):
    new = neural(seed=99, n_experiments=10)
    return pt.weight_r2(RULE, theta, pt.OJA, new).mean()


def simulated(theta, data, forced):
    """The activity of a batch by loops, with the definition of the rule."""
    every = []
    for x, w, plastic, valid, recorded in zip(
        data.x, data.w0, data.plastic, data.valid, data.activity, strict=True
    ):
        activity = []
        for t in range(len(x)):
            y = 1 / (1 + jnp.exp(-(x[t] @ w)))
            activity.append(y)
            seen = jnp.where(jnp.isnan(recorded[t]), y, recorded[t]) if forced else y
            if plastic[t] and valid[t]:
                w = w + PLAIN.update(theta, x[t], seen, w, 0.0)
        every.append(jnp.stack(activity))
    return jnp.stack(every)


def linear_model(data, forced):
    """The error at theta = 0 and the Jacobian, of all that was recorded at once."""
    zero, recorded = jnp.zeros_like(pt.OJA), ~jnp.isnan(data.activity)
    recorded = np.asarray(recorded & data.valid[..., None])
    jacobian = jax.jacfwd(lambda theta: simulated(theta, data, forced))(zero)
    error = np.asarray(data.activity - simulated(zero, data, forced))[recorded]
    return np.asarray(jacobian)[recorded].reshape(len(error), -1)[:, FREE], error


def test_normal_equations_are_those_of_all_data_at_once(gappy):
    theta = 0.1 * jr.normal(jr.key(1), pt.OJA_ORDERS.shape)
    found = pt.infer.normal_equations(RULE, theta, DIRECTIONS, gappy)
    jacobian = jax.jacfwd(lambda theta: pt.simulate(PLAIN, theta, gappy).y)(theta)
    recorded = np.asarray(~jnp.isnan(gappy.activity) & gappy.valid[..., None])
    assert 0 < (~recorded).sum() < recorded.size
    j = np.asarray(jacobian)[recorded].reshape(recorded.sum(), -1)[:, FREE]
    error = np.asarray(gappy.activity - pt.simulate(PLAIN, theta, gappy).y)[recorded]
    for one, other in zip(found, (j.T @ j, j.T @ error, error @ error), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def textbook(j, error, prior, noise):
    """Posterior mean, standard deviation and log marginal likelihood (Bishop 3.5)."""
    covariance = np.linalg.inv(j.T @ j / noise**2 + np.diag(prior**-2.0))
    mean = covariance @ j.T @ error / noise**2
    of_data = (j * prior**2) @ j.T + noise**2 * np.eye(len(j))
    return (
        mean,
        np.sqrt(np.diag(covariance)),
        multivariate_normal.logpdf(error, cov=of_data),
    )


def test_the_evidence_is_the_marginal_likelihood_of_linear_regression():
    rng = np.random.default_rng(1)
    j, noise = rng.normal(size=(30, 4)) * (0.1, 1, 3, 1), 0.7
    z = j @ rng.normal(size=4) + noise * rng.normal(size=30)
    priors = np.array([[1, 1, 1, 1], [0.1, 2, 0.01, 5], [10, 0.3, 1, 1e-4]])
    means, stds, evidence = _posteriors(j.T @ j, j.T @ z, priors, noise)
    expected = [textbook(j, z, prior, noise) for prior in priors]
    np.testing.assert_allclose(means, [e[0] for e in expected], rtol=1e-8)
    np.testing.assert_allclose(stds, [e[1] for e in expected], rtol=1e-8)
    # What all priors share is left out, so only differences are meant.
    np.testing.assert_allclose(np.diff(evidence), np.diff([e[2] for e in expected]))


def test_a_prior_of_zero_is_a_term_left_out():
    rng = np.random.default_rng(2)
    j, z = rng.normal(size=(20, 3)), rng.normal(size=20)
    priors = np.array([[1.0, 0.0, 2.0]])
    mean, std, _ = _posteriors(j.T @ j, j.T @ z, priors, 0.5)
    without = textbook(j[:, [0, 2]], z, np.array([1.0, 2.0]), 0.5)
    np.testing.assert_allclose(mean[0], np.insert(without[0], 1, 0))
    np.testing.assert_allclose(std[0], np.insert(without[1], 1, 0))


def test_the_prior_by_hand():
    # One term changes a weight by theta x^a y^b w^c; sizes: x 0.2, y 0.5, w 0.1, r 4.
    orders = pt.Orders(x=2, y=1, w=2, r=1)
    prior = pt.infer.first_order_prior(orders, (0.2, 0.5, 0.1, 4.0), tau=3.0, rho=0.1)
    by_hand = {
        (1, 1, 0, 0): 3,  # xy: the unit
        (1, 0, 0, 0): 3 * 0.5,  # y does not count
        (0, 1, 1, 0): 3 * 0.2 / 0.1,  # yw: linear in w
        (0, 0, 1, 1): 3 * 0.2 * 0.5 / (0.1 * 4),  # wr
        (0, 0, 0, 0): 3 * 0.2 * 0.5 * 0.1,  # one: a + c = 0
        (1, 0, 1, 0): 3 * 0.5 / 0.1 * 0.1,  # xw: a + c = 2
        (2, 1, 1, 0): 3 / (0.2 * 0.1) * 0.01,  # xxyw: a + c = 3
        (2, 0, 2, 1): 3 * 0.5 / (0.2 * 0.01 * 4) * 0.001,  # xxwwr: a + c = 4
    }
    assert prior.shape == orders.shape
    for index, value in by_hand.items():
        np.testing.assert_allclose(prior[index], value)


@pytest.mark.parametrize("forced", [False, True])
def test_one_step_is_linear_regression_with_the_best_prior(gappy, forced):
    """From zero, everything a step does can be written down without the package."""
    j, error = linear_model(gappy, forced)
    noise = np.sqrt(np.mean(error**2))
    fixed = pt.simulate(RULE, jnp.zeros_like(pt.OJA), gappy)
    w = jnp.broadcast_to(gappy.w0[:, None], fixed.w.shape)  # nothing is learned yet
    x, y, w = (np.sqrt(np.mean(np.square(v))) for v in (gappy.x, fixed.y, w))
    taus, rhos = (1.5, 0.05), (1.0, 0.1)
    grid = [(tau, rho) for rho in rhos for tau in taus]
    fits = [
        textbook(
            j,
            error,
            pt.infer.first_order_prior(pt.OJA_ORDERS, (x, y, 2 * w, 1), *g).ravel()[
                FREE
            ],
            noise,
        )
        for g in grid
    ]
    order = np.argsort([fit[2] for fit in fits])
    assert order[-1] != 0 and fits[order[-1]][2] > fits[order[-2]][2] + 1e-3
    fit = partial(pt.evidence_fit, pt.OJA_ORDERS, gappy, only=FEW, taus=taus, rhos=rhos)
    found = fit(max_steps=1, forced=forced, margin=1e-6)
    mean, std, _ = fits[order[-1]]
    assert (float(found.tau), float(found.rho)) == grid[order[-1]]
    np.testing.assert_allclose(found.noise, noise)
    np.testing.assert_allclose(found.theta.ravel()[np.array(FREE)], mean, rtol=1e-6)
    np.testing.assert_allclose(found.std.ravel()[np.array(FREE)], std, rtol=1e-6)
    assert set(np.flatnonzero(found.theta)) == set(np.flatnonzero(found.std)) == {*FREE}
    if not forced:  # when all are within the margin, the first one wins
        easy = fit(max_steps=1, margin=1e6)
        assert (float(easy.tau), float(easy.rho)) == grid[0]


def test_plasticity_sees_the_recorded_activity_where_there_is_one(gappy):
    theta = pt.terms(pt.OJA_ORDERS, xy=0.5, yyw=-0.5, x=0.2)
    for forced in (False, True):
        y = pt.simulate(RULE, theta, gappy, forced=forced).y
        np.testing.assert_allclose(y, simulated(theta, gappy, forced), rtol=1e-10)
    assert np.abs(simulated(theta, gappy, False) - y).max() > 0.01


def test_a_rule_without_noise_is_recovered(clean):
    found = pt.evidence_fit(pt.OJA_ORDERS, clean)
    assert held_out_r2(found.theta) > 0.999
    np.testing.assert_allclose(found.theta, pt.OJA, atol=1e-4)
    assert found.noise < 1e-6 and found.converged


def test_where_the_steps_explode_theta_is_finite_and_says_so():
    few = neural(noise=1.0, n_experiments=3, x_std=3.0, w_std=1.0)
    found = pt.evidence_fit(pt.OJA_ORDERS, few, **FLAT)
    assert not found.converged
    y = pt.simulate(RULE, found.theta, few).y
    assert np.isfinite(found.theta).all() and np.isfinite(y).all()
    assert found.fitted and 0 < found.noise < np.inf


def test_where_no_step_is_accepted_nothing_is_known():
    wild = neural(noise=1.0, n_experiments=2, x_std=10.0, w_std=3.0)
    found = pt.evidence_fit(pt.OJA_ORDERS, wild, **FLAT)
    assert not found.fitted and not found.converged and not found.theta.any()
    assert np.isinf(found.noise), "a noise of zero would read as certainty"
    assert np.isinf(found.std).all()
    assert "No step was accepted in 1 of 1 fits" in found.message


def test_how_fits_ended_is_a_sentence():
    def found(fitted, converged):
        fit = pt.infer.EvidenceFit(
            *[np.zeros(3)] * 5, *map(np.array, (converged, fitted))
        )
        return fit.message

    all_three = [True] * 3
    assert "in 2 of 3 fits" in found([False, True, False], [False] * 3)
    assert "still moved theta in 1 of 3" in found(all_three, [True, True, False])
    assert "much less" in found(all_three, all_three)


def test_with_noise_the_prior_is_worth_it(noisy):
    found = pt.evidence_fit(pt.OJA_ORDERS, noisy)
    without = pt.evidence_fit(pt.OJA_ORDERS, noisy, **FLAT)
    assert held_out_r2(found.theta) > 0.85
    # Not only because a flat prior lets weights explode.
    assert held_out_r2(found.theta) > max(held_out_r2(without.theta), 0) + 0.3
    assert abs(found.noise - 0.5) < 0.025, "5 %, where chance alone makes 1 %"


def test_two_data_sets_at_once_are_two_fits(noisy):
    other = neural(seed=1, noise=0.2)
    fit = lambda data: pt.evidence_fit(
        pt.OJA_ORDERS, data, only=FEW, max_steps=2, **GRID
    )
    both = jax.vmap(fit)(jax.tree.map(lambda *v: jnp.stack(v), noisy, other))
    for k, data in enumerate((noisy, other)):
        for one, together in zip(fit(data), both, strict=True):
            np.testing.assert_allclose(together[k], one, rtol=1e-6, atol=1e-9)
    assert abs(both.noise[0] - both.noise[1]) > 0.2


def test_a_start_shortens_the_way(clean):
    fit = lambda start: pt.evidence_fit(
        pt.OJA_ORDERS, clean, only=FEW, theta0=start, max_steps=1, **GRID
    )
    near, far = fit(pt.OJA * 0.99), fit(None)
    assert np.abs(near.theta - pt.OJA).max() < 0.1 * np.abs(far.theta - pt.OJA).max()
    assert near.noise < 0.1 * far.noise
    for one, zero in zip(far, fit(np.zeros(pt.OJA_ORDERS.shape)), strict=True):
        np.testing.assert_array_equal(one, zero)


def test_single_precision_stays_single_and_finds_the_same(noisy):
    fit = lambda data: pt.evidence_fit(
        pt.OJA_ORDERS, data, only=FEW, max_steps=2, **GRID
    )
    single = fit(
        jax.tree.map(lambda v: v.astype("float32") if v.ndim > 2 else v, noisy)
    )
    assert {leaf.dtype for leaf in single[:-2]} == {np.dtype("float32")}
    for one, double in zip(single, fit(noisy), strict=True):
        np.testing.assert_allclose(one, double, rtol=1e-3, atol=1e-3)
