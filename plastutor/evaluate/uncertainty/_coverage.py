"""Coverage: do intervals hold the truth as often as they say?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats


class Coverage(NamedTuple):
    """How often intervals held the truth.

    Attributes:
        share: of the data sets, for each coefficient.
        low: lower end of the 95 % interval of that share (Clopper and Pearson 1934).
        high: its upper end.
    """

    share: Float[np.ndarray, " k"]
    low: Float[np.ndarray, " k"]
    high: Float[np.ndarray, " k"]


def coverage(truth, low, high) -> Coverage:
    """How often intervals hold the truth, over data sets made with a known rule.

    An honest 95 % interval does so in 95 % of the data sets. Missing intervals (NaN)
    count as failures, infinite ones as successes.

    Args:
        truth: the true coefficients, shape (k,).
        low: lower ends of the intervals, shape (set, k).
        high: upper ends.

    Raises:
        ValueError: the shapes do not fit.

    >>> found = coverage([0.0], low=[[-1.0], [0.5]], high=[[1.0], [1.5]])
    >>> float(found.share[0]), round(float(found.low[0]), 3)
    (0.5, 0.013)
    """
    truth, low, high = (np.asarray(v, float) for v in (truth, low, high))
    if low.ndim != 2 or low.shape != high.shape or truth.shape != low.shape[1:]:
        raise ValueError(
            f"truth has shape {truth.shape}, low {low.shape} and high {high.shape}; "
            "expected (k,) and twice (set, k): one row for each data set."
        )
    held, sets = ((low <= truth) & (truth <= high)).sum(0), len(low)
    least = stats.beta.ppf(0.025, held, sets - held + 1)
    most = stats.beta.ppf(0.975, held + 1, sets - held)
    return Coverage(
        held / sets, np.where(held > 0, least, 0.0), np.where(held < sets, most, 1.0)
    )
