"""Is an answer right? A function by counter-examples, a theta by its loss."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from plastutor.teaching.checks._caller import Caller


def _shown(value) -> str:
    """A short form of a value, for a sentence."""
    if hasattr(value, "__name__"):  # a function
        return value.__name__
    try:
        array = np.asarray(value)
    except ValueError:  # lists within lists that are no array
        return str(value)
    if array.ndim > 2 and array.size > 16:
        return f"an array of shape {array.shape}"
    text = np.array2string(array, precision=4, threshold=8, suppress_small=True)
    text = " ".join(text.removesuffix(".").split())
    return text if len(text) < 500 else f"{text[:500]} ..."


def _near(got, wanted, tolerance) -> bool:
    """Numbers of one shape that are near enough, relative to 1 + their size."""
    if got.shape != wanted.shape:
        return False
    return bool((np.abs(got - wanted) <= tolerance * (1 + np.abs(wanted))).all())


def _difference(got, wanted, tolerance) -> str:
    """Both arrays, or if they are large, the first place where they differ."""
    place, at = (), ""
    if got.size > 8:
        places = np.ndindex(got.shape)
        place = next(i for i in places if not _near(got[i], wanted[i], tolerance))
        at = f" at [{', '.join(map(str, place))}]"
    return f"gives {_shown(got[place])}{at}; expected {_shown(wanted[place])}."


def _resemblance(got, wanted, tolerance) -> str:
    """What a wrong array has to do with the right one, if that is easy to see."""
    near = lambda a, b: a.size > 0 and _near(a, b, tolerance)
    if not np.isfinite(got).all():
        return f" There is {'NaN' if np.isnan(got).any() else 'an infinity'} in it."
    if near(got, -wanted):
        return " That is the right size with the wrong sign."
    if got.ndim == 2 and near(got.T, wanted):
        return " That is the right answer transposed."
    if got.shape != wanted.shape or got.ndim == 0 or got.size < 2:
        return ""
    if near(got[::-1], wanted):
        return " That is the right answer in reverse order."
    if got.ndim == 1 and min(np.ptp(got[1:]), np.ptp(got[:-1])) > tolerance:
        if near(got[1:], wanted[:-1]):
            return " That comes one place too late."
        if near(got[:-1], wanted[1:]):
            return " That comes one place too early."
    ratio = (got * wanted).sum() / max((wanted * wanted).sum(), 1e-30)
    several = np.count_nonzero(wanted) > 1
    if ratio and several and near(got / ratio, wanted):
        return f" That is {ratio:.4g} times the right answer."
    if np.ptp(wanted) > tolerance and near(got - (got - wanted).mean(), wanted):
        return f" That is the right answer plus {(got - wanted).mean():.4g}."
    return ""


def _complaint(reply: dict, wanted, tolerance: float, limit: float | int) -> str | None:
    """What is wrong with an answer, to follow the function's name; None if nothing."""
    kind, value = reply["kind"], reply.get("value")
    if kind == "late":
        return (
            f"had no answer after {limit:g} seconds and was stopped. Is there a loop "
            "that never ends?"
        )
    if kind == "ended":
        return (
            "ended the process that it ran in. Does it leave Python, or ask for very "
            "much memory?"
        )
    if kind in ("raised", "unread"):
        return f"raised {value}."
    expected = f"expected {_shown(wanted)}"
    if kind == "nothing":
        return f"returned nothing; {expected}. Did you forget `return`?"
    if kind == "thing":
        return f"returned something ({value}) that is no array of numbers; {expected}."
    if kind == "text" or isinstance(wanted, str):
        same = kind == "text" and value == wanted
        return None if same else f"gives {_shown(value)}; {expected}."
    wanted, shape = np.asarray(wanted, float), tuple(reply["shape"])
    expected += f" of shape {wanted.shape}"
    if value is None:  # too many to be sent
        return f"returned shape {shape}; {expected}."
    given = np.asarray(value).reshape(shape)
    got = given.astype(float)
    if _near(got, wanted, tolerance):
        return None
    alike = _resemblance(got, wanted, tolerance)
    if shape == wanted.shape:
        return _difference(given, wanted, tolerance) + alike
    shown = f", {_shown(given)}" if got.size <= 8 else ""
    return f"returned shape {shape}{shown}; {expected}.{alike}"


def _first(n: int) -> str:
    return "the first" if n == 1 else f"the first {n}"


