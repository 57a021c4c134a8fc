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

from plastutor.experiments import check_experiment
from plastutor.losses import Objective, accept_loss, activity_loss, choice_loss
from plastutor.rules import Orders, free_indices
from plastutor.types import Experiment, Theta

__all__ = ["Information", "fisher"]


class Information(NamedTuple):
    """What data say about k coefficients, near theta.

    Information of independent data sets adds up: so do `matrix` and `slope`.

    Attributes:
        matrix: the Fisher information; its inverse is the covariance of the estimate.
        slope: slope of the log-likelihood at theta; 0 where theta is the best fit.
        noise: standard deviation of the measurement noise, given or estimated; 1 for
            choices, which have none.
        count: the number of observations.
    """

    matrix: Float[Array, "k k"]
    slope: Float[Array, " k"]
    noise: Float[Array, ""]
    count: Float[Array, ""]


# --- likelihoods ----------------------------------------------------------------------
# For each kind of data: the prediction on a scale on which it is free (channels last),
# and, for a prediction and its tangents, the residuals and tangents in units of the
# standard deviation of an observation. So the information is a sum of squares.


def _of_activity(life):
    return life.y


def _white_activity(y, tangents, experiment):
    seen = ~jnp.isnan(experiment.activity) & experiment.valid[:, None]
    return jnp.where(seen, experiment.activity - y, 0), tangents * seen[None], seen


def _of_accept(life):
    return life.logit[:, None]


def _white_accept(logit, tangents, experiment):
    """Accepting has the variance p (1 - p), which is also its slope over the logit."""
    accept = experiment.accept[:, None]
    seen = ~jnp.isnan(accept) & experiment.valid[:, None]
    root = jnp.exp((jax.nn.log_sigmoid(logit) + jax.nn.log_sigmoid(-logit)) / 2)
    residual = jnp.where(seen, accept - jax.nn.sigmoid(logit), 0) / root
    return residual, tangents * (root * seen)[None], seen


def _of_choice(life):
    return jax.nn.log_sigmoid(life.option_logit)


def _white_choice(u, tangents, experiment):
    """A softmax of u: covariance diag(p) - p p^T, and its root as one row an option."""
    seen = (experiment.choice >= 0) & experiment.valid
    log_p = jax.nn.log_softmax(u, axis=-1)
    p, root = jnp.exp(log_p), jnp.exp(log_p / 2)
    chosen = jax.nn.one_hot(experiment.choice, u.shape[-1], dtype=u.dtype)
    mean = jnp.sum(tangents * p[None], axis=-1, keepdims=True)
    root_seen = root * seen[:, None]
    residual = jnp.where(seen[:, None], chosen - p, 0) / root
    return residual, (tangents - mean) * root_seen[None], seen


LIKELIHOODS = {
    activity_loss: (_of_activity, _white_activity),
    accept_loss: (_of_accept, _white_accept),
    choice_loss: (_of_choice, _white_choice),
}


# --- Fisher information ---------------------------------------------------------------


def _forget_w0(a, b, residual, ridge):
    """The information about theta that is left when w0 must be learned as well.

    The Schur complement A A^T - A B^T (B B^T + ridge)^-1 B A^T, and A^T times the
    residual likewise; a: (k, time), b: (q, time).
    """
    own = b @ b.T + ridge * jnp.eye(len(b), dtype=b.dtype)
    factor = jnp.linalg.cholesky(own)
    half = partial(jax.scipy.linalg.solve_triangular, factor, lower=True)
    shared, explained = half(b @ a.T), half(b @ residual)
    return a @ a.T - shared.T @ shared, a @ residual - shared.T @ explained


@partial(jax.jit, static_argnames=("loss",))
def _sums(loss, theta, directions, data, ridge):
    """Information, slope, squared residuals and their number, for noise of 1.

    One experiment after the other and in forward mode: weights are never kept, only
    the slopes of one experiment's predictions.
    """
    simulated, (of, white) = loss.forward or loss.predict, LIKELIHOODS[loss.data_loss]
    flat, unravel = ravel_pytree(theta)
    # Neurons do not touch each other, so that in activity the same weight of all
    # neurons can be moved at once. A choice depends on all weights.
    pre, post = data.w0.shape[1:]
    apart = loss.data_loss is activity_loss
    moves = jnp.eye(pre if apart else pre * post, dtype=flat.dtype)
    moves = moves[:, :, None] if apart else moves.reshape(-1, pre, post)
    moves = jnp.broadcast_to(moves, (len(moves), pre, post))

    def add(sums, experiment):
        def predict(flat, w0):
            return of(simulated(unravel(flat), experiment._replace(w0=w0)))

        def tangent(of_theta, of_w0):
            here = flat, experiment.w0
            return jax.jvp(predict, here, (of_theta, of_w0))[1]

        still = jnp.zeros_like(flat), jnp.zeros_like(experiment.w0)
        tangents = jax.vmap(tangent, (0, None))(directions, still[1])
        u = predict(flat, experiment.w0)
        residual, a, seen = white(u, tangents, experiment)
        if ridge is None:
            a = a.reshape(len(a), -1)
            matrix, slope = a @ a.T, a @ residual.ravel()
        else:
            b = jax.vmap(tangent, (None, 0))(still[0], moves)
            _, b, _ = white(u, b, experiment)
            a, b, error = (
                v if apart else v.reshape(*v.shape[:-2], -1, 1)
                for v in (a, b, residual)
            )
            each = jax.vmap(_forget_w0, (-1, -1, -1, None))(a, b, error, ridge)
            matrix, slope = (v.sum(0) for v in each)
        here = matrix, slope, jnp.sum(residual**2), seen.sum().astype(flat.dtype)
        return jax.tree.map(jnp.add, sums, here), None

    k = len(directions)
    zeros = tuple(jnp.zeros(shape, flat.dtype) for shape in ((k, k), k, (), ()))
    return jax.lax.scan(add, zeros, data)[0]


