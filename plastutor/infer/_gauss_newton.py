"""Gauss-Newton: the optimiser for a loss with few coefficients."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from plastutor._types import Theta
from plastutor.objectives import Objective

FACTORS = (0.3, 1.0, 10.0)  # a bolder step can jump out of a good valley


def gauss_newton_terms(loss: Objective, theta: Theta, along: Theta, data):
    """A loss, its slope and its Gauss-Newton matrix along some directions of theta.

    All from one pass in forward mode: with few directions it is the cheapest way, and
    there is less to compile. The matrix is J^T (d2 loss / d prediction2) J with the
    slopes J of the prediction. A penalty is left out.

    Args:
        loss: made by `objective`.
        theta: where.
        along: the directions, on a first axis of every leaf of theta.
        data: what the loss needs.

    Returns:
        The loss, its slope (direction,) and the matrix (direction, direction).

    >>> line = Objective(lambda t, x: t * x, lambda v, x: (v**2).mean(), None)
    >>> along, x = jnp.ones(1), jnp.array([1.0, 2.0])
    >>> value, slope, matrix = gauss_newton_terms(line, 3.0, along, x)
    >>> float(value), slope.tolist(), matrix.tolist()
    (22.5, [15.0], [[5.0]])
    """
    forward = loss.forward or loss.predict

    def ahead(direction):
        return jax.jvp(lambda t: forward(t, data), (theta,), (direction,))

    def data_loss(prediction):
        return loss.likelihood(prediction, data)

    def curve(tangent):
        return jax.jvp(jax.grad(data_loss), (prediction,), (tangent,))[1]

    prediction, tangents = jax.vmap(ahead, out_axes=(None, 0))(along)
    value, slope = jax.value_and_grad(data_loss)(prediction)
    leaves = [jax.tree.leaves(v) for v in (tangents, slope, jax.vmap(curve)(tangents))]
    count = len(leaves[0][0])
    gradient = jnp.zeros(count, value.dtype)
    matrix = jnp.zeros((count, count), value.dtype)
    for tangent, falls, curved in zip(*leaves, strict=True):
        row = tangent.reshape(count, -1)
        gradient += row @ falls.ravel()
        matrix += row @ curved.reshape(count, -1).T
    return value, gradient, matrix


class GaussNewton(NamedTuple):
    """Damped Gauss-Newton (Levenberg-Marquardt), for problems with few coefficients.

    Each step solves (|H| + d I) step = gradient. H is the Gauss-Newton matrix
    J^T (d2 loss / d prediction2) J, with J in forward mode, and |H| has the same
    eigenvectors with eigenvalues made positive. Three values of d are tried at once
    and the best is kept, so that the loss never rises.

    It needs a loss made by `objective`. A step takes about `theta.size` times as long
    as a simulation. Use float64 where coefficients are nearly collinear.

    Attributes:
        damping: the first d, as a share of the largest eigenvalue; it adapts.
        free: indices of the coefficients that may move, in the row that theta makes;
            default all. The others cost nothing: name those of `taylor(only=...)`.
    """

    damping: float = 1e-2
    free: tuple[int, ...] | None = None

    def init(self, theta: Theta):
        """The state: the present damping."""
        return jnp.asarray(self.damping, jax.tree.leaves(theta)[0].dtype)

    def step(self, loss: Objective, theta: Theta, damping, data):
        """One step: the new theta, the new damping, the loss before the step."""
        flat, unravel = ravel_pytree(theta)
        free = range(flat.size) if self.free is None else self.free
        along = jnp.eye(flat.size, dtype=flat.dtype)[jnp.array(free)]

        def value_at(flat):
            return loss(unravel(flat), data)

        value, gradient, matrix = gauss_newton_terms(
            loss, theta, jax.vmap(unravel)(along), data
        )
        if (penalty := loss.penalty) is not None:

            def strength(step):
                return penalty(unravel(flat + step @ along))

            still = jnp.zeros(len(along), flat.dtype)
            value += strength(still)
            gradient += jax.grad(strength)(still)
            matrix += jax.hessian(strength)(still)
        stiffness, directions = jnp.linalg.eigh(matrix)
        stiffness, slope = jnp.abs(stiffness), directions.T @ gradient

        def move(damping):
            # A direction without any information has slope 0, and stays.
            firm = stiffness + damping * stiffness.max()
            return flat - (directions @ (slope / jnp.where(firm > 0, firm, 1))) @ along

        dampings = damping * jnp.asarray(FACTORS, flat.dtype)
        trials = jax.vmap(move)(dampings)
        values = jax.vmap(value_at)(trials)
        values = jnp.where(jnp.isfinite(values), values, jnp.inf)
        best = jnp.argmin(values)
        better = values[best] < value
        flat = jnp.where(better, trials[best], flat)
        damping = jnp.where(better, dampings[best], dampings[-1])
        return unravel(flat), jnp.clip(damping, 1e-14, 1e8), value
