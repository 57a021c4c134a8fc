"""Uncertainty: fast paths against definitions, intervals against what is known."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.optimize import minimize
from scipy.stats import binomtest

from plastutor.distil import States, visited_states
from plastutor.experiments import make_experiment
from plastutor.fit import fit
from plastutor.gauss_newton import GaussNewton
from plastutor.losses import (
    accept_loss,
    activity_loss,
    choice_loss,
    choice_probability,
    objective,
)
from plastutor.mlp import mlp
from plastutor.rules import (
    OJA,
    OJA_ORDERS,
    Orders,
    plain_update,
    taylor,
    term_names,
    terms,
)
from plastutor.simulate import simulate
from plastutor.tasks import foraging_task, neural_task
from plastutor.types import BEHAVIOUR, FLY, LINEAR
from plastutor.uncertainty import coverage, fisher, laplace, profile
from plastutor.uncertainty.information import _sums

SERIES = Orders(x=1, y=1, w=1, r=1)
FEW = ("xr", "w", "yw", "one")
RULE = taylor(SERIES)
PLAIN = RULE._replace(update=plain_update(RULE.apply), forward=None)
THETA = terms(SERIES, xr=0.8, w=-0.1, yw=-0.2, one=0.05)
COLUMNS = [k for k, name in enumerate(term_names(SERIES)) if name in FEW]
EXP, STEPS, PRE, POST = 3, 6, 4, 2


@pytest.fixture(scope="module")
def data():
    """A small batch with every kind of data, with gaps, padding and resting weights."""
    rng = np.random.default_rng(0)
    shape = EXP, STEPS
    activity = rng.uniform(size=(*shape, POST))
    activity[rng.uniform(size=activity.shape) < 0.3] = np.nan
    accept = rng.integers(2, size=shape).astype(float)
    accept[0, 2] = np.nan
    choice = rng.integers(3, size=shape)
    choice[1, 1] = -1
    return make_experiment(
        rng.normal(size=(*shape, PRE)),
        w0=rng.normal(size=(EXP, PRE, POST)),
        reward=rng.uniform(size=shape),
        valid=np.arange(STEPS) < np.array([[6], [4], [5]]),
        plastic=rng.uniform(size=shape) < 0.8,
        activity=activity,
        accept=accept,
        options=rng.normal(size=(3, PRE)),
        choice=choice,
    )


KINDS = {
    "activity": (activity_loss, BEHAVIOUR),
    "accept": (accept_loss, BEHAVIOUR),
    "choice": (choice_loss, BEHAVIOUR),
}


def outcomes(kind, life, data):
    """Every outcome of every observation: log-likelihood, and whether there was one."""
    if kind == "accept":
        log_p = jnp.stack([jax.nn.log_sigmoid(s * life.logit) for s in (-1, 1)], -1)
        return log_p, np.asarray(~jnp.isnan(data.accept) & data.valid)
    log_p = jnp.log(choice_probability(life.option_logit))
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


def live_by(few, w0, data, network=BEHAVIOUR):
    theta = jnp.zeros(THETA.size).at[np.array(COLUMNS)].set(few).reshape(THETA.shape)
    return simulate(PLAIN, theta, data._replace(w0=w0), network=network)


@pytest.mark.parametrize("kind", KINDS)
def test_information_is_the_expected_square_of_the_score(kind, data):
    data_loss, network = KINDS[kind]
    noise = 0.3 if kind == "activity" else None
    loss, few = objective(RULE, data_loss, network=network), THETA.ravel()
    few = few[np.array(COLUMNS)]
    found = fisher(loss, THETA, data, only=FEW, noise=noise)
    expected = by_definition(kind, few, lambda p: live_by(p, data.w0, data), data, 0.3)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-8, atol=1e-12)
    # The slope is that of the log-likelihood, of which the loss is minus the mean.
    grad = jax.grad(objective(PLAIN, data_loss, network=network))(THETA, data)
    factor = found.count * (1 if noise is None else 1 / (2 * noise**2))
    slope = -factor * grad.ravel()[np.array(COLUMNS)]
    np.testing.assert_allclose(found.slope, slope, rtol=1e-8, atol=1e-12)
    assert found.noise == (noise or 1)


def test_noise_is_estimated_from_the_residuals(data):
    loss = objective(RULE, activity_loss, network=BEHAVIOUR)
    found, given = (
        fisher(loss, THETA, data, only=FEW, noise=noise) for noise in (None, 2.0)
    )
    seen = np.asarray(~jnp.isnan(data.activity) & data.valid[..., None])
    error = (data.activity - simulate(RULE, THETA, data, network=BEHAVIOUR).y)[seen]
    variance = np.sum(error**2) / (seen.sum() - len(FEW))
    np.testing.assert_allclose(found.noise**2, variance)
    np.testing.assert_allclose(found.matrix * variance, given.matrix * 4)
    assert found.count == seen.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_initial_weights_are_fitted_too(kind, data):
    """The block of theta in the inverse of everything, by one dense matrix."""
    data_loss, network = KINDS[kind]
    noise, w0_std, k = 0.3 if kind == "activity" else None, 0.5, len(FEW)
    few = THETA.ravel()[np.array(COLUMNS)]

    def live(p):
        return live_by(p[:k], p[k:].reshape(data.w0.shape), data)

    together = jnp.concatenate([few, data.w0.ravel()])
    dense = by_definition(kind, together, live, data, 0.3)
    dense[k:, k:] += np.eye(data.w0.size) / w0_std**2
    expected = np.linalg.inv(np.linalg.inv(dense)[:k, :k])
    ask = partial(fisher, objective(RULE, data_loss, network=network), THETA, data)
    found = ask(only=FEW, noise=noise, w0_std=w0_std).matrix
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
    known, nearly = ask(only=FEW, noise=noise), ask(only=FEW, noise=noise, w0_std=1e-7)
    for one, other in zip(known, nearly, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert np.linalg.eigvalsh(known.matrix - found).min() > 0, "something is lost"


def test_information_adds_up(data):
    ask = partial(fisher, objective(RULE, accept_loss, network=FLY), THETA, only=FEW)
    one_each = [jax.tree.map(lambda v, i=i: v[i], data) for i in range(EXP)]
    each, together = [ask(one) for one in one_each], ask(data)
    for name in ("matrix", "slope", "count"):
        parts = sum(getattr(one, name) for one in each)
        np.testing.assert_allclose(getattr(together, name), parts, rtol=1e-10)
    many = jax.vmap(ask)(data)
    np.testing.assert_allclose(many.matrix, [one.matrix for one in each], rtol=1e-10)


def test_a_network_as_a_rule(data):
    rule = mlp((3,), scale=0.5)
    theta = rule.init(jr.key(0))
    loss = objective(rule, activity_loss)
    data = data._replace(options=None, choice=None)
    found = laplace(loss, theta, data, noise=0.1)
    flat, unravel = ravel_pytree(theta)
    dense = by_definition(
        "activity", flat, lambda p: simulate(rule, unravel(p), data), data, 0.1
    )
    np.testing.assert_allclose(found.information.matrix, dense, rtol=1e-7, atol=1e-9)
    # What goes into a unit can grow and what comes out shrink: dw is the same.
    assert found.unknown.shape[1] >= 3
    low, high = found.band(rule, visited_states(rule, theta, data))
    assert np.isfinite(low).all() and (low < high).mean() > 0.99
    report = found.report()
    assert "Without information" in report and "Dense_0" not in report
    drawn = found.sample(jr.key(0), 5)
    assert jax.tree.structure(drawn) == jax.tree.structure(theta)


def test_memory_is_not_that_of_the_weights_over_time():
    loss = objective(taylor(OJA_ORDERS), activity_loss)
    directions = np.eye(27)[[4, 12]]

    def memory(steps, ask):
        made = make_experiment(
            np.zeros((2, steps, 40)),
            w0=np.zeros((40, 3)),
            activity=np.ones((2, steps, 3)),
        )
        compiled = jax.jit(ask).lower(jnp.asarray(OJA), made).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    forward = lambda theta, made: _sums(loss, theta, directions, made, None)
    kept = lambda theta, made: activity_loss(loss.predict(theta, made), made)
    reverse = lambda theta, made: jax.grad(kept)(theta, made)
    assert memory(10_000, forward) == memory(100, forward)
    assert memory(1100, reverse) > memory(100, reverse) + 1000 * 8 * 200


# --- Laplace --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def linear():
    """A model that is linear in theta: one change of the weights, seen in two steps."""
    rng = np.random.default_rng(1)
    shape = 40, 2
    made = make_experiment(
        rng.normal(size=(*shape, PRE)),
        w0=rng.normal(size=(40, PRE, POST)),
        activity=rng.normal(size=(*shape, POST)),
    )
    rule = taylor(Orders(x=1, y=1, w=1))
    loss = objective(rule, activity_loss, network=LINEAR._replace(rate=1.0))
    only = ("xy", "w", "one")
    start = jnp.zeros((2, 2, 2, 1))
    free = objective(
        taylor(Orders(x=1, y=1, w=1), only),
        activity_loss,
        network=LINEAR._replace(rate=1.0),
    )
    theta = fit(free, start, made, optimizer=GaussNewton(1e-9), num_steps=10).theta
    return loss, theta, made, only


def test_in_a_linear_model_all_is_linear_regression(linear):
    loss, theta, data, only = linear
    found = laplace(loss, theta, data, only=only, level=0.9)
    free = [0, 1, 6]
    assert found.names == ("one", "w", "xy") and found.free.tolist() == free
    j = jax.jacfwd(lambda t: loss.forward(t, data).y)(theta).reshape(-1, 8)[:, free]
    error = np.asarray(data.activity - loss.predict(theta, data).y).ravel()
    variance = error @ error / (len(error) - 3)
    covariance = variance * np.linalg.inv(j.T @ j)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8)
    std = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found.std, std)
    np.testing.assert_allclose(found.mean, theta.ravel()[np.array(free)])
    low, high = found.interval
    np.testing.assert_allclose(
        [high - found.mean, found.mean - low], [1.644854 * std] * 2, rtol=1e-6
    )
    spread, rows = found.directions
    assert (np.diff(spread) > 0).all()
    np.testing.assert_allclose(
        rows @ covariance @ rows.T, np.diag(spread**2), atol=1e-12
    )
    assert found.distance < 1e-6
    drawn = np.asarray(found.sample(jr.key(0), 20_000)).reshape(-1, 8)
    assert (drawn[:, [2, 3, 4, 5, 7]] == 0).all()
    np.testing.assert_allclose(
        np.cov(drawn[:, free].T), covariance, atol=0.03 * np.max(std**2)
    )
    np.testing.assert_allclose(drawn[:, free].mean(0), found.mean, atol=0.03 * max(std))


def test_the_band_is_that_of_the_samples(linear):
    loss, theta, data, only = linear
    found = laplace(loss, theta, data, only=only)
    states = States(*np.random.default_rng(0).normal(size=(4, 7)))
    rule = taylor(Orders(x=1, y=1, w=1))
    low, high = found.band(rule, states)
    at_states = jax.vmap(rule.apply, (None, 0, 0, 0, 0))
    drawn = jax.vmap(at_states, (0, None, None, None, None))(
        found.sample(jr.key(0), 20_000), *states
    )
    np.testing.assert_allclose(
        (high - low) / (2 * 1.96 * np.std(drawn, 0)), 1, atol=0.03
    )
    np.testing.assert_allclose((high + low) / 2, at_states(theta, *states))


def test_how_far_the_fit_is_from_the_best_one(linear):
    loss, theta, data, only = linear
    best = laplace(loss, theta, data, only=only, noise=1.0)
    away = np.zeros(8)
    away[best.free] = 2 * best.root[:, 1]  # two standard deviations
    moved = laplace(loss, theta + away.reshape(theta.shape), data, only=only, noise=1.0)
    np.testing.assert_allclose(moved.distance, 2, rtol=1e-5)
    assert (
        "not the best fit of this likelihood, which lies 2 standard" in moved.report()
    )
    assert "best fit" not in best.report()


def test_identifiable_is_what_could_be_told_from_zero(linear):
    loss, theta, data, only = linear
    std = laplace(loss, theta, data, only=only).std
    scale = 1.96 * np.sort(std)[1] * 1.001  # the widest is wider
    found = laplace(loss, theta, data, only=only, scale=scale)
    assert found.identifiable.sum() == 2 and not found.identifiable[std.argmax()]
    report = found.report()
    assert report.count("not identifiable") == 1 and "Sloppy: along" in report
    line = [row for row in report.splitlines() if "not identifiable" in row]
    assert line[0].split()[0] == found.names[std.argmax()]
    assert "Sloppy" not in laplace(loss, theta, data, only=only, scale=9.0).report()


def test_a_prior_adds_to_the_information(linear):
    loss, theta, data, only = linear
    plain = laplace(loss, theta, data, only=only, noise=0.5)
    found = laplace(loss, theta, data, only=only, noise=0.5, prior=(0.1, 1, 2))
    expected = np.linalg.inv(np.linalg.inv(plain.covariance) + np.diag([100, 1, 0.25]))
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-8)
    assert found.distance > 0.1, "theta is the fit without the prior"


@pytest.fixture(scope="module")
def blind():
    """Odours of one strength, and never a reward: x and x^2 are one term, r is none."""
    rng = np.random.default_rng(3)
    odour = rng.integers(2, size=(4, 60))
    data = make_experiment(
        0.75 * np.eye(2)[odour],
        w0=0.1 * rng.normal(size=(4, 2, 1)),
        reward=np.zeros((4, 60)),
        accept=rng.integers(2, size=(4, 60)),
    )
    orders, only = Orders(x=2, w=1, r=1), ("x", "xx", "w", "r", "xr")
    loss = objective(taylor(orders), accept_loss, network=FLY)
    theta = terms(orders, x=0.3, w=-0.2, xr=1.0)
    return laplace(loss, theta, data, only=only), (loss, theta, data)


def test_what_the_data_do_not_tell_is_named(blind):
    found, (loss, theta, data) = blind
    told = dict(zip(found.names, np.isfinite(found.std), strict=True))
    assert told == {"w": True, "x": False, "xx": False, "r": False, "xr": False}
    without = laplace(loss, theta, data, only=("x", "w"))
    np.testing.assert_allclose(
        found.std[found.names.index("w")], without.std[0], rtol=1e-6
    )
    assert found.unknown.shape[1] == 3 and np.isinf(found.directions[0]).sum() == 3
    report = found.report()
    assert "Without information: 3 of 5 directions." in report
    assert "+1.00 xx -0.75 x" in report
    for name in ("x", "xx", "r", "xr"):
        assert f"  {name:6} the data do not tell it" in report
    # x + 0.75 xx is told, although neither is.
    row = [{"x": 1, "xx": 0.75}.get(name, 0) for name in found.names]
    np.testing.assert_allclose(
        found.std_along(np.array(row)), without.std[1], rtol=1e-6
    )


def test_the_band_is_infinite_where_the_data_never_went(blind):
    found, (_, _, data) = blind
    rule = taylor(Orders(x=2, w=1, r=1))
    x, r = np.array([0.75, 0.0, 0.4, 0.75]), np.array([0.0, 0.0, 0.0, 1.0])
    low, high = found.band(rule, States(x, 0 * x, 0.2 + 0 * x, r))
    assert np.isfinite(high - low).tolist() == [True, True, False, False]
    assert (high - low)[0] > 0


def test_a_prior_leaves_nothing_untold(blind):
    _, (loss, theta, data) = blind
    found = laplace(loss, theta, data, only=("r", "x"), prior=0.5)
    assert found.unknown.shape[1] == 0
    np.testing.assert_allclose(found.std[found.names.index("r")], 0.5)


def oja_sets(count, **sizes):
    """Data sets of Oja's rule with noise 0.2, along a leading axis."""
    shape = {"n_experiments": 6, "n_steps": 8, "n_pre": 8, "n_post": 6, "x_std": 0.8}
    make = partial(neural_task, rule=taylor(OJA_ORDERS), theta=OJA)
    shape |= {"noise": 0.2} | sizes
    sets = [make(jr.key(seed), **shape) for seed in range(count)]
    return jax.tree.map(lambda *v: jnp.stack(v), *sets)


