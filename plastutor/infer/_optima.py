"""Optima: several fits of one loss, which of them agree, and how the others differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, PRNGKeyArray

from plastutor._types import Fit
from plastutor.infer._coefficients import coefficient_names, free_coefficients
from plastutor.infer._fit import fit_many, loss_of, lowest_loss
from plastutor.likelihoods import Likelihood
from plastutor.objectives import Objective

REACHED = 1.0  # nats of the summed loss: so close, a start has reached the best fit
SAME = 0.05  # nats that two fits of one optimum may be apart
BETWEEN = np.arange(1, 16) / 16  # where the loss is asked for on the way between two
NOISELESS = 1e-6  # noise is not taken for smaller, as a share of the mean square
SHOWN = 4  # coefficients in a sentence


def _likelihood(loss) -> Likelihood | None:
    known = getattr(loss, "likelihood", None)
    return known if isinstance(known, Likelihood) else None


def _nats_per_unit(loss, data, least, observations) -> float | None:
    """How many nats of the summed loss are one unit of the loss; None if not known.

    Of squared errors the noise is what the best fit leaves.
    """
    kind = _likelihood(loss)
    if kind is None:
        return observations
    observed, there = map(np.asarray, kind.observed(data))
    count = there.sum() if observations is None else observations
    if kind.has_noise:
        smallest = NOISELESS * float((observed**2).sum()) / there.sum()
        return float(count) / (2 * max(least, smallest, np.finfo("float32").tiny))
    return float(count)


def _values(loss, fits, data) -> np.ndarray:
    """The loss of each fit's theta on all data, whatever the horizons."""
    values = np.array([float(loss_of(loss, None, fit.theta, data)) for fit in fits])
    return np.where(np.isfinite(values), values, np.inf)


def _checked(loss, fits, data, observations):
    """The loss of each fit, and how many nats its unit has."""
    if not len(fits):
        raise ValueError("There are no fits; expected some, as from pt.fit_many.")
    if observations is not None and not 0 < observations < np.inf:
        raise ValueError(
            f"observations is {observations!r}; expected how many observations the "
            "loss is a mean over."
        )
    values = _values(loss, fits, data)
    unit = _nats_per_unit(loss, data, values.min(), observations)
    if unit is None:
        raise ValueError(
            "The loss does not say how many observations it is a mean over, so nats "
            "cannot be counted; pass observations=, or a loss made by pt.objective."
        )
    return values, unit


def nats_above_best(
    loss: Callable,
    fits: Sequence[Fit],
    data: Any,
    *,
    observations: float | None = None,
) -> Float[np.ndarray, " fit"]:
    """How far the loss of each fit, summed over observations, lies above the best one.

    Twice that is a difference of deviance. A loss is a mean, so that a difference that
    looks small may be many nats. Of a mean squared error, which is the likelihood of
    Gaussian noise of unknown size, the noise is taken from the best of the fits.

    Args:
        loss: as for the fits.
        fits: fits to the same data, such as restarts from `fit_many`.
        data: what was fitted.
        observations: how many observations the loss is a mean over; default counted,
            for a loss with a `Likelihood`.

    Returns:
        One number for each fit, 0 for the best; infinite without a finite loss.

    Raises:
        ValueError: no fits, or the number of observations is not known.

    >>> starts = jnp.array([1.0, -1.0])
    >>> fits = fit_many(lambda t, d: (t**2 - 1) ** 2 + d * t, starts, 0.1)
    >>> found = nats_above_best(lambda t, d: (t**2 - 1) ** 2 + d * t, fits, 0.1,
    ...                         observations=100)
    >>> [round(float(nats)) for nats in found]
    [20, 0]
    """
    values, unit = _checked(loss, fits, data, observations)
    least = values.min()
    return np.full(len(fits), np.inf) if np.isinf(least) else unit * (values - least)


def distinct_optima(
    loss: Callable,
    fits: Sequence[Fit],
    data: Any,
    *,
    within: float = 8.0,
    observations: float | None = None,
) -> list[Fit]:
    """The different optima among several fits, the best first.

    Two fits are of one optimum if they predict the same, or if nothing separates them:

    - half the sum, over observations, of their squared differences of log-likelihood,
      which is about the divergence of their predictions, is below 0.05 nats. So thetas
      along which the data do not tell, or that are written in two ways, are not two;
    - or on the straight line from one theta to the other the summed loss stays below
      the higher of the two ends, but for 0.05 nats: no pass lies between two valleys.
      So a fit that is still on its way does not count as an optimum of its own.

    Equal losses alone say nothing: two rules may be equally good. Without a
    `Likelihood` the line alone decides. Fits that diverged are left out, but for the
    best of all.

    Args:
        loss: as for the fits.
        fits: fits to the same data, such as restarts from `fit_many`.
        data: what was fitted.
        within: units of deviance, twice the summed loss in nats, within which of the
            best an optimum is reported. With one number more or less, two models so far
            apart would still be compared.
        observations: as in `nats_above_best`.

    Raises:
        ValueError: as `nats_above_best`, or `within` is no number above 0.

    >>> double = lambda t, d: (t**2 - 1) ** 2 + d * t
    >>> fits = fit_many(double, jnp.array([0.9, -1.2, 1.3]), 0.01)
    >>> found = distinct_optima(double, fits, 0.01, observations=100)
    >>> [round(float(one.theta), 1) for one in found]
    [-1.0, 1.0]
    """
    if not within > 0:
        raise ValueError(
            f"within is {within!r}; expected units of deviance above 0, such as 8."
        )
    values, unit = _checked(loss, fits, data, observations)
    return [fits[k] for k in _distinct(loss, fits, data, values, unit, within)]


