"""Networks: the paper's four, their read-out, and the reward that they expect."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from by_hand import expected_by_hand, sigmoid

import plastutor as pt
from plastutor.networks._weights import layer_drive


def test_the_four_networks_are_those_of_the_paper():
    assert (pt.BEHAVIOUR.readout, pt.BEHAVIOUR.divide_by_pre, pt.BEHAVIOUR.window) == (
        5,
        1,
        10,
    )
    assert (pt.FLY.readout, pt.FLY.divide_by_pre, pt.FLY.window) == (1, 1, 10)
    assert (pt.RECORDED.readout, pt.RECORDED.rate, pt.RECORDED.divide_by_pre) == (
        None,
        1,
        0,
    )
    v = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(pt.BEHAVIOUR.activation(v), np.tanh(v))
    np.testing.assert_allclose(pt.RECORDED.activation(v), sigmoid(v))
    np.testing.assert_array_equal(pt.FLY.activation(v), v)
    np.testing.assert_array_equal(pt.LINEAR.activation(v), v)


def test_a_readout_of_5_over_hidden_sums_the_hidden_layer():
    x, w = np.array([0.7, 0.1]), np.random.default_rng(2).normal(size=(2, 10))
    by_hand = sum(5 / 10 * np.tanh(x @ w[:, j]) for j in range(10))
    np.testing.assert_allclose(
        pt.networks.accept_logit(pt.BEHAVIOUR, x, w), by_hand, rtol=1e-12
    )


@pytest.mark.parametrize("window", [0, 1, 2, 10, 40])
def test_expected_reward_equals_a_queue(window):
    draw = np.random.default_rng(window)
    reward, completed = draw.normal(size=30), draw.random(30) < 0.6
    found = pt.networks.expected_reward(
        jnp.asarray(reward), jnp.asarray(completed), window
    )
    expected = expected_by_hand(reward, completed, window)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_expectations_go_on_where_an_earlier_piece_ended():
    draw = np.random.default_rng(1)
    reward = jnp.asarray(draw.normal(size=30))
    completed = jnp.asarray(draw.random(30) < 0.6)
    memory, first = pt.networks.expect_rewards(jnp.zeros(4), reward[:9], completed[:9])
    memory, second = pt.networks.expect_rewards(memory, reward[9:], completed[9:])
    whole, expected = pt.networks.expect_rewards(jnp.zeros(4), reward, completed)
    np.testing.assert_allclose(np.append(first, second), expected, atol=1e-14)
    np.testing.assert_allclose(memory, whole, atol=1e-14)


def test_expected_reward_starts_from_zeros_and_leaves_out_the_current_one():
    found = pt.networks.expected_reward(jnp.ones(12), jnp.ones(12, bool), 10)
    np.testing.assert_allclose(found, [*np.arange(10) / 10, 1, 1])


def test_rejected_presentations_leave_no_memory():
    found = pt.networks.expected_reward(
        jnp.ones(4), jnp.array([True, False, False, True]), 2
    )
    np.testing.assert_allclose(found, [0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("pre", [8, 9])  # one that can be cut in parts, one that cannot
def test_the_product_of_a_large_layer_is_the_product(pre, monkeypatch):
    monkeypatch.setattr("plastutor.networks._weights.LARGE", 0)
    x, w = jr.normal(jr.key(0), (pre,)), jr.normal(jr.key(1), (pre, 5))
    np.testing.assert_allclose(
        layer_drive(x, w), np.asarray(x) @ np.asarray(w), rtol=1e-12
    )
