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
from jaxtyping import Float, Int
from scipy import stats

from plastutor._types import Experiment, Theta
from plastutor.evaluate.uncertainty._fisher import Information, checked
from plastutor.evaluate.uncertainty._laplace import Laplace, laplace
from plastutor.infer import GaussNewton
from plastutor.objectives import Objective

OPTIMIZER = GaussNewton()
SAME = 0.1  # units of deviance: two fits so close are taken for the same


class Profile(NamedTuple):
    """The profile likelihood of one coefficient.

    Attributes:
        values: where the coefficient was held.
        deviance: twice the fall of the log-likelihood there, after all others were
            fitted again; 0 at the best fit.
        thetas: the fits, with a leading axis.
        low: lower end of the interval; minus infinity if it lies beyond `values`.
        high: upper end; infinity if it lies beyond `values`.
        optimum: from which of the optima each fit began.
        pieces: the lower and upper ends of every interval of values whose deviance is
            below the quantile. More than one: between them the data exclude values.
        jumps: the pairs of neighbouring values between which the best fit changes from
            one optimum to another, and all other coefficients with it.
    """

    values: Float[np.ndarray, " value"]
    deviance: Float[np.ndarray, " value"]
    thetas: Theta
    low: float
    high: float
    optimum: Int[np.ndarray, " value"]
    pieces: tuple[tuple[float, float], ...]
    jumps: tuple[tuple[float, float], ...]


@partial(jax.jit, static_argnames=("loss", "max_steps", "batch_size"))
def held_fits(loss, theta, data, free, ways, max_steps, batch_size):
    """Loss and theta for each move of one coefficient, the others fitted again.

    Of each way: how far the coefficient moves, along which path of all of them, and
    across which columns these may leave it.
    """
    flat, unravel = ravel_pytree(theta)

    def whole(few, way):
        move, path, across = way
        return unravel(flat.at[free].add(path * move + across @ few))

    forward = loss.forward or loss.predict
    of_others = Objective(
        lambda few, given: loss.predict(whole(few, given[1]), given[0]),
        lambda prediction, given: loss.likelihood(prediction, given[0]),
        None,
        lambda few, given: forward(whole(few, given[1]), given[0]),
    )

    def one(way):
        given: Any = data, way
        size = way[2].shape[1]
        few = gradient = jnp.zeros(size, flat.dtype)

        def step(state, _):
            few, damping, _ = state
            few, damping, _, gradient = OPTIMIZER.step(of_others, few, damping, given)
            return (few, damping, gradient), None

        if size:
            state = few, OPTIMIZER.init(few), gradient
            (few, _, gradient), _ = jax.lax.scan(step, state, None, length=max_steps)
        # Where the gradient is lost the fit ended, and its loss is only a bound.
        known = jnp.isfinite(gradient).all()
        return jnp.where(known, of_others(few, given), jnp.nan), whole(few, way)

    return jax.lax.map(one, ways, batch_size=batch_size)


