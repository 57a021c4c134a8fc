"""Small data sets, each with a likelihood that is known from other sources."""

import jax.numpy as jnp
import numpy as np
import pytest

import plastutor as pt

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
    return pt.make_experiment(
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


@pytest.fixture(scope="module")
def linear():
    """A model that is linear in theta: one change of the weights, seen in two steps."""
    rng = np.random.default_rng(1)
    shape = 40, 2
    made = pt.make_experiment(
        rng.normal(size=(*shape, PRE)),
        w0=rng.normal(size=(40, PRE, POST)),
        activity=rng.normal(size=(*shape, POST)),
    )
    rule = pt.taylor(pt.Orders(x=1, y=1, w=1), ("xy", "w", "one"))
    loss = pt.objective(rule, pt.activity, network=pt.LINEAR._replace(rate=1.0))
    start, newton = jnp.zeros((2, 2, 2, 1)), pt.GaussNewton(1e-9)
    theta = pt.fit(loss, start, made, optimizer=newton, max_steps=10).theta
    return loss, theta, made


@pytest.fixture(scope="module")
def blind():
    """Odours of one strength, and never a reward: x and x^2 are one term, r is none."""
    rng = np.random.default_rng(3)
    odour = rng.integers(2, size=(4, 60))
    data = pt.make_experiment(
        0.75 * np.eye(2)[odour],
        w0=0.1 * rng.normal(size=(4, 2, 1)),
        reward=np.zeros((4, 60)),
        accept=rng.integers(2, size=(4, 60)),
    )
    orders, only = pt.Orders(x=2, w=1, r=1), ("x", "xx", "w", "r", "xr")
    loss = pt.objective(pt.taylor(orders, only), pt.accept, network=pt.FLY)
    theta = pt.terms(orders, x=0.3, w=-0.2, xr=1.0)
    return pt.laplace(loss, theta, data), (loss, theta, data)
