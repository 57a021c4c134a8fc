"""Laplace: intervals and bands beside what is known, and what is not identifiable."""

import jax
import jax.random as jr
import numpy as np

import plastutor as pt


def test_in_a_linear_model_all_is_linear_regression(linear):
    loss, theta, data = linear
    found = pt.laplace(loss, theta, data, level=0.9)
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
    loss, theta, data = linear
    found = pt.laplace(loss, theta, data)
    states = pt.infer.States(*np.random.default_rng(0).normal(size=(4, 7)))
    rule = pt.taylor(pt.Orders(x=1, y=1, w=1))
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
    loss, theta, data = linear
    best = pt.laplace(loss, theta, data, noise=1.0)
    away = np.zeros(8)
    away[best.free] = 2 * best.root[:, 1]  # two standard deviations
    moved = pt.laplace(loss, theta + away.reshape(theta.shape), data, noise=1.0)
    np.testing.assert_allclose(moved.distance, 2, rtol=1e-5)
    assert (
        "not the best fit of this likelihood, which lies 2 standard" in moved.report()
    )
    assert "best fit" not in best.report()


def test_identifiable_is_what_could_be_told_from_zero(linear):
    loss, theta, data = linear
    std = pt.laplace(loss, theta, data).std
    scale = 1.96 * np.sort(std)[1] * 1.001  # the widest is wider
    found = pt.laplace(loss, theta, data, scale=scale)
    assert found.identifiable.sum() == 2 and not found.identifiable[std.argmax()]
    report = found.report()
    assert report.count("not identifiable") == 1 and "Sloppy: along" in report
    line = [row for row in report.splitlines() if "not identifiable" in row]
    assert line[0].split()[0] == found.names[std.argmax()]
    assert "Sloppy" not in pt.laplace(loss, theta, data, scale=9.0).report()


def test_a_prior_adds_to_the_information(linear):
    loss, theta, data = linear
    plain = pt.laplace(loss, theta, data, noise=0.5)
    found = pt.laplace(loss, theta, data, noise=0.5, prior=(0.1, 1, 2))
    expected = np.linalg.inv(np.linalg.inv(plain.covariance) + np.diag([100, 1, 0.25]))
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-8)
    assert found.distance > 0.1, "theta is the fit without the prior"


def of_terms(*only):
    rule = pt.taylor(pt.Orders(x=2, w=1, r=1), only)
    return pt.objective(rule, pt.accept, network=pt.FLY)


def test_what_the_data_do_not_tell_is_named(blind):
    found, (_, theta, data) = blind
    told = dict(zip(found.names, np.isfinite(found.std), strict=True))
    assert told == {"w": True, "x": False, "xx": False, "r": False, "xr": False}
    without = pt.laplace(of_terms("x", "w"), theta, data)
    np.testing.assert_allclose(
        found.std[found.names.index("w")], without.std[0], rtol=1e-6
    )
    assert found.unknown.shape[1] == 3 and np.isinf(found.directions[0]).sum() == 3
    report = found.report()
    assert "Without information: 3 of 5 directions." in report
    assert "+1.00 xx -0.75 x" in report
    for name in ("x", "xx", "r", "xr"):
        assert f"  {name:6} not identifiable: no information" in report
    # x + 0.75 xx is told, although neither is.
    row = [{"x": 1, "xx": 0.75}.get(name, 0) for name in found.names]
    np.testing.assert_allclose(
        found.std_along(np.array(row)), without.std[1], rtol=1e-6
    )


def test_the_band_is_infinite_where_the_data_never_went(blind):
    found, (_, _, data) = blind
    rule = pt.taylor(pt.Orders(x=2, w=1, r=1))
    x, r = np.array([0.75, 0.0, 0.4, 0.75]), np.array([0.0, 0.0, 0.0, 1.0])
    low, high = found.band(rule, pt.infer.States(x, 0 * x, 0.2 + 0 * x, r))
    assert np.isfinite(high - low).tolist() == [True, True, False, False]
    assert (high - low)[0] > 0


def test_a_prior_leaves_nothing_untold(blind):
    _, (_, theta, data) = blind
    found = pt.laplace(of_terms("x", "r"), theta, data, prior=0.5)
    assert found.unknown.shape[1] == 0
    np.testing.assert_allclose(found.std[found.names.index("r")], 0.5)
