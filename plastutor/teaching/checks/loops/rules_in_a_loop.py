"""Checks of Rules in a loop."""

import numpy as np

from plastutor.teaching.checks._agreement import check

SIZES = ([1.0, -0.2, 0.05, -0.9], [0.3, -2.0, 0.1], [-0.5, 0.4, 0.6])


@check(
    [{"w": w, "sign": sign} for w in (0.4, -0.3) for sign in (1, -1)],
    "An excitatory weight that would fall below zero stays at zero; for an inhibitory "
    "one turn both signs around.",
)
def bounded_weight(w, sign):
    """Is `function(w, sign)` the weight that Dale's law leaves of w?"""
    return sign * max(sign * w, 0.0)


@check(
    [
        {"theta": np.array(theta), "true": true}
        for theta in SIZES
        for true in ([0], [0, 2])
    ],
    "Sort all coefficients by their size, the sign aside, the largest first. Of the "
    "true terms the last one counts.",
)
def worst_rank(theta, true):
    """Is `function(theta, true)` the worst rank by size of the true coefficients?"""
    size = np.abs(theta)
    return max(1 + int((size > size[k]).sum()) for k in true)


@check(
    [{"v": v, "sign": sign} for v in (-3.0, 0.0, 2.0) for sign in (1, -1)],
    "The derivative of log(1 + exp(v)) is the sigmoid of v.",
)
def softplus_derivative(v, sign):
    """Is `function(v, sign)` the derivative of sign * log(1 + exp(v)) over v?"""
    return sign / (1 + np.exp(-v))
