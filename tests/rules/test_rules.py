"""Rules: every coefficient multiplies its own monomial, and the fast form is right."""

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

UNEVEN = pt.Orders(1, 2, 0, 3)
SOME_ORDERS = [
    pt.OJA_ORDERS,
    UNEVEN,
    pt.Orders(0, 1, 3, 0),
    pt.Orders(),
    pt.Orders(w=2),
]
DOUBLE, SINGLE = ("float64", 1e-12), ("float32", 2e-5)


def layer(seed, pre=3, post=4, dtype=float):
    """A random x, y, w, r of a whole layer."""
    draw = np.random.default_rng(seed)
    shapes = ((pre,), (post,), (pre, post), ())
    return tuple(jnp.asarray(draw.normal(size=s), dtype) for s in shapes)


def monomial(powers, x, y, w, r):
    a, b, c, d = powers
    x, y, w, r = (np.asarray(v) for v in (x, y, w, r))
    return x[:, None] ** a * y[None, :] ** b * w**c * r**d


def weighted(update, weight):
    """A scalar of the update whose gradient has no symmetry to hide behind."""
    return lambda *at: jnp.sum(weight * update(*at) ** 2)


@partial(jax.jit, static_argnames=("update", "forward"))
def everything(update, weight, at, forward=None):
    """Values and derivatives, in both modes, by theta, x, y, w and r."""
    forward = jax.jvp(forward or update, at, jax.tree.map(jnp.cos, at))[1]
    reverse = jax.grad(weighted(update, weight), (0, 1, 2, 3, 4))(*at)
    return update(*at), forward, *jax.tree.leaves(reverse)


@pytest.mark.parametrize("orders", [pt.BEHAVIOUR_ORDERS, UNEVEN, pt.Orders(0, 1, 3, 1)])
def test_each_coefficient_multiplies_its_monomial_and_nothing_else(orders):
    rule, at = pt.taylor(orders), layer(1)
    count = int(np.prod(orders.shape))
    one_hot = jnp.eye(count).reshape(count, *orders.shape)

    @jax.jit
    def both(at):
        updates = rule.update, pt.rules.plain_update(rule.apply)
        return [jax.vmap(u, (0, None, None, None, None))(one_hot, *at) for u in updates]

    by_update, by_apply = both(at)
    for k, powers in enumerate(product(*map(range, orders.shape))):
        expected = monomial(powers, *at)
        np.testing.assert_allclose(by_update[k], expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(by_apply[k], expected, rtol=1e-12, atol=1e-14)


def test_there_are_81_such_coefficients():
    assert pt.BEHAVIOUR_ORDERS.shape == (3, 3, 3, 3)
    assert len(pt.term_names(pt.BEHAVIOUR_ORDERS)) == 81


def test_zero_to_the_power_zero_is_one():
    theta = pt.terms(pt.BEHAVIOUR_ORDERS, one=2.0)
    zeros = (jnp.zeros(3), jnp.zeros(4), jnp.zeros((3, 4)), jnp.zeros(()))
    assert (pt.taylor(pt.BEHAVIOUR_ORDERS).update(theta, *zeros) == 2).all()


@pytest.mark.parametrize(
    "orders, precision",
    [(orders, DOUBLE) for orders in SOME_ORDERS]
    + [(orders, SINGLE) for orders in (pt.BEHAVIOUR_ORDERS, UNEVEN)],
)
def test_fast_update_equals_the_definition_with_its_gradients(orders, precision):
    rule, (dtype, close) = pt.taylor(orders), precision
    theta = jnp.asarray(np.random.default_rng(5).normal(size=orders.shape), dtype)
    at, weight = (theta, *layer(6, dtype=dtype)), layer(7, dtype=dtype)[2]
    results = [
        everything(update, weight, at, forward)
        for update, forward in (
            (rule.update, rule.forward_update),
            (pt.rules.plain_update(rule.apply), None),
        )
    ]
    for fast, plain in zip(*results, strict=True):
        assert fast.dtype == plain.dtype == dtype
        scale = 1 + float(np.abs(plain).max())
        np.testing.assert_allclose(fast, plain, rtol=0, atol=close * scale)


@pytest.mark.parametrize("seed", range(3))
def test_fast_update_agrees_at_random_orders_and_sizes_under_vmap(seed):
    draw = np.random.default_rng(seed)
    orders = pt.Orders(*(int(n) for n in draw.integers(0, 4, 4)))
    pre, post = (int(n) for n in draw.integers(1, 6, 2))
    rule = pt.taylor(orders)
    thetas = jnp.asarray(draw.normal(size=(3, *orders.shape)))
    at = jax.tree.map(lambda *v: np.stack(v), *(layer(k, pre, post) for k in range(3)))
    fast, definition = jax.jit(jax.vmap(rule.update)), pt.rules.plain_update(rule.apply)
    together = fast(thetas, *at)
    for k in range(3):
        plain = jax.jit(definition)(thetas[k], *(v[k] for v in at))
        np.testing.assert_allclose(together[k], plain, rtol=1e-11, atol=1e-11)


def test_the_update_is_linear_in_theta():
    update, at = jax.jit(pt.taylor(UNEVEN).update), layer(3)
    one, two = np.random.default_rng(0).normal(size=(2, *UNEVEN.shape))
    both = update(2 * one - two, *at)
    apart = 2 * update(one, *at) - update(two, *at)
    np.testing.assert_allclose(both, apart, atol=1e-12)


def test_update_against_numbers_worked_out_by_hand():
    theta = pt.terms(pt.Orders(1, 2, 1, 1), xy=2.0, yyw=-1.0, xr=3.0, one=0.5)
    x, y, w, r = jnp.array([2.0]), jnp.array([3.0]), jnp.array([[0.5]]), 4.0
    # 2 * 2 * 3 - 9 * 0.5 + 3 * 2 * 4 + 0.5
    assert (
        float(pt.taylor(pt.Orders(1, 2, 1, 1)).update(theta, x, y, w, r)[0, 0]) == 32.0
    )


def test_only_frees_its_terms_and_no_others():
    orders, names = pt.Orders(x=1, w=1, r=1), ("one", "x", "r", "xr", "w")
    rule = pt.taylor(orders, names)
    free = pt.rules.free_terms(orders, names) == 1
    places = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 0, 0, 1), (1, 0, 0, 1), (0, 0, 1, 0)]
    assert {tuple(map(int, i)) for i in np.argwhere(free)} == set(places)
    init = jax.jit(rule.init)(jr.key(0))
    assert (np.asarray(init != 0) == free).all()
    for update in (rule.update, pt.rules.plain_update(rule.apply)):
        at = (jnp.ones(orders.shape), *layer(0))
        gradient = everything(update, layer(1)[2], at, rule.forward_update)[2]
        assert (np.asarray(gradient != 0) == free).all()


