"""Fisher information: how sharply the likelihood falls when theta moves."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from plastutor._experiments import check_experiment, first_steps, one_precision
from plastutor._types import Experiment, Theta
from plastutor.infer import free_directions
from plastutor.likelihoods import Likelihood
from plastutor.networks import Forced, Network
from plastutor.objectives import Objective


class Information(NamedTuple):
    """What data say about k coefficients, near theta.

    Information of independent data sets adds up: so do `matrix` and `gradient`.

    Attributes:
        matrix: the Fisher information; its inverse is the covariance of the estimate.
        gradient: of the log-likelihood at theta; 0 where theta is the best fit.
        noise: standard deviation of the measurement noise, given or estimated; 1 for
            choices, which have none.
        count: the number of observations.
    """

    matrix: Float[Array, "k k"]
    gradient: Float[Array, " k"]
    noise: Float[Array, ""]
    count: Float[Array, ""]


def _marginalise_w0(gram, gradient, ridge, k):
    """The information about theta that is left when w0 must be learned as well.

    Of the sums over time for theta (k of them) and for w0, the Schur complement
    A A^T - A B^T (B B^T + ridge)^-1 B A^T, and A e - A B^T (B B^T + ridge)^-1 B e.
    """
    own = gram[k:, k:] + ridge * jnp.eye(len(gram) - k, dtype=gram.dtype)
    half = partial(
        jax.scipy.linalg.solve_triangular, jnp.linalg.cholesky(own), lower=True
    )
    shared, explained = half(gram[k:, :k]), half(gradient[k:])
    return gram[:k, :k] - shared.T @ shared, gradient[:k] - shared.T @ explained


def _apart(loss):
    """Do observations of a neuron depend on its own weights only?"""
    network = loss.network
    network = network.network if isinstance(network, Forced) else network
    return loss.likelihood.field == "activity" and isinstance(network, Network)


def _w0_directions(apart, experiment):
    """The ways in which w0 may differ from what is known of it.

    Where neurons do not touch each other, the same weight of all of them can be moved
    at once. A choice depends on all weights.
    """
    flat, unravel = ravel_pytree(experiment.w0)
    if apart:
        pre, post = experiment.w0.shape
        rows = jnp.eye(pre, dtype=flat.dtype)[:, :, None]
        return jnp.broadcast_to(rows, (pre, pre, post))
    return jax.vmap(unravel)(jnp.eye(flat.size, dtype=flat.dtype))


@partial(jax.jit, static_argnames=("loss",))
def _sums(loss, theta, directions, data, ridge):
    """Information, gradient, squared residuals and their number, for noise of 1.

    One experiment after the other, step by step, in forward mode: with the state go its
    sensitivities to theta, and the sums. Nothing is kept of earlier steps.
    """
    rule, network, likelihood = loss.rule.forward_mode, loss.network, loss.likelihood
    flat, unravel = ravel_pytree(theta)
    k, apart = len(directions), ridge is not None and _apart(loss)

    # Loops over indices: a scan would copy each experiment before it goes through it.
    every, starts = data._replace(w0=None, options=None), first_steps(data, 1)

    def add(number, sums):
        experiment = jax.tree.map(lambda leaf: leaf[number], starts)
        start, along_theta = network.init_state(experiment), directions
        sensitivities = jax.tree.map(
            lambda leaf: jnp.zeros((k, *leaf.shape), leaf.dtype), start
        )
        if ridge is not None:
            of_w0 = _w0_directions(apart, experiment)

            def moved(direction):
                from_w0 = lambda w0: network.init_state(experiment._replace(w0=w0))
                return jax.jvp(from_w0, (experiment.w0,), (direction,))[1]

            sensitivities = jax.tree.map(
                lambda *two: jnp.concatenate(two), sensitivities, jax.vmap(moved)(of_w0)
            )
            rows = len(jax.tree.leaves(of_w0)[0])
            along_theta = jnp.pad(directions, ((0, rows), (0, 0)))
        groups = experiment.w0.shape[1] if apart else 1
        size = len(along_theta)

        def step(t, carry):
            state, sensitivities, gram, gradient, squares, count = carry
            now = jax.tree.map(lambda leaf: leaf[number, t], every)
            now = now._replace(options=experiment.options)

            def after(flat, state):
                state, made = network.step(rule, unravel(flat), state, now)
                return state, likelihood.prediction(made)

            def along(*direction):
                return jax.jvp(after, (flat, state), direction)

            (state, u), (sensitivities, tangents) = jax.vmap(along, out_axes=(None, 0))(
                along_theta, sensitivities
            )
            error, a, observed = likelihood.whitened(u, tangents, now)
            # One group for each neuron if its w0 is learned, else a single one.
            a = a.T[:, :, None] if apart else a[None]
            error = error.reshape(len(a), -1)
            gram += jnp.einsum("gac,gbc->gab", a, a)
            gradient += jnp.einsum("gac,gc->ga", a, error)
            squares, count = squares + jnp.sum(error**2), count + observed
            return state, sensitivities, gram, gradient, squares, count

        shapes = (groups, size, size), (groups, size), (), ()
        nothing = [jnp.zeros(shape, flat.dtype) for shape in shapes]
        *_, gram, gradient, squares, count = jax.lax.fori_loop(
            0, data.x.shape[1], step, (start, sensitivities, *nothing)
        )
        if ridge is not None:
            marginalise = jax.vmap(_marginalise_w0, (0, 0, None, None))
            gram, gradient = marginalise(gram, gradient, ridge, k)
        here = gram.sum(0), gradient.sum(0), squares, count
        return jax.tree.map(jnp.add, sums, here)

    zeros = tuple(jnp.zeros(shape, flat.dtype) for shape in ((k, k), k, (), ()))
    return jax.lax.fori_loop(0, len(data.x), add, zeros)


def checked(loss, theta, data, noise, w0_std):
    """Theta and data as one batch of one precision; a sentence where that fails."""
    kind = getattr(loss, "likelihood", None)
    rule = getattr(loss, "rule", None)
    if rule is None or not isinstance(kind, Likelihood):
        raise ValueError(
            "The loss has no rule or no likelihood that is known here; expected "
            "objective(rule, likelihood) with pt.activity, pt.accept, pt.choice or a "
            "pt.Likelihood of your own."
        )
    check_experiment(data)
    if noise is not None and not kind.has_noise:
        raise ValueError(
            "noise is the measurement noise of recorded activity; choices have none. "
            "Leave it out."
        )
    if w0_std is not None and kind.has_noise and noise is None:
        raise ValueError(
            "With unknown initial weights the noise cannot be read off the residuals; "
            "pass noise=, for example from a fit with known weights."
        )
    for name, value in (("noise", noise), ("w0_std", w0_std)):
        if value is not None and not (np.ndim(value) == 0 and 0 < value < math.inf):
            raise ValueError(f"{name} is {value!r}; expected one number above 0.")
    if data.x.ndim == 2:
        data = jax.tree.map(lambda leaf: leaf[None], data)
    theta, data = one_precision(theta, data)
    jax.eval_shape(loss, theta, data)  # says what is missing, and computes nothing
    return theta, data


def fisher(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    *,
    noise: float | None = None,
    w0_std: float | None = None,
) -> Information:
    """The Fisher information about theta: how much data say, and in which direction.

    F = sum over observations of J^T V^-1 J, where J is the Jacobian of the prediction
    and V is the variance of an observation: noise^2 for activity, p (1 - p) for
    accepting (over the logit), diag(p) - p p^T for a choice among options. It is the
    expected one, given the stimuli and rewards that were met, so it is never negative
    (Bishop 2006, ch. 4.3; Mehta et al. 2024 for the likelihoods). A penalty of the loss
    is left out. It can be vmapped over data sets.

    J is computed in forward mode, step by step and one experiment after the other:
    memory is needed for the sensitivities of the present weights, (k, pre, post)
    numbers, and does not grow with the length of a recording.

    Args:
        loss: made by `objective` with pt.activity, pt.accept or pt.choice.
        theta: where; normally the best fit.
        data: one experiment or a batch.
        noise: standard deviation of the measurement noise, in units of activity;
            default estimated from the residuals. For planned experiments, pass it.
        w0_std: initial weights are known only up to this standard deviation (Gaussian,
            around `data.w0`), and must be learned from the same data; default: known.
            Needs `noise` for activity.

    Returns:
        The information about the k coefficients that the rule lets free, in the order
        of `term_names`.

    Raises:
        ValueError: no likelihood, or a noise that is no number above 0.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=2, n_post=3, noise=0.1
    ... )
    >>> loss = pt.objective(rule, pt.activity)
    >>> found = fisher(loss, pt.OJA, data)
    >>> found.matrix.shape, round(float(found.noise), 2)
    ((2, 2), 0.1)
    """
    theta, data = checked(loss, theta, data, noise, w0_std)
    flat, (directions, _) = ravel_pytree(theta)[0], free_directions(loss, theta)
    ridge = None if w0_std is None else (noise or 1.0) ** 2 / w0_std**2
    matrix, gradient, squares, count = _sums(loss, theta, directions, data, ridge)
    std = jnp.ones((), flat.dtype)
    if noise is not None:
        std = noise * std
    elif loss.likelihood.has_noise:
        spare = jnp.maximum(count - len(directions), 1)
        # A perfect fit has noise 0; the smallest number that can be squared will do.
        std = jnp.sqrt(squares / spare + jnp.finfo(flat.dtype).tiny ** 0.5)
    return Information(matrix / std**2, gradient / std**2, std, count)
