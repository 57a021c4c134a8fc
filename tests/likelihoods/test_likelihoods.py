"""Losses: sums written out, masks without gradient, gradients against differences."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import plastutor as pt

STEPS, PRE, POST = 8, 2, 3
LOSSES = {
    "activity": (pt.activity, pt.RECORDED),
    "accept": (pt.accept, pt.BEHAVIOUR),
    "choice": (pt.choice, pt.BEHAVIOUR),
}
RULES = {
    "taylor": pt.taylor(pt.Orders(1, 2, 1, 1), scale=0.3),
    "mlp": pt.mlp(scale=0.5),
}


def observed(seed=0, kind="activity", batch=2, steps=STEPS):
    """A batch in which all is observed, but for some holes and padding."""
    draw = np.random.default_rng(seed)
    shape = (batch, steps)
    x, w0 = draw.normal(size=(*shape, PRE)), 0.5 * draw.normal(size=(batch, PRE, POST))
    valid = np.arange(steps) < steps - np.arange(batch)[:, None]
    accept, choice = (
        draw.integers(0, 2, shape).astype(float),
        draw.integers(0, 2, shape),
    )
    activity = draw.random((*shape, POST))
    accept[:, 2], choice[:, 3], activity[:, 1], activity[0, :, 2] = (
        np.nan,
        -1,
        np.nan,
        np.nan,
    )
    what = {
        "activity": {"activity": activity},
        "accept": {"accept": accept},
        "choice": {"choice": choice, "options": draw.normal(size=(2, PRE))},
    }[kind]
    reward = draw.integers(0, 2, shape) * (accept == 1)
    return pt.make_experiment(x, w0=w0, reward=reward, valid=valid, **what)


def loss_of(kind, rule):
    likelihood, network = LOSSES[kind]
    return pt.objective(RULES[rule], likelihood, network=network)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", LOSSES)
def test_gradient_equals_central_differences_and_forward_mode(kind, rule):
    loss, data = jax.jit(loss_of(kind, rule)), observed(1, kind)
    theta = jax.jit(RULES[rule].init)(jr.key(3))
    theta = jax.tree.map(lambda leaf: leaf.astype(float), theta)
    flat, unravel = ravel_pytree(theta)
    draw = np.random.default_rng(4)

    def value(flat):
        return loss(unravel(flat), data)

    whole = loss_of(kind, rule)
    other = replace(whole, predict=whole.forward or whole.predict, mean=None)

    def forward_value(flat):
        return other(unravel(flat), data)

    grad, forward = jax.jit(jax.grad(value))(flat), jax.jit(jax.jvp, static_argnums=0)
    for _ in range(3):
        direction = draw.normal(size=flat.shape)
        h = 1e-4
        at = {k: float(value(flat + k * h * direction)) for k in (-2, -1, 1, 2)}
        difference = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * h)
        assert abs(difference) > 1e-6
        np.testing.assert_allclose(grad @ direction, difference, rtol=1e-6)
        gradient = forward(forward_value, (flat,), (direction,))[1]
        np.testing.assert_allclose(gradient, grad @ direction, rtol=1e-11)


def test_truth_without_noise_has_no_loss():
    rule = pt.taylor(pt.OJA_ORDERS)
    data = pt.neural_task(
        jr.key(0), rule, pt.OJA, n_experiments=2, n_steps=9, n_pre=4, n_post=3
    )
    assert float(pt.objective(rule, pt.activity)(pt.OJA, data)) == 0
    assert float(pt.objective(rule, pt.activity)(0.9 * pt.OJA, data)) > 1e-8


def test_activity_is_the_mean_square_over_what_was_recorded():
    data = observed(2, "activity")
    trajectory = pt.simulate(RULES["taylor"], np.full((2, 3, 2, 2), 0.1), data)
    y, o, valid = map(np.asarray, (trajectory.y, data.activity, data.valid))
    squares = [
        (y[e, t, j] - o[e, t, j]) ** 2
        for e, t, j in np.ndindex(*y.shape)
        if valid[e, t] and not np.isnan(o[e, t, j])
    ]
    assert 0 < len(squares) < y.size
    np.testing.assert_allclose(
        pt.activity(trajectory, data), np.mean(squares), rtol=1e-12
    )


def test_accept_is_the_log_likelihood_written_out():
    data = observed(3, "accept")
    logit = np.random.default_rng(0).normal(size=(2, STEPS))
    p, a = 1 / (1 + np.exp(-logit)), np.asarray(data.accept)
    terms = [
        -a[e, t] * np.log(p[e, t]) - (1 - a[e, t]) * np.log(1 - p[e, t])
        for e, t in np.ndindex(2, STEPS)
        if data.valid[e, t] and not np.isnan(a[e, t])
    ]
    found = pt.accept(pt.Trajectory(None, None, jnp.asarray(logit)), data)
    np.testing.assert_allclose(found, np.mean(terms), rtol=1e-12)


def test_choice_is_the_log_likelihood_written_out():
    data = observed(3, "choice")
    logit = np.random.default_rng(0).normal(size=(2, STEPS, 2))
    p, choice = 1 / (1 + np.exp(-logit)), np.asarray(data.choice)
    terms = [
        -np.log(p[e, t, choice[e, t]] / p[e, t].sum())
        for e, t in np.ndindex(2, STEPS)
        if data.valid[e, t] and choice[e, t] >= 0
    ]
    trajectory = pt.Trajectory(None, None, option_logit=jnp.asarray(logit))
    np.testing.assert_allclose(pt.choice(trajectory, data), np.mean(terms), rtol=1e-12)


@pytest.mark.parametrize("kind", ["accept", "choice"])
def test_sure_and_wrong_costs_much_but_not_infinity(kind):
    data = pt.make_experiment(
        np.ones((1, 1)),
        w0=np.ones((1, 1)),
        reward=[0],
        **(
            {"accept": [1]}
            if kind == "accept"
            else {"choice": [0], "options": [[1]] * 2}
        ),
    )
    trajectory = pt.Trajectory(
        None, None, jnp.array([-800.0]), jnp.array([[-800.0, 800.0]])
    )
    assert float(LOSSES[kind][0](trajectory, data)) == 800


@pytest.mark.parametrize("kind", LOSSES)
def test_what_is_not_observed_has_no_gradient(kind):
    data, draw = observed(4, kind), np.random.default_rng(1)
    trajectory = pt.Trajectory(
        None,
        jnp.asarray(draw.random((2, STEPS, POST))),
        jnp.asarray(draw.normal(size=(2, STEPS))),
        jnp.asarray(draw.normal(size=(2, STEPS, 2))),
    )
    field, where = {
        "activity": ("y", ~np.isnan(data.activity if kind == "activity" else 0)),
        "accept": ("logit", ~np.isnan(data.accept if kind == "accept" else 0)),
        "choice": ("option_logit", data.choice >= 0 if kind == "choice" else None),
    }[kind]
    grad = jax.grad(lambda v: LOSSES[kind][0](trajectory._replace(**{field: v}), data))
    gradient = np.asarray(grad(getattr(trajectory, field)))
    extra = (1,) * (gradient.ndim - 2)
    where = np.asarray(where).reshape(
        *where.shape, *(1,) * (gradient.ndim - where.ndim)
    )
    where = where & np.asarray(data.valid).reshape(2, STEPS, *extra)
    np.testing.assert_array_equal(gradient != 0, np.broadcast_to(where, gradient.shape))


@pytest.mark.parametrize("kind", LOSSES)
def test_unobserved_entries_may_hold_anything(kind):
    """The gradient by theta has no NaN, and padding changes neither it nor the loss."""
    data = observed(5, kind)
    pad = {
        name: np.concatenate([v, np.full((2, 4, *v.shape[2:]), filler)], axis=1)
        for name, filler in (
            ("x", np.nan),
            ("reward", 1),
            ("valid", 0),
            (kind, 0 if kind == "choice" else 1),
        )
        for v in [np.asarray(getattr(data, name))]
    }
    longer = pt.make_experiment(w0=data.w0, options=data.options, **pad)
    longer = longer._replace(plastic=jnp.pad(data.plastic, ((0, 0), (0, 4))))
    theta = np.full((2, 3, 2, 2), 0.05)
    both = jax.jit(jax.value_and_grad(loss_of(kind, "taylor")))
    (value, grad), (padded, padded_grad) = both(theta, data), both(theta, longer)
    assert np.isfinite(grad).all() and (np.asarray(grad) != 0).any()
    np.testing.assert_allclose(padded, value, rtol=1e-12)
    np.testing.assert_allclose(padded_grad, grad, rtol=1e-10, atol=1e-14)


def test_choice_probability_is_one_share_of_the_acceptances():
    logit = jnp.array([[0.3, -1.2], [0.0, 2.0]])
    p = 1 / (1 + np.exp(-np.asarray(logit)))
    expected = p / p.sum(-1, keepdims=True)
    np.testing.assert_allclose(pt.choice_probability(logit), expected, rtol=1e-12)


@pytest.mark.parametrize("logit", [(0.4, -1.0), (-2.0, -2.5), (1.0, 0.0, -3.0)])
def test_choice_probability_is_the_frequency_of_what_is_finally_accepted(logit):
    draw, p, trials = (
        np.random.default_rng(0),
        1 / (1 + np.exp(-np.array(logit))),
        40000,
    )
    taken, waiting = np.full(trials, -1), np.ones(trials, bool)
    while waiting.any():  # an odour at random, accepted or not, until one is
        odour = draw.integers(0, len(p), trials)
        accepted = waiting & (draw.random(trials) < p[odour])
        taken[accepted] = odour[accepted]
        waiting &= ~accepted
    expected = np.asarray(pt.choice_probability(jnp.array(logit)))
    for k, probability in enumerate(expected):
        error = np.sqrt(probability * (1 - probability) / trials)
        assert abs((taken == k).mean() - probability) < 4 * error


def test_an_objective_can_be_compiled_and_equal_ones_are_equal():
    loss, data = loss_of("accept", "taylor"), observed(6, "accept")
    theta = np.full((2, 3, 2, 2), 0.05)
    np.testing.assert_allclose(jax.jit(loss)(theta, data), loss(theta, data))
    twin = replace(loss)
    assert twin == loss and hash(twin) == hash(loss)  # else fit compiles it again


def test_l1_sums_over_arrays_and_trees():
    assert float(pt.l1(0.1)(jnp.array([[1.0, -2.0], [0.0, 4.0]]))) == pytest.approx(0.7)
    tree = {"a": jnp.array([1.0, -1.0]), "b": {"c": jnp.array(-3.0)}}
    assert float(pt.l1(2.0)(tree)) == 10


def test_a_penalty_is_added_to_the_mean_loss():
    data, theta = observed(6, "accept"), np.full((2, 3, 2, 2), -0.05)
    rule = RULES["taylor"]
    plain = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR)
    more = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, penalty=pt.l1(0.5))
    np.testing.assert_allclose(
        more(theta, data), plain(theta, data) + 0.5 * 24 * 0.05, rtol=1e-12
    )


def test_the_loss_of_a_batch_is_a_mean_over_observations_not_experiments():
    data, theta = observed(7, "accept"), np.full((2, 3, 2, 2), 0.05)
    loss = loss_of("accept", "taylor")
    each = [jax.tree.map(lambda v, k=k: v[k], data) for k in range(2)]
    count = [int((~np.isnan(e.accept) & e.valid).sum()) for e in each]
    assert count[0] != count[1]
    mean = np.average([loss(theta, e) for e in each], weights=count)
    np.testing.assert_allclose(loss(theta, data), mean, rtol=1e-12)
