"""Coverage: do intervals hold the true coefficients as often as they say?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float
from scipy import stats


class Coverage(NamedTuple):
    """How often intervals held the true coefficients.

    Attributes:
        share: of the data sets, for each coefficient.
        low: lower end of the 95 % interval of that share (Clopper and Pearson 1934).
        high: its upper end.
    """

    share: Float[np.ndarray, " k"]
    low: Float[np.ndarray, " k"]
    high: Float[np.ndarray, " k"]


def coverage(
    theta_true: ArrayLike | Sequence,
    low: ArrayLike | Sequence,
    high: ArrayLike | Sequence,
) -> Coverage:
    """How often intervals hold the true coefficients, over simulated data sets.

    An honest 95 % interval does so in 95 % of the data sets. Missing intervals (NaN)
    count as failures, infinite ones as successes.

    Args:
        theta_true: the true coefficients, shape (k,).
        low: lower ends of the intervals, shape (set, k).
        high: upper ends.

    Raises:
        ValueError: the shapes do not fit.

    >>> found = coverage([0.0], low=[[-1.0], [0.5]], high=[[1.0], [1.5]])
    >>> float(found.share[0]), round(float(found.low[0]), 3)
    (0.5, 0.013)
    """
    true, low, high = (np.asarray(v, float) for v in (theta_true, low, high))
    if low.ndim != 2 or low.shape != high.shape or true.shape != low.shape[1:]:
        raise ValueError(
            f"theta_true has shape {true.shape}, low {low.shape}, high {high.shape}; "
            "expected (k,) and twice (set, k): one row for each data set."
        )
    held, sets = ((low <= true) & (true <= high)).sum(0), len(low)
    least = stats.beta.ppf(0.025, held, sets - held + 1)
    most = stats.beta.ppf(0.975, held + 1, sets - held)
    return Coverage(
        held / sets, np.where(held > 0, least, 0.0), np.where(held < sets, most, 1.0)
    )
