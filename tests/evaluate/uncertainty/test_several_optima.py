"""Intervals where the likelihood has two optima: each of them, and across both."""

import numpy as np
import pytest
from bad_input import check_refusal
from two_optima import LOSS, choices, fits

import plastutor as pt

AT = pt.infer.coefficient_names(LOSS, pt.terms(pt.Orders(x=1, w=1, r=1))).index("xw")


@pytest.fixture(scope="module")
def data():
    return choices()


@pytest.fixture(scope="module")
def optima(data):
    found = pt.infer.distinct_optima(LOSS, fits(data), data)
    return [fit.theta for fit in found]


def test_the_profile_goes_across_both(data, optima):
    values = np.array([-0.7, -0.45, -0.3, -0.15, 0.0, 0.1, 0.25, 0.4])
    both, *each = (
        pt.profile(LOSS, theta, data, "xw", values=values)
        for theta in (optima, *optima)
    )
    assert both.optimum.tolist() == [1] * 5 + [0] * 3
    # The lower envelope, measured from the better of the two.
    nats = pt.infer.nats_above_best(LOSS, as_fits(optima), data)
    own = np.array([each[0].deviance, each[1].deviance + 2 * nats[1]])
    np.testing.assert_allclose(both.deviance, own.min(0), atol=0.02)
    np.testing.assert_allclose(both.thetas[:, 1, 0, 1, 0], values)
    assert both.jumps == ((0.0, 0.1),)
    low, high = both.pieces
    assert -0.5 < low[0] < -0.3 < low[1] < 0 < high[0] < 0.25 < high[1]
    assert (both.low, both.high) == (low[0], np.inf)
    # One optimum alone knows nothing of the other sign.
    alone = pt.profile(LOSS, optima[0], data, "xw")
    assert alone.low > 0 and alone.jumps == () and len(alone.pieces) == 1
    assert not alone.optimum.any()


def as_fits(thetas):
    return [pt.Fit(theta, np.zeros(1), theta, "converged", "") for theta in thetas]


def test_values_lie_around_each_optimum(data, optima):
    found = pt.profile(LOSS, optima, data, "xw", max_steps=1)
    assert len(found.values) == 18 and (np.diff(found.values) >= 0).all()
    for theta in optima:
        assert np.abs(found.values - float(theta[1, 0, 1, 0])).min() < 1e-9


def test_optima_that_are_one_do_not_jump(data, optima):
    found = pt.profile(LOSS, [optima[0], optima[0]], data, "xw")
    alone = pt.profile(LOSS, optima[0], data, "xw")
    assert found.jumps == ()
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=0.02)


def test_intervals_over_animals_are_of_each_optimum(data):
    """More animals than coefficients: two of their terms are held at zero."""
    rule = pt.taylor(pt.Orders(x=1, w=1, r=1), ("x", "xr", "w"))
    loss = pt.objective(rule, pt.choice, network=pt.FLY)
    theta = pt.terms(pt.Orders(x=1, w=1, r=1), x=0.9, xr=1.0, w=-0.1)
    several = [theta, 0.5 * theta]
    low, high = pt.evaluate.cluster_robust_interval(loss, several, data)
    assert low.shape == high.shape == (2, 3)
    for k, one in enumerate(several):
        ends = pt.evaluate.cluster_robust_interval(loss, one, data)
        np.testing.assert_array_equal([low[k], high[k]], ends)


def test_no_optimum_gets_a_sentence(data):
    sentence = "The list of thetas is empty; expected one or several optima"
    check_refusal(lambda: pt.profile(LOSS, [], data, "xw"), sentence)
    check_refusal(lambda: pt.evaluate.cluster_robust_interval(LOSS, [], data), sentence)
