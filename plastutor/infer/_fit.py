"""Fit: make a loss small. Any Optax optimiser, or Gauss-Newton for few coefficients.

Nothing here knows of synapses: a loss is a function of theta and data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from plastutor._devices import spread
from plastutor._experiments import check_experiment, first_steps
from plastutor._types import Experiment, Fit, Theta
from plastutor.infer._endings import Stage, endings, holds, report
from plastutor.infer._gauss_newton import GaussNewton
from plastutor.objectives import Fresh, Objective, data_at

LBFGS = optax.lbfgs()
"""The default: quasi-Newton with a line search, which never raises the loss."""
CHUNK = 25  # steps between two chances to stop


def _optax_step(optimizer, loss, theta, state, data):
    optimizer = optax.with_extra_args_support(optimizer)

    def value_fn(theta):
        return loss(theta, data)

    if optax.tree_utils.tree_get(state, "grad") is None:
        value, grad = jax.value_and_grad(value_fn)(theta)
    else:  # a line search has just evaluated both here
        value, grad = optax.value_and_grad_from_state(value_fn)(theta, state=state)
    updates, state = optimizer.update(
        grad, state, theta, value=value, grad=grad, value_fn=value_fn
    )
    return optax.apply_updates(theta, updates), state, value, grad


def _method(optimizer, loss) -> tuple[Callable, Callable]:
    """(init, step) of an optimiser.

    step: (theta, state, data) -> the next theta and state, and the loss and its
    gradient from before.
    """
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


@partial(jax.jit, static_argnames=("loss", "optimizer", "axes"))
def _advance(loss, optimizer, axes, first, n_steps, theta, state, data):
    """Take `n_steps` steps, at most CHUNK; keep theta and the loss from before each.

    Also the gradient before the last. The number of steps is data, so the program that
    takes many also takes one from the last theta, to see its loss and gradient.
    """
    _, at = _method(optimizer, loss)

    def one(theta, state, data, k):
        return at(theta, state, data_at(data, first + k))

    step = one if axes is None else jax.vmap(one, (0, 0, *axes, None))

    def body(k, carry):
        theta, state, _, kept = carry
        after, state, value, gradient = step(theta, state, data, k)
        kept = jax.tree.map(lambda all, now: all.at[k].set(now), kept, (theta, value))
        return after, state, gradient, kept

    value = loss_of.eval_shape(loss, axes, theta, data)
    kept = jax.tree.map(
        lambda leaf: jnp.zeros((CHUNK, *leaf.shape), leaf.dtype), (theta, value)
    )
    return jax.lax.fori_loop(0, n_steps, body, (theta, state, theta, kept))


@partial(jax.jit, static_argnames=("loss", "axes"))  # its shape is traced once
def loss_of(loss, axes, theta, data):
    """The loss of theta, or of each of several thetas; of fresh data, the first."""

    def one(theta, data):
        return loss(theta, data_at(data, 0))

    return (one if axes is None else jax.vmap(one, (0, *axes)))(theta, data)


def _descend(loss, theta, data, optimizer, max_steps, axes, progress, done) -> tuple:
    """Take up to max_steps on one data set, in chunks that can be interrupted."""
    init, _ = _method(optimizer, loss)
    init = init if axes is None else jax.vmap(init)

    def first_state(theta):
        # Without weak types: they would be gone after a chunk, and all compiled again.
        return jax.tree.map(lambda leaf: jnp.asarray(leaf, leaf.dtype), init(theta))

    state = first_state(theta)
    searches = optax.tree_utils.tree_get(state, "grad") is not None
    if isinstance(data, Fresh) and (searches or isinstance(optimizer, GaussNewton)):
        raise ValueError(
            "The data are new in each step, but this optimiser compares the losses of "
            "several steps; expected one such as optimizer=optax.adam(1e-2)."
        )
    advance = partial(_advance, loss, optimizer, axes)
    ndim = 0 if axes is None else 1
    stages, interrupted = [], False

    def keep(kept, steps):
        thetas, losses = jax.tree.map(lambda leaf: np.asarray(leaf)[:steps], kept)
        finite = holds(np.isfinite, ndim + 1, thetas)
        stages.append(Stage(np.where(finite, losses, np.nan), thetas))

    try:
        for start in range(0, max_steps, CHUNK):
            steps = min(CHUNK, max_steps - start)
            theta, state, _, kept = advance(done + start, steps, theta, state, data)
            keep(kept, steps)
            losses, thetas = stages[-1]
            if progress is not None:
                least = np.where(np.isfinite(losses[-1]), losses[-1], np.inf).min()
                progress(done + start + steps, float(least))
            if axes is None and not np.isfinite(losses).any():
                break
            first = jax.tree.map(lambda leaf: leaf[0], thetas)
            if holds(np.equal, ndim, first, theta).all():
                break
    except KeyboardInterrupt:
        interrupted = True
    # As a new fit from there would see it: a line search may have found a loss where
    # another order of the same sums overflows.
    taken = done + sum(len(stage.losses) for stage in stages)
    _, _, gradient, kept = advance(taken, 1, theta, first_state(theta), data)
    keep(kept, 1)
    stage = Stage(*jax.tree.map(lambda *parts: np.concatenate(parts), *stages))
    return stage, endings(loss, axes, stage, gradient, data, interrupted)


def _checked(loss, theta0, data, max_steps, horizons, axes):
    """Refuse what cannot work, before anything is compiled."""
    if not isinstance(max_steps, int) or max_steps < 1:
        raise ValueError(
            f"max_steps is {max_steps!r}; expected a whole number from 1 up."
        )
    theta0 = jax.tree.map(jnp.asarray, theta0)
    for leaf in jax.tree.leaves(theta0):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(
                f"theta0 holds {leaf.dtype}; expected floating-point numbers, such as "
                "rule.init(key)."
            )
        if not jnp.isfinite(leaf).all():
            raise ValueError(
                "theta0 is not finite; expected numbers, as rule.init gives."
            )
    if isinstance(data, Experiment) and axes in (None, (None,)):
        check_experiment(data)
    if horizons is not None and not isinstance(data, Experiment):
        raise ValueError("horizons cut experiments short; data is not an Experiment.")
    if horizons is not None and not len(horizons):
        raise ValueError("horizons is empty; expected steps, such as (3, 6, 12).")
    shapes = [leaf.shape for leaf in jax.tree.leaves(theta0)]
    if axes is not None and (() in shapes or len({s[0] for s in shapes}) > 1):
        raise ValueError(
            "theta0 needs a leading axis, one start for each fit, of the same length "
            f"on every leaf; its leaves have shapes {shapes}."
        )
    value = loss_of.eval_shape(loss, axes, theta0, data)
    shape = () if axes is None else (jax.tree.leaves(theta0)[0].shape[0],)
    if getattr(value, "shape", None) != shape:
        raise ValueError(
            f"The loss must be one number for one theta; it has shape "
            f"{getattr(value, 'shape', type(value))}. Return a mean."
        )
    return jax.tree.map(lambda leaf: leaf.astype(value.dtype), theta0)


def _shared(theta, data, axes):
    """Experiments, or several fits, spread over all devices."""
    if axes is None:
        batch = isinstance(data, Experiment) and data.x.ndim == 3
        return theta, spread(data) if batch else data
    if axes == (0,):
        return spread((theta, data))
    return spread(theta), data


def _stages(loss, theta0, data, optimizer, max_steps, horizons, axes, progress):
    theta = _checked(loss, theta0, data, max_steps, horizons, axes)
    theta, data = _shared(theta, data, axes)
    cuts = [data] if horizons is None else [first_steps(data, h) for h in horizons]
    for cut in cuts if horizons is not None and axes in (None, (None,)) else ():
        check_experiment(cut)  # a short horizon may hold nothing to fit
    stages = []
    for cut in cuts:
        done = sum(len(stage.losses) - 1 for stage in stages)
        stage, ended = _descend(
            loss, theta, cut, optimizer, max_steps, axes, progress, done
        )
        stages.append(stage)
        over = np.isin(ended, ("interrupted", "no gradient")).all()
        if over or (axes is None and not np.isfinite(stage.losses).all()):
            break
        theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[-1]), stage.thetas)
    return stages, ended


def fit(
    loss: Callable,
    theta0: Theta,
    data: Any,
    *,
    optimizer: Any = LBFGS,
    max_steps: int = 200,
    horizons: Sequence[int] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Find the theta that makes loss(theta, data) small.

    Args:
        loss: `(theta, data) -> scalar`, for example from `objective`.
        theta0: where to start; any tree of arrays.
        data: what the loss needs; or `pt.objectives.Fresh`, to draw it anew in each
            step. Then theta is that of the last step, since each loss is of other data.
        optimizer: any Optax optimiser, or GaussNewton().
        max_steps: steps of the optimiser (at each horizon, if there are several).
        horizons: fit the first 3 steps of the experiments, then the first 6, and so on:
            `horizons=(3, 6, 12, 25, 50)`. A short experiment cannot diverge far.
        progress: called as `progress(step, loss)`, every few steps.

    Returns:
        A `Fit` whose theta is always finite: a fit that diverged, or that stalled where
        steepest descent would go on, says so in `status` and `message`, and keeps the
        best theta.

    Raises:
        ValueError: theta0 or the data are not finite, or the loss is not a scalar.
        TypeError: not an optimiser, or Gauss-Newton without an `objective`.

    >>> found = fit(lambda theta, data: jnp.sum((theta - data) ** 2),
    ...             jnp.zeros(2), jnp.array([1.0, 2.0]), max_steps=20)
    >>> [round(float(v), 3) for v in found.theta]
    [1.0, 2.0]
    """
    stages, ended = _stages(
        loss, theta0, data, optimizer, max_steps, horizons, None, progress
    )
    return report(stages, str(ended), last=isinstance(data, Fresh))