def _distinct(loss, fits, data, values, unit, within=8.0) -> list[int]:
    """Which of the fits are the different optima, the best first."""
    best, *others = map(int, np.argsort(values, kind="stable"))
    found = [best]
    for k in others if np.isfinite(values[best]) else ():
        near = 2 * unit * (values[k] - values[best]) < within
        if not near or fits[k].status == "diverged":
            continue
        pairs = [(one, k) for one in found]
        if not any(_same(loss, fits, values, pair, data, unit) for pair in pairs):
            found.append(k)
    return found


def _same(loss, fits, values, pair, data, unit) -> bool:
    """Whether two fits are of one optimum."""
    one, other = (fits[k].theta for k in pair)
    ends = [np.asarray(ravel_pytree(theta)[0], float) for theta in (one, other)]
    higher, lower = max(values[k] for k in pair), min(values[k] for k in pair)
    if np.allclose(*ends, rtol=1e-3, atol=1e-6) and unit * (higher - lower) < SAME:
        return True  # spares the work below
    if isinstance(loss, Objective) and (kind := _likelihood(loss)) is not None:
        each = partial(_each_observation, loss)
        scale = unit / np.asarray(kind.observed(data)[1]).sum()  # 1, or 1 / (2 noise^2)
        if float(_divergence(each(one, data), each(other, data), scale)) < SAME:
            return True
    rounding = 8 * float(jnp.finfo(loss_of(loss, None, one, data).dtype).eps)
    highest = higher + SAME / unit + rounding * abs(higher)
    return all(
        float(loss_of(loss, None, _between(one, other, share), data)) <= highest
        for share in BETWEEN
    )


def _between(one, other, share):
    return jax.tree.map(
        lambda a, b: a + jnp.asarray(share, a.dtype) * (b - a), one, other
    )


@partial(jax.jit, static_argnames=("loss",))
def _each_observation(loss, theta, data):
    """The loss of each observation; 0 where there is none."""
    observed, there = loss.likelihood.observed(data)
    predicted = loss.likelihood.prediction(loss.predict(theta, data))
    return jnp.where(there, loss.likelihood.loss(predicted, observed), 0)


def _divergence(one, other, scale):
    return (((np.asarray(one) - np.asarray(other)) * scale) ** 2).sum() / 2


def _difference(loss, theta, best) -> str:
    """Where another theta differs most, in words."""
    free = [*range(ravel_pytree(theta)[0].size)]
    if isinstance(loss, Objective):
        free = [*free_coefficients(loss, theta)]
    there, here = (np.asarray(ravel_pytree(t)[0])[free] for t in (theta, best))
    names = coefficient_names(loss, theta)
    order = np.argsort(-np.abs(there - here), kind="stable")[:SHOWN]
    said = [f"{names[k]} {there[k]:.3g} (here {here[k]:.3g})" for k in order]
    return ", ".join(said) + (" and more" if len(free) > SHOWN else "")


def _summary(loss, fits, data, observations) -> str:
    """How many of several fits reached the best, and which other optima there are."""
    count = len(fits)
    try:
        values, unit = _checked(loss, fits, data, observations)
    except ValueError as error:
        if observations is not None:
            raise
        return f" How many of the {count} restarts reached it is not known. {error}"
    best, *others = _distinct(loss, fits, data, values, unit)
    nats = unit * (values - values[best])
    reached = int((nats < REACHED).sum())
    said = f" {reached} of {count} restarts reached it, to within 1 nat."
    if reached == 1 < count:
        said += " Try more restarts."
    for k in others:
        said += (
            f" Another optimum is {2 * nats[k]:.2g} units of deviance worse, with "
            f"{_difference(loss, fits[k].theta, fits[best].theta)}."
        )
    if others:
        said += " An interval around one of them says nothing of the others."
    return said


def fit_restarts(
    key: PRNGKeyArray,
    loss: Callable,
    init: Callable,
    data: Any,
    *,
    restarts: int = 6,
    observations: float | None = None,
    **how: Any,
) -> Fit:
    """The best of several fits from random starts, for a loss with several optima.

    `Fit.message` says how many of the starts reached it, to within 1 nat of the summed
    loss, and names other optima within 8 units of deviance. The optima themselves come
    from `distinct_optima` of the same fits, by `fit_many`.

    Args:
        key: a JAX random key.
        loss: as in `fit`.
        init: `key -> theta`, such as rule.init.
        data: what the loss needs.
        restarts: how many starts.
        observations: as in `nats_above_best`; if it is not known, the message says so.
        **how: optimizer, max_steps and the like, as in `fit_many`.

    Raises:
        ValueError: as `fit`, or fewer than one restart.

    >>> found = fit_restarts(jax.random.key(0), lambda t, data: (t**2 - data) ** 2,
    ...                      jax.random.normal, 4.0, restarts=3, max_steps=30,
    ...                      observations=10)
    >>> round(abs(float(found.theta)), 2)
    2.0
    >>> "3 of 3 restarts reached it" in found.message
    True
    """
    if not isinstance(restarts, int) or restarts < 1:
        raise ValueError(
            f"restarts is {restarts!r}; expected a whole number from 1 up."
        )
    starts = jax.vmap(init)(jax.random.split(key, restarts))
    fits = fit_many(loss, starts, data, **how)
    best = min(fits, key=lowest_loss)
    if how.get("horizons") is not None:  # a short one may have had a lower loss
        best = fits[int(_values(loss, fits, data).argmin())]
    said = best.message
    if restarts > 1 and np.isfinite(lowest_loss(best)):
        said += _summary(loss, fits, data, observations)
    return best._replace(message=said)
