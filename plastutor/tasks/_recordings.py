"""Tasks: experiments made with a known rule, so that inference can be checked."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import PRNGKeyArray
from numpy.typing import DTypeLike

from plastutor._experiments import check_dtype, make_experiment
from plastutor._simulate import simulate
from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import RECORDED, Network


def redraw_w0(
    key: PRNGKeyArray, experiment: Experiment, std: float | int | None = None
) -> Experiment:
    """The same experiment for a student who does not know the initial weights.

    Args:
        key: a JAX random key.
        experiment: one or a batch; of several projections, all are drawn.
        std: standard deviation of the new weights; default sqrt(2 / n_pre), with the
            rows of each projection as n_pre.

    >>> e = make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> bool((redraw_w0(jr.key(0), e).w0 != 0).all())
    True
    """

    def drawn(key, w0):
        size = math.sqrt(2 / w0.shape[-2]) if std is None else std
        return size * jr.normal(key, w0.shape, w0.dtype)

    if not isinstance(experiment.w0, Mapping):
        return experiment._replace(w0=drawn(key, experiment.w0))
    names = sorted(experiment.w0)
    keys = dict(zip(names, jr.split(key, len(names)), strict=True))
    w0 = {name: drawn(keys[name], experiment.w0[name]) for name in names}
    return experiment._replace(w0=w0)


def hide_inputs(
    key: PRNGKeyArray, experiment: Experiment, recorded: float, *, fill_std: float = 0.0
) -> Experiment:
    """The same experiments for a student who sees only some of the inputs.

    Args:
        key: a JAX random key.
        experiment: a batch.
        recorded: fraction of the inputs that are recorded, drawn for the whole batch.
        fill_std: what stands in for the others: 0 leaves them out, which is to put
            their mean; else fresh noise with this standard deviation.

    >>> e = make_experiment(jnp.ones((1, 5, 100)), w0=jnp.zeros((1, 100, 2)))
    >>> int(hide_inputs(jr.key(0), e, 0.5).x[0, 0].sum())
    46
    """
    check_fraction(recorded)
    key_kept, key_fill = jr.split(key)
    kept = jr.bernoulli(key_kept, recorded, experiment.x.shape[-1:])
    fill = fill_std * jr.normal(key_fill, experiment.x.shape, experiment.x.dtype)
    return experiment._replace(x=jnp.where(kept, experiment.x, fill))


def check_fraction(recorded: float) -> None:
    """Refuse what is no fraction of neurons or inputs."""
    if not 0 < recorded <= 1:
        raise ValueError(f"recorded is {recorded}; expected a fraction in (0, 1].")


def neural_task(
    key: PRNGKeyArray,
    rule: Rule,
    theta: Theta,
    *,
    n_experiments: int = 50,
    n_steps: int = 50,
    n_pre: int = 100,
    n_post: int = 1000,
    x_std: float = 0.1**0.5,
    w_std: float | None = None,
    noise: float = 0.0,
    recorded: float = 1.0,
    network: Network = RECORDED,
    dtype: DTypeLike | None = None,
) -> Experiment:
    """Random stimuli, and the activity of a network that learns by a known rule.

    Every experiment has new inputs x ~ N(0, x_std^2) in every step and new initial
    weights w0 ~ N(0, w_std^2). The defaults are the paper's sizes.

    Args:
        key: a JAX random key.
        rule: the true rule.
        theta: its parameters.
        n_experiments: experiments in the batch (the paper's trajectories).
        n_steps: steps in each.
        n_pre: inputs.
        n_post: plastic neurons.
        x_std: standard deviation of the inputs.
        w_std: standard deviation of w0; default sqrt(2 / n_pre).
        noise: standard deviation of the measurement noise on the recorded activity;
            the dynamics stay free of it.
        recorded: fraction of the neurons that are recorded, drawn for the whole batch;
            the others are NaN.
        network: what is fixed about the learner.
        dtype: float32 or float64; default JAX's own.

    Returns:
        A batch of experiments with `activity`.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> neural_task(jr.key(0), rule, pt.OJA, n_post=4).activity.shape
    (50, 50, 4)
    """
    check_fraction(recorded)
    dtype = check_dtype(dtype)
    key_x, key_w, key_noise, key_recorded = jr.split(key, 4)
    x = x_std * jr.normal(key_x, (n_experiments, n_steps, n_pre), dtype)
    if w_std is None:
        w_std = math.sqrt(2 / n_pre)
    w0 = w_std * jr.normal(key_w, (n_experiments, n_pre, n_post), dtype)
    made = make_experiment(x, w0=w0, dtype=dtype)
    y = simulate(rule, theta, made, network=network, keep_weights=False).y
    y = y + noise * jr.normal(key_noise, y.shape, y.dtype)
    kept = jr.bernoulli(key_recorded, recorded, (n_post,)).at[0].set(True)
    return made._replace(activity=jnp.where(kept, y, jnp.nan).astype(dtype))
