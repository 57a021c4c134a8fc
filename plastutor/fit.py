"""Fit: make a loss small. Any Optax optimiser, or Gauss-Newton for few coefficients.

Nothing here knows of synapses: a loss is a function of theta and data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from plastutor.losses import Objective
from plastutor.types import Experiment, Fit, Theta, check_experiment, first_steps

__all__ = ["LBFGS", "GaussNewton", "fit", "fit_many", "lowest"]

LBFGS = optax.lbfgs()
"""The default: quasi-Newton with a line search, which never takes a step that harms."""

FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e3)


class GaussNewton(NamedTuple):
    """Damped Gauss-Newton (Levenberg-Marquardt), for problems with few coefficients.

    Each step solves (H + damping * diag H) step = gradient, where H is the
    Gauss-Newton matrix J^T (d2 loss / d prediction2) J, with J in forward mode. Several
    dampings are tried at once and the best is kept, so that the loss never rises.

    It needs a loss made by `objective`, and about `theta.size` times the time of a
    simulation a step. Use float64 where coefficients are nearly collinear.

    Attributes:
        damping: the first damping; it adapts.
    """

    damping: float = 1e-2

    def init(self, theta: Theta):
        """The state: the present damping."""
        leaf = jax.tree.leaves(theta)[0]
        return jnp.asarray(self.damping, leaf.dtype)

    def step(self, loss: Objective, theta: Theta, damping, data):
        """One step: the new theta, the new damping, the loss before the step."""
        flat, unravel = ravel_pytree(theta)
        value, gradient = jax.value_and_grad(lambda t: loss(unravel(t), data))(flat)
        hessian = self._matrix(loss, flat, unravel, data)
        # In units that make the diagonal 1, so that the damping has no units.
        diagonal = jnp.diagonal(hessian)
        scale = jax.lax.rsqrt(jnp.maximum(diagonal, 1e-12 * diagonal.max()) + 1e-30)
        stiffness, directions = jnp.linalg.eigh(hessian * jnp.outer(scale, scale))
        slope = directions.T @ (scale * gradient)

        def move(damping):
            step = slope / (jnp.maximum(stiffness, 0) + damping)
            return flat - scale * (directions @ step)

        dampings = damping * jnp.asarray(FACTORS, flat.dtype)
        trials = jax.vmap(move)(dampings)
        values = jax.vmap(lambda t: loss(unravel(t), data))(trials)
        values = jnp.where(jnp.isfinite(values), values, jnp.inf)
        best = jnp.argmin(values)
        better = values[best] < value
        flat = jnp.where(better, trials[best], flat)
        damping = jnp.where(better, dampings[best], dampings[-1])
        return unravel(flat), jnp.clip(damping, 1e-14, 1e8), value

    def _matrix(self, loss: Objective, flat, unravel, data):
        def predict(t):
            return loss.predict(unravel(t), data)

        def tangent(direction):
            return jax.jvp(predict, (flat,), (direction,))[1]

        slope_of = jax.grad(lambda prediction: loss.data_loss(prediction, data))
        prediction = predict(flat)
        tangents = jax.vmap(tangent)(jnp.eye(flat.size, dtype=flat.dtype))
        curved = jax.vmap(lambda t: jax.jvp(slope_of, (prediction,), (t,))[1])(tangents)
        pairs = zip(jax.tree.leaves(tangents), jax.tree.leaves(curved), strict=True)
        rows = (flat.size, -1)
        hessian = sum(a.reshape(rows) @ b.reshape(rows).T for a, b in pairs)
        if loss.penalty is not None:
            hessian += jax.hessian(lambda t: loss.penalty(unravel(t)))(flat)
        return hessian


def _optax_step(optimizer, loss, theta, state, data):
    optimizer = optax.with_extra_args_support(optimizer)

    def value_fn(theta):
        return loss(theta, data)

    if optax.tree_utils.tree_get(state, "grad") is None:
        value, grad = jax.value_and_grad(value_fn)(theta)
    else:  # a line search has just been here and kept both
        value, grad = optax.value_and_grad_from_state(value_fn)(theta, state=state)
    updates, state = optimizer.update(
        grad, state, theta, value=value, grad=grad, value_fn=value_fn
    )
    return optax.apply_updates(theta, updates), state, value


def _method(optimizer, loss) -> tuple[Callable, Callable]:
    """(init, step) of an optimiser; step: (theta, state, data) -> same and the loss."""
    if isinstance(optimizer, GaussNewton):
        if not isinstance(loss, Objective):
            raise TypeError(
                "Gauss-Newton needs to see the prediction inside the loss; make the "
                "loss with objective(...), or use an Optax optimiser."
            )
        return optimizer.init, partial(optimizer.step, loss)
    if not hasattr(optimizer, "update"):
        raise TypeError(
            f"optimizer is {optimizer!r}; expected an Optax optimiser such as "
            "optax.adam(1e-3), or GaussNewton()."
        )
    return optimizer.init, partial(_optax_step, optimizer, loss)


@partial(jax.jit, static_argnames=("loss", "optimizer", "num", "axes"))
def _advance(loss, optimizer, num, axes, theta, state, data):
    """Take `num` steps; keep the theta and the loss from before each of them."""
    _, one = _method(optimizer, loss)
    many = one if axes is None else jax.vmap(one, (0, 0, axes[0]))

    def body(carry, _):
        theta, state = carry
        after, state, value = many(theta, state, data)
        return (after, state), (theta, value)

    return jax.lax.scan(body, (theta, state), None, length=num)


@partial(jax.jit, static_argnames=("loss", "axes"))
def _value(loss, axes, theta, data):
    return (loss if axes is None else jax.vmap(loss, (0, axes[0])))(theta, data)


class _Stage(NamedTuple):
    """The steps taken at one horizon."""

    losses: Any
    thetas: Any


def _descend(loss, theta, data, optimizer, num_steps, axes, callback, done) -> tuple:
    """Take up to num_steps steps on one data set, in chunks that can be interrupted."""
    init, _ = _method(optimizer, loss)
    state = (init if axes is None else jax.vmap(init))(theta)
    chunk = max(size for size in range(1, 26) if num_steps % size == 0)
    losses, thetas, stopped = [], [], ""
    try:
        for start in range(0, num_steps, chunk):
            (theta, state), (before, values) = _advance(
                loss, optimizer, chunk, axes, theta, state, data
            )
            losses.append(np.asarray(values))
            thetas.append(jax.tree.map(np.asarray, before))
            if callback is not None:
                callback(done + start + chunk, float(np.nanmin(losses[-1][-1])))
            if not np.isfinite(losses[-1]).any(0).all() and axes is None:
                break
            if all(
                np.array_equal(old[0], new)
                for old, new in zip(
                    jax.tree.leaves(before), jax.tree.leaves(theta), strict=True
                )
            ):
                stopped = "converged"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    losses.append(np.asarray(_value(loss, axes, theta, data))[None])
    thetas.append(jax.tree.map(lambda leaf: np.asarray(leaf)[None], theta))
    joined = jax.tree.map(lambda *parts: np.concatenate(parts), *thetas)
    return _Stage(np.concatenate(losses), joined), stopped


def _report(stages: Sequence[_Stage], stopped: str) -> Fit:
    """The best finite theta of the last stage that has one, and a sentence."""
    losses = np.concatenate([stage.losses for stage in stages])
    thetas = jax.tree.map(
        lambda *parts: np.concatenate(parts), *(stage.thetas for stage in stages)
    )
    bad = np.flatnonzero(~np.isfinite(losses))
    start = len(losses) - len(stages[-1].losses)
    if np.isfinite(losses[start:]).any():
        best = start + int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)[start:]))
    else:
        best = int(bad[0]) - 1
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[max(best, 0)]), thetas)
    steps = len(losses) - len(stages)
    if best < 0:
        status, message = "diverged", (
            "The loss of the initial theta is not finite: the weights grow without "
            "bound already there. Start from smaller coefficients."
        )
    elif len(bad):
        status, message = "diverged", (
            f"The loss became {losses[bad[0]]} at step {bad[0]}: the weights grew without "
            f"bound. theta is that of step {best}, with loss {losses[best]:.4g}. Try the "
            "default optimiser, clipped gradients (optax.clip_by_global_norm), a lower "
            "learning rate, or horizons that grow."
        )
    elif stopped == "interrupted":
        status, message = stopped, (
            f"Interrupted after {steps} steps at loss {losses[best]:.4g}; theta is the "
            "best so far. Pass it as theta0 to go on."
        )
    elif stopped == "converged":
        status, message = stopped, (
            f"Converged within {steps} steps at loss {losses[best]:.4g}: no step lowers "
            "it further."
        )
    else:
        status, message = "finished", (
            f"Finished {steps} steps at loss {losses[best]:.4g}. If the loss still "
            "falls, raise num_steps."
        )
    return Fit(theta, losses, thetas, status, message)


def _checked(loss, theta0, data, num_steps, horizons, axes):
    """Refuse what cannot work, before anything is compiled."""
    if num_steps < 1:
        raise ValueError(f"num_steps is {num_steps}; expected at least 1.")
    theta0 = jax.tree.map(jnp.asarray, theta0)
    for leaf in jax.tree.leaves(theta0):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(
                f"theta0 holds {leaf.dtype}; expected floating-point numbers, such as "
                "rule.init(key)."
            )
        if not jnp.isfinite(leaf).all():
            raise ValueError("theta0 is not finite; expected numbers, as rule.init gives.")
    if isinstance(data, Experiment):
        check_experiment(data if axes is None or axes[0] is None else _flat(data))
    elif horizons is not None:
        raise ValueError("horizons cut experiments short; data is not an Experiment.")
    value = jax.eval_shape(partial(_value.__wrapped__, loss, axes), theta0, data)
    shape = () if axes is None else (jax.tree.leaves(theta0)[0].shape[0],)
    if getattr(value, "shape", None) != shape:
        raise ValueError(
            f"The loss must be one number for one theta; it has shape "
            f"{getattr(value, 'shape', type(value))}. Return a mean."
        )
    return jax.tree.map(lambda leaf: leaf.astype(value.dtype), theta0)


def _flat(data: Experiment) -> Experiment:
    """One batch out of a batch of batches, for the check."""
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), data)


def _stages(loss, theta0, data, optimizer, num_steps, horizons, axes, callback):
    theta = _checked(loss, theta0, data, num_steps, horizons, axes)
    cuts = [data] if horizons is None else [first_steps(data, h) for h in horizons]
    stages, stopped = [], ""
    for cut in cuts:
        done = sum(len(stage.losses) - 1 for stage in stages)
        stage, stopped = _descend(
            loss, theta, cut, optimizer, num_steps, axes, callback, done
        )
        stages.append(stage)
        if stopped == "interrupted" or (axes is None and not np.isfinite(stage.losses).all()):
            break
        theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[-1]), stage.thetas)
    return stages, stopped


def fit(
    loss: Callable,
    theta0: Theta,
    data: Any,
    *,
    optimizer: Any = LBFGS,
    num_steps: int = 200,
    horizons: Sequence[int] | None = None,
    callback: Callable[[int, float], None] | None = None,
) -> Fit:
    """Find the theta that makes loss(theta, data) small.

    Args:
        loss: `(theta, data) -> scalar`, for example from `objective`.
        theta0: where to start; any tree of arrays.
        data: what the loss needs.
        optimizer: any Optax optimiser, or GaussNewton().
        num_steps: steps of the optimiser (at each horizon, if there are several).
        horizons: fit the first 3 steps of the experiments, then the first 6, and so on:
            `horizons=(3, 6, 12, 25, 50)`. A short life cannot diverge far.
        callback: called with (step, loss) every few steps; show progress with it.

    Returns:
        A `Fit`. It never holds NaN: a fit that diverged says so in `status` and
        `message` and keeps the best theta from before.

    Raises:
        ValueError: theta0 or the data are not finite, or the loss is not a scalar.
        TypeError: not an optimiser, or Gauss-Newton without an `objective`.

    >>> found = fit(lambda theta, data: jnp.sum((theta - data) ** 2),
    ...             jnp.zeros(2), jnp.array([1.0, 2.0]), num_steps=20)
    >>> [round(float(v), 3) for v in found.theta]
    [1.0, 2.0]
    """
    return _report(
        *_stages(loss, theta0, data, optimizer, num_steps, horizons, None, callback)
    )


def fit_many(
    loss: Callable,
    theta0: Theta,
    data: Any,
    *,
    own_data: bool = False,
    optimizer: Any = LBFGS,
    num_steps: int = 200,
    horizons: Sequence[int] | None = None,
    callback: Callable[[int, float], None] | None = None,
) -> list[Fit]:
    """Many fits as one program: restarts, seeds, or folds with their own data.

    Args:
        loss: as in `fit`.
        theta0: starts, with a leading axis on every leaf: one fit each.
        data: the same for all fits; or with `own_data`, a leading axis: one each.
        own_data: does every fit have its own data?
        optimizer: as in `fit`.
        num_steps: as in `fit`.
        horizons: as in `fit`.
        callback: called with (step, lowest loss of all fits).

    Returns:
        One `Fit` for each start, in the same order. `min(fits, key=lowest)` is the
        best of several restarts; see `lowest`.

    >>> starts = jnp.array([[0.5], [-0.5]])
    >>> fits = fit_many(lambda t, data: jnp.sum((t**2 - data) ** 2), starts, 1.0)
    >>> [round(float(found.theta[0]), 2) for found in fits]
    [1.0, -1.0]
    """
    axes = (0 if own_data else None,)
    stages, stopped = _stages(
        loss, theta0, data, optimizer, num_steps, horizons, axes, callback
    )
    count = stages[0].losses.shape[1]
    return [
        _report(jax.tree.map(lambda leaf: leaf[:, k], stages), stopped)
        for k in range(count)
    ]


def lowest(found: Fit) -> float:
    """The loss of a fit's theta; infinite if the fit had nothing finite.

    >>> lowest(fit(lambda theta, data: (theta - data) ** 2, 0.0, 3.0)) < 1e-6
    True
    """
    finite = found.losses[np.isfinite(found.losses)]
    return float(finite.min()) if len(finite) else np.inf
