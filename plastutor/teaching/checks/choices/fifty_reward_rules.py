"""Checks of Fifty reward rules."""

from itertools import product

import numpy as np

from plastutor.rules import BEHAVIOUR_ORDERS, term_names
from plastutor.teaching.checks._agreement import check


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


NAMES = dict(
    zip(product(range(3), repeat=4), term_names(BEHAVIOUR_ORDERS), strict=True)
)
TWICE = [((1, 0, 0, 1), 1.0), ((1, 0, 0, 1), -0.05)]


@check(
    [{"highest": highest} for highest in (2, 1, 4)],
    "An index is right both ways if it is the same from either end.",
)
def asymmetric_indices(highest):
    """Is `function(highest)` how many terms another index names, read backwards?"""
    return (highest + 1) ** 4 - (highest + 1) ** 2


@check(
    [dict(zip("abcd", index, strict=True)) for index in NAMES],
    "Each letter as often as its power says, in the order x, y, w, r; without any "
    "letter it is 'one'.",
)
def term_name(a, b, c, d):
    """Is `function(a, b, c, d)` the name of the term with these powers?"""
    return NAMES[a, b, c, d]


@check(
    [{"pairs": pairs} for pairs in ([((2, 0, 1, 0), 0.5)], TWICE, [])],
    "Add to what is there; do not write over it.",
)
def theta_from_terms(pairs):
    """Is `function(pairs)` the array of coefficients, with repeated terms added?"""
    theta = np.zeros((3, 3, 3, 3))
    for index, value in pairs:
        theta[index] += value
    return theta


@check(
    [{"apply": _Ordered(order)} for order in ("xywr", "rwyx", "wxry")],
    "Set one coefficient of first power to 1, with four different inputs, and see "
    "which of them comes out.",
)
def index_order(apply):
    """Does `function(apply)` find which input each index of theta is a power of?"""
    return apply.order
