"""Profile likelihood: one coefficient held, all others fitted again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike
from jaxtyping import Float
from scipy import stats

from plastutor._types import Experiment, Theta
from plastutor.evaluate.uncertainty._fisher import checked
from plastutor.evaluate.uncertainty._laplace import Laplace, laplace
from plastutor.infer import GaussNewton
from plastutor.objectives import Objective

OPTIMIZER = GaussNewton()


class Profile(NamedTuple):
    """The profile likelihood of one coefficient.

    Attributes:
        values: where the coefficient was held.
        deviance: twice the fall of the log-likelihood there, after all others were
            fitted again; 0 at the best fit.
        thetas: the fits, with a leading axis.
        low: lower end of the interval; minus infinity if it lies beyond `values`.
        high: upper end; infinity if it lies beyond `values`.
    """

    values: Float[np.ndarray, " value"]
    deviance: Float[np.ndarray, " value"]
    thetas: Theta
    low: float
    high: float


@partial(jax.jit, static_argnames=("loss", "max_steps", "batch_size"))
def _profile(loss, theta, data, free, path, across, moves, max_steps, batch_size):
    """Loss and theta for each move of one coefficient, the others fitted again."""
    flat, unravel = ravel_pytree(theta)

    def whole(few, move):
        return unravel(flat.at[free].add(path * move + across @ few))

    forward = loss.forward or loss.predict
    of_others = Objective(
        lambda few, given: loss.predict(whole(few, given[1]), given[0]),
        lambda prediction, given: loss.likelihood(prediction, given[0]),
        None,
        lambda few, given: forward(whole(few, given[1]), given[0]),
    )

    def one(move):
        given: Any = data, move
        few = gradient = jnp.zeros(across.shape[1], flat.dtype)

        def step(state, _):
            few, damping, _ = state
            few, damping, _, gradient = OPTIMIZER.step(of_others, few, damping, given)
            return (few, damping, gradient), None

        if across.shape[1]:
            state = few, OPTIMIZER.init(few), gradient
            (few, _, gradient), _ = jax.lax.scan(step, state, None, length=max_steps)
        # Where the gradient is lost the fit ended, and its loss is only a bound.
        known = jnp.isfinite(gradient).all()
        return jnp.where(known, of_others(few, given), jnp.nan), whole(few, move)

    return jax.lax.map(one, moves, batch_size=batch_size)


def profile(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    term: str,
    *,
    values: ArrayLike | Sequence | None = None,
    noise: float | None = None,
    level: float = 0.95,
    max_steps: int = 5,
    batch_size: int | None = None,
) -> Profile:
    """Hold one coefficient at some values and fit all others again.

    The interval holds the values whose deviance 2 (log L_max - log L) is below the
    quantile of chi-squared with one degree of freedom (Wilks 1938; Venzon and
    Moolgavkar 1988). Unlike that of `laplace` it need not be symmetric, and does not
    depend on how the rule is written.

    Each fit starts where the Laplace approximation expects its end, and runs in
    coordinates in which the likelihood is round, so that a few Gauss-Newton steps do.

    Args:
        loss: made by `objective` with pt.activity, pt.accept or pt.choice.
        theta: the best fit.
        data: what was fitted.
        term: the coefficient, a name such as "xy", or "rec xy" of a projection; see
            `Laplace.names`.
        values: where to hold it; default 9 values within 3 standard deviations.
        noise: as in `fisher`; if it is estimated, then once, at the best fit.
        level: the share of intervals that should hold the true value.
        max_steps: Gauss-Newton steps for each value.
        batch_size: how many values are run together by vmap; default all. Fewer need
            less memory.

    Raises:
        ValueError: an unknown term, or values that are no numbers.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=2, n_post=3, noise=0.1
    ... )
    >>> loss = pt.objective(rule, pt.activity)
    >>> found = profile(loss, pt.OJA, data, "xy")
    >>> found.low < 1 < found.high
    True
    """
    around = laplace(loss, theta, data, noise=noise, level=level)
    if term not in around.names:
        raise ValueError(
            f"There is no free coefficient {term!r}; expected one of "
            f"{', '.join(around.names)}."
        )
    k = around.names.index(term)
    if values is None:
        reach = around.std[k] if np.isfinite(around.std[k]) else around.scale
        values = around.mean[k] + 3 * reach * np.linspace(-1, 1, 9)
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"values is {values!r}; expected one row of numbers at which to hold "
            f"{term!r}."
        )
    theta, data = checked(loss, theta, data, noise, None)
    path, across = _around(around, k)
    dtype = ravel_pytree(theta)[0].dtype
    held = np.append(around.mean[k], values)  # the first is not held anywhere
    given = (jnp.asarray(v, dtype) for v in (path, across, held - held[0]))
    losses, thetas = _profile(
        loss, theta, data, around.free, *given, max_steps, batch_size or len(held)
    )
    information, losses = around.information, np.asarray(losses, float)
    unit = float(information.count / information.noise**2)
    if not loss.likelihood.has_noise:
        unit *= 2  # a mean log-likelihood, and not a mean square
    deviance = unit * (losses - np.nanmin(losses))
    order, best = np.argsort(held), held[np.nanargmin(losses)]
    low, high = _ends(held[order], deviance[order], best, level)
    thetas = jax.tree.map(lambda leaf: leaf[1:], thetas)
    return Profile(values, deviance[1:], thetas, low, high)


def _around(around: Laplace, k: int):
    """How all coefficients move with coefficient k, and how they move without it."""
    own, finite = around.root[k], np.isfinite(around.std[k])
    _, size, turned = np.linalg.svd(own[None], full_matrices=True)
    across = turned[1:] if size.any() else turned
    if finite:
        path = around.root @ own / (own @ own)
    else:  # along a direction of which the data know nothing
        path = around.unknown @ np.linalg.pinv(around.unknown)[:, k]
        path = path / path[k]
    return path, around.root @ across.T


def _ends(values, deviance, best, level):
    """Where the signed root of the deviance, nearly a line, crosses the quantile."""
    limit = np.sqrt(stats.chi2.ppf(level, 1))
    root = np.sqrt(np.where(np.isnan(deviance), np.inf, np.maximum(deviance, 0)))
    ends = []
    for side in (-1, 1):
        on = side * (values - best) >= 0
        v, d = values[on][::side], root[on][::side]
        beyond = np.flatnonzero(d > limit)
        if not len(beyond):
            ends.append(side * math.inf)
        elif np.isinf(d[beyond[0]]):  # the weights exploded there
            ends.append(float(v[beyond[0]]))
        else:
            near = slice(beyond[0] - 1, beyond[0] + 1)
            ends.append(float(np.interp(limit, d[near], v[near])))
    return tuple(ends)
