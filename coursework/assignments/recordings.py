"""Recorded activity under a Taylor rule, as two of the assignments use it."""

import jax
import numpy as np

import plastutor as pt

RULE = pt.taylor(pt.OJA_ORDERS)


def record(key, theta, **how) -> dict:
    """Experiments with strong inputs, so that activity fills its range."""
    made = pt.neural_task(key, RULE, theta, x_std=1.0, dtype="float32", **how)
    return {name: np.asarray(getattr(made, name)) for name in ("x", "w0", "activity")}


@jax.jit
def _squared_errors(theta, theta_true, experiment):
    true, found = (pt.simulate(RULE, t, experiment).w for t in (theta_true, theta))
    unchanged = experiment.w0[:, None]
    return ((true - found) ** 2).sum(), ((true - unchanged) ** 2).sum()


def weights_explained(theta, theta_true, data: dict) -> float:
    """1 - squared error of the weights / that of the model that does nothing.

    0 for the model that does nothing, 1 for the true rule; it can be far below 0.
    """
    experiment = pt.make_experiment(data["x"], w0=data["w0"], dtype="float32")
    off, nothing = _squared_errors(theta, theta_true, experiment)
    explained = 1 - float(off) / float(nothing)
    if not np.isfinite(explained):
        raise ValueError("with this theta the weights grow without bound.")
    return explained
