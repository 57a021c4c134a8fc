"""Gauss-Newton: the optimiser for a loss with few coefficients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from plastutor._types import Theta
from plastutor.objectives import Objective

FACTORS = (0.3, 1.0, 10.0)  # a bolder step can jump out of a good valley


def gauss_newton_terms(
    loss: Objective, theta: Theta, directions: Theta, data: Any
) -> tuple[Float[Array, ""], Float[Array, " k"], Float[Array, "k k"]]:
    """A loss, its gradient and its Gauss-Newton matrix along directions of theta.

    All from one pass in forward mode: with few directions it is the cheapest way, and
    there is less to compile. The matrix is J^T (d2 loss / d prediction2) J with the
    Jacobian J of the prediction. A penalty is left out.

    Args:
        loss: made by `objective`.
        theta: where.
        directions: on a first axis of every leaf of theta.
        data: what the loss needs.

    Returns:
        The loss, its derivative along each of k directions, and the matrix (k, k).

    >>> line = Objective(lambda t, x: t * x, lambda v, x: (v**2).mean(), None)
    >>> ones, x = jnp.ones(1), jnp.array([1.0, 2.0])
    >>> value, gradient, matrix = gauss_newton_terms(line, 3.0, ones, x)
    >>> float(value), gradient.tolist(), matrix.tolist()
    (22.5, [15.0], [[5.0]])
    """
    forward = loss.forward or loss.predict

    def predict_along(direction):
        return jax.jvp(lambda t: forward(t, data), (theta,), (direction,))

    def likelihood(prediction):
        return loss.likelihood(prediction, data)

    def second_derivative(tangent):
        return jax.jvp(jax.grad(likelihood), (prediction,), (tangent,))[1]

    prediction, tangents = jax.vmap(predict_along, out_axes=(None, 0))(directions)
    value, cotangent = jax.value_and_grad(likelihood)(prediction)
    curved = jax.vmap(second_derivative)(tangents)
    k = len(jax.tree.leaves(directions)[0])
    gradient, matrix = jnp.zeros(k, value.dtype), jnp.zeros((k, k), value.dtype)
    for j, of_loss, hessian_j in zip(
        *map(jax.tree.leaves, (tangents, cotangent, curved)), strict=True
    ):
        gradient += j.reshape(k, -1) @ of_loss.ravel()
        matrix += j.reshape(k, -1) @ hessian_j.reshape(k, -1).T
    return value, gradient, matrix


def damped_steps(
    gradient: Float[Array, " k"],
    matrix: Float[Array, "k k"],
    dampings: Float[Array, " n"],
) -> Float[Array, "n k"]:
    """(|H| + d I)^-1 gradient for each d, a share of the largest eigenvalue of |H|."""
    stiffness, directions = jnp.linalg.eigh(matrix)
    stiffness, gradient = jnp.abs(stiffness), directions.T @ gradient
    damped = stiffness[None] + dampings[:, None] * stiffness.max()
    # A direction without any information has gradient 0, and stays.
    return (gradient[None] / jnp.where(damped > 0, damped, 1)) @ directions.T


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

    def init(self, theta: Theta) -> Float[Array, ""]:
        """The state: the present damping."""
        return jnp.asarray(self.damping, jax.tree.leaves(theta)[0].dtype)

    def step(
        self, loss: Objective, theta: Theta, damping: Float[Array, ""], data: Any
    ) -> tuple[Theta, Float[Array, ""], Float[Array, ""], Theta]:
        """One step: the new theta and damping, and the loss and gradient from before.

        The gradient is NaN where the matrix is not finite: no step can be made there.
        """
        flat, unravel = ravel_pytree(theta)
        free = range(flat.size) if self.free is None else self.free
        rows = jnp.eye(flat.size, dtype=flat.dtype)[jnp.array(free)]
        value, gradient, matrix = gauss_newton_terms(
            loss, theta, jax.vmap(unravel)(rows), data
        )
        if (penalty := loss.penalty) is not None:

            def penalty_after(step):
                return penalty(unravel(flat + step @ rows))

            no_step = jnp.zeros(len(rows), flat.dtype)
            value += penalty_after(no_step)
            gradient += jax.grad(penalty_after)(no_step)
            matrix += jax.hessian(penalty_after)(no_step)
        dampings = damping * jnp.asarray(FACTORS, flat.dtype)
        trials = flat[None] - damped_steps(gradient, matrix, dampings) @ rows
        values = jax.vmap(lambda flat: loss(unravel(flat), data))(trials)
        values = jnp.where(jnp.isfinite(values), values, jnp.inf)
        best = jnp.argmin(values)
        better = values[best] < value
        flat = jnp.where(better, trials[best], flat)
        damping = jnp.where(better, dampings[best], dampings[-1])
        gradient = jnp.where(jnp.isfinite(matrix).all(), gradient, jnp.nan) @ rows
        return unravel(flat), jnp.clip(damping, 1e-14, 1e8), value, unravel(gradient)