def test_intervals_cover():
    orders, count, only = Orders(x=1, y=2, w=1), 80, ("xy", "yyw", "x", "w")
    loss, sets = objective(taylor(orders), activity_loss), oja_sets(count)
    ask = jax.jit(jax.vmap(partial(fisher, loss, only=only)))
    free = [k for k, name in enumerate(term_names(orders)) if name in only]
    truth = np.asarray(terms(orders, xy=1.0, yyw=-1.0)).ravel()[free]
    thetas = np.zeros((count, 12))
    for _ in range(8):  # the best fits, by Fisher scoring
        found = ask(thetas.reshape(count, *orders.shape), sets)
        thetas[:, free] += np.linalg.solve(found.matrix, found.slope[..., None])[..., 0]
    std = np.sqrt([np.diag(np.linalg.inv(one)) for one in found.matrix])
    low, high = thetas[:, free] - 1.96 * std, thetas[:, free] + 1.96 * std
    share = coverage(truth, low, high)
    assert (share.share > 0.87).all() and (share.low < 0.95).all()
    assert np.std((thetas[:, free] - truth) / std) == pytest.approx(1, abs=0.15)


def test_a_sloppy_problem_is_named_and_its_band_covers():
    sizes = {"n_experiments": 20, "n_steps": 20, "n_pre": 15, "n_post": 8}
    rule, start = taylor(OJA_ORDERS), jnp.zeros(OJA_ORDERS.shape)
    data = neural_task(jr.key(0), rule, OJA, noise=0.03, **sizes)
    loss = objective(rule, activity_loss)
    theta = fit(loss, start, data, optimizer=GaussNewton(), num_steps=20).theta
    found = laplace(loss, theta, data)
    assert "Sloppy" in found.report() and found.identifiable.sum() < 20
    assert found.distance < 0.01
    states = visited_states(rule, OJA, jax.tree.map(lambda v: v[:3], data))
    low, high = found.band(rule, states)
    dw = jax.vmap(rule.apply, (None, 0, 0, 0, 0))(jnp.asarray(OJA), *states)
    assert np.median(high - low) / 2 < np.std(dw), "a band that says something"
    assert np.mean((low <= dw) & (dw <= high)) >= 0.9


