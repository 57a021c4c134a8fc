"""Checks of A rule for each fly, one for all, or something between."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees


def shrink(function: Callable) -> bool:
    """Is `function(b, s, m, t)` the fly's value, given its fit and the population?"""

    def reference(b, s, m, t):
        return np.average([b, m], weights=[1 / s**2, 1 / t**2])

    cases = ((1.0, 1.0, 0.0, 1.0), (2.0, 0.1, -1.0, 3.0), (-1.0, 2.0, 0.5, 0.2))
    return agrees(
        function,
        reference,
        [dict(zip("bsmt", case, strict=True)) for case in cases],
        "Weigh each of the two by one over its variance, and divide by the sum.",
    )


def lost(function: Callable) -> bool:
    """Is `function(theta_w, theta_xw)` what (the chosen, the other) odour loses?"""

    def reference(theta_w, theta_xw):
        return np.array([theta_w + 0.75 * theta_xw, theta_w]) / -2

    return agrees(
        function,
        reference,
        [
            {"theta_w": a, "theta_xw": b}
            for a, b in ((-0.2, 0.0), (-0.1, -0.4), (-0.3, 0.2))
        ],
        "Per trial the weight changes by half of what the rule says; a loss is minus "
        "that change, over the weight. For the other odour x is 0.",
    )
