"""Checks of JAX in ten minutes."""

import numpy as np

from plastutor.teaching.checks._agreement import check


@check(
    [{"sizes": sizes} for sizes in ([3, 3], [2, 2, 5], [2, 5, 2, 5])],
    "A program is compiled once for each size, and kept.",
)
def trace_count(sizes):
    """Is `function(sizes)` how often a compiled function is traced, call by call?"""
    return len(set(sizes))


@check(
    [
        {"x": np.ones(1), "y": np.array([0.5]), "w": np.ones((1, 1))},
        {"x": np.ones(3), "y": np.array([0.8, 0.1]), "w": np.ones((3, 2))},
        {"x": np.arange(2.0), "y": np.arange(4.0), "w": np.arange(8.0).reshape(2, 4)},
    ],
    "Differentiate oja for one synapse with jax.grad(oja, argnums=2), then map it over "
    "the outputs with in_axes (None, 0, 0) and over the inputs with (0, None, 0).",
)
def oja_derivative(x, y, w):
    """Is `function(x, y, w)` -y^2, the derivative of Oja's rule by w, everywhere?"""
    return np.broadcast_to(-(y**2), w.shape)


@check(
    [
        {"reward": np.array([1.0, 0.0, 0.0]), "rate": 1.0},
        {"reward": np.array([1.0, 1.0, 0.0]), "rate": 0.5},
        {"reward": np.array([0.0, 1.0, 0.0, 1.0, 1.0]), "rate": 0.1},
    ],
    "The step of the scan gets e and one reward; it returns the new e, and the old one "
    "to keep.",
)
def running_expectation(reward, rate):
    """Does `function(reward, rate)` give the expectation before each reward?"""
    expected = np.zeros(len(reward))
    for t in range(len(reward) - 1):
        expected[t + 1] = expected[t] + rate * (reward[t] - expected[t])
    return expected
