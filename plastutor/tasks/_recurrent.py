"""Recurrent: recordings of neurons that drive one another, by rules that are known."""

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
from plastutor.networks import Recurrent
from plastutor.tasks._recordings import check_fraction


def recurrent_task(
    key: PRNGKeyArray,
    rule: Rule | Mapping[str, Rule],
    theta: Theta,
    *,
    network: Recurrent,
    n_experiments: int = 25,
    n_steps: int = 200,
    n_pre: int = 20,
    n_post: int = 30,
    x_std: float = 1.0,
    w_std: Mapping[str, float] | None = None,
    noise: float = 0.0,
    recorded: float = 1.0,
    dtype: DTypeLike | None = None,
) -> Experiment:
    """Random stimuli, and the activity of a recurrent network that learns by rules.

    Every experiment has new inputs x ~ N(0, x_std^2) in every step and new initial
    weights ~ N(0, w_std^2), with the signs and masks of the network.

    Args:
        key: a JAX random key.
        rule: the true rules, a mapping from projections; or one that they share.
        theta: their parameters.
        network: what is fixed about the learner.
        n_experiments: experiments in the batch.
        n_steps: steps in each.
        n_pre: inputs.
        n_post: neurons.
        x_std: standard deviation of the inputs.
        w_std: standard deviations of initial weights, by projection; default
            1 / sqrt(n), where n inputs of this projection, as the mask leaves them,
            reach a neuron.
        noise: standard deviation of the measurement noise on the recorded activity;
            the dynamics stay free of it.
        recorded: fraction of the neurons that are recorded, drawn for the whole batch;
            the others are NaN.
        dtype: float32 or float64; default JAX's own.

    Returns:
        A batch of experiments with `activity`.

    Raises:
        ValueError: a fraction or a noise that is none; rules that fit no projection.

    >>> import plastutor as pt
    >>> rules = {"ff": pt.taylor(pt.OJA_ORDERS), "rec": pt.taylor(pt.OJA_ORDERS)}
    >>> theta = {"ff": pt.OJA, "rec": -pt.HEBB}
    >>> loop = Recurrent(rates=0.01)
    >>> data = recurrent_task(jr.key(0), rules, theta, network=loop)
    >>> data.activity.shape, data.w0["rec"].shape
    ((25, 200, 30), (25, 30, 30))
    """
    check_fraction(recorded)
    if not 0 <= noise < math.inf:
        raise ValueError(
            f"noise is {noise!r}; expected a standard deviation, a number from 0 up."
        )
    dtype = check_dtype(dtype)
    key_x, key_w, key_noise, key_recorded = jr.split(key, 4)
    x = x_std * jr.normal(key_x, (n_experiments, n_steps, n_pre), dtype)
    shapes = {"ff": (n_pre, n_post)} | dict.fromkeys(network.between, (n_post, n_post))
    w0, keys = {}, jr.split(key_w, len(shapes))
    for name, key_one in zip(shapes, keys, strict=True):
        drawn = jr.normal(key_one, (n_experiments, *shapes[name]), dtype)
        w0[name] = _std(name, network, shapes[name], w_std) * drawn
        if name in network.signs:
            signs = jnp.asarray(network.signs[name], dtype)[None]
            w0[name] = jnp.where(signs == 0, w0[name], signs * jnp.abs(w0[name]))
        if name in network.masks:
            w0[name] = jnp.where(jnp.asarray(network.masks[name])[None], w0[name], 0)
    made = make_experiment(x, w0=w0, dtype=dtype)
    y = simulate(rule, theta, made, network=network, keep_weights=False).y
    y = y + noise * jr.normal(key_noise, y.shape, y.dtype)
    kept = jr.bernoulli(key_recorded, recorded, (n_post,)).at[0].set(True)
    return made._replace(activity=jnp.where(kept, y, jnp.nan).astype(dtype))


def _std(name, network, shape, w_std):
    if w_std is not None:
        if name not in w_std:
            raise ValueError(
                f"w_std has {', '.join(sorted(w_std)) or 'no projection'}; expected "
                "the standard deviations of ff and of all between neurons."
            )
        return w_std[name]
    mask = network.masks.get(name)
    inputs = shape[0] if mask is None else max(mask.sum(0).mean(), 1.0)
    return 1 / math.sqrt(inputs)
