"""Paired: two models compared animal by animal, with intervals over animals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.random as jr
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import PRNGKeyArray
from scipy.stats import wilcoxon

from plastutor.evaluate._scores import percent_deviance


def bootstrap_interval(
    key: PRNGKeyArray,
    statistic: Callable,
    *per_animal: ArrayLike | Sequence,
    level: float = 0.95,
    n_samples: int = 10_000,
) -> tuple[float, float]:
    """A percentile bootstrap interval over animals.

    Args:
        key: a JAX random key.
        statistic: a function of the arrays, for example `percent_deviance`.
        *per_animal: arrays with one value an animal; they are resampled together.
        level: the interval's coverage.
        n_samples: bootstrap samples.

    >>> low, high = bootstrap_interval(jr.key(0), np.mean, np.arange(20.0))
    >>> low < 9.5 < high
    True
    """
    arrays = [np.asarray(values) for values in per_animal]
    shape = n_samples, len(arrays[0])
    draws = np.asarray(jr.randint(key, shape, 0, shape[1]))
    values = [statistic(*(values[draw] for values in arrays)) for draw in draws]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


class ModelComparison(NamedTuple):
    """How much better one model predicts than another, animal by animal.

    Attributes:
        gain: percent deviance explained, the one model less the other, over all
            choices.
        interval: of the gain, from resampling animals.
        n_better: how many animals the one model predicts better.
        n_animals: how many there are.
        p_value: of the Wilcoxon signed-rank test on the animals' mean losses.
        effect: the mean of the animals' differences, in their standard deviations.
    """

    gain: float
    interval: tuple[float, float]
    n_better: int
    n_animals: int
    p_value: float
    effect: float

    @property
    def verdict(self) -> str:
        """Better or worse only where the interval excludes zero."""
        low, high = self.interval
        return "better" if low > 0 else "worse" if high < 0 else "no clear difference"


def compare_models(
    key: PRNGKeyArray,
    losses: ArrayLike | Sequence,
    other_losses: ArrayLike | Sequence,
    null_losses: ArrayLike | Sequence,
    *,
    level: float = 0.95,
    alternative: str = "two-sided",
) -> ModelComparison:
    """Compare two models on the same held-out animals.

    All three are summed losses, one an animal. The fits are taken as given: that other
    animals would have led to other fits is left out.

    Args:
        key: a JAX random key, for the interval.
        losses: of the one model.
        other_losses: of the model it is compared with.
        null_losses: of the model that does nothing; they set the scale of an animal.
        level: the interval's coverage.
        alternative: "two-sided", or "greater" to ask only whether it is better.

    >>> one, other = np.array([8.0, 9.0, 7.0, 8.5]), np.array([9.0, 9.5, 8.5, 9.2])
    >>> found = compare_models(jr.key(0), one, other, np.full(4, 10.0))
    >>> round(found.gain, 2), found.n_better, found.verdict
    (9.25, 4, 'better')
    """
    one, other, null = map(np.asarray, (losses, other_losses, null_losses))

    def gain(one, other, null):
        return percent_deviance(one, null) - percent_deviance(other, null)

    difference, p_value = (other - one) / null, 1.0
    if difference.any():
        p_value = float(np.asarray(wilcoxon(difference, alternative=alternative))[1])
    std = difference.std(ddof=1)
    return ModelComparison(
        gain(one, other, null),
        bootstrap_interval(key, gain, one, other, null, level=level),
        int((difference > 0).sum()),
        len(difference),
        p_value,
        float(difference.mean() / std) if std > 0 else 0.0,
    )
