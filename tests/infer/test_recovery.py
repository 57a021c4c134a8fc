"""Recovery: rules are found again from the data they made. Small, but end to end."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

RULE = pt.taylor(pt.OJA_ORDERS)
SIZES = {"n_experiments": 10, "n_steps": 30, "n_pre": 20, "n_post": 3}


@pytest.fixture(scope="module")
def held_out():
    return pt.neural_task(jr.key(99), RULE, pt.OJA, **SIZES)


# Measured with float64: coefficients to 2e-13.
def test_ojas_rule_is_found_among_27_terms(held_out):
    loss, settings = pt.objective(RULE, pt.activity), {"max_steps": 20}
    for seed in range(3):
        data = pt.neural_task(jr.key(seed), RULE, pt.OJA, **SIZES)
        start = RULE.init(jr.key(seed))
        found = pt.fit(
            loss,
            start,
            data,
            optimizer=pt.GaussNewton(),
            horizons=(3, 30),
            **settings,
        )
        assert np.abs(found.theta - pt.OJA).max() < 1e-6
        assert pt.weight_r2(RULE, found.theta, pt.OJA, held_out).mean() > 1 - 1e-9


# The teacher's initial weights are forgotten in the steps that are not scored.
# Measured: coefficients to 0.012, R2 1 - 1.5e-8, loss just below that of the truth.
def test_it_is_found_without_knowing_the_initial_weights(held_out):
    loss = pt.objective(RULE, pt.activity)
    lived = pt.neural_task(jr.key(0), RULE, pt.OJA, **SIZES | {"n_steps": 60})
    data = pt.redraw_w0(jr.key(7), lived)
    data = data._replace(activity=data.activity.at[:, :30].set(jnp.nan))
    found = pt.fit(
        loss,
        RULE.init(jr.key(0)),
        data,
        optimizer=pt.GaussNewton(),
        max_steps=60,
        horizons=(40, 60),
    )
    assert np.abs(found.theta - pt.OJA).max() < 0.05
    assert pt.weight_r2(RULE, found.theta, pt.OJA, held_out).mean() > 0.99999
    assert pt.lowest_loss(found) <= float(loss(pt.OJA, data))


# Measured: 10.32 percent deviance for the fit and 10.33 for the truth.
def test_a_fly_like_rule_predicts_new_animals_as_well_as_the_truth():
    orders = pt.Orders(x=1, w=1, r=1)
    rule = pt.taylor(orders, ("one", "x", "r", "xr", "w"))
    truth = pt.reward_covariance(orders, decay=0.05)
    animals = {"n_post": 1, "input_std": 0.0, "w_std": 0.0, "network": pt.FLY}
    data, new = (
        pt.foraging_task(jr.key(k), rule, truth, n_experiments=n, **animals).experiment
        for k, n in ((0, 40), (1, 40))
    )
    loss = pt.objective(rule, pt.accept, network=pt.FLY)
    found = pt.fit(
        loss, rule.init(jr.key(2)), data, optimizer=pt.GaussNewton(), max_steps=25
    )
    own, best = (
        pt.score(rule, theta, new, network=pt.FLY).percent_deviance
        for theta in (found.theta, truth)
    )
    assert best > 3
    assert own > 0.95 * best


# Measured: R2 0.970 (and 0.997 after three times as many steps).
def test_a_network_learns_ojas_rule(held_out):
    rule = pt.mlp()
    data = pt.neural_task(jr.key(0), RULE, pt.OJA, **SIZES)
    loss = pt.objective(rule, pt.activity)
    found = pt.fit(loss, rule.init(jr.key(1)), data, max_steps=100)
    assert pt.score(rule, pt.null_theta(found.theta), held_out).r2_activity < 0
    score = pt.score(rule, found.theta, held_out).r2_activity
    assert score > 0.9