# --- profile likelihood ---------------------------------------------------------------


def test_in_a_linear_model_the_profile_is_a_parabola(linear):
    loss, theta, data, only = linear
    around = laplace(loss, theta, data, only=only)
    found = profile(loss, theta, data, "w", only=only, num_steps=1, at_once=3)
    k = around.names.index("w")
    off = (found.values - around.mean[k]) / around.std[k]
    np.testing.assert_allclose(found.deviance, off**2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        [found.low, found.high], np.ravel(around.interval)[[k, 3 + k]], rtol=1e-4
    )
    np.testing.assert_allclose(found.thetas[:, 0, 0, 1, 0], found.values)


def test_a_profile_is_a_fit_with_one_coefficient_held():
    """Against L-BFGS on the others, where the likelihood is no parabola."""
    orders, only = Orders(x=1, w=1, r=1), ("xr", "w", "one")
    truth = terms(orders, xr=1.0, w=-0.2)
    made = foraging_task(
        jr.key(0),
        taylor(orders, only),
        truth,
        n_experiments=2,
        trials_per_block=10,
        n_post=1,
        network=FLY,
    ).experiment
    loss = objective(taylor(orders, only), accept_loss, network=FLY)

    def negative(theta):  # the log-likelihood, of (one, w, xr)
        whole = truth.at[0, 0, 0, 0].set(theta[0]).at[0, 0, 1, 0].set(theta[1])
        whole = whole.at[1, 0, 0, 1].set(theta[2])
        return loss(whole, made) * jnp.sum(made.valid), whole

    slope = jax.jit(jax.value_and_grad(negative, has_aux=True))

    def lowest(w=None):
        """With w held, if it is given."""

        def of_others(others):
            theta = others if w is None else np.insert(others, 1, w)
            (value, _), gradient = slope(jnp.asarray(theta))
            return float(value), np.delete(gradient, [] if w is None else 1)

        start = np.array([0.0, -0.2, 1.0])
        start = start if w is None else np.delete(start, 1)
        return minimize(of_others, start, jac=True, tol=1e-9)

    best = lowest()
    (_, theta), _ = slope(jnp.asarray(best.x))
    around = laplace(loss, theta, made, only=only)
    values = best.x[1] + around.std[1] * np.array([-1.5, 1.0])
    found = profile(loss, theta, made, "w", only=only, values=values, num_steps=10)
    expected = [2 * (lowest(w).fun - best.fun) for w in values]
    np.testing.assert_allclose(found.deviance, expected, rtol=1e-4)
    assert abs(np.sqrt(found.deviance[0]) / 1.5 - 1) > 0.01, "no parabola"


