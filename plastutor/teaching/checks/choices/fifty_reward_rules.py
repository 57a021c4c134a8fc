"""Checks of Fifty reward rules."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from plastutor.rules import BEHAVIOUR_ORDERS, term_names
from plastutor.teaching.checks._agreement import agrees


class _Ordered:
    """A Taylor rule whose indices belong to the inputs in a given order."""

    def __init__(self, order: str):
        self.order = order

    def __call__(self, theta, x, y, w, r):
        inputs = {"x": x, "y": y, "w": w, "r": r}
        powers = [inputs[letter] ** np.arange(3.0) for letter in self.order]
        return np.einsum("abcd,a,b,c,d->", np.asarray(theta), *powers)

    def __repr__(self):
        return f"a rule that reads its indices as {', '.join(self.order)}"


def wrong_backwards(function: Callable) -> bool:
    """Is `function(highest)` how many terms another index names, read backwards?"""
    return agrees(
        function,
        lambda highest: (highest + 1) ** 4 - (highest + 1) ** 2,
        [{"highest": highest} for highest in (2, 1, 4)],
        "An index is right both ways if it is the same from either end.",
    )


def term_name(function: Callable) -> bool:
    """Is `function(a, b, c, d)` the name of the term with these powers?"""
    names = dict(
        zip(product(range(3), repeat=4), term_names(BEHAVIOUR_ORDERS), strict=True)
    )
    cases = [dict(zip("abcd", index, strict=True)) for index in names]
    return agrees(
        function,
        lambda a, b, c, d: names[a, b, c, d],
        cases,
        "Each letter as often as its power says, in the order x, y, w, r; without any "
        "letter it is 'one'.",
    )


def theta_of(function: Callable) -> bool:
    """Is `function(pairs)` the array of coefficients, with repeated terms added?"""

    def reference(pairs):
        theta = np.zeros((3, 3, 3, 3))
        for index, value in pairs:
            theta[index] += value
        return theta

    twice = [((1, 0, 0, 1), 1.0), ((1, 0, 0, 1), -0.05)]
    cases = [{"pairs": pairs} for pairs in ([((2, 0, 1, 0), 0.5)], twice, [])]
    return agrees(
        function, reference, cases, "Add to what is there; do not write over it."
    )


def index_order(function: Callable) -> bool:
    """Does `function(apply)` find which input each index of theta is a power of?"""
    cases = [{"apply": _Ordered(order)} for order in ("xywr", "rwyx", "wxry")]
    return agrees(
        function,
        lambda apply: apply.order,
        cases,
        "Set one coefficient of first power to 1, with four different inputs, and see "
        "which of them comes out.",
    )
