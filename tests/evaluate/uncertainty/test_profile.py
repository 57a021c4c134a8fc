"""Profile likelihood: one coefficient held, the others fitted."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from scipy.optimize import minimize

import plastutor as pt


def test_in_a_linear_model_the_profile_is_a_parabola(linear):
    loss, theta, data = linear
    around = pt.laplace(loss, theta, data)
    found = pt.profile(loss, theta, data, "w", max_steps=1, batch_size=3)
    k = around.names.index("w")
    off = (found.values - around.mean[k]) / around.std[k]
    np.testing.assert_allclose(found.deviance, off**2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        [found.low, found.high], np.ravel(around.interval)[[k, 3 + k]], rtol=1e-4
    )
    np.testing.assert_allclose(found.thetas[:, 0, 0, 1, 0], found.values)


def test_a_profile_is_a_fit_with_one_coefficient_held():
    """Against L-BFGS on the others, where the likelihood is no parabola."""
    orders, only = pt.Orders(x=1, w=1, r=1), ("xr", "w", "one")
    truth = pt.terms(orders, xr=1.0, w=-0.2)
    made = pt.foraging_task(
        jr.key(0),
        pt.taylor(orders, only),
        truth,
        n_experiments=2,
        trials_per_block=10,
        n_post=1,
        network=pt.FLY,
    ).experiment
    loss = pt.objective(pt.taylor(orders, only), pt.accept, network=pt.FLY)

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
    around = pt.laplace(loss, theta, made)
    values = best.x[1] + around.std[1] * np.array([-1.5, 1.0])
    found = pt.profile(loss, theta, made, "w", values=values, max_steps=10)
    expected = [2 * (lowest(w).fun - best.fun) for w in values]
    np.testing.assert_allclose(found.deviance, expected, rtol=1e-4)
    assert abs(np.sqrt(found.deviance[0]) / 1.5 - 1) > 0.01, "no parabola"


def test_the_profile_of_what_the_data_do_not_tell_is_flat(blind):
    _, (loss, theta, data) = blind
    for term in ("r", "x"):
        found = pt.profile(loss, theta, data, term, max_steps=8)
        assert np.ptp(found.deviance) < 1e-6
        assert (found.low, found.high) == (-np.inf, np.inf)