def profile(
    loss: Objective,
    theta: Theta | list[Theta],
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
    depend on how the rule is written. Like it, it takes residuals as independent.

    Each fit starts where the Laplace approximation expects its end, and runs in
    coordinates in which the likelihood is round, so that a few Gauss-Newton steps do.

    With several optima each value is fitted from all of them, and the best fit counts:
    the deviance is the lower envelope, which one optimum alone may miss. Where the best
    fit jumps from one to another, `jumps` says so; where the interval falls apart,
    `pieces` has its parts, and `low` and `high` are the outermost ends.

    Args:
        loss: made by `objective` with pt.activity, pt.accept or pt.choice.
        theta: the best fit; or a list of several optima, as from
            `pt.infer.distinct_optima`.
        data: what was fitted.
        term: the coefficient, a name such as "xy", or "rec xy" of a projection; see
            `Laplace.names`.
        values: where to hold it; default 9 values within 3 standard deviations of each
            optimum.
        noise: as in `fisher`; if it is estimated, then once, at the best fit.
        level: the share of intervals that should hold the true value.
        max_steps: Gauss-Newton steps for each value.
        batch_size: how many values are run together by vmap; default all. Fewer need
            less memory.

    Raises:
        ValueError: an unknown term, values that are no numbers, or an empty list.

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
    optima = theta if isinstance(theta, list) else [theta]
    if not optima:
        raise ValueError(
            "The list of thetas is empty; expected one or several optima, such as "
            "[fit.theta for fit in pt.infer.distinct_optima(loss, fits, data)]."
        )
    every = [laplace(loss, one, data, noise=noise, level=level) for one in optima]
    values = _where(every, term, values)
    k = every[0].names.index(term)
    own = np.array([around.mean[k] for around in every])
    held = np.append(own, values)  # the first are not held anywhere
    losses, thetas = [], []
    for one, around in zip(optima, every, strict=True):
        one, given = checked(loss, one, data, noise, None)
        moves = held - around.mean[k]
        every_way = [moves, *(np.stack([v] * len(held)) for v in path_of(around, k))]
        dtype = ravel_pytree(one)[0].dtype
        ways = tuple(jnp.asarray(v, dtype) for v in every_way)
        how = max_steps, batch_size or len(held)
        found = held_fits(loss, one, given, around.free, ways, *how)
        losses.append(np.asarray(found[0], float))
        thetas.append(found[1])
    losses = np.where(np.isnan(losses), np.inf, losses)
    information = every[int(losses.min(1).argmin())].information
    unit = deviance_of_loss(loss, information)
    deviance = unit * (losses - losses.min())
    best, jumps = _envelope(deviance[:, len(own) :], values, own)
    lowest = deviance.min(0)
    pieces = _pieces(held, lowest, level)
    each = jax.tree.map(lambda *leaves: jnp.stack(leaves), *thetas)
    at = np.arange(len(own), len(held))
    return Profile(
        values,
        np.where(np.isinf(lowest), np.nan, lowest)[len(own) :],
        jax.tree.map(lambda leaf: leaf[best, at], each),
        pieces[0][0],
        pieces[-1][1],
        best,
        pieces,
        jumps,
    )


def _where(every: list[Laplace], term: str, values) -> np.ndarray:
    """At which values a coefficient is held."""
    names = every[0].names
    if term not in names:
        raise ValueError(
            f"There is no free coefficient {term!r}; expected one of "
            f"{', '.join(names)}."
        )
    k = names.index(term)
    if values is None:
        reach = [a.std[k] if np.isfinite(a.std[k]) else a.scale for a in every]
        grid = np.linspace(-1, 1, 9)
        near = zip(every, reach, strict=True)
        values = np.sort([around.mean[k] + 3 * r * grid for around, r in near], None)
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"values is {values!r}; expected one row of numbers at which to hold "
            f"{term!r}."
        )
    return values


def _envelope(deviance, values, own):
    """For each value the optimum with the best fit, and where that changes.

    Where starts from two optima end in the same fit, the nearer one has it. A change
    is a jump only if on one side at least the two ended in fits that differ.
    """
    lowest = deviance.min(0)
    with np.errstate(invalid="ignore"):  # inf - inf, where all exploded
        good = ~(deviance - lowest[None] >= SAME)
    far = np.abs(values[None] - own[:, None])
    best = np.where(good, far, np.inf).argmin(0)
    jumps = []
    order = np.argsort(values, kind="stable")
    for i, j in zip(order[:-1], order[1:], strict=True):
        differ = not good[best[j], i] or not good[best[i], j]
        if best[i] != best[j] and differ:
            jumps.append((float(values[i]), float(values[j])))
    return best, tuple(jumps)


def deviance_of_loss(loss: Objective, information: Information) -> float:
    """By how many units the deviance changes where the mean loss changes by one."""
    unit = float(information.count / information.noise**2)
    # A mean square of activity; of choices minus a mean log-likelihood.
    return unit if loss.likelihood.has_noise else 2 * unit


def path_of(around: Laplace, k: int):
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


def _pieces(values, deviance, level) -> tuple[tuple[float, float], ...]:
    """The intervals of values whose deviance is below the quantile.

    An end is where the root of the deviance, nearly a line, crosses that of the
    quantile; at infinity where no value lies beyond.
    """
    limit = np.sqrt(stats.chi2.ppf(level, 1))
    order = np.argsort(values, kind="stable")
    values, root = values[order], np.sqrt(np.maximum(deviance[order], 0))
    inside = np.concatenate([[False], root <= limit, [False]]).astype(int)
    starts, stops = (np.flatnonzero(np.diff(inside) == way) for way in (1, -1))

    def end(within, beyond):
        if not 0 <= beyond < len(values):
            return math.inf if beyond > within else -math.inf
        if np.isinf(root[beyond]):  # the weights exploded there
            return float(values[beyond])
        pair = [within, beyond]
        return float(np.interp(limit, root[pair], values[pair]))

    return tuple(
        (end(first, first - 1), end(stop - 1, stop))
        for first, stop in zip(starts, stops, strict=True)
    )
