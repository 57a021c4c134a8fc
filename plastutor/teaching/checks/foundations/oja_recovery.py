"""Checks of Oja's rule recovered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.evaluate import r2
from plastutor.teaching.checks._agreement import agrees


def resting_weight(function: Callable) -> bool:
    """Is `function(x, y, c)` the weight that dw = x y - c y^2 w leaves as it is?"""
    cases = ((1.0, 0.5, 1.0), (1.0, 0.5, 2.0), (-0.3, 0.8, 4.0))
    return agrees(
        function,
        lambda x, y, c: x / (c * y),
        [dict(zip("xyc", case, strict=True)) for case in cases],
        "Set x y - c y^2 w to zero, and solve for w.",
    )


def hebb_with_decay(function: Callable) -> bool:
    """Is `function()` the theta of dw = 2 x y - 0.5 w, of shape (3, 3, 3, 1)?"""

    def reference():
        theta = np.zeros((3, 3, 3, 1))
        theta[1, 1, 0, 0], theta[0, 0, 1, 0] = 2.0, -0.5
        return theta

    return agrees(
        function,
        reference,
        [{}],
        "theta[a, b, c, d] multiplies x^a y^b w^c r^d: x y is at [1, 1, 0, 0].",
    )


def mean_r2(function: Callable) -> bool:
    """Is `function(true, predicted)` the mean over columns of the R2 over rows?"""
    draws = np.random.default_rng(0)
    cases = [
        {"true": true, "predicted": true + 0.3 * draws.normal(size=true.shape)}
        for true in (draws.normal(2.0, 1.0, (4, 2)), draws.normal(0.0, 3.0, (5, 3)))
    ]
    return agrees(
        function,
        r2,
        cases,
        "Take sums over rows first; each column has its own mean; average at the end.",
    )