def fit_many(
    loss: Callable,
    theta0: Theta,
    data: Any,
    *,
    data_axes: Any = None,
    optimizer: Any = LBFGS,
    max_steps: int = 200,
    horizons: Sequence[int] | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> list[Fit]:
    """Many fits as one program: restarts, seeds, or folds with their own data.

    Args:
        loss: as in `fit`.
        theta0: starts, with a leading axis on every leaf: one fit each.
        data: what the loss needs.
        data_axes: None if all fits share the data; 0 if every fit has its own, along a
            leading axis; or a tuple of both, as `in_axes` of jax.vmap.
        optimizer: as in `fit`.
        max_steps: as in `fit`.
        horizons: as in `fit`.
        progress: called as `progress(step, lowest loss of all fits)`.

    Returns:
        One `Fit` for each start, in the same order; those that diverged say so. The
        best of several random starts comes from `fit_restarts`.

    >>> starts = jnp.array([[0.5], [-0.5]])
    >>> fits = fit_many(lambda t, data: jnp.sum((t**2 - data) ** 2), starts, 1.0)
    >>> [round(float(found.theta[0]), 2) for found in fits]
    [1.0, -1.0]
    """
    axes = (data_axes,)
    stages, ended = _stages(
        loss, theta0, data, optimizer, max_steps, horizons, axes, progress
    )
    return [
        report(
            jax.tree.map(lambda leaf, k=k: leaf[:, k], stages),
            str(how),
            last=isinstance(data, Fresh),
        )
        for k, how in enumerate(ended)
    ]


def lowest_loss(result: Fit) -> float:
    """The loss of a fit's theta; infinite if no loss was finite.

    Args:
        result: from `fit` or `fit_many`.

    >>> lowest_loss(fit(lambda theta, data: (theta - data) ** 2, 0.0, 3.0)) < 1e-6
    True
    """
    finite = result.losses[np.isfinite(result.losses)]
    return float(finite.min()) if len(finite) else np.inf
