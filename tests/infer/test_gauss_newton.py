"""Gauss-Newton: its matrix against the Hessian, its steps against the known minimum."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import plastutor as pt


def linear_problem(columns=4, penalty=None):
    """Least squares: the prediction is linear in theta, and so the matrix is exact."""
    draw = np.random.default_rng(0)
    matrix, target = draw.normal(size=(9, columns)), draw.normal(size=9)
    loss = pt.objectives.Objective(
        lambda theta, data: data[0] @ theta,
        lambda prediction, data: jnp.mean((prediction - data[1]) ** 2),
        penalty,
    )
    return loss, (jnp.asarray(matrix), jnp.asarray(target))


def matrix_at(loss, theta, data):
    return pt.infer.gauss_newton_terms(loss, theta, jnp.eye(theta.size), data)[2]


def test_expansion_of_linear_least_squares_is_exact():
    loss, data = linear_problem()
    theta = jnp.arange(4.0)
    along = jnp.asarray(np.random.default_rng(1).normal(size=(3, 4)))
    value, slope, matrix = pt.infer.gauss_newton_terms(loss, theta, along, data)
    assert float(value) == pytest.approx(float(loss(theta, data)))
    np.testing.assert_allclose(slope, along @ jax.grad(loss)(theta, data), atol=1e-12)
    hessian = jax.hessian(lambda t: loss(t, data))(theta)
    np.testing.assert_allclose(matrix, along @ hessian @ along.T, atol=1e-12)


def test_a_quadratic_penalty_is_part_of_the_step():
    loss, data = linear_problem(penalty=lambda t: 0.3 * jnp.sum(t**2) + t[0] * t[1])
    found = pt.fit(loss, jnp.ones(4), data, optimizer=pt.GaussNewton(), max_steps=25)
    np.testing.assert_allclose(jax.grad(loss)(found.theta, data), 0, atol=1e-9)
    assert found.losses[-1] == pytest.approx(float(loss(found.theta, data)))


def test_only_the_free_coefficients_move():
    loss, data = linear_problem()
    start, free = jnp.array([1.0, 2.0, 3.0, 4.0]), (0, 2)
    loss = replace(loss, rule=pt.mlp()._replace(free=free))
    how = {"optimizer": pt.GaussNewton(), "max_steps": 25}
    found = pt.fit(loss, start, data, **how).theta
    np.testing.assert_array_equal(found[jnp.array([1, 3])], [2, 4])
    matrix, target = data
    rest = target - matrix[:, 1] * 2 - matrix[:, 3] * 4
    exact = np.linalg.lstsq(matrix[:, jnp.array(free)], rest, rcond=None)[0]
    np.testing.assert_allclose(found[jnp.array(free)], exact, atol=1e-8)


def test_what_is_not_free_in_a_rule_costs_nothing():
    """That the rule names its free terms changes the cost, and nothing else."""
    rule = pt.taylor(pt.OJA_ORDERS, ("xy", "yyw", "x"))
    data = pt.neural_task(
        jax.random.key(2), rule, pt.OJA, n_experiments=2, n_steps=8, n_pre=3, n_post=2
    )
    loss, start = pt.objective(rule, pt.activity), rule.init(jax.random.key(0))
    unnamed = replace(loss, rule=rule._replace(free=None))
    every, named = (
        pt.fit(one, start, data, optimizer=pt.GaussNewton(), max_steps=12)
        for one in (unnamed, loss)
    )
    np.testing.assert_allclose(every.losses, named.losses, rtol=1e-6, atol=1e-20)


def test_matrix_equals_the_hessian_of_logistic_regression():
    # Curved in the prediction, linear in theta: still exact.
    loss, data = linear_problem()
    loss = replace(
        loss,
        likelihood=lambda v, data: -jnp.mean(jax.nn.log_sigmoid(jnp.sign(data[1]) * v)),
    )
    theta = jnp.linspace(-1, 1, 4)
    hessian = jax.hessian(lambda t: loss(t, data))(theta)
    np.testing.assert_allclose(matrix_at(loss, theta, data), hessian, atol=1e-12)


def test_matrix_equals_the_hessian_at_a_perfect_fit_of_a_rule():
    rule = pt.taylor(pt.OJA_ORDERS, ("xy", "yyw", "x"))
    data = pt.neural_task(
        jax.random.key(0), rule, pt.OJA, n_experiments=2, n_steps=6, n_pre=3, n_post=2
    )
    loss = pt.objective(rule, pt.activity)
    flat, unravel = ravel_pytree(jnp.asarray(pt.OJA))
    hessian = jax.jit(jax.hessian(lambda t: loss(unravel(t), data)))(flat)
    along = jnp.eye(pt.OJA.size).reshape(-1, *pt.OJA.shape)
    found = jax.jit(lambda t: pt.infer.gauss_newton_terms(loss, t, along, data)[2])(
        jnp.asarray(pt.OJA)
    )
    np.testing.assert_allclose(found, hessian, atol=1e-10 * np.abs(hessian).max())


def test_linear_least_squares_is_solved():
    loss, data = linear_problem()
    found = pt.fit(loss, jnp.zeros(4), data, optimizer=pt.GaussNewton(), max_steps=20)
    exact = np.linalg.lstsq(*data, rcond=None)[0]
    np.testing.assert_allclose(found.theta, exact, atol=1e-8)


def test_a_direction_without_information_stays_where_it_was():
    loss, (matrix, target) = linear_problem(3)
    data = (jnp.pad(matrix, ((0, 0), (0, 2))), target)
    start = jnp.array([0.0, 0.0, 0.0, 5.0, -7.0])
    found = pt.fit(loss, start, data, optimizer=pt.GaussNewton(), max_steps=20)
    exact = np.linalg.lstsq(matrix, target, rcond=None)[0]
    np.testing.assert_allclose(found.theta, [*exact, 5, -7], atol=1e-8)


def test_two_equal_columns_share_what_they_explain():
    loss, (matrix, target) = linear_problem(2)
    data = (matrix[:, jnp.array([0, 0, 1])], target)
    found = pt.fit(loss, jnp.zeros(3), data, optimizer=pt.GaussNewton(), max_steps=30)
    exact = np.linalg.lstsq(matrix, target, rcond=None)[0]
    np.testing.assert_allclose(
        found.theta, [exact[0] / 2, exact[0] / 2, exact[1]], atol=1e-7
    )


def test_no_information_at_all_is_no_crash():
    loss, (matrix, target) = linear_problem(2)
    data = (0 * matrix, target)
    found = pt.fit(loss, jnp.ones(2), data, optimizer=pt.GaussNewton(), max_steps=5)
    np.testing.assert_array_equal(found.theta, [1, 1])
    assert found.status == "converged"


def test_the_loss_never_rises():
    # Rosenbrock's valley: a full Gauss-Newton step often overshoots.
    loss = pt.objectives.Objective(
        lambda t, data: jnp.stack([10 * (t[1] - t[0] ** 2), jnp.sin(1 - t[0])]),
        lambda v, data: jnp.sum(v**2),
        None,
    )
    start = jnp.array([-1.2, 1.0])
    found = pt.fit(loss, start, None, optimizer=pt.GaussNewton(), max_steps=60)
    assert (np.diff(found.losses) <= 0).all()
    assert found.losses[-1] < 1e-12


def test_a_step_that_harms_is_not_taken():
    # Far out on arctan, every undamped step lands farther out on the other side.
    loss = pt.objectives.Objective(
        lambda t, data: jnp.arctan(t), lambda v, data: jnp.sum(v**2), None
    )
    start = jnp.array([20.0])
    found = pt.fit(loss, start, None, optimizer=pt.GaussNewton(), max_steps=60)
    assert (np.diff(found.losses) <= 0).all()
    np.testing.assert_array_equal(found.thetas[1], start)
    np.testing.assert_allclose(found.theta, 0, atol=1e-8)


def test_the_loss_of_a_rule_never_rises():
    rule = pt.taylor(pt.OJA_ORDERS)
    data = pt.neural_task(
        jax.random.key(1), rule, pt.OJA, n_experiments=2, n_steps=10, n_pre=4, n_post=2
    )
    loss = pt.objective(rule, pt.activity)
    found = pt.fit(loss, -pt.HEBB, data, optimizer=pt.GaussNewton(), max_steps=25)
    assert np.isfinite(found.losses).all()
    assert (np.diff(found.losses) <= 0).all()
    assert found.losses[-1] < 1e-3 * found.losses[0]


def test_theta_may_be_a_tree():
    loss, data = linear_problem()
    tree = pt.objectives.Objective(
        lambda t, data: loss.predict(jnp.append(t["a"], t["b"]), data),
        loss.likelihood,
        None,
    )
    start = {"a": jnp.zeros(3), "b": jnp.zeros(())}
    found = pt.fit(tree, start, data, optimizer=pt.GaussNewton(), max_steps=20).theta
    exact = np.linalg.lstsq(*data, rcond=None)[0]
    np.testing.assert_allclose([*found["a"], found["b"]], exact, atol=1e-8)
