"""Gauss-Newton: the optimiser for a loss with few coefficients."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from plastutor.losses import Objective
from plastutor.types import Theta

__all__ = ["GaussNewton"]

FACTORS = (0.3, 1.0, 10.0)  # a bolder step can jump out of a good valley


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
    """

    damping: float = 1e-2

    def init(self, theta: Theta):
        """The state: the present damping."""
        return jnp.asarray(self.damping, jax.tree.leaves(theta)[0].dtype)

    def step(self, loss: Objective, theta: Theta, damping, data):
        """One step: the new theta, the new damping, the loss before the step."""
        flat, unravel = ravel_pytree(theta)

        def value_at(flat):
            return loss(unravel(flat), data)

        value, gradient = jax.value_and_grad(value_at)(flat)
        stiffness, directions = jnp.linalg.eigh(self.matrix(loss, flat, unravel, data))
        stiffness, slope = jnp.abs(stiffness), directions.T @ gradient

        def move(damping):
            # A direction without any information has slope 0, and stays.
            firm = stiffness + damping * stiffness.max()
            return flat - directions @ (slope / jnp.where(firm > 0, firm, 1))

        dampings = damping * jnp.asarray(FACTORS, flat.dtype)
        trials = jax.vmap(move)(dampings)
        values = jax.vmap(value_at)(trials)
        values = jnp.where(jnp.isfinite(values), values, jnp.inf)
        best = jnp.argmin(values)
        better = values[best] < value
        flat = jnp.where(better, trials[best], flat)
        damping = jnp.where(better, dampings[best], dampings[-1])
        return unravel(flat), jnp.clip(damping, 1e-14, 1e8), value

    def matrix(self, loss: Objective, flat, unravel, data):
        """The Gauss-Newton matrix of a loss, of shape (flat.size, flat.size).

        Args:
            loss: made by `objective`.
            flat: the parameters in one row.
            unravel: from the row to theta.
            data: what the loss needs.
        """
        simulated = loss.forward or loss.predict

        def predict(t):
            return simulated(unravel(t), data)

        def tangent(direction):
            return jax.jvp(predict, (flat,), (direction,))[1]

        slope_of = jax.grad(lambda prediction: loss.data_loss(prediction, data))
        prediction = predict(flat)
        tangents = jax.vmap(tangent)(jnp.eye(flat.size, dtype=flat.dtype))
        curved = jax.vmap(lambda t: jax.jvp(slope_of, (prediction,), (t,))[1])(tangents)
        pairs = zip(jax.tree.leaves(tangents), jax.tree.leaves(curved), strict=True)
        rows = (flat.size, -1)
        hessian = sum(a.reshape(rows) @ b.reshape(rows).T for a, b in pairs)
        penalty = loss.penalty
        if penalty is not None:
            hessian += jax.hessian(lambda t: penalty(unravel(t)))(flat)
        return hessian
