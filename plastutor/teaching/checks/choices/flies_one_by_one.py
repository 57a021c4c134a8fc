"""Checks of A rule for each fly, one for all, or something between."""

import numpy as np

from plastutor.teaching.checks._agreement import check


@check(
    [
        {"b": 1.0, "s": 1.0, "m": 0.0, "t": 1.0},
        {"b": 2.0, "s": 0.1, "m": -1.0, "t": 3.0},
        {"b": -1.0, "s": 2.0, "m": 0.5, "t": 0.2},
    ],
    "Weigh each of the two by one over its variance, and divide by the sum.",
)
def shrinkage_estimate(b, s, m, t):
    """Is `function(b, s, m, t)` the fly's value, given its fit and the population?"""
    return np.average([b, m], weights=[1 / s**2, 1 / t**2])


@check(
    [
        {"theta_w": a, "theta_xw": b}
        for a, b in ((-0.2, 0.0), (-0.1, -0.4), (-0.3, 0.2))
    ],
    "Per trial the weight changes by half of what the rule says; a loss is minus that "
    "change, over the weight. For the other odour x is 0.",
)
def forgetting_per_trial(theta_w, theta_xw):
    """Is `function(theta_w, theta_xw)` what (the chosen, the other) odour loses?"""
    return np.array([theta_w + 0.75 * theta_xw, theta_w]) / -2