def test_the_profile_of_what_the_data_do_not_tell_is_flat(blind):
    _, (loss, theta, data) = blind
    for term in ("r", "x"):
        found = profile(loss, theta, data, term, only=("x", "xx", "r"), num_steps=8)
        assert np.ptp(found.deviance) < 1e-6
        assert (found.low, found.high) == (-np.inf, np.inf)


# --- coverage -------------------------------------------------------------------------


def test_coverage_counts():
    low = np.array([[-1.0, 0.5], [0.1, -np.inf], [-2.0, np.nan], [-1.0, -1.0]])
    high = np.array([[1.0, 1.5], [1.0, np.inf], [0.0, np.nan], [2.0, 1.0]])
    found = coverage([0.0, 0.0], low, high)
    np.testing.assert_array_equal(found.share, [0.75, 0.5])
    for k, held in enumerate((3, 2)):
        exact = binomtest(held, 4).proportion_ci(0.95, "exact")
        np.testing.assert_allclose(
            [found.low[k], found.high[k]], [exact.low, exact.high]
        )
    sure = coverage([0.0], low[:, :1] - 9, high[:, :1] + 9)
    assert (
        sure.high[0] == 1.0 and coverage([9.0], low[:, :1], high[:, :1]).low[0] == 0.0
    )


