"""Optima: which fits are the same, which are not, and what is said of them."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from bad_input import check_refusal
from two_optima import HOW, LOSS, choices, fits as two_sided, start

import plastutor as pt

XW = 1, 0, 1, 0


@pytest.fixture(scope="module")
def data():
    return choices()


@pytest.fixture(scope="module")
def fits(data):
    return two_sided(data)


def at(theta, status="converged"):
    """A fit that ended there."""
    theta = jnp.asarray(theta)
    return pt.Fit(theta, np.zeros(1), theta[None], status, "Ended.")


def distinct(loss, thetas, data=None, observations=100, **how):
    """The thetas that are kept."""
    found = [at(theta) for theta in thetas]
    how["observations"] = observations
    return [
        np.asarray(fit.theta).tolist()
        for fit in pt.infer.distinct_optima(loss, found, data, **how)
    ]


def double_well(theta, data):
    return (theta[0] ** 2 - 1) ** 2 + 0.01 * theta[0]


def test_both_signs_of_x_w_are_found(data, fits):
    found = pt.infer.distinct_optima(LOSS, fits, data)
    assert [np.sign(fit.theta[XW]) for fit in found] == [1, -1]
    nats = pt.infer.nats_above_best(LOSS, found, data)
    assert nats[0] == 0 and nats[1] == pytest.approx(1.55, abs=0.1)
    losses = [pt.evaluate.animal_losses(LOSS, fit.theta, data).sum() for fit in found]
    assert nats[1] == pytest.approx(losses[1] - losses[0], rel=1e-6)
    (only,) = pt.infer.distinct_optima(LOSS, fits, data, within=3.0)
    assert only.theta[XW] > 0


def test_the_message_says_how_many_reached_the_best_and_what_else_there_is(data):
    found = pt.fit_restarts(jr.key(0), LOSS, start, data, restarts=4, **HOW)
    nats = pt.infer.nats_above_best(LOSS, two_sided(data), data)
    reached = (nats < 1).sum()
    assert 0 < reached < 4
    assert f" {reached} of 4 restarts reached it, to within 1 nat." in found.message
    assert "Another optimum is 3.1 units of deviance worse, with " in found.message
    assert "xr 1.74 (here 0.653)" in found.message and "and more." in found.message
    assert "says nothing of the others" in found.message
    assert found.theta[XW] > 0 and found.status in ("converged", "finished")


def test_restarts_that_agree_are_said_to(data):
    def same(key):
        return start(jr.key(1))

    found = pt.fit_restarts(jr.key(0), LOSS, same, data, restarts=2, **HOW)
    assert " 2 of 2 restarts reached it" in found.message
    assert "Another" not in found.message and "Try more" not in found.message


def test_equal_losses_do_not_make_one_optimum():
    def even(theta, data):
        return (theta[0] ** 2 - 1) ** 2

    assert distinct(even, [[1.0], [-1.0], [1.001]]) == [[1.0], [-1.0]]


def test_a_direction_without_curvature_does_not_make_two():
    def flat(theta, data):
        return (theta[0] - 1) ** 2

    assert distinct(flat, [[1.0, 5.0], [1.0, -8275.0]]) == [[1.0, 5.0]]


def test_a_fit_on_its_way_is_no_optimum_of_its_own():
    assert distinct(double_well, [[-1.0], [-0.9], [0.95]]) == [[-1.0], [0.95]]


def test_what_is_far_is_left_out_and_what_diverged():
    assert distinct(double_well, [[1.0], [-1.0]], observations=300) == [[-1.0]]
    assert len(distinct(double_well, [[1.0], [-1.0]], observations=300, within=13)) == 2
    ended = [at([-1.0]), at([1.0], "diverged")]
    how = {"observations": 100}
    assert pt.infer.distinct_optima(double_well, ended, None, **how) == ended[:1]
    ended = [at([-1.0], "diverged"), at([1.0])]
    assert pt.infer.distinct_optima(double_well, ended, None, **how) == ended
    ended = [at([np.inf]), at([-1.0])]
    assert pt.infer.distinct_optima(double_well, ended, None, **how) == ended[1:]
    nats = pt.infer.nats_above_best(double_well, ended, None, **how)
    assert nats.tolist() == [np.inf, 0]


def test_one_network_written_in_two_ways_is_one_optimum():
    """Hidden units change places; between the two thetas lies a pass."""
    rule = pt.mlp(hidden=(3,))
    made = pt.neural_task(
        jr.key(0), pt.taylor(pt.OJA_ORDERS), pt.OJA, n_experiments=2, n_post=3, noise=1
    )
    theta = jax.tree.map(lambda leaf: 4 * leaf, rule.init(jr.key(3)))

    def turned(leaf):
        axes = [k for k, n in enumerate(leaf.shape) if n == 3]
        return jnp.roll(leaf, 1, axes[0]) if axes else leaf

    other = jax.tree.map(turned, theta)
    loss = pt.objective(rule, pt.activity)
    assert float(loss(theta, made)) == pytest.approx(float(loss(other, made)))
    both = [pt.Fit(t, np.zeros(1), t, "converged", "") for t in (theta, other)]
    assert len(pt.infer.distinct_optima(loss, both, made)) == 1
    middle = jax.tree.map(lambda a, b: (a + b) / 2, theta, other)
    assert abs(float(loss(middle, made) - loss(theta, made))) > 1e-6
    alone = distinct_by_the_line(loss, both, made)
    assert len(alone) == 2, "the predictions decide"


def distinct_by_the_line(loss, fits, data):
    """As if nothing were known of the predictions."""
    plain = lambda theta, data: loss(theta, data)
    return pt.infer.distinct_optima(plain, fits, data, observations=1e9, within=np.inf)


def test_of_squared_errors_the_noise_is_that_of_the_best_fit():
    rule, key = pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), jr.key(0)
    made = pt.neural_task(key, rule, pt.OJA, n_experiments=3, n_post=3, noise=0.2)
    loss = pt.objective(rule, pt.activity)
    best, off = pt.OJA, -2 * pt.OJA
    values = [float(loss(theta, made)) for theta in (best, off)]
    nats = pt.infer.nats_above_best(loss, [at(best), at(off)], made)
    count = np.isfinite(made.activity).sum()
    expected = count * (values[1] - values[0]) / (2 * values[0])
    np.testing.assert_allclose(nats, [0, expected], rtol=1e-6)
    clean = pt.neural_task(key, rule, pt.OJA, n_experiments=3, n_post=3)
    nearly = [at(best), at((1 + 1e-7) * pt.OJA)]
    assert (pt.infer.nats_above_best(loss, nearly, clean) < 1e-3).all()


def test_coefficients_are_called_by_their_terms():
    rules = {"ff": pt.taylor(pt.OJA_ORDERS, ("xy",)), "bias": pt.networks.bias()}
    network = pt.networks.Parallel(("ff",))
    loss = pt.objective(rules, pt.choice, network=network)
    theta = pt.Rules(rules).init(jr.key(0))
    assert {*pt.infer.coefficient_names(loss, theta)} == {"ff xy", "bias[0]"}
    learner = pt.evaluate.q_learning()
    theta = learner.predict.init(jr.key(0))
    assert pt.infer.coefficient_names(learner, theta) == learner.predict.names
    assert pt.infer.coefficient_names(double_well, {"a": np.ones(2)}) == (
        "a[0]",
        "a[1]",
    )


def test_a_loss_that_does_not_count_is_said_to():
    start = lambda key: jr.normal(key, (1,))
    found = pt.fit_restarts(jr.key(0), double_well, start, None, restarts=3)
    assert "How many of the 3 restarts reached it is not known." in found.message
    assert "pass observations=" in found.message
    how = {"restarts": 3, "observations": 10}
    found = pt.fit_restarts(jr.key(0), double_well, start, None, **how)
    assert "of 3 restarts reached it" in found.message
    alone = pt.fit_restarts(jr.key(0), double_well, start, None, restarts=1)
    assert "restarts" not in alone.message


def test_the_best_restart_is_the_best_on_all_steps():
    """The loss of a short horizon may be lower where that of all steps is higher."""
    made = pt.make_experiment(
        np.ones((6, 1)), w0=np.ones((1, 1)), activity=np.ones((6, 1))
    )

    def loss(theta, data):
        return theta[0] if data.x.shape[0] == 6 else -theta[0]

    how = {"horizons": (2, 6), "max_steps": 1, "optimizer": optax.sgd(0.0)}
    start = lambda key: jr.uniform(key, (1,))
    found = pt.fit_restarts(jr.key(0), loss, start, made, restarts=4, **how)
    starts = jax.vmap(start)(jr.split(jr.key(0), 4))
    assert found.theta == starts.min() != starts.max()


BAD = {
    "no fits": (
        lambda: pt.infer.distinct_optima(double_well, [], None, observations=1),
        "There are no fits; expected some",
    ),
    "nobody counts": (
        lambda: pt.infer.distinct_optima(double_well, [at([1.0])], None),
        "does not say how many observations it is a mean over.*pass observations=",
    ),
    "no observations": (
        lambda: distinct(double_well, [[1.0]], observations=0),
        "observations is 0; expected how many",
    ),
    "within nothing": (
        lambda: distinct(double_well, [[1.0]], within=-8.0),
        "within is -8.0; expected units of deviance above 0",
    ),
    "no restarts": (
        lambda: pt.fit_restarts(jr.key(0), double_well, jr.normal, None, restarts=0),
        "restarts is 0; expected a whole number from 1 up",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