def test_what_is_not_free_has_no_effect():
    some, every, at = (
        pt.taylor(pt.OJA_ORDERS, ("xy",)),
        pt.taylor(pt.OJA_ORDERS),
        layer(2),
    )
    hebb = jax.jit(every.update)(jnp.asarray(pt.HEBB), *at)
    for update in (some.update, pt.rules.plain_update(some.apply)):
        dw = jax.jit(update)(jnp.ones(pt.OJA_ORDERS.shape), *at)
        np.testing.assert_allclose(dw, hebb, rtol=1e-14)


def test_init_is_small_random_and_of_the_shape_of_the_orders():
    init = jax.jit(pt.taylor(pt.Orders(9, 9, 9, 0), scale=1e-3).init)
    theta = np.asarray(init(jr.key(0)))
    assert theta.shape == (10, 10, 10, 1)
    assert abs(theta.std() / 1e-3 - 1) < 0.1
    assert (theta == np.asarray(init(jr.key(0)))).all()
    assert (theta != np.asarray(init(jr.key(1)))).all()


def test_equal_arguments_give_the_same_rule_object():
    # Else JAX would compile every simulation again.
    assert pt.taylor(pt.OJA_ORDERS) is pt.taylor(pt.Orders(2, 2, 2, 0))
    assert pt.taylor(pt.OJA_ORDERS, ["xy", "yyw"]) is pt.taylor(
        pt.OJA_ORDERS, ("xy", "yyw")
    )
    assert pt.taylor(pt.OJA_ORDERS) is not pt.taylor(pt.OJA_ORDERS, ("xy",))
    assert pt.mlp() is pt.mlp((10,)) is pt.mlp([10])


