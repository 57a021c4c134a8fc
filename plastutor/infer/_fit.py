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
from jaxtyping import PRNGKeyArray

from plastutor._devices import spread
from plastutor._experiments import check_experiment, first_steps
from plastutor._types import Experiment, Fit, Theta
from plastutor.infer._gauss_newton import GaussNewton
from plastutor.objectives import Objective

LBFGS = optax.lbfgs()
"""The default: quasi-Newton with a line search, which never raises the loss."""


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


@partial(jax.jit, static_argnames=("loss", "optimizer", "n_steps", "axes"))
def _advance(loss, optimizer, n_steps, axes, theta, state, data):
    """Take `n_steps` steps; keep the theta and the loss from before each of them."""
    _, one = _method(optimizer, loss)
    step = one if axes is None else jax.vmap(one, (0, 0, *axes))

    def body(carry, _):
        theta, state = carry
        after, state, value = step(theta, state, data)
        return (after, state), (theta, value)

    return jax.lax.scan(body, (theta, state), None, length=n_steps)


def _loss_of(loss, axes, theta, data):
    return (loss if axes is None else jax.vmap(loss, (0, *axes)))(theta, data)


_value = jax.jit(_loss_of, static_argnames=("loss", "axes"))


class _Stage(NamedTuple):
    """The steps taken at one horizon."""

    losses: Any
    thetas: Any


def _descend(loss, theta, data, optimizer, max_steps, axes, progress, done) -> tuple:
    """Take up to max_steps on one data set, in chunks that can be interrupted."""
    init, _ = _method(optimizer, loss)
    state = (init if axes is None else jax.vmap(init))(theta)
    # Without weak types: they would be gone after a chunk, and all compiled again.
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf, leaf.dtype), state)
    chunk = max(size for size in range(1, 26) if max_steps % size == 0)
    losses, thetas, stopped = [], [], ""
    try:
        for start in range(0, max_steps, chunk):
            (theta, state), (before, values) = _advance(
                loss, optimizer, chunk, axes, theta, state, data
            )
            losses.append(np.asarray(values))
            thetas.append(jax.tree.map(np.asarray, before))
            if progress is not None:
                last = np.asarray(losses[-1][-1])
                least = np.where(np.isfinite(last), last, np.inf).min()
                progress(done + start + chunk, float(least))
            if axes is None and not np.isfinite(losses[-1]).any():
                break
            pairs = zip(*map(jax.tree.leaves, (thetas[-1], theta)), strict=True)
            if all(np.array_equal(old[0], new) for old, new in pairs):
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
    finite = np.isfinite(losses)
    bad = int((~finite).argmax())  # the first, if there is one
    start = len(losses) - len(stages[-1].losses)
    last = np.where(finite, losses, np.inf)[start:]
    best = start + int(last.argmin()) if finite[start:].any() else bad - 1
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[max(best, 0)]), thetas)
    status = (stopped or "finished") if finite.all() else "diverged"
    message = MESSAGES["no start" if best < 0 else status].format(
        steps=len(losses) - len(stages),
        loss=losses[max(best, 0)],
        best=best,
        bad=bad,
        value=losses[bad],
    )
    return Fit(theta, losses, thetas, status, message)


MESSAGES = {
    "no start": "The loss of the initial theta is not finite: the weights grow without "
    "bound already there. Start from smaller coefficients, or scale the stimuli down.",
    "diverged": "The loss became {value} at step {bad}: the weights grew without "
    "bound. theta is that of step {best}, with loss {loss:.4g}. Try the default "
    "optimiser, a lower learning rate, horizons that grow, or clipped gradients "
    "(optax.clip_by_global_norm; they do not help Adam).",
    "interrupted": "Interrupted after {steps} steps at loss {loss:.4g}; theta is the "
    "best so far. Pass it as theta0 to go on.",
    "converged": "Converged within {steps} steps at loss {loss:.4g}: no step lowers it "
    "further.",
    "finished": "Finished {steps} steps at loss {loss:.4g}. If the loss still falls, "
    "raise max_steps.",
}


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
    value = _value.eval_shape(loss, axes, theta0, data)
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
    stages, stopped = [], ""
    for cut in cuts:
        done = sum(len(stage.losses) - 1 for stage in stages)
        stage, stopped = _descend(
            loss, theta, cut, optimizer, max_steps, axes, progress, done
        )
        stages.append(stage)
        if stopped == "interrupted" or (
            axes is None and not np.isfinite(stage.losses).all()
        ):
            break
        theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[-1]), stage.thetas)
    return stages, stopped


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
        data: what the loss needs.
        optimizer: any Optax optimiser, or GaussNewton().
        max_steps: steps of the optimiser (at each horizon, if there are several).
        horizons: fit the first 3 steps of the experiments, then the first 6, and so on:
            `horizons=(3, 6, 12, 25, 50)`. A short experiment cannot diverge far.
        progress: called as `progress(step, loss)`, every few steps.

    Returns:
        A `Fit` whose theta is always finite: a fit that diverged says so in `status`
        and `message`, and keeps the best theta from before.

    Raises:
        ValueError: theta0 or the data are not finite, or the loss is not a scalar.
        TypeError: not an optimiser, or Gauss-Newton without an `objective`.

    >>> found = fit(lambda theta, data: jnp.sum((theta - data) ** 2),
    ...             jnp.zeros(2), jnp.array([1.0, 2.0]), max_steps=20)
    >>> [round(float(v), 3) for v in found.theta]
    [1.0, 2.0]
    """
    return _report(
        *_stages(loss, theta0, data, optimizer, max_steps, horizons, None, progress)
    )


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
    stages, stopped = _stages(
        loss, theta0, data, optimizer, max_steps, horizons, axes, progress
    )
    each = range(stages[0].losses.shape[1])
    of = [jax.tree.map(lambda leaf, k=k: leaf[:, k], stages) for k in each]
    return [_report(one, stopped) for one in of]


def lowest_loss(result: Fit) -> float:
    """The loss of a fit's theta; infinite if no loss was finite.

    Args:
        result: from `fit` or `fit_many`.

    >>> lowest_loss(fit(lambda theta, data: (theta - data) ** 2, 0.0, 3.0)) < 1e-6
    True
    """
    finite = result.losses[np.isfinite(result.losses)]
    return float(finite.min()) if len(finite) else np.inf


def fit_restarts(
    key: PRNGKeyArray,
    loss: Callable,
    init: Callable,
    data: Any,
    *,
    restarts: int = 6,
    **how: Any,
) -> Fit:
    """The best of several fits from random starts, for a loss with several optima.

    Args:
        key: a JAX random key.
        loss: as in `fit`.
        init: `key -> theta`, such as rule.init.
        data: what the loss needs.
        restarts: how many starts.
        **how: optimizer, max_steps and the like, as in `fit_many`.

    >>> found = fit_restarts(jax.random.key(0), lambda t, data: (t**2 - data) ** 2,
    ...                      jax.random.normal, 4.0, restarts=3, max_steps=30)
    >>> round(abs(float(found.theta)), 2)
    2.0
    """
    starts = jax.vmap(init)(jax.random.split(key, restarts))
    return min(fit_many(loss, starts, data, **how), key=lowest_loss)
