"""Objectives of function: by hand, by finite differences, where weights run away."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.objectives import (
    End,
    component_distance,
    functional,
    rate_distance,
    subspace_distance,
)

RULE = pt.taylor(pt.OJA_ORDERS)
NEURON = pt.Network(pt.networks.identity, rate=0.02)
LOSS = functional(RULE, component_distance, network=NEURON)
LAYER = pt.networks.Recurrent(
    activation=pt.networks.identity, rates=0.02, masks={"rec": np.eye(2) == 0}, window=0
)
OF_LAYER = functional({"ff": RULE, "rec": RULE}, subspace_distance, network=LAYER)


@pytest.fixture(scope="module")
def goals():
    return pt.tasks.component_goals(jr.key(0), 4, n_steps=60)


@pytest.fixture(scope="module")
def layer_goals():
    return pt.tasks.component_goals(
        jr.key(1), 2, n_steps=20, n_post=2, settle=2, rec_std=0.1
    )


def rules_of(key, scale):
    return {
        name: scale * jr.normal(k, pt.OJA.shape)
        for name, k in zip(("ff", "rec"), jr.split(key), strict=True)
    }


def test_the_loss_is_that_of_the_final_weights(goals):
    w = pt.simulate(RULE, pt.OJA, goals.experiment, network=NEURON).w[:, -1, :, 0]
    c = goals.target[..., 0]
    by_hand = np.minimum(((w - c) ** 2).sum(1), ((w + c) ** 2).sum(1))
    np.testing.assert_allclose(LOSS.each(pt.OJA, goals), by_hand, rtol=1e-12)
    np.testing.assert_allclose(LOSS(pt.OJA, goals), by_hand.mean(), rtol=1e-12)
    np.testing.assert_allclose(LOSS.end(pt.OJA, goals).w[..., 0], w, rtol=1e-12)


def test_the_end_of_many_steps_is_the_same_block_by_block(key):
    goals = pt.tasks.component_goals(key, 1, n_steps=40_000)
    loss = functional(RULE, component_distance, network=NEURON, window=7)
    end = loss.end(pt.OJA, goals)
    made = pt.simulate(RULE, pt.OJA, goals.experiment, network=NEURON)
    np.testing.assert_allclose(end.w, made.w[:, -1], rtol=1e-9)
    np.testing.assert_allclose(end.y, made.y[:, -7:], rtol=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_component_is_a_component_whatever_its_sign(goals, sign):
    c = goals.target[0]
    assert component_distance(End(sign * c, c.T), c) == 0
    assert subspace_distance(End({"ff": sign * c}, c.T), c) == pytest.approx(0)
    assert subspace_distance(End(0 * c, c.T), c) == pytest.approx(0.5)
    assert component_distance(End(0 * c, c.T), c) == pytest.approx(1)


def test_a_rate_is_in_hz():
    end = End(jnp.ones((1, 1)), jnp.ones((10, 1)).at[::2].set(0))
    assert rate_distance(end, 500.0) == 0
    assert rate_distance(end, 250.0, dt=2.0) == 0
    assert rate_distance(end, 400.0) == pytest.approx(100**2 / 500.1)


@pytest.mark.parametrize("gradient", ["reverse", "forward"])
def test_gradients_are_those_of_finite_differences(goals, gradient, key):
    loss = functional(RULE, component_distance, network=NEURON, gradient=gradient)
    theta = pt.OJA + 0.05 * jr.normal(key, pt.OJA.shape)
    found = jax.grad(loss)(theta, goals)
    assert_differences(lambda t: loss(t, goals), theta, found)


@pytest.mark.parametrize("gradient", ["reverse", "forward"])
def test_gradients_of_two_rules_as_well(layer_goals, gradient, key):
    loss = functional(
        OF_LAYER.rule, subspace_distance, network=LAYER, gradient=gradient
    )
    theta = rules_of(key, 0.1)
    found = jax.grad(loss)(theta, layer_goals)
    flat, whole = jax.flatten_util.ravel_pytree(theta)
    found = jax.flatten_util.ravel_pytree(found)[0]
    assert_differences(lambda t: loss(whole(t), layer_goals), flat, found)


def assert_differences(loss, theta, found):
    shift = 1e-5
    along = jr.normal(jr.key(5), (6, *theta.shape))
    for way in along:
        by_steps = (loss(theta + shift * way) - loss(theta - shift * way)) / (2 * shift)
        np.testing.assert_allclose((found * way).sum(), by_steps, rtol=1e-4)


def test_forward_is_reverse(goals):
    forward = functional(RULE, component_distance, network=NEURON, gradient="forward")
    ways = (jax.grad(loss)(pt.OJA, goals) for loss in (LOSS, forward))
    np.testing.assert_allclose(*ways, rtol=1e-9)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_of_a_thousand_wild_rules_nothing_is_nan(precision):
    goals = pt.tasks.component_goals(jr.key(2), 2)
    goals, thetas = jax.tree.map(
        lambda leaf: leaf.astype(precision) if leaf.dtype == float else leaf,
        (goals, 3 * jr.normal(jr.key(3), (1000, *pt.OJA.shape))),
    )
    both = jax.jit(jax.vmap(jax.value_and_grad(LOSS), (0, None)))
    values, gradients = both(thetas, goals)
    assert jnp.isfinite(values).all() and jnp.isfinite(gradients).all()
    away = jax.vmap(LOSS.ran_away, (0, None))(thetas, goals)
    assert 500 < away.any(1).sum() <= 1000
    gone = away.all(1)
    assert (values[gone] == LOSS.worst).all() and (gradients[gone] == 0).all()
    assert (values <= LOSS.worst).all()


def test_what_ran_away_leaves_the_gradient_of_the_others(goals):
    """Two of four experiments start beyond all bounds."""
    e = goals.experiment
    w0 = e.w0.at[:2].mul(1e6)
    half = goals._replace(experiment=e._replace(w0=w0))
    others = jax.tree.map(lambda leaf: leaf[2:], goals)
    assert LOSS.ran_away(pt.OJA, half).tolist() == [True, True, False, False]
    expected = (2 * LOSS.worst + 2 * LOSS(pt.OJA, others)) / 4
    assert LOSS(pt.OJA, half) == pytest.approx(float(expected))
    np.testing.assert_allclose(
        jax.grad(LOSS)(pt.OJA, half), jax.grad(LOSS)(pt.OJA, others) / 2, rtol=1e-9
    )


def test_a_penalty_is_added(goals):
    loss = functional(RULE, component_distance, network=NEURON, penalty=pt.l1(0.1))
    extra = loss(pt.OJA, goals) - LOSS(pt.OJA, goals)
    assert extra == pytest.approx(0.2)


def test_equal_losses_are_equal():
    again = functional(RULE, component_distance, network=NEURON)
    assert again == LOSS and hash(again) == hash(LOSS)


@pytest.mark.parametrize(
    "how",
    [{"gradient": "local"}, {"worst": 0.0}, {"worst": np.inf}, {"window": 0}],
)
def test_what_cannot_be_is_a_sentence(how):
    with pytest.raises(ValueError, match="expected"):
        functional(RULE, component_distance, **how)


def test_an_unknown_projection_is_a_sentence(layer_goals):
    loss = functional({"lateral": RULE}, subspace_distance, network=LAYER)
    with pytest.raises(ValueError, match="The rules are for lateral"):
        loss({"lateral": pt.OJA}, layer_goals)
    with pytest.raises(ValueError, match="theta"):
        OF_LAYER({"ff": pt.OJA}, layer_goals)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda goals: goals.experiment, "expected Goals"),
        (lambda goals: jax.tree.map(lambda leaf: leaf[0], goals), "expected Goals"),
        (
            lambda goals: goals._replace(target=goals.target[:, :3]),
            r"the target \(3, 1",
        ),
    ],
)
def test_other_data_are_a_sentence(goals, change, said):
    for ask in (LOSS, LOSS.each, LOSS.ran_away):
        with pytest.raises(ValueError, match=said):
            ask(pt.OJA, change(goals))


def test_a_theta_or_a_window_that_does_not_fit_is_a_sentence(goals):
    with pytest.raises(ValueError, match=r"theta has shape \(2, 3, 3, 1\)"):
        LOSS(pt.OJA[:2], goals)
    long = functional(RULE, component_distance, network=NEURON, window=61)
    with pytest.raises(ValueError, match="61 and the experiments have 60 steps"):
        long(pt.OJA, goals)
    network = pt.networks.Conductance(masks=pt.tasks.rate_masks())
    spiking = functional({"inh": pt.rules.doublet()}, rate_distance, network=network)
    spikes = pt.tasks.rate_goals(jr.key(0), 1, seconds=0.1)
    with pytest.raises(ValueError, match=r"expected \(6,\), the numbers of a doublet"):
        spiking({"inh": jnp.zeros(5)}, spikes)


def test_spikes_have_a_loss_and_rules_a_batch(key):
    network = pt.networks.Conductance(rates=0.2, masks=pt.tasks.rate_masks())
    loss = functional(
        {"inh": pt.rules.doublet()},
        rate_distance,
        network=network,
        worst=200.0,
        window=1000,
    )
    goals = pt.tasks.rate_goals(key, 2, seconds=3.0, weight={"exc": 1.7})
    still, vogels = pt.rules.doublet_theta(), pt.rules.vogels(5.0)
    of_rules = jax.vmap(lambda theta: loss({"inh": theta}, goals))
    nothing, keeps = of_rules(jnp.stack([still, vogels]))
    assert keeps < 0.2 * nothing
    rate = 1000 * loss.end({"inh": still}, goals).y.mean()
    by_hand = partial(pt.simulate, {"inh": pt.rules.doublet()}, {"inh": still})
    made = by_hand(goals.experiment, network=network)
    assert rate == pytest.approx(1000 * float(made.y[:, -1000:].mean()))
