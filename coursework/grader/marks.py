"""Marks: compare what a submission answered with what is right.

The answers were written by untrusted code. They are JSON, read here into numbers, text
and lists; nothing of them is ever executed or unpickled.
"""

import json
import math
from typing import NamedTuple

import numpy as np

from coursework.assignments import Task
from coursework.grader.salt import Draw

TOLERANCE = 1e-3  # relative to 1 + size: single precision is good enough
MOST_NUMBERS = 100_000


class Answers(NamedTuple):
    """What a submission answered.

    Attributes:
        results: what each variable holds, or an `Exception` that says why not.
        calls: what each call returned, by its number.
        cells: (number, error) of each cell that failed.
        problem: why the submission could not be read, or that it left early.
    """

    results: dict
    calls: dict
    cells: list
    problem: str


class Mark(NamedTuple):
    """What one task earned; points are None where a person must mark."""

    task: Task
    points: float | None
    says: str


def read_answers(raw: bytes) -> Answers:
    """From lines of JSON; a line that is no good is passed over."""
    answers, problem = Answers({}, {}, [], ""), "it ended before all was answered"
    for line in raw.splitlines():
        try:
            record = json.loads(line)
            if "finished" in record:
                problem = ""
            elif "unreadable" in record:
                problem = f"the file cannot be read: {str(record['unreadable'])[:300]}"
            elif "cell" in record:
                answers.cells.append((int(record["cell"]), str(record["error"])[:300]))
            elif "call" in record:
                answers.calls[int(record["call"])] = _value(record)
            elif "result" in record:
                answers.results[str(record["result"])] = _value(record)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
            continue
    return answers._replace(cells=answers.cells[:20], problem=problem)


def _value(record: dict):
    if "error" in record:
        return ValueError(str(record["error"])[:400])
    return decode(record["value"])


def decode(value):
    """Numbers as an array; text, True and False as they are; lists of these."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, list):
        return [decode(part) for part in value[:1000]]
    shape, numbers = value["shape"], value["numbers"]
    sizes = [n for n in shape if type(n) is int and 0 <= n <= MOST_NUMBERS]
    if len(sizes) != len(shape) or len(shape) > 8 or len(numbers) > MOST_NUMBERS:
        raise ValueError("no shape of an array")
    if math.prod(sizes) != len(numbers):
        raise ValueError("the numbers do not fill the shape")
    return np.array([float(n) for n in numbers]).reshape(shape)


def shown(value) -> str:
    """A short form of a value, for a sentence."""
    if isinstance(value, list | tuple):
        return "(" + ", ".join(shown(part) for part in value[:4]) + ")"
    if np.size(value) > 12:
        return f"an array of shape {np.shape(value)}"
    text = np.array2string(np.asarray(value), precision=4)
    return " ".join(text.split())[:200]


def difference(got, wanted) -> str:
    """What is wrong with an answer; empty if it is right."""
    if isinstance(got, Exception):
        return str(got)
    if isinstance(wanted, tuple):
        if not isinstance(got, list) or len(got) != len(wanted):
            return f"expected {len(wanted)} things, as in `return y, w`"
        pairs = zip(got, wanted, strict=True)
        return next(filter(None, (difference(g, w) for g, w in pairs)), "")
    if not isinstance(got, np.ndarray):
        return f"gives {shown(got)}; expected numbers"
    wanted = np.asarray(wanted, float)
    if got.shape != wanted.shape:
        return f"gives shape {got.shape}; expected {wanted.shape}"
    off = ~np.isclose(got, wanted, rtol=TOLERANCE, atol=TOLERANCE)
    if not off.any():
        return ""
    first = tuple(map(int, np.argwhere(off)[0]))
    where = f" at index {first}" if first else ""
    return f"gives {got[first]:.4g}{where}; expected {wanted[first]:.4g}"


def mark_function(module, task: Task, calls: list, answers: Answers) -> Mark:
    """The share of the cases that are right; the first that is not is shown."""
    right, wrong = 0, []
    mine = [(n, given) for n, (name, given) in enumerate(calls) if name == task.name]
    for number, given in mine:
        got = answers.calls.get(number, ValueError("no answer came"))
        problem = difference(got, module.REFERENCE[task.name](**given))
        right += not problem
        if problem:
            inputs = ", ".join(
                f"{key} = {shown(value)}" for key, value in given.items()
            )
            wrong.append(f"{problem}. Given: {inputs}")
    says = f"{right} of {len(mine)} cases are right"
    if wrong:
        says += f". The first that is not: {wrong[0]}"
    return Mark(task, round(task.points * right / len(mine), 2), says)


def mark_result(module, task: Task, draw: Draw, answers: Answers) -> Mark:
    """The score of a result, in the words of the assignment."""
    value = answers.results.get(task.name, ValueError("no answer came"))
    try:
        if isinstance(value, Exception):
            raise value
        share, says = module.score(task.name, value, draw)
    except (ValueError, TypeError) as error:
        share, says = 0.0, str(error)
    return Mark(task, round(task.points * share, 2), says)


def mark(module, draw: Draw, answers: Answers) -> list[Mark]:
    """Every task of an assignment."""
    calls, marks = module.calls(draw), []
    for task in module.TASKS:
        if task.kind == "function":
            marks.append(mark_function(module, task, calls, answers))
        elif task.kind == "result":
            marks.append(mark_result(module, task, draw, answers))
        else:
            marks.append(Mark(task, None, "marked by hand"))
    return marks
