"""Populations: against sums, integrals and fits made by hand."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

import plastutor as pt

LOSS = pt.evaluate.logistic_regression(1)
HOW = {"optimizer": pt.GaussNewton(), "max_steps": 15}


def free(loss, *indices):
    """The loss with these coefficients free, and no others."""
    rule = pt.taylor(pt.OJA_ORDERS)._replace(free=indices)
    return replace(loss, rule=rule)


def animals(thetas, trials, seed=0):
    """Choices that follow theta = (pull of a rewarded choice, pull of a choice)."""
    draw = np.random.default_rng(seed)
    choice = np.zeros((len(thetas), trials), int)
    reward = draw.integers(0, 2, choice.shape)
    for k, (of_reward, of_choice) in enumerate(thetas):
        for t in range(1, trials):
            pull = of_reward * reward[k, t - 1] + of_choice
            stay = draw.random() < 1 / (1 + np.exp(-pull))
            choice[k, t] = choice[k, t - 1] if stay else 1 - choice[k, t - 1]
    return pt.data.choice_experiments(choice, reward)


def drawn(mean, spread, count, seed=1):
    return np.random.default_rng(seed).normal(mean, spread, (count, len(mean)))


@pytest.fixture(scope="module")
def cohort():
    return animals(drawn((1.0, -0.5), (0.5, 0.1), 12), 150)


@pytest.fixture(scope="module")
def pooled(cohort):
    return pt.fit(LOSS, jnp.zeros(2), cohort, **HOW).theta


def test_mean_and_spread_are_recovered():
    truth = drawn((1.0, -0.5), (0.6, 0.2), 60)
    found = pt.evaluate.fit_population(LOSS, jnp.zeros(2), animals(truth, 400))
    np.testing.assert_allclose(found.mean, truth.mean(0), atol=0.1)
    np.testing.assert_allclose(found.spread, truth.std(0), atol=0.1)
    assert found.moved < 0.1
    error = np.abs(found.thetas - truth).mean(0)
    assert (error < 0.2).all()


def test_animals_alike_have_little_spread_and_share_what_they_tell():
    truth = np.tile((1.0, -0.5), (30, 1))
    data = animals(truth, 100)
    found = pt.evaluate.fit_population(LOSS, jnp.zeros(2), data, max_steps=200)
    alone = [
        pt.fit(LOSS, jnp.zeros(2), jax.tree.map(lambda leaf, k=k: leaf[k], data), **HOW)
        for k in range(30)
    ]
    scatter = np.std([one.theta for one in alone], axis=0)
    assert (found.spread < 0.5 * scatter).all()
    assert (np.std(found.thetas, axis=0) < 0.5 * scatter).all()


def test_much_data_about_an_animal_outweighs_the_population():
    data = animals(drawn((1.0, -0.5), (1.0, 1.0), 6), 2000)
    found = pt.evaluate.fit_population(LOSS, jnp.zeros(2), data)
    for k, theta in enumerate(found.thetas):
        one = jax.tree.map(lambda leaf, k=k: leaf[k], data)
        alone = pt.fit(LOSS, jnp.zeros(2), one, **HOW).theta
        np.testing.assert_allclose(theta, alone, atol=0.06)


def test_what_is_not_free_stays(cohort):
    start = jnp.array([0.3, -0.7])
    found = pt.evaluate.fit_population(free(LOSS, 0), start, cohort)
    assert found.spread.shape == (1,) and found.mean[1] == -0.7
    assert (found.thetas[:, 1] == -0.7).all() and np.ptp(found.thetas[:, 0]) > 0


def test_lives_of_one_animal_belong_together(cohort):
    owner = np.repeat(np.arange(6), 2)
    pairs = pt.Cohort(cohort, owner)
    found = pt.evaluate.fit_population(LOSS, jnp.zeros(2), pairs)
    assert found.thetas.shape == (6, 2)
    population = pt.evaluate.Population(found.mean, found.spread, None, (0, 1), 0.0)
    together = pt.evaluate.predictive_losses(jr.key(0), LOSS, population, pairs)
    none = population._replace(spread=np.full(2, 1e-9))
    apart = pt.evaluate.animal_losses(LOSS, found.mean, cohort)
    plain = pt.evaluate.predictive_losses(jr.key(0), LOSS, none, pairs)
    np.testing.assert_allclose(plain, apart[::2] + apart[1::2], rtol=1e-6)
    assert np.abs(together - plain).max() > 0.1


def test_prediction_of_a_new_animal_is_an_integral(cohort):
    """One coefficient, and a grid in place of the draws."""
    population = pt.evaluate.Population(
        jnp.array([0.8, -0.4]), np.array([0.5]), None, (0,), 0.0
    )
    grid = 0.8 + 0.5 * np.linspace(-6, 6, 400)
    weight = stats.norm.pdf(grid, 0.8, 0.5) * (grid[1] - grid[0])

    def likelihood(data):
        nats = [
            pt.evaluate.animal_losses(LOSS, jnp.array([v, -0.4]), data) for v in grid
        ]
        return np.exp(-np.array(nats))

    first, rest = pt.evaluate.split_in_time(cohort, 0.5)
    how = {"n_samples": 20_000}
    found = pt.evaluate.predictive_losses(jr.key(0), LOSS, population, cohort, **how)
    expected = -np.log(weight @ likelihood(cohort))
    np.testing.assert_allclose(found, expected, atol=0.05)
    later = pt.evaluate.predictive_losses(
        jr.key(0), LOSS, population, rest, given=first, **how
    )
    both = weight @ (likelihood(first) * likelihood(rest))
    np.testing.assert_allclose(
        later, -np.log(both / (weight @ likelihood(first))), atol=0.05
    )


def test_robust_interval_by_hand(cohort, pooled):
    """The sandwich of a logistic regression, from its textbook formulas."""
    bread, meat = np.zeros((2, 2)), np.zeros((2, 2))
    for choice, reward in zip(
        *map(np.asarray, (cohort.choice, cohort.reward)), strict=True
    ):
        sign = 1 - 2 * choice
        x = np.stack([reward * sign, sign], 1)[:-1]
        p = 1 / (1 + np.exp(-x @ np.asarray(pooled)))
        slope = x.T @ ((sign[1:] > 0) - p)
        bread += (x.T * (p * (1 - p))) @ x
        meat += np.outer(slope, slope)
    inverse = np.linalg.inv(bread)
    std = np.sqrt(np.diag(inverse @ meat @ inverse) * 12 / 10)
    half = stats.t.ppf(0.975, 10) * std
    low, high = pt.evaluate.cluster_robust_interval(LOSS, pooled, cohort)
    np.testing.assert_allclose(low, pooled - half, rtol=1e-5)
    np.testing.assert_allclose(high, pooled + half, rtol=1e-5)
    only = pt.evaluate.cluster_robust_interval(free(LOSS, 1), pooled, cohort, level=0.5)
    assert len(only[0]) == 1 and only[1] - only[0] < high[1] - low[1]


def test_an_interval_needs_more_animals_than_coefficients(cohort):
    two = jax.tree.map(lambda leaf: leaf[:2], cohort)
    with pytest.raises(ValueError, match="2 animals for 2 coefficients"):
        pt.evaluate.cluster_robust_interval(LOSS, jnp.zeros(2), two)


def test_bootstrap_fits_are_fits_to_drawn_cohorts(cohort, pooled):
    found = pt.evaluate.bootstrap_fits(
        jr.key(3), LOSS, pooled, cohort, n_samples=4, **HOW
    )
    draws = np.asarray(jr.randint(jr.key(3), (4, 12), 0, 12))
    for one, draw in zip(found, draws, strict=True):
        again = jax.tree.map(lambda leaf, draw=draw: leaf[draw], cohort)
        np.testing.assert_allclose(
            one.theta, pt.fit(LOSS, pooled, again, **HOW).theta, atol=1e-8
        )
    low, high = pt.evaluate.cluster_robust_interval(LOSS, pooled, cohort)
    many = [
        f.theta
        for f in pt.evaluate.bootstrap_fits(jr.key(0), LOSS, pooled, cohort, **HOW)
    ]
    ratio = 2 * np.std(many, axis=0) / ((high - low) / 2)
    assert ((ratio > 0.6) & (ratio < 1.3)).all()


def test_by_animal_hides_what_is_not_there(cohort):
    lives = pt.Cohort(cohort, [0, 0, 0, 1, *range(2, 10)]).by_animal
    assert lives.x.shape[:2] == (10, 3)
    assert lives.valid.any(-1).sum() == 12 and not lives.plastic[3, 1:].any()
    np.testing.assert_array_equal(lives.choice[0], cohort.choice[:3])
