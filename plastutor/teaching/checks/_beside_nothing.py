"""Is a rule that was found better than the model that does nothing? Both losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def beside_nothing(theta: Any, nothing: np.ndarray, loss: Callable, hint: str) -> bool:
    """Does `theta` have less loss than `nothing`? Prints both, or what is wrong.

    Args:
        theta: the reader's, whatever it is.
        nothing: the theta of the model that does nothing, in the shape expected.
        loss: a number for a theta; smaller is better.
        hint: what to try, printed where theta is no better.

    >>> beside_nothing([1.0], np.zeros(1), lambda theta: (theta[0] - 2) ** 2, "")
    Better than nothing: loss 1 with theta, 4 with the model that does nothing.
    True
    """
    try:
        given = np.asarray(theta, float)
    except Exception:  # any object
        print(f"Not yet: theta is no array of numbers. {hint}")
        return False
    if given.shape != nothing.shape:
        shapes = f"shape {given.shape}; expected {nothing.shape}"
        print(f"Not yet: theta has {shapes}. {hint}")
        return False
    own, null = float(loss(given)), float(loss(nothing))
    better = own < null  # NaN is not
    said = f"loss {own:.4g} with theta, {null:.4g} with the model that does nothing."
    print(f"Better than nothing: {said}" if better else f"Not yet: {said} {hint}")
    return better
