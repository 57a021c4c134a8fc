"""Run a submission and write down what it answers. This runs shut in, see isolation.py.

What is here is not trusted, since the submission shares the process: it knows the
arguments of the calls, and neither the right answers nor any salt. All that it writes
is one line of JSON for each answer; the marks are given elsewhere.
"""

import ast
import json
import os
import re
import signal
import time

ANSWERS = 3
MOST_NUMBERS = 100_000


class NoAnswer(Exception):
    """What was asked for is not there, or cannot be read."""


class OutOfTime(BaseException):
    """Not an Exception: a submission's own `except` seldom catches it."""


def say(record: dict, write=os.write, dumps=json.dumps) -> None:
    """Write one line for the grader."""
    line = (dumps(record) + "\n").encode()
    while line:
        line = line[write(ANSWERS, line) :]


def guarded(seconds: float, action, *arguments, **named):
    """Do something within a time; returns (value, "") or (None, what went wrong)."""
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        return action(*arguments, **named), ""
    except OutOfTime:
        return None, f"took more than {seconds:.3g} s"
    except NoAnswer as error:
        return None, str(error)
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too
        return None, f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def out_of_time(*_):
    """What happens when a cell or a call takes too long."""
    raise OutOfTime


# --- reading ------------------------------------------------------------------------


def cells_of(path: str) -> list[str]:
    """The source of every code cell; a .py file is one cell."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if path.endswith(".py"):
        return [text]
    cells = [c for c in json.loads(text)["cells"] if c.get("cell_type") == "code"]
    return ["".join(cell["source"]) for cell in cells]


def compiled(source: str, name: str):
    """Code from a cell; what only a notebook understands is left out."""
    try:
        ast.parse(source)
    except SyntaxError:
        source = without_magics(source)
    return compile(source, name, "exec")


def without_magics(source: str) -> str:
    """Python only: no lines that begin with % or !, or end with ?."""
    first = source.lstrip().split("\n")[0]
    if first.startswith("%%"):
        runs_python = re.match(r"%%(time|timeit|capture|prun)\b", first)
        source = source.replace(first, "", 1) if runs_python else ""
    source = re.sub(r"(?m)^(\s*)[%!?].*$", r"\1pass", source)
    source = re.sub(r"(?m)^(\s*)[\w.]+\?+\s*$", r"\1pass", source)
    return re.sub(r"(?m)=\s*[%!].*$", "= None", source)


# --- writing ------------------------------------------------------------------------


def plain(value):
    """Numbers, text, and lists of these: what the grader reads."""
    import numpy

    if isinstance(value, (bool, numpy.bool_)):
        return bool(value)
    if isinstance(value, str):
        return value[:1000]
    if isinstance(value, (set, frozenset)):
        value = sorted(value)
    if isinstance(value, list) and value and all(isinstance(v, str) for v in value):
        return [v[:1000] for v in value[:1000]]
    if isinstance(value, tuple):
        return [plain(part) for part in value[:100]]
    if value is None:
        raise NoAnswer("nothing was returned")
    array = numpy.asarray(value)
    if array.dtype.kind == "b" and not array.shape:
        return bool(array)
    if array.dtype.kind in "US":
        return [str(v)[:1000] for v in array.ravel()[:1000]]
    if array.size > MOST_NUMBERS:
        raise NoAnswer(f"{array.size} numbers; at most {MOST_NUMBERS} are read")
    numbers = numpy.asarray(array, dtype=float).ravel().tolist()
    return {"shape": list(array.shape), "numbers": numbers}


def answer(label: dict, seconds: float, action) -> None:
    """Say what came of an action, or why nothing did."""
    value, problem = guarded(seconds, lambda: plain(action()))
    say(label | ({"error": problem} if problem else {"value": value}))


def look_up(names: dict, name: str):
    """What a submission calls by a name."""
    if name not in names:
        raise NoAnswer(f"no cell defines {name}")
    return names[name]


def given(arguments: dict):
    """The arguments of a call, new for each: a function may change them."""
    import numpy

    return {name: numpy.array(value) for name, value in arguments.items()}


def run_cells(cells: list[str], names: dict, seconds: float, in_all: float) -> None:
    """All cells in order; those that lacked a name once more at the end.

    When their time in all is used up, the others are left out, so that there is time to
    answer for what the first ones have defined.
    """
    again, end = [], time.monotonic() + in_all
    for last_chance in (False, True):
        todo = again if last_chance else list(enumerate(cells, 1))
        for number, source in list(todo):
            label, left = f"cell {number}", end - time.monotonic()
            if left <= 0:
                problem = f"left out: the cells before took {in_all:g} s"
                say({"cell": number, "error": problem})
                continue
            _, problem = guarded(
                min(seconds, left),
                lambda s=source, n=label: exec(compiled(s, n), names),
            )
            if problem.startswith("NameError") and not last_chance:
                again.append((number, source))
            elif problem:
                say({"cell": number, "error": problem})


def main() -> None:
    """Everything that work.json asks for."""
    with open("work.json", encoding="utf-8") as file:
        work = json.load(file)
    signal.signal(signal.SIGALRM, out_of_time)
    seconds = work["seconds"]
    cells, problem = guarded(seconds, cells_of, work["submission"])
    if problem:
        say({"unreadable": problem})
        return
    names = {"__name__": "__main__", "display": lambda *_, **__: None}
    run_cells(cells, names, seconds, work["seconds_of_cells"])
    for name in work["results"]:
        answer({"result": name}, seconds, lambda n=name: look_up(names, n))
    too_slow = set()
    for number, (name, arguments) in enumerate(work["calls"]):
        if name in too_slow:
            say({"call": number, "error": "not called again, it took too long"})
            continue
        start = time.monotonic()
        answer(
            {"call": number},
            seconds,
            lambda n=name, a=arguments: look_up(names, n)(**given(a)),
        )
        if time.monotonic() - start >= seconds:
            too_slow.add(name)
    say({"finished": True})


if __name__ == "__main__":
    main()
