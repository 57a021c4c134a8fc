"""Assumptions of intervals: a round likelihood, and noise that is not shared."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float
from scipy import stats

from plastutor._types import Experiment, Theta
from plastutor.evaluate.uncertainty._fisher import checked
from plastutor.evaluate.uncertainty._laplace import laplace
from plastutor.evaluate.uncertainty._profile import (
    deviance_of_loss,
    held_fits,
    path_of,
)
from plastutor.objectives import Objective

FAR = 2**0.5  # a deviance so many times more, or less, than expected is far from it


class EndDeviance(NamedTuple):
    """The deviance at both ends of each interval of `laplace`.

    Attributes:
        names: the free coefficients.
        low: the deviance at the lower end of the interval of each, after all others
            were fitted again; NaN where the interval is infinite, infinite where the
            weights grow without bound.
        high: at the upper end.
        expected: at both, if the likelihood is round: 3.84 for intervals of 95 %.
    """

    names: tuple[str, ...]
    low: Float[np.ndarray, " k"]
    high: Float[np.ndarray, " k"]
    expected: float

    @property
    def lopsided(self) -> np.ndarray:
        """True where the deviance at an end is far from what is expected.

        That is sqrt(2) times more or less: outside 2.7 to 5.4 for intervals of 95 %.
        """
        ratio = np.array([self.low, self.high]) / self.expected
        return np.any((ratio > FAR) | (ratio < 1 / FAR), axis=0)

    def __str__(self) -> str:
        if np.isnan(self.low).all():
            return "No Laplace interval has ends: the data do not tell a coefficient."
        at = "at the ends of the Laplace interval"
        if not self.lopsided.any():
            return (
                f"The deviance {at} is near {self.expected:.2f},\nas it should be, for "
                "every coefficient that has one."
            )
        rows = zip(self.names, self.low, self.high, self.lopsided, strict=True)
        far = [f"{name} {low:.1f}, {high:.1f}" for name, low, high, is_ in rows if is_]
        return (
            f"Lopsided, use the profile (pt.profile): {at}\n"
            f"the deviance should be {self.expected:.2f}, and is far from it:\n"
            f"  {'; '.join(far)}"
        )


def end_deviance(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    *,
    noise: float | None = None,
    level: float = 0.95,
    max_steps: int = 5,
    batch_size: int | None = None,
) -> EndDeviance:
    """Are the intervals of `laplace` as wide to each side as the likelihood says?

    Where the log-likelihood is a parabola, the deviance 2 (log L_max - log L) at both
    ends of an interval is the quantile of chi-squared with one degree of freedom, all
    other coefficients being fitted again (Wilks 1938). With few data it need not be:
    where it is far lower, the interval ends too soon, and holds the truth less often
    than it says. Then `profile` tells where it should end.

    The other coefficients are fitted again and not only moved along the Gaussian's
    ridge: a likelihood with a bent ridge falls along the straight one though its
    interval is right. It takes 2 k fits of a few Gauss-Newton steps, as one program.

    Args:
        loss: made by `objective` with pt.activity, pt.accept or pt.choice; a penalty is
            left out.
        theta: the best fit, such as `fit(...).theta`.
        data: what was fitted.
        noise: as in `fisher`; if it is estimated, then once, at the best fit.
        level: of the intervals.
        max_steps: Gauss-Newton steps for each end.
        batch_size: how many ends are run together by vmap; default all. Fewer need
            less memory.

    Raises:
        ValueError: as `laplace`.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=2, n_post=3, noise=0.1
    ... )
    >>> loss, newton = pt.objective(rule, pt.activity), pt.GaussNewton()
    >>> theta = pt.fit(loss, 0 * pt.OJA, data, optimizer=newton, max_steps=20).theta
    >>> found = end_deviance(loss, theta, data)
    >>> found.lopsided.tolist(), round(found.expected, 2)
    ([False, False], 3.84)
    """
    around = laplace(loss, theta, data, noise=noise, level=level)
    theta, data = checked(loss, theta, data, noise, None)
    dtype, k = ravel_pytree(theta)[0].dtype, len(around.names)
    finite = np.flatnonzero(np.isfinite(around.std))
    ends = np.full((2, k), np.nan)
    quantile = float(stats.chi2.ppf(level, 1))
    if len(finite):
        half = np.sqrt(quantile) * around.std[finite]
        paths = [path_of(around, int(one)) for one in finite]
        every = [np.stack(two * 2) for two in zip(*paths, strict=True)]
        moves = np.concatenate([-half, half])
        # The best fit is one more, held at itself, in case the others find a better.
        ways = [np.append(moves, 0.0), *(np.append(v, v[:1], 0) for v in every)]
        ways = tuple(jnp.asarray(v, dtype) for v in ways)
        how = max_steps, batch_size or len(ways[0])
        losses = held_fits(loss, theta, data, around.free, ways, *how)[0]
        losses = np.asarray(losses, float)
        losses = np.where(np.isnan(losses), np.inf, losses)
        fall = deviance_of_loss(loss, around.information) * (losses - losses.min())
        ends[:, finite] = fall[:-1].reshape(2, -1)
    return EndDeviance(around.names, ends[0], ends[1], quantile)


class ResidualCorrelation(NamedTuple):
    """How much neurons share of what a rule leaves unexplained.

    Attributes:
        mean: correlation of the residuals of two neurons in one step, over all pairs,
            steps and experiments; NaN where no two neurons were recorded at once.
        low: lower end of the 95 % interval over experiments.
        high: its upper end.
    """

    mean: float
    low: float
    high: float

    @property
    def shared(self) -> bool:
        """True where the interval lies above zero."""
        return self.low > 0

    def __str__(self) -> str:
        if np.isnan(self.mean):
            return (
                "No two neurons were recorded at once: whether they share noise is not "
                "known."
            )
        said = (
            f"Residuals of two neurons correlate by {self.mean:.2f} "
            f"({self.low:.2f} to {self.high:.2f} over experiments)"
        )
        if not self.shared:
            return said + ":\nno sign of noise that neurons share."
        return (
            f"{said}:\nneurons share noise, or what the model lacks. Intervals that "
            "take residuals as\nindependent (pt.laplace, pt.profile) are too narrow; "
            "believe those over experiments\n(pt.evaluate.cluster_robust_interval)."
        )


@partial(jax.jit, static_argnames=("loss",))
def _residuals(loss, theta, data):
    """Residuals of recorded activity, 0 where there are none, and where there are."""
    predicted = loss.likelihood.prediction(loss.predict(theta, data))
    observed, there = loss.likelihood.observed(data)
    return jnp.where(there, observed - predicted, 0), there


def residual_correlation(
    loss: Objective, theta: Theta, data: Experiment
) -> ResidualCorrelation:
    """Do neurons share noise? `laplace` and `profile` take their residuals as apart.

    With each neuron's residuals e in units of their standard deviation, the mean over
    pairs in a step is ((sum e)^2 - sum e^2) / (n (n - 1)) for n recorded neurons, and
    0 if they are independent. Each experiment has one mean, and the interval is that of
    Student's t over experiments. With a correlation c the mean of n neurons varies
    1 + (n - 1) c times as much as if they were independent (Kish 1965).

    Args:
        loss: made by `objective` with pt.activity.
        theta: the best fit.
        data: what was fitted, a batch of experiments with activity (exp, time, post).

    Raises:
        ValueError: no recorded activity, or a single experiment.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=9, n_post=3, noise=0.1
    ... )
    >>> found = residual_correlation(pt.objective(rule, pt.activity), pt.OJA, data)
    >>> abs(found.mean) < 0.2, found.low < found.mean < found.high
    (True, True)
    """
    theta, data = checked(loss, theta, data, None, None)
    if loss.likelihood.field != "activity" or data.x.shape[0] < 2:
        raise ValueError(
            f"The likelihood is of {loss.likelihood.field}, in {data.x.shape[0]} "
            "experiment(s); expected recorded activity in 2 or more, since the "
            "interval is over experiments. Cut a long recording into pieces."
        )
    residuals, there = (np.asarray(v) for v in _residuals(loss, theta, data))
    residuals, count = residuals.astype(float), there.sum((0, 1))
    mean = residuals.sum((0, 1)) / np.maximum(count, 1)
    residuals = np.where(there, residuals - mean, 0)
    std = np.sqrt((residuals**2).sum((0, 1)) / np.maximum(count, 1))
    unit = residuals / np.where(std > 0, std, 1)
    together, n = unit.sum(-1) ** 2 - (unit**2).sum(-1), there.sum(-1)
    pairs = (n * (n - 1)).sum(1)
    each = together.sum(1)[pairs > 0] / pairs[pairs > 0]
    if len(each) < 2:
        return ResidualCorrelation(np.nan, np.nan, np.nan)
    half = stats.t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each))
    return ResidualCorrelation(*map(float, each.mean() + half * np.array([0, -1, 1])))
