"""Gauss-Newton: the optimiser for a loss with few coefficients."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from plastutor._types import Theta
from plastutor.infer._coefficients import free_directions
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


class DampedStep(NamedTuple):
    """One damped step, and the loss where it began.

    Attributes:
        theta: after the step; where it was if no trial is better.
        damping: for the next step.
        after: the loss of theta.
        value: the loss before the step.
        gradient: of the loss there, along the directions; NaN where the matrix is not
            finite, since no step can be made there.
        matrix: the Gauss-Newton matrix there.
    """

    theta: Theta
    damping: Float[Array, ""]
    after: Float[Array, ""]
    value: Float[Array, ""]
    gradient: Float[Array, " k"]
    matrix: Float[Array, "k k"]


def damped_step(
    loss: Objective,
    theta: Theta,
    directions: Theta,
    damping: Float[Array, ""],
    data: Any,
    *,
    slack: float = 0.0,
) -> DampedStep:
    """Solve (|H| + d I) step = gradient for three d; keep the best that is finite.

    H is the Gauss-Newton matrix along the directions, with the penalty, and d a share
    of the largest eigenvalue of |H|.

    Args:
        loss: made by `objective`.
        theta: where.
        directions: on a first axis of every leaf of theta; some may be 0.
        damping: the share that is tried first.
        data: what the loss needs.
        slack: how much the loss may rise, as a share of it: a few roundings, for a
            minimum that moves on and must be followed by less than the loss tells.
    """
    value, gradient, matrix = gauss_newton_terms(loss, theta, directions, data)

    def moved(step):
        def along(leaf, rows):
            return leaf - jnp.tensordot(step, rows, 1)

        return jax.tree.map(along, theta, directions)

    if (penalty := loss.penalty) is not None:

        def penalty_after(step):
            return penalty(moved(-step))

        no_step = jnp.zeros_like(gradient)
        value += penalty_after(no_step)
        gradient += jax.grad(penalty_after)(no_step)
        matrix += jax.hessian(penalty_after)(no_step)
    dampings = damping * jnp.asarray(FACTORS, gradient.dtype)
    stiffness, axes = jnp.linalg.eigh(matrix)
    stiffness = jnp.abs(stiffness)
    damped = stiffness[None] + dampings[:, None] * stiffness.max()
    # A direction without any information has gradient 0, and stays.
    steps = ((axes.T @ gradient)[None] / jnp.where(damped > 0, damped, 1)) @ axes.T
    trials = jax.vmap(moved)(steps)
    values = jax.vmap(loss, (0, None))(trials, data)
    values = jnp.where(jnp.isfinite(values), values, jnp.inf)
    best = jnp.argmin(values)
    better = values[best] < value + slack * jnp.abs(value)
    return DampedStep(
        jax.tree.map(lambda old, new: jnp.where(better, new[best], old), theta, trials),
        jnp.clip(jnp.where(better, dampings[best], dampings[-1]), 1e-14, 1e8),
        jnp.where(better, values[best], value),
        value,
        jnp.where(jnp.isfinite(matrix).all(), gradient, jnp.nan),
        matrix,
    )


class GaussNewton(NamedTuple):
    """Damped Gauss-Newton (Levenberg-Marquardt), for problems with few coefficients.

    Each step solves (|H| + d I) step = gradient. H is the Gauss-Newton matrix
    J^T (d2 loss / d prediction2) J, with J in forward mode, and |H| has the same
    eigenvectors with eigenvalues made positive. Three values of d are tried at once
    and the best is kept, so that the loss never rises.

    It needs a loss made by `objective`. A step takes about `theta.size` times as long
    as a simulation. Use float64 where coefficients are nearly collinear.

    The free coefficients move, which the rule names; the others cost nothing.

    Attributes:
        damping: the first d, as a share of the largest eigenvalue; it adapts.
    """

    damping: float = 1e-2

    def init(self, theta: Theta) -> Float[Array, ""]:
        """The state: the present damping."""
        return jnp.asarray(self.damping, jax.tree.leaves(theta)[0].dtype)

    def step(
        self, loss: Objective, theta: Theta, damping: Float[Array, ""], data: Any
    ) -> tuple[Theta, Float[Array, ""], Float[Array, ""], Theta]:
        """One step: the new theta and damping, and the loss and gradient from before.

        The gradient is NaN where the matrix is not finite: no step can be made there.
        """
        rows, directions = free_directions(loss, theta)
        made = damped_step(loss, theta, directions, damping, data)
        gradient = ravel_pytree(theta)[1](made.gradient @ rows)
        return made.theta, made.damping, made.value, gradient