def test_terms_puts_each_number_at_its_index():
    theta = pt.terms(pt.BEHAVIOUR_ORDERS, xy=1.0, yyw=-2.0, xxrr=3.0, one=4.0, wx=5.0)
    expected = np.zeros((3, 3, 3, 3))
    expected[1, 1, 0, 0], expected[0, 2, 1, 0] = 1, -2
    expected[2, 0, 0, 2], expected[0, 0, 0, 0], expected[1, 0, 1, 0] = 3, 4, 5
    np.testing.assert_array_equal(theta, expected)


def test_term_names_lead_back_to_their_place():
    for orders in (UNEVEN, pt.OJA_ORDERS):
        names = pt.term_names(orders)
        assert len(set(names)) == len(names) == np.prod(orders.shape)
        for k, name in enumerate(names):
            assert np.ravel(pt.terms(orders, **{name: 1.0})).argmax() == k


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_terms_has_the_dtype_that_was_asked_for(dtype):
    assert pt.terms(pt.OJA_ORDERS, dtype=dtype, xy=1.0).dtype == dtype


def test_named_rules():
    at = layer(4)
    x, y, w, r = map(np.asarray, at)
    outer, update = x[:, None] * y[None], jax.jit(pt.taylor(pt.OJA_ORDERS).update)
    oja = update(pt.OJA, *at)
    np.testing.assert_allclose(oja, outer - y[None] ** 2 * w, atol=1e-14)
    hebb = update(pt.HEBB, *at)
    np.testing.assert_allclose(hebb, outer, atol=1e-14)
    learn = jax.jit(pt.taylor(pt.BEHAVIOUR_ORDERS).update)
    decay = learn(pt.reward_covariance(decay=0.1), *at)
    np.testing.assert_allclose(decay, x[:, None] * r - 0.1 * w, atol=1e-14)
    assert int((pt.reward_covariance() != 0).sum()) == 1
    assert float(pt.reward_covariance()[1, 0, 0, 1]) == 1


def numpy_mlp(theta, v):
    """The paper's 4-10-1 network, by hand: leaky ReLU of slope 0.01, tanh output."""
    inner, outer = theta["params"]["Dense_0"], theta["params"]["Dense_1"]
    hidden = v @ np.asarray(inner["kernel"]) + np.asarray(inner["bias"])
    hidden = np.where(hidden > 0, hidden, 0.01 * hidden)
    return np.tanh(hidden @ np.asarray(outer["kernel"]) + np.asarray(outer["bias"]))[0]


def test_mlp_has_61_parameters_of_the_scale_asked_for():
    theta = jax.jit(pt.mlp().init)(jr.key(0))
    leaves = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(theta)])
    assert leaves.size == 61
    assert (leaves != 0).all(), "the biases are drawn too"
    assert 0.007 < leaves.std() < 0.013
    deep = jax.eval_shape(pt.mlp((5, 3)).init, jr.key(0))
    assert deep["params"]["Dense_1"]["kernel"].shape == (5, 3)


@pytest.mark.parametrize("scale", [0.01, 30.0])
def test_mlp_equals_a_forward_pass_in_numpy_and_is_bounded(scale):
    rule = pt.mlp(scale=scale)
    theta, at = jax.jit(rule.init)(jr.key(2)), layer(8)
    dw, one = jax.jit(rule.update)(theta, *at), jax.jit(rule.apply)
    x, y, w, r = map(np.asarray, at)
    for i, j in product(range(3), range(4)):
        expected = numpy_mlp(theta, np.array([x[i], y[j], w[i, j], r]))
        np.testing.assert_allclose(dw[i, j], expected, rtol=1e-10)
        alone = one(theta, x[i], y[j], w[i, j], r)
        np.testing.assert_allclose(alone, expected, rtol=1e-10)
        assert alone.shape == ()
    assert (np.abs(dw) <= 1).all()


def test_mlp_update_equals_the_definition_with_its_gradients():
    rule = pt.mlp(scale=1.0)
    at, weight = (jax.jit(rule.init)(jr.key(2)), *layer(8)), layer(9)[2]
    fast = everything(rule.update, weight, at)
    plain = everything(pt.rules.plain_update(rule.apply), weight, at)
    assert len(fast) == 2 + 4 + 4
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)
