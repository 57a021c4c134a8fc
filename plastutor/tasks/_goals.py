"""Goals: what a network goes through, and where that should lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from plastutor._types import Experiment

SPECTRUM = (1.0, 0.4, 0.25, 0.15, 0.1)
"""Variances along the principal components of five inputs."""


class Goals(NamedTuple):
    """Experiments without any recording, and what each network should come to.

    Attributes:
        experiment: a batch of them.
        target: for each of them; what it means, the distance of an objective says.
    """

    experiment: Experiment
    target: PyTree[Float[Array, "exp ..."]]


def _experiment(x, w0, plastic=None) -> Experiment:
    """As `make_experiment` makes it; inside jax.jit as well."""
    steps = jnp.ones(x.shape[:-1], bool)
    zeros = jnp.zeros(x.shape[:-1], x.dtype)
    return Experiment(x, zeros, steps if plastic is None else plastic, steps, w0)


def component_goals(
    key: PRNGKeyArray,
    n_goals: int = 16,
    *,
    n_steps: int = 400,
    spectrum: Sequence[float] = SPECTRUM,
    n_post: int = 1,
    w_std: float = 0.3,
    settle: int | None = None,
    rec_std: float = 0.0,
) -> Goals:
    """Inputs with principal components of their own, which the weights should find.

    Every experiment has a covariance of its own: a random rotation of the spectrum.
    Inputs are Gaussian, and new in every presentation.

    Args:
        key: a JAX random key.
        n_goals: experiments in the batch.
        n_steps: presentations in each.
        spectrum: variances along the principal components, from the largest down; as
            many as there are inputs.
        n_post: neurons; the target holds as many components.
        w_std: standard deviation of the initial weights.
        settle: None for a layer; else how many steps a presentation lasts, for a
            network whose neurons drive one another and are plastic only in the last of
            them. Its weights are `ff` and `rec`.
        rec_std: standard deviation of initial weights between the neurons.

    Returns:
        Goals with the target (exp, pre, n_post): components of length 1, the first
        with the largest variance.

    Raises:
        ValueError: a spectrum that does not fall, or fewer inputs than neurons.

    >>> goals = component_goals(jr.key(0), 2, n_steps=10)
    >>> goals.experiment.x.shape, goals.target.shape
    ((2, 10, 5), (2, 5, 1))
    """
    variances = [float(v) for v in spectrum]
    decreasing = all(a > b > 0 for a, b in zip(variances, variances[1:], strict=False))
    if not variances or not decreasing or not 1 <= n_post <= len(variances):
        raise ValueError(
            f"The spectrum is {tuple(spectrum)} for {n_post} neurons; expected "
            "variances above 0, from the largest down, one for each input, and as many "
            "inputs as neurons or more."
        )
    if settle is not None and settle < 1:
        raise ValueError(f"settle is {settle}; expected None, or steps from 1 up.")

    def one(key):
        key_turn, key_x, key_w, key_rec = jr.split(key, 4)
        n_pre = len(variances)
        turn, _ = jnp.linalg.qr(jr.normal(key_turn, (n_pre, n_pre)))
        stds = jnp.sqrt(jnp.array(variances))
        x = (jr.normal(key_x, (n_steps, n_pre)) * stds[None]) @ turn.T
        w0: Any = w_std * jr.normal(key_w, (n_pre, n_post))
        if settle is None:
            return Goals(_experiment(x, w0), turn[:, :n_post])
        rec = rec_std * jr.normal(key_rec, (n_post, n_post))
        last = jnp.arange(n_steps * settle) % settle == settle - 1
        x = jnp.repeat(x, settle, axis=0)
        return Goals(_experiment(x, {"ff": w0, "rec": rec}, last), turn[:, :n_post])

    return jax.vmap(one)(jr.split(key, n_goals))


def rate_goals(
    key: PRNGKeyArray,
    n_goals: int = 6,
    *,
    target_hz: float = 5.0,
    seconds: float = 10.0,
    n_exc: int = 80,
    n_inh: int = 40,
    input_hz: float | Mapping[str, float] = 10.0,
    weight: Mapping[str, float] | None = None,
    dt: float = 1.0,
) -> Goals:
    """Inputs that spike at random, for a spiking neuron that should keep its rate.

    For `pt.networks.Conductance`, whose projections `exc` and `inh` both get all inputs
    and have masks; `rate_masks` makes them.

    Args:
        key: a JAX random key.
        n_goals: experiments in the batch.
        target_hz: the rate at the end.
        seconds: how long each lasts.
        n_exc: inputs that excite.
        n_inh: inputs that inhibit.
        input_hz: their rate; one number, or one for "exc" and one for "inh".
        weight: in nS, initial weights of "exc" and "inh".
        dt: length of a step in ms, as the network has it.

    Returns:
        Goals with the target (exp,) in Hz.

    Raises:
        ValueError: a rate that no step can hold, or no time.

    >>> goals = rate_goals(jr.key(0), 2, seconds=0.5)
    >>> goals.experiment.x.shape, goals.target.tolist()
    ((2, 500, 120), [5.0, 5.0])
    """
    rates: Any = input_hz
    if not isinstance(input_hz, Mapping):
        rates = {"exc": input_hz, "inh": input_hz}
    weights = {"exc": 3.0, "inh": 1.0} | dict(weight or {})
    if {*rates} != {"exc", "inh"} or {*weights} != {"exc", "inh"}:
        raise ValueError(
            f"input_hz is of {', '.join(rates)} and weight of {', '.join(weights)}; "
            "expected exc and inh."
        )
    shares = {name: rates[name] * dt / 1000 for name in ("exc", "inh")}
    if not all(0 <= share <= 1 for share in shares.values()) or seconds * 1000 < dt:
        raise ValueError(
            f"input_hz is {input_hz}, seconds {seconds}, and a step lasts {dt} ms; "
            "expected rates from 0 up to one spike a step, and one step or more."
        )
    share = jnp.array([shares["exc"]] * n_exc + [shares["inh"]] * n_inh)
    n_steps, n_pre = round(seconds * 1000 / dt), n_exc + n_inh

    def one(key):
        x = jr.bernoulli(key, share[None], (n_steps, n_pre)).astype(float)
        w0 = {name: jnp.full((n_pre, 1), weights[name]) for name in shares}
        return Goals(_experiment(x, w0), jnp.asarray(float(target_hz)))

    return jax.vmap(one)(jr.split(key, n_goals))


def rate_masks(n_exc: int = 80, n_inh: int = 40) -> dict[str, Array]:
    """Which inputs of `rate_goals` excite, and which inhibit.

    >>> {name: int(mask.sum()) for name, mask in rate_masks().items()}
    {'exc': 80, 'inh': 40}
    """
    excites = jnp.arange(n_exc + n_inh)[:, None] < n_exc
    return {"exc": excites, "inh": ~excites}
