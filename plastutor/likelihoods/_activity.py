"""Recorded activity: how far a simulated trajectory is from it."""

from __future__ import annotations

import jax

from plastutor.likelihoods._likelihood import Likelihood


def _activity(trajectory):
    return trajectory.y


def _squared_error(y, observed):
    return (y - observed) ** 2


def _residuals(y, tangents, observed):
    return observed - y, tangents


def _with_noise(key, y):
    return y + jax.random.normal(key, y.shape, y.dtype)


activity = Likelihood(
    "activity", _activity, _squared_error, _with_noise, _residuals, has_noise=True
)
"""Recorded activity: `pt.activity(trajectory, experiment)` is the mean squared error.

L = mean over recorded (step, neuron) of (o - y)^2, in squared units of activity.
Mehta et al. (2024) use the same with the sum in place of the mean.

>>> import plastutor as pt
>>> e = pt.make_experiment([[1.0]], w0=[[0.0]], activity=[[0.5]])
>>> round(float(activity(pt.Trajectory(None, jax.numpy.array([[0.7]])), e)), 3)
0.04
"""
