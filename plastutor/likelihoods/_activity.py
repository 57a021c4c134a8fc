"""Recorded activity: how far a simulated trajectory is from it."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Experiment, Trajectory


def _needed(value, name: str, likelihood: str):
    if value is None:
        raise ValueError(
            f"{likelihood} needs {name}, and this experiment has none; pass {name}=... "
            "to make_experiment, or use the likelihood that fits your data: "
            "pt.activity, pt.accept or pt.choice."
        )
    return value


# Each loss is a mean: a sum over what was observed, and how much that was. The two have
# a function of their own, because they can be taken piece by piece. What is masked may
# hold anything, even NaN.


def activity_sums(trajectory: Trajectory, experiment: Experiment):
    activity = _needed(experiment.activity, "activity", "pt.activity")
    recorded = ~jnp.isnan(activity) & experiment.valid[..., None]
    error = trajectory.y - jnp.where(recorded, activity, 0)
    return jnp.sum(jnp.where(recorded, error**2, 0)), jnp.sum(recorded)


def activity(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean squared error of the activity, over what was recorded.

    L = mean over recorded (step, neuron) of (o - y)^2, in squared units of activity.
    Mehta et al. (2024) use the same with the sum in place of the mean.

    >>> import plastutor as pt
    >>> e = pt.make_experiment([[1.0]], w0=[[0.0]], activity=[[0.5]])
    >>> round(float(activity(Trajectory(None, jnp.array([[0.7]])), e)), 3)
    0.04
    """
    total, count = activity_sums(trajectory, experiment)
    return total / count.astype(total.dtype)