def checked(loss, theta, data, noise, w0_std):
    """Theta and data as one batch of one precision; a sentence where that fails."""
    kind = getattr(loss, "data_loss", None)
    if not isinstance(loss, Objective) or kind not in LIKELIHOODS:
        raise ValueError(
            "The loss has no likelihood that is known here; expected objective(rule, "
            "data_loss) with activity_loss, accept_loss or choice_loss."
        )
    check_experiment(data)
    if noise is not None and kind is not activity_loss:
        raise ValueError(
            "noise is the measurement noise of recorded activity; choices have none. "
            "Leave it out."
        )
    if w0_std is not None and kind is activity_loss and noise is None:
        raise ValueError(
            "With unknown initial weights the noise cannot be read off the residuals; "
            "pass noise=, for example from a fit with known weights."
        )
    for name, value in (("noise", noise), ("w0_std", w0_std)):
        if value is not None and not (np.ndim(value) == 0 and 0 < value < math.inf):
            raise ValueError(f"{name} is {value!r}; expected one number above 0.")
    if data.x.ndim == 2:
        data = jax.tree.map(lambda leaf: leaf[None], data)
    theta = jax.tree.map(jnp.asarray, theta)
    dtype = jnp.result_type(data.x, data.w0, *jax.tree.leaves(theta))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), theta), data


def free_of(theta, only) -> np.ndarray:
    """Indices of the free coefficients in the row that theta makes."""
    size = ravel_pytree(theta)[0].size
    if only is None:
        return np.arange(size)
    if isinstance(only, str) or np.ndim(theta) != 4:
        raise ValueError(
            f"only is {only!r}; expected a sequence of terms, such as ('xy', 'yyw'), "
            "and the theta of a Taylor rule, with its axes x, y, w, r."
        )
    return np.array(free_indices(orders_of(theta), only))


def orders_of(theta) -> Orders:
    return Orders(*(n - 1 for n in np.shape(theta)))


def fisher(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    *,
    only=None,
    noise: float | None = None,
    w0_std: float | None = None,
) -> Information:
    """The Fisher information about theta: how much data say, and in which direction.

    F = sum over observations of J^T V^-1 J, where J are the slopes of the prediction
    and V is the variance of an observation: noise^2 for activity, p (1 - p) for
    accepting (over the logit), diag(p) - p p^T for a choice among options. It is the
    expected one, given the stimuli and rewards that were met, so it is never negative
    (Bishop 2006, ch. 4.3; Mehta et al. 2024 for the likelihoods). A penalty of the loss
    is left out. It can be vmapped over data sets.

    J is computed in forward mode, one experiment after the other: memory is needed for
    the slopes of one experiment's predictions, (k, time, post) numbers for activity and
    (k, time) for accepting, and never for weights over time.

    Args:
        loss: made by `objective` with activity_loss, accept_loss or choice_loss.
        theta: where; normally the best fit.
        data: one experiment or a batch.
        only: the free terms of a Taylor rule, as given to `taylor`; default all
            coefficients of theta.
        noise: standard deviation of the measurement noise, in units of activity;
            default estimated from the residuals. For planned experiments, pass it.
        w0_std: initial weights are known only up to this standard deviation (Gaussian,
            around `data.w0`), and must be learned from the same data; default: known.
            Needs `noise` for activity.

    Returns:
        The information about the k free coefficients, in the order of `term_names`.

    Raises:
        ValueError: no likelihood, unknown terms, or a noise that is no number above 0.

    >>> from plastutor.losses import objective
    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> data = neural_task(jr.key(0), rule, OJA, n_experiments=2, n_post=3, noise=0.1)
    >>> found = fisher(objective(rule, activity_loss), OJA, data, only=("xy", "yyw"))
    >>> found.matrix.shape, round(float(found.noise), 2)
    ((2, 2), 0.1)
    """
    theta, data = checked(loss, theta, data, noise, w0_std)
    free, flat = free_of(theta, only), ravel_pytree(theta)[0]
    directions = np.eye(flat.size)[free].astype(flat.dtype)
    ridge = None if w0_std is None else (noise or 1.0) ** 2 / w0_std**2
    matrix, slope, squares, count = _sums(loss, theta, directions, data, ridge)
    one = jnp.ones((), flat.dtype)
    if noise is not None:
        one = noise * one
    elif loss.data_loss is activity_loss:
        spare = jnp.maximum(count - len(free), 1)
        # A perfect fit has noise 0; the smallest number that can be squared will do.
        one = jnp.sqrt(squares / spare + jnp.finfo(flat.dtype).tiny ** 0.5)
    return Information(matrix / one**2, slope / one**2, one, count)
