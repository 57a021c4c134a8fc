"""Fresh data: new in every step, the same for the same key."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import plastutor as pt
from plastutor.objectives import Fresh, data_at

TRUE = jnp.array([1.0, -2.0])


def sample(key):
    """Noisy looks at the truth."""
    return TRUE[None] + jr.normal(key, (20, 2))


def loss(theta, data):
    return ((theta[None] - data) ** 2).sum(-1).mean()


def slow(steps):
    return optax.sgd(optax.cosine_decay_schedule(0.1, steps))


def test_every_step_sees_its_own_data(key):
    """With a rate of one half, theta is the mean of the last data."""
    data = Fresh(sample, key)
    found = pt.fit(loss, jnp.zeros(2), data, optimizer=optax.sgd(0.5), max_steps=60)
    for k in (0, 24, 25, 59):
        mean = data.draw(k).mean(0)
        np.testing.assert_allclose(found.thetas[k + 1], mean, rtol=1e-6)
        assert found.losses[k] == pytest.approx(
            float(loss(found.thetas[k], data.draw(k)))
        )
    np.testing.assert_allclose(found.theta, found.thetas[-1])
    assert found.losses.argmin() != len(found.losses) - 1
    assert found.status == "finished"


def test_the_truth_is_found_and_seeds_reproduce():
    found = [
        pt.fit(
            loss,
            jnp.zeros(2),
            Fresh(sample, jr.key(k)),
            optimizer=slow(300),
            max_steps=300,
        )
        for k in (0, 0, 1)
    ]
    assert np.abs(found[0].theta - TRUE).max() < 0.1
    assert (found[0].thetas == found[1].thetas).all()
    assert (found[0].theta != found[2].theta).any()


def test_an_optimiser_at_rest_has_finished(key):
    """The rate ends at zero, so theta stays, and no fixed data are there to judge."""
    found = pt.fit(
        loss, jnp.zeros(2), Fresh(sample, key), optimizer=slow(10), max_steps=40
    )
    assert found.status == "finished" and (found.thetas[-1] == found.thetas[-9]).all()


def test_many_fits_share_data_or_have_their_own(key):
    starts, keys = jnp.zeros((2, 2)), jr.split(key)
    how = {"optimizer": optax.sgd(0.5), "max_steps": 5}
    same = pt.fit_many(loss, starts, Fresh(sample, key), **how)
    assert (same[0].theta == same[1].theta).all()
    own = pt.fit_many(loss, starts, Fresh(sample, keys), data_axes=0, **how)
    assert (own[0].theta != own[1].theta).any()
    alone = pt.fit(loss, starts[0], Fresh(sample, keys[1]), **how)
    np.testing.assert_allclose(own[1].theta, alone.theta)


@pytest.mark.parametrize("optimizer", [pt.infer.LBFGS, pt.GaussNewton()])
def test_a_line_search_is_refused(key, optimizer):
    objective = pt.objectives.Objective(
        lambda t, d: t[None] - d, lambda p, d: (p**2).sum(), None
    )
    with pytest.raises(ValueError, match="new in each step"):
        pt.fit(objective, jnp.zeros(2), Fresh(sample, key), optimizer=optimizer)


def test_horizons_need_experiments(key):
    with pytest.raises(ValueError, match="data is not an Experiment"):
        pt.fit(loss, jnp.zeros(2), Fresh(sample, key), horizons=(3,))


def test_fresh_data_pass_through_jax(key):
    data = Fresh(sample, key)
    drawn = jax.jit(lambda data, k: data_at(data, k))(data, 3)
    np.testing.assert_allclose(drawn, data.draw(3))