def agrees(
    function: Any,
    reference: Callable,
    cases: Iterable[dict],
    hint: str,
    *,
    tolerance: float = 1e-4,
    limit: float | int = 20.0,
) -> bool:
    """Does a function give the same as a reference, on every case?

    The function runs in another process, with copies of the cases, and is stopped when
    its time is up.

    Args:
        function: the reader's; what is no function gets a sentence too.
        reference: the right one, whose answer is text or numbers.
        cases: the arguments by name, one dictionary a case.
        hint: what to try, printed with the first counter-example.
        tolerance: how far off a number may be, relative to 1 + its size.
        limit: seconds that the function may take for all cases together.

    Returns:
        True if it agrees; else it prints the counter-example and returns False.

    >>> agrees(lambda x: x, lambda x: x, [{"x": 1.0}], "")
    Correct: agrees with the reference in 1 case.
    True
    """
    if not callable(function):
        print(
            "Not yet: a check takes the function itself, not its answer. Write its "
            f"name without brackets. {hint}"
        )
        return False
    name, cases = getattr(function, "__name__", "your function"), list(cases)
    call = Caller(function, limit)
    for right, case in enumerate(cases):
        wanted = reference(**case)
        with np.errstate(all="ignore"):  # answers may be as large as they like
            said = _complaint(call(case), wanted, tolerance, limit)
        if said is not None:
            so_far = (
                f" (right in {_first(right)} of {len(cases)} cases)" if right else ""
            )
            given = ", ".join(f"{key} = {_shown(value)}" for key, value in case.items())
            given = f"with {given}, " if given else ""
            print(f"Not yet{so_far}: {given}{name} {said} {hint}")
            return False
    cases_word = "case" if len(cases) == 1 else "cases"
    print(f"Correct: agrees with the reference in {len(cases)} {cases_word}.")
    return True


def check(
    cases: Sequence[dict] | Callable, hint: str, *, tolerance: float = 1e-4
) -> Callable:
    """Make a right answer the check that compares a reader's function with it.

    Args:
        cases: the arguments by name, one dictionary a case; or a function that makes
            them, when the check is called.
        hint: what to try, printed with the first counter-example.
        tolerance: how far off a number may be, relative to 1 + its size.

    >>> @check([{"x": 1.0}], "Twice as much.")
    ... def double(x):
    ...     return 2 * x
    >>> double(lambda x: x + x)
    Correct: agrees with the reference in 1 case.
    True
    """

    def of(answer: Callable) -> Callable:
        def checked(function: Callable) -> bool:
            drawn = cases() if callable(cases) else cases
            return agrees(function, answer, drawn, hint, tolerance=tolerance)

        return _named(checked, answer)

    return of


def check_theta(nothing: np.ndarray, hint: str) -> Callable:
    """Make a loss the check that a reader's theta has less of it than another one.

    Args:
        nothing: the theta of the model that does nothing, in the shape expected.
        hint: what to try, printed where theta is no better.

    >>> @check_theta(np.zeros(1), "")
    ... def loss(theta, data):
    ...     return (theta[0] - data) ** 2
    >>> loss([1.0], 2.0)
    Better than nothing: loss 1 with theta, 4 with the model that does nothing.
    True
    """

    def of(loss: Callable) -> Callable:
        def checked(theta: Any, data: Any) -> bool:
            try:
                given = np.asarray(theta, float)
            except Exception:  # any object
                print(f"Not yet: theta is no array of numbers. {hint}")
                return False
            if given.shape != nothing.shape:
                shapes = f"shape {given.shape}; expected {nothing.shape}"
                print(f"Not yet: theta has {shapes}. {hint}")
                return False
            own, null = (float(loss(one, data)) for one in (given, nothing))
            better = own < null  # NaN is not
            said = f"loss {own:.4g} with theta, {null:.4g} with"
            said += " the model that does nothing."
            print(
                f"Better than nothing: {said}" if better else f"Not yet: {said} {hint}"
            )
            return better

        return _named(checked, loss)

    return of


def _named(checked: Callable, answer: Callable) -> Callable:
    """A check with the name and the words of its answer."""
    names = ("__module__", "__name__", "__qualname__", "__doc__")
    functools.update_wrapper(checked, answer, names, ())
    del checked.__wrapped__  # help shows what a check takes, not what is checked
    return checked
