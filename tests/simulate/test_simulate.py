"""Simulate: against a plain Python loop, and under changes that must not matter."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from by_hand import expected_by_hand, sigmoid

import plastutor as pt

STEPS, PRE, POST = 12, 3, 4
ORDERS = pt.Orders(1, 2, 1, 1)
RULE = pt.taylor(ORDERS)
THETA = 0.3 * np.random.default_rng(0).normal(size=ORDERS.shape)


def draws(seed, steps=STEPS, pre=PRE, post=POST):
    """Arrays of an experiment with rejects, rewards and padding at the end."""
    draw = np.random.default_rng(seed)
    accept = draw.integers(0, 2, steps).astype(float)
    valid = np.arange(steps) < steps - 2
    return {
        "x": draw.normal(size=(steps, pre)),
        "w0": 0.5 * draw.normal(size=(pre, post)),
        "reward": accept * draw.integers(0, 2, steps),
        "accept": np.where(valid, accept, np.nan),
        "valid": valid,
        "options": draw.normal(size=(2, pre)),
        "choice": np.where(valid, draw.integers(0, 2, steps), -1),
    }


def loop(theta, arrays, activation, readout, rate, window):
    """The trajectory of a network, one synapse at a time."""
    w = np.array(arrays["w0"], float)
    steps, plastic = len(arrays["x"]), (arrays["accept"] == 1) & arrays["valid"]
    expected = expected_by_hand(arrays["reward"], plastic, window)
    out = {"w": [], "y": [], "logit": [], "option_logit": []}
    for t in range(steps):
        x = np.where(arrays["valid"][t], arrays["x"][t], 0)
        y = activation(x @ w)
        out["y"].append(y)
        out["logit"].append(readout * sum(y) / len(y))
        options = [activation(option @ w) for option in arrays["options"]]
        out["option_logit"].append([readout * sum(o) / len(o) for o in options])
        r, new = arrays["reward"][t] - expected[t], w.copy()
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                dw = sum(
                    theta[a, b, c, d] * x[i] ** a * y[j] ** b * w[i, j] ** c * r**d
                    for a, b, c, d in np.ndindex(*theta.shape)
                )
                if plastic[t]:
                    new[i, j] = w[i, j] + rate * dw
        w = new
        out["w"].append(w)
    return {name: np.array(values) for name, values in out.items()}


@pytest.mark.parametrize(
    "network, activation, readout, rate, window",
    [
        (pt.BEHAVIOUR, np.tanh, 5.0, 1 / PRE, 10),
        (pt.FLY._replace(window=3), lambda v: v, 1.0, 1 / PRE, 3),
        (pt.RECORDED._replace(window=0, readout=2.0), sigmoid, 2.0, 1.0, 0),
        (pt.LINEAR._replace(readout=1.0), lambda v: v, 1.0, 0.01, 10),
    ],
    ids=["behaviour", "fly", "recorded", "linear"],
)
def test_simulate_equals_a_python_loop(network, activation, readout, rate, window):
    arrays = draws(1)
    trajectory = pt.simulate(RULE, THETA, pt.make_experiment(**arrays), network=network)
    expected = loop(THETA, arrays, activation, readout, rate, window)
    assert np.abs(np.diff(expected["w"], axis=0)).max() > 1e-4
    for name, values in expected.items():
        np.testing.assert_allclose(
            getattr(trajectory, name), values, rtol=0, atol=1e-10
        )


def test_recorded_networks_have_no_log_odds():
    arrays = draws(1)
    made = pt.make_experiment(arrays["x"], w0=arrays["w0"])
    trajectory = pt.simulate(RULE, THETA, made)
    assert trajectory.logit is None and trajectory.option_logit is None
    np.testing.assert_allclose(trajectory.y[0], sigmoid(arrays["x"][0] @ arrays["w0"]))


def test_zero_theta_leaves_the_weights():
    arrays = draws(3)
    trajectory = pt.simulate(
        RULE, 0 * THETA, pt.make_experiment(**arrays), network=pt.BEHAVIOUR
    )
    np.testing.assert_array_equal(trajectory.w, np.tile(arrays["w0"], (STEPS, 1, 1)))


def test_weights_rest_where_nothing_is_plastic():
    arrays = draws(4)
    made = pt.make_experiment(**arrays)
    w = np.concatenate(
        [arrays["w0"][None], pt.simulate(RULE, THETA, made, network=pt.FLY).w]
    )
    moved = (np.diff(w, axis=0) != 0).any((1, 2))
    np.testing.assert_array_equal(moved, (arrays["accept"] == 1) & arrays["valid"])


def test_padding_changes_nothing():
    arrays = {k: v for k, v in draws(5).items() if k not in ("options", "choice")}
    more = {
        name: np.concatenate([v, np.full((7, *v.shape[1:]), filler)])
        for name, filler in (
            ("x", np.nan),
            ("reward", np.nan),
            ("accept", np.nan),
            ("valid", False),
        )
        for v in [arrays[name]]
    }
    whole = pt.simulate(RULE, THETA, pt.make_experiment(**arrays), network=pt.BEHAVIOUR)
    longer = pt.make_experiment(w0=arrays["w0"], **more)
    padded = pt.simulate(RULE, THETA, longer, network=pt.BEHAVIOUR)
    np.testing.assert_array_equal(padded.w[:STEPS], whole.w)
    np.testing.assert_array_equal(padded.logit[:STEPS], whole.logit)
    np.testing.assert_array_equal(padded.w[-1], whole.w[-1])
    assert np.isfinite(padded.logit).all()


def test_padding_in_the_middle_leaves_no_memory_of_rewards():
    arrays = {k: v for k, v in draws(6).items() if k not in ("options", "choice")}
    arrays["accept"], arrays["valid"] = np.ones(STEPS), np.ones(STEPS, bool)
    gap = {
        name: np.insert(v, 4, filler, axis=0)
        for name, filler in (("x", 9), ("reward", 1), ("accept", 1), ("valid", False))
        for v in [arrays[name]]
    }
    whole = pt.simulate(RULE, THETA, pt.make_experiment(**arrays), network=pt.FLY)
    gapped = pt.simulate(
        RULE, THETA, pt.make_experiment(w0=arrays["w0"], **gap), network=pt.FLY
    )
    np.testing.assert_allclose(gapped.w[-1], whole.w[-1], atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_permuting_neurons_or_inputs_permutes_the_trajectory(seed):
    draw, arrays = np.random.default_rng(seed), draws(seed)
    pre, post = draw.permutation(PRE), draw.permutation(POST)
    shuffled = arrays | {
        "x": arrays["x"][:, pre],
        "options": arrays["options"][:, pre],
        "w0": arrays["w0"][pre][:, post],
    }
    one, other = (
        pt.simulate(RULE, THETA, pt.make_experiment(**a), network=pt.BEHAVIOUR)
        for a in (arrays, shuffled)
    )
    np.testing.assert_allclose(one.w[:, pre][:, :, post], other.w, atol=1e-12)
    np.testing.assert_allclose(one.y[:, post], other.y, atol=1e-12)
    np.testing.assert_allclose(one.option_logit, other.option_logit, atol=1e-12)


def test_a_batch_is_its_experiments_one_by_one():
    several = [draws(seed) for seed in range(3)]
    stacked = {k: np.stack([a[k] for a in several]) for k in several[0]}
    together = pt.simulate(
        RULE, THETA, pt.make_experiment(**stacked), network=pt.BEHAVIOUR
    )
    for k, arrays in enumerate(several):
        alone = pt.simulate(
            RULE, THETA, pt.make_experiment(**arrays), network=pt.BEHAVIOUR
        )
        for one, other in zip(together, alone, strict=True):
            np.testing.assert_allclose(one[k], other, rtol=1e-12, atol=1e-12)


def test_the_weights_need_not_be_kept():
    made = pt.make_experiment(**draws(7))
    kept = pt.simulate(RULE, THETA, made, network=pt.BEHAVIOUR)
    lean = pt.simulate(RULE, THETA, made, network=pt.BEHAVIOUR, keep_weights=False)
    assert lean.w is None
    np.testing.assert_allclose(lean.y, kept.y, rtol=1e-13)
    np.testing.assert_allclose(lean.option_logit, kept.option_logit, rtol=1e-13)


@pytest.mark.parametrize("rule_dtype", ["float32", "float64"])
@pytest.mark.parametrize("data_dtype", ["float32", "float64"])
def test_the_finer_of_two_dtypes_is_used(rule_dtype, data_dtype):
    made = pt.make_experiment(np.ones((2, 2)), w0=np.ones((2, 1)), dtype=data_dtype)
    trajectory = pt.simulate(RULE, jnp.asarray(THETA, rule_dtype), made)
    assert trajectory.w.dtype == np.promote_types(rule_dtype, data_dtype)


def test_ojas_rule_finds_the_first_principal_component():
    draw = np.random.default_rng(0)
    mixing = np.array([[3.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.5, 0.2, 0.5]])
    x = draw.normal(size=(4000, 3)) @ mixing.T / 2
    made = pt.make_experiment(x, w0=draw.normal(size=(3, 1)))
    w = (
        pt.simulate(pt.taylor(pt.OJA_ORDERS), pt.OJA, made, network=pt.LINEAR)
        .w[-500:, :, 0]
        .mean(0)
    )
    component = np.linalg.svd(x - x.mean(0))[2][0]
    assert abs(w @ component) / np.linalg.norm(w) > 0.999
    assert abs(np.linalg.norm(w) - 1) < 0.03


def test_hebbs_rule_alone_grows():
    made = pt.make_experiment(np.ones((50, 2)), w0=np.ones((2, 1)))
    w = pt.simulate(pt.taylor(pt.OJA_ORDERS), pt.HEBB, made, network=pt.LINEAR).w
    np.testing.assert_allclose(w[-1], 1.02**50, rtol=1e-12)


def test_the_reward_covariance_rule_moves_by_the_prediction_error():
    # Window 2, rewards 1, 1, 0: expected 0, 0.5, 1, so errors 1, 0.5, -1; rate 1/n_pre.
    x = np.tile([1.0, 0.0], (3, 1))
    made = pt.make_experiment(
        x, w0=np.zeros((2, 1)), reward=[1, 1, 0], accept=[1, 1, 1]
    )
    orders = pt.Orders(x=1, w=1, r=1)
    trajectory = pt.simulate(
        pt.taylor(orders),
        pt.reward_covariance(orders),
        made,
        network=pt.FLY._replace(window=2),
    )
    np.testing.assert_allclose(trajectory.w[:, 0, 0], [0.5, 0.75, 0.25])
    np.testing.assert_array_equal(trajectory.w[:, 1, 0], 0)
    np.testing.assert_allclose(trajectory.logit, [0, 0.5, 0.75])


def test_simulate_can_be_compiled_and_mapped_over_theta():
    made, thetas = pt.make_experiment(**draws(8)), np.stack([THETA, 2 * THETA])
    mapped = jax.jit(
        jax.vmap(lambda theta: pt.simulate(RULE, theta, made, network=pt.FLY).logit)
    )(thetas)
    for k in range(2):
        alone = pt.simulate(RULE, thetas[k], made, network=pt.FLY).logit
        np.testing.assert_allclose(mapped[k], alone, atol=1e-12)