# --- bad input ------------------------------------------------------------------------

LOSS = objective(RULE, activity_loss)


def seen(data):
    return data._replace(options=None, choice=None, accept=None)


BAD = {
    "a plain function": (
        lambda d: fisher(lambda theta, data: 0.0, THETA, d),  # pyright: ignore
        r"no likelihood that is known here; expected objective\(",
    ),
    "noise on choices": (
        lambda d: fisher(
            objective(RULE, accept_loss, network=FLY), THETA, d, noise=1.0
        ),
        "choices have none. Leave it out",
    ),
    "choices where activity is needed": (
        lambda d: fisher(
            objective(RULE, activity_loss, network=FLY),
            THETA,
            d._replace(activity=None),
        ),
        "activity_loss needs activity, and this experiment has none",
    ),
    "activity where choices are needed": (
        lambda d: fisher(objective(RULE, choice_loss, network=FLY), THETA, seen(d)),
        "choice_loss needs choice, and this experiment has none",
    ),
    "choices without a read-out": (
        lambda d: fisher(objective(RULE, accept_loss), THETA, d),
        "network has no read-out|needs a network with a read-out",
    ),
    "unknown weights without noise": (
        lambda d: fisher(LOSS, THETA, seen(d), w0_std=1.0),
        "the noise cannot be read off the residuals; pass noise=",
    ),
    "no noise": (
        lambda d: fisher(LOSS, THETA, seen(d), noise=0.0),
        "noise is 0.0; expected one number above 0",
    ),
    "weights known for sure": (
        lambda d: fisher(LOSS, THETA, seen(d), noise=1.0, w0_std=0.0),
        "w0_std is 0.0; expected one number above 0",
    ),
    "a bare term": (
        lambda d: fisher(LOSS, THETA, seen(d), only="xy"),
        r"only is 'xy'; expected a sequence of terms",
    ),
    "an unknown term": (
        lambda d: fisher(LOSS, THETA, seen(d), only=("q",)),
        "unknown letter 'q'",
    ),
    "terms of a network": (
        lambda d: fisher(
            objective(mlp(), activity_loss), mlp().init(jr.key(0)), seen(d), only=("x",)
        ),
        "and the theta of a Taylor rule",
    ),
    "a level of 95": (
        lambda d: laplace(LOSS, THETA, seen(d), level=95),
        "level is 95 and scale 1.0; expected a share such as 0.95",
    ),
    "a fit that diverged": (
        lambda d: laplace(LOSS, THETA * 1e300, seen(d)),
        "information is not finite: with this theta the weights grow without bound",
    ),
    "a term that is not free": (
        lambda d: profile(LOSS, THETA, seen(d), "x", only=("w", "xy")),
        "no free coefficient 'x'; expected one of w, xy",
    ),
    "nowhere to hold it": (
        lambda d: profile(LOSS, THETA, seen(d), "x", values=[]),
        r"expected one row of numbers at which to hold 'x'",
    ),
    "intervals of one set": (
        lambda d: coverage([0.0], [0.0], [1.0]),
        r"low \(1,\) and high \(1,\); expected \(k,\) and twice \(set, k\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case, data):
    act, sentence = BAD[case]
    with pytest.raises(ValueError, match=sentence):
        act(data)
