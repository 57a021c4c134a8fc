"""Does a function give the same as a reference? It says no by a counter-example."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

__all__ = ["agrees"]


def _shown(value) -> str:
    """A short form of a value, for a sentence."""
    try:
        text = np.array2string(np.asarray(value), precision=4, threshold=8)
    except ValueError:  # lists within lists that are no array
        text = str(value)
    return " ".join(text.split())


def _equal(got, wanted, tolerance) -> bool:
    """The same text, or numbers that are near enough."""
    if isinstance(wanted, str) or isinstance(got, str):
        return got == wanted
    try:
        got, wanted = np.asarray(got, float), np.asarray(wanted, float)
    except (TypeError, ValueError):  # no numbers at all
        return False
    return bool((np.abs(got - wanted) <= tolerance * (1 + np.abs(wanted))).all())


def agrees(
    function: Callable,
    reference: Callable,
    cases: Iterable[dict],
    hint: str,
    *,
    tolerance: float = 1e-4,
) -> bool:
    """Does a function give the same as a reference, on every case?

    Args:
        function: the reader's.
        reference: the right one, whose answer is text or numbers.
        cases: the arguments by name, one dictionary a case.
        hint: what to try, printed with the first counter-example.
        tolerance: how far off a number may be, relative to 1 + its size.

    Returns:
        True if it agrees; else it prints the counter-example and returns False.

    >>> agrees(lambda x: x, lambda x: x, [{"x": 1.0}], "")
    Correct: agrees with the reference in 1 case.
    True
    """
    name, count = getattr(function, "__name__", "your function"), 0
    for case in cases:
        given = ", ".join(f"{key} = {_shown(value)}" for key, value in case.items())
        try:
            got = function(**case)
        except Exception as error:  # whatever the reader wrote, we answer in words
            print(
                f"{name} raised {type(error).__name__}: {error}. Given {given}. {hint}"
            )
            return False
        if got is None:
            print(f"{name} returned nothing. Did you forget `return`? {hint}")
            return False
        wanted = reference(**case)
        if np.shape(got) != np.shape(wanted):
            print(
                f"{name} returned shape {np.shape(got)}; expected {np.shape(wanted)}. "
                f"Given {given}. {hint}"
            )
            return False
        if not _equal(got, wanted, tolerance):
            print(
                f"Not yet: with {given}, {name} gives {_shown(got)}; expected "
                f"{_shown(wanted)}. {hint}"
            )
            return False
        count += 1
    cases_word = "case" if count == 1 else "cases"
    print(f"Correct: agrees with the reference in {count} {cases_word}.")
    return True
