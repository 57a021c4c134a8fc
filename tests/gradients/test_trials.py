"""Trials: the fast weights are the plain ones, and so are their derivatives."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from memory import temporary_bytes

import plastutor as pt
from plastutor.gradients._trials import _run, _weights


@pytest.fixture(scope="module")
def foraged():
    rule, truth = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    made = pt.foraging_task(
        jax.random.key(0), rule, truth, n_experiments=3, trials_per_block=5
    )
    return rule, truth, made.experiment


def gradients_of(loss, theta, data):
    """Loss and gradient of a batch and of one animal of it, and forward derivatives."""
    one = jax.tree.map(lambda leaf: leaf[1], data)
    both = [jax.jit(jax.value_and_grad(loss))(theta, some) for some in (data, one)]
    tangents = jax.jit(jax.jacfwd(loss.forward))(theta, data).logit
    return both, np.asarray(tangents)[np.asarray(data.valid)]


def check_gradients(found, wanted):
    """Both are as `gradients_of` gives them."""
    for (value, gradient), (plain, exact) in zip(found[0], wanted[0], strict=True):
        np.testing.assert_allclose(value, plain, rtol=1e-5)
        np.testing.assert_allclose(gradient, exact, atol=1e-5)
    np.testing.assert_allclose(found[1], wanted[1], atol=1e-4)


@pytest.fixture(scope="module")
def by_presentation(foraged):
    rule, truth, data = foraged
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR)
    return gradients_of(loss, truth + 0.01, data)


@pytest.mark.parametrize("trials", [15, 20])
def test_a_scan_over_trials_is_the_scan_over_presentations(
    foraged, by_presentation, trials
):
    rule, truth, data = foraged
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=trials)
    check_gradients(gradients_of(loss, truth + 0.01, data), by_presentation)


def test_group_by_group_is_all_at_once(foraged, by_presentation, monkeypatch):
    monkeypatch.setattr("plastutor._devices.MIN_EXPERIMENTS_GROUPED", 3)
    monkeypatch.setattr(
        "plastutor._devices.EXPERIMENTS_A_GROUP", 2
    )  # of three animals: one group, and a rest
    _, truth, data = foraged
    loss = pt.objective(foraged[0], pt.accept, network=pt.BEHAVIOUR, trials=15)
    text = str(jax.make_jaxpr(loss)(truth, data))
    assert "2,60,2]" in text, "no group of two animals"
    check_gradients(gradients_of(loss, truth + 0.01, data), by_presentation)


def test_the_memory_of_many_animals_is_that_of_a_group(foraged):
    rule, truth, data = foraged
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=15)

    def memory(animals):
        many = jax.tree.map(lambda v: jnp.resize(v, (animals, *v.shape[1:])), data)
        return temporary_bytes(jax.grad(loss), truth, many)

    assert memory(500) < 2 * memory(50)


def test_completed_trials_are_where_the_weights_change(foraged):
    rule, truth, data = foraged
    one = jax.tree.map(lambda leaf: leaf[0], data)
    whole = pt.simulate(rule, truth, one, network=pt.BEHAVIOUR).w
    short = pt.simulate(
        rule, truth, pt.gradients.completed_trials(one, 17), network=pt.BEHAVIOUR
    ).w
    np.testing.assert_allclose(short[:15], whole[np.asarray(one.plastic)], atol=1e-6)
    np.testing.assert_array_equal(short[15:], [short[14]] * 2)


def test_with_room_for_too_few_trials_there_is_no_loss(foraged):
    rule, truth, data = foraged
    assert jnp.isnan(
        pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=13)(truth, data)
    )


# --- the way back ---------------------------------------------------------------------

RULES = {
    "taylor": pt.taylor(pt.Orders(2, 1, 2, 2), scale=0.2),
    "few terms": pt.taylor(pt.BEHAVIOUR_ORDERS, ("xr", "w", "yyr", "xxyw"), scale=0.2),
    "mlp": pt.mlp(scale=0.5),
}
NETWORKS = {
    "behaviour": pt.BEHAVIOUR,
    "fly": pt.FLY,
    "slow": pt.Network(activation=jax.nn.sigmoid, rate=0.3),
}


def an_experiment(n_pre=2, n_post=3, steps=6):
    """Stimuli, rewards, plastic steps and initial weights."""
    keys = jr.split(jr.key(0), 4)
    x = jr.normal(keys[0], (steps, n_pre))
    r = jr.normal(keys[1], (steps,))
    plastic = jr.bernoulli(keys[2], 0.7, (steps,))
    assert plastic.any() and not plastic.all()
    return x, r, plastic, 0.5 * jr.normal(keys[3], (n_pre, n_post))


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("taylor", "behaviour"),
        ("taylor", "slow"),
        ("few terms", "fly"),
        ("mlp", "behaviour"),
    ],
)
def test_the_way_back_is_that_of_jax(name, network):
    fast, network = RULES[name], NETWORKS[network]
    plain = fast._replace(update=pt.rules.plain_update(fast.apply))
    x, r, plastic, w0 = an_experiment()
    weight = jr.normal(jr.key(2), (7, 2, 3))

    def total(weights_of, rule, theta, x, r, w0):
        return jnp.sum(weight * weights_of(rule, network, theta, x, r, plastic, w0))

    at = fast.init(jr.key(1)), x, r, w0
    found, wanted = (
        jax.jit(jax.grad(partial(total, weights_of, rule), (0, 1, 2, 3)))(*at)
        for weights_of, rule in ((_weights, fast), (_run, plain))
    )
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n_post", [3, 17])
def test_many_steps_at_once(n_post):
    rule = pt.taylor(pt.Orders(1, 2, 2, 1), ("xr", "yyw", "one"))
    keys = jr.split(jr.key(0), 6)
    theta, x, r = rule.init(keys[0]), jr.normal(keys[1], (2, 4)), keys[2]
    y, r = jr.normal(keys[3], (n_post, 4)), jr.normal(r, (4,))
    w, d = jr.normal(keys[4], (2, 2, n_post, 4))
    update = jax.vmap(pt.rules.plain_update(rule.apply), (None, -1, -1, -1, -1), -1)
    wanted, vjp = jax.vjp(lambda theta: update(theta, x, y, w, r), theta)
    found = rule.forward_update(theta, x, y, w, r)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
    found = rule.theta_vjp(theta, x, y, w, r, d)
    np.testing.assert_allclose(found, *vjp(d), rtol=1e-10, atol=1e-12)
    assert (found != 0).sum() == 3


def test_it_can_be_taken_twice():
    rule = RULES["taylor"]
    theta, data = rule.init(jr.key(1)), an_experiment()

    def total(weights_of, theta):
        return jnp.sum(weights_of(rule, pt.BEHAVIOUR, theta, *data) ** 2)

    twice, wanted = (
        jax.jit(jax.jacrev(jax.grad(partial(total, weights_of))))(theta)
        for weights_of in (_weights, _run)
    )
    np.testing.assert_allclose(twice, wanted, rtol=1e-9, atol=1e-10)


def test_where_the_weights_have_no_end_the_gradient_says_so(foraged):
    rule, truth, data = foraged
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=15)
    theta = jnp.asarray(truth).at[0, 0, 2, 0].set(1e200)
    assert not jnp.isfinite(jax.jit(jax.grad(loss))(theta, data)).all()
