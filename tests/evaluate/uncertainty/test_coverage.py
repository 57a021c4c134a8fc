"""Coverage: how often intervals and bands hold the truth."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import binomtest

import plastutor as pt


def test_coverage_counts():
    low = np.array([[-1.0, 0.5], [0.1, -np.inf], [-2.0, np.nan], [-1.0, -1.0]])
    high = np.array([[1.0, 1.5], [1.0, np.inf], [0.0, np.nan], [2.0, 1.0]])
    found = pt.evaluate.uncertainty.coverage([0.0, 0.0], low, high)
    np.testing.assert_array_equal(found.share, [0.75, 0.5])
    for k, held in enumerate((3, 2)):
        exact = binomtest(held, 4).proportion_ci(0.95, "exact")
        np.testing.assert_allclose(
            [found.low[k], found.high[k]], [exact.low, exact.high]
        )
    sure = pt.evaluate.uncertainty.coverage([0.0], low[:, :1] - 9, high[:, :1] + 9)
    assert (
        sure.high[0] == 1.0
        and pt.evaluate.uncertainty.coverage([9.0], low[:, :1], high[:, :1]).low[0]
        == 0.0
    )


def oja_sets(count, **sizes):
    """Data sets of Oja's rule with noise 0.2, along a leading axis."""
    shape = {"n_experiments": 6, "n_steps": 8, "n_pre": 8, "n_post": 6, "x_std": 0.8}
    make = partial(pt.neural_task, rule=pt.taylor(pt.OJA_ORDERS), theta=pt.OJA)
    shape |= {"noise": 0.2} | sizes
    sets = [make(jr.key(seed), **shape) for seed in range(count)]
    return jax.tree.map(lambda *v: jnp.stack(v), *sets)


def test_intervals_cover():
    orders, count, only = pt.Orders(x=1, y=2, w=1), 80, ("xy", "yyw", "x", "w")
    loss, sets = pt.objective(pt.taylor(orders, only), pt.activity), oja_sets(count)
    ask = jax.jit(jax.vmap(partial(pt.fisher, loss)))
    free = [k for k, name in enumerate(pt.term_names(orders)) if name in only]
    truth = np.asarray(pt.terms(orders, xy=1.0, yyw=-1.0)).ravel()[free]
    thetas = np.zeros((count, 12))
    for _ in range(8):  # the best fits, by Fisher scoring
        found = ask(thetas.reshape(count, *orders.shape), sets)
        step = np.linalg.solve(found.matrix, found.gradient[..., None])
        thetas[:, free] += step[..., 0]
    std = np.sqrt([np.diag(np.linalg.inv(one)) for one in found.matrix])
    low, high = thetas[:, free] - 1.96 * std, thetas[:, free] + 1.96 * std
    share = pt.evaluate.uncertainty.coverage(truth, low, high)
    assert (share.share > 0.87).all() and (share.low < 0.95).all()
    assert np.std((thetas[:, free] - truth) / std) == pytest.approx(1, abs=0.15)


def test_a_sloppy_problem_is_named_and_its_band_covers():
    sizes = {"n_experiments": 20, "n_steps": 20, "n_pre": 15, "n_post": 8}
    rule, start = pt.taylor(pt.OJA_ORDERS), jnp.zeros(pt.OJA_ORDERS.shape)
    data = pt.neural_task(jr.key(0), rule, pt.OJA, noise=0.03, **sizes)
    loss = pt.objective(rule, pt.activity)
    theta = pt.fit(loss, start, data, optimizer=pt.GaussNewton(), max_steps=20).theta
    found = pt.laplace(loss, theta, data)
    assert "Sloppy" in found.report() and found.identifiable.sum() < 20
    assert found.distance < 0.01
    states = pt.infer.visited_states(rule, pt.OJA, jax.tree.map(lambda v: v[:3], data))
    low, high = found.band(rule, states)
    dw = jax.vmap(rule.apply, (None, 0, 0, 0, 0))(jnp.asarray(pt.OJA), *states)
    assert np.median(high - low) / 2 < np.std(dw), "a band that says something"
    assert np.mean((low <= dw) & (dw <= high)) >= 0.9
