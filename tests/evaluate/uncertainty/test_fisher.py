"""Fisher information: the fast sums against the definition."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from memory import temporary_bytes

import plastutor as pt
from plastutor.evaluate.uncertainty._fisher import _sums

SERIES = pt.Orders(x=1, y=1, w=1, r=1)
FEW = ("xr", "w", "yw", "one")
RULE = pt.taylor(SERIES, FEW)
PLAIN = RULE._replace(update=pt.rules.plain_update(RULE.apply), forward_update=None)
THETA = pt.terms(SERIES, xr=0.8, w=-0.1, yw=-0.2, one=0.05)
COLUMNS = [k for k, name in enumerate(pt.term_names(SERIES)) if name in FEW]

KINDS = {
    "activity": (pt.activity, pt.BEHAVIOUR),
    "accept": (pt.accept, pt.BEHAVIOUR),
    "choice": (pt.choice, pt.BEHAVIOUR),
}


def outcomes(kind, life, data):
    """Every outcome of every observation: log-likelihood, and whether there was one."""
    if kind == "accept":
        log_p = jnp.stack([jax.nn.log_sigmoid(s * life.logit) for s in (-1, 1)], -1)
        return log_p, np.asarray(~jnp.isnan(data.accept) & data.valid)
    log_p = jnp.log(pt.choice_probability(life.option_logit))
    return log_p, np.asarray((data.choice >= 0) & data.valid)


def by_definition(kind, parameters, live, data, noise):
    """The Fisher information: the expected square of the score, all data at once."""
    if kind == "activity":
        seen = np.asarray(~jnp.isnan(data.activity) & data.valid[..., None])
        j = np.asarray(jax.jacfwd(lambda p: live(p).y)(parameters))[seen]
        return j.T @ j / noise**2
    scores = jax.jacfwd(lambda p: outcomes(kind, live(p), data)[0])(parameters)
    log_p, seen = outcomes(kind, live(parameters), data)
    p, s = np.exp(log_p)[seen], np.asarray(scores)[seen]
    return np.einsum("to,tok,tol->kl", p, s, s)


def live_by(few, w0, data, network=pt.BEHAVIOUR):
    theta = jnp.zeros(THETA.size).at[np.array(COLUMNS)].set(few).reshape(THETA.shape)
    return pt.simulate(PLAIN, theta, data._replace(w0=w0), network=network)


@pytest.mark.parametrize("kind", KINDS)
def test_information_is_the_expected_square_of_the_score(kind, data):
    likelihood, network = KINDS[kind]
    noise = 0.3 if kind == "activity" else None
    loss, few = pt.objective(RULE, likelihood, network=network), THETA.ravel()
    few = few[np.array(COLUMNS)]
    found = pt.fisher(loss, THETA, data, noise=noise)
    expected = by_definition(kind, few, lambda p: live_by(p, data.w0, data), data, 0.3)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-8, atol=1e-12)
    # The slope is that of the log-likelihood, of which the loss is minus the mean.
    grad = jax.grad(pt.objective(PLAIN, likelihood, network=network))(THETA, data)
    factor = found.count * (1 if noise is None else 1 / (2 * noise**2))
    slope = -factor * grad.ravel()[np.array(COLUMNS)]
    np.testing.assert_allclose(found.gradient, slope, rtol=1e-8, atol=1e-12)
    assert found.noise == (noise or 1)


def test_noise_is_estimated_from_the_residuals(data):
    loss = pt.objective(RULE, pt.activity, network=pt.BEHAVIOUR)
    found, given = (pt.fisher(loss, THETA, data, noise=noise) for noise in (None, 2.0))
    seen = np.asarray(~jnp.isnan(data.activity) & data.valid[..., None])
    error = (data.activity - pt.simulate(RULE, THETA, data, network=pt.BEHAVIOUR).y)[
        seen
    ]
    variance = np.sum(error**2) / (seen.sum() - len(FEW))
    np.testing.assert_allclose(found.noise**2, variance)
    np.testing.assert_allclose(found.matrix * variance, given.matrix * 4)
    assert found.count == seen.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_initial_weights_are_fitted_too(kind, data):
    """The block of theta in the inverse of everything, by one dense matrix."""
    likelihood, network = KINDS[kind]
    noise, w0_std, k = 0.3 if kind == "activity" else None, 0.5, len(FEW)
    few = THETA.ravel()[np.array(COLUMNS)]

    def live(p):
        return live_by(p[:k], p[k:].reshape(data.w0.shape), data)

    together = jnp.concatenate([few, data.w0.ravel()])
    dense = by_definition(kind, together, live, data, 0.3)
    dense[k:, k:] += np.eye(data.w0.size) / w0_std**2
    expected = np.linalg.inv(np.linalg.inv(dense)[:k, :k])
    ask = partial(
        pt.fisher, pt.objective(RULE, likelihood, network=network), THETA, data
    )
    found = ask(noise=noise, w0_std=w0_std).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    known, nearly = ask(noise=noise), ask(noise=noise, w0_std=1e-7)
    for one, other in zip(known, nearly, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert np.linalg.eigvalsh(known.matrix - found).min() > 0, "something is lost"


def test_information_adds_up(data):
    ask = partial(pt.fisher, pt.objective(RULE, pt.accept, network=pt.FLY), THETA)
    one_each = [jax.tree.map(lambda v, i=i: v[i], data) for i in range(len(data.x))]
    each, together = [ask(one) for one in one_each], ask(data)
    for name in ("matrix", "gradient", "count"):
        parts = sum(getattr(one, name) for one in each)
        np.testing.assert_allclose(getattr(together, name), parts, rtol=1e-10)
    many = jax.vmap(ask)(data)
    np.testing.assert_allclose(many.matrix, [one.matrix for one in each], rtol=1e-10)


def test_a_network_as_a_rule(data):
    rule = pt.mlp((3,), scale=0.5)
    theta = rule.init(jr.key(0))
    loss = pt.objective(rule, pt.activity)
    data = data._replace(options=None, choice=None)
    found = pt.laplace(loss, theta, data, noise=0.1)
    flat, unravel = ravel_pytree(theta)
    dense = by_definition(
        "activity", flat, lambda p: pt.simulate(rule, unravel(p), data), data, 0.1
    )
    np.testing.assert_allclose(found.information.matrix, dense, rtol=1e-7, atol=1e-9)
    # What goes into a unit can grow and what comes out shrink: dw is the same.
    assert found.unknown.shape[1] >= 3
    low, high = found.band(rule, pt.infer.visited_states(rule, theta, data))
    assert np.isfinite(low).all() and (low < high).mean() > 0.99
    report = found.report()
    assert "Without information" in report and "Dense_0" not in report
    drawn = found.sample(jr.key(0), 5)
    assert jax.tree.structure(drawn) == jax.tree.structure(theta)


def test_memory_is_not_that_of_the_weights_over_time():
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS), pt.activity)
    directions = np.eye(27)[[4, 12]]

    def memory(steps, ask):
        made = pt.make_experiment(
            np.zeros((2, steps, 40)),
            w0=np.zeros((40, 3)),
            activity=np.ones((2, steps, 3)),
        )
        return temporary_bytes(ask, jnp.asarray(pt.OJA), made)

    forward = lambda theta, made: _sums(loss, theta, directions, made, None)
    kept = lambda theta, made: pt.activity(loss.predict(theta, made), made)
    reverse = lambda theta, made: jax.grad(kept)(theta, made)
    assert memory(10_000, forward) == memory(100, forward)
    assert memory(1100, reverse) > memory(100, reverse) + 1000 * 8 * 200
