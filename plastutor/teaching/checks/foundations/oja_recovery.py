"""Checks of Oja's rule recovered."""

import numpy as np

from plastutor.evaluate import r2
from plastutor.teaching.checks._agreement import check

DRAWS = np.random.default_rng(0)
WEIGHTS = DRAWS.normal(2.0, 1.0, (4, 2)), DRAWS.normal(0.0, 3.0, (5, 3))


@check(
    [
        {"x": 1.0, "y": 0.5, "c": 1.0},
        {"x": 1.0, "y": 0.5, "c": 2.0},
        {"x": -0.3, "y": 0.8, "c": 4.0},
    ],
    "Set x y - c y^2 w to zero, and solve for w.",
)
def fixed_point(x, y, c):
    """Is `function(x, y, c)` the weight that dw = x y - c y^2 w leaves as it is?"""
    return x / (c * y)


@check([{}], "theta[a, b, c, d] multiplies x^a y^b w^c r^d: x y is at [1, 1, 0, 0].")
def hebb_with_decay():
    """Is `function()` the theta of dw = 2 x y - 0.5 w, of shape (3, 3, 3, 1)?"""
    theta = np.zeros((3, 3, 3, 1))
    theta[1, 1, 0, 0], theta[0, 0, 1, 0] = 2.0, -0.5
    return theta


@check(
    [{"true": w, "predicted": w + 0.3 * DRAWS.normal(size=w.shape)} for w in WEIGHTS],
    "Take sums over rows first; each column has its own mean; average at the end.",
)
def mean_r2(true, predicted):
    """Is `function(true, predicted)` the mean over columns of the R2 over rows?"""
    return r2(true, predicted)
