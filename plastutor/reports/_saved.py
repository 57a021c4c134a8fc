"""Saved: a report in one file of plain text, to go on with another day."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from plastutor._files import write_whole
from plastutor.evaluate import ModelComparison, Population
from plastutor.evaluate.uncertainty import EndDeviance, ResidualCorrelation
from plastutor.reports._report import Matching, Recorded, Report

FORM = 4  # of the file; one more whenever a report's fields change
KINDS = {"choices": Matching, "activity": Recorded}
PARTS = {
    part.__name__: part
    for part in (ModelComparison, Population, EndDeviance, ResidualCorrelation)
}


def save_report(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report to a JSON file, with versions; an existing file is replaced.

    It holds what was found, not the data: their file's name and hash.

    Args:
        report: from `report_choices` or `report_activity`.
        path: of the file to write, such as "report.json".

    >>> report = report_choices(jr.key(0), mine)  # doctest: +SKIP
    >>> save_report(report, "report.json")  # doctest: +SKIP
    """
    results = _plain(report)
    content = {
        "form": FORM,
        "kind": next(k for k, of in KINDS.items() if isinstance(report.details, of)),
        "plastutor": version("plastutor"),
        "jax": version("jax"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "check": _check(results),
        "results": results,
    }
    path = Path(path).expanduser()
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    # A line for each row of numbers. Inside a text JSON writes no line break.
    text = re.sub(
        r"\[\n([^][{}]*)\n *\]",
        lambda found: "[" + re.sub(r"\n *", " ", found[1]).strip() + "]",
        text,
    )
    write_whole(path, (text + "\n").encode())


def load_report(path: str | os.PathLike[str]) -> Report:
    """Read a report that `save_report` wrote: it prints and draws as before.

    Args:
        path: of the file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not such a file, one of another form, or one that was damaged or
            changed by hand.

    >>> print(load_report("report.json"))  # doctest: +SKIP
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"There is no file {path}; expected one that save_report wrote."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        form, kind, results = (content[name] for name in ("form", "kind", "results"))
        check, made_by = content["check"], content["plastutor"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path.name} does not hold a whole report ({type(error).__name__}: "
            f"{error}); expected a file that save_report wrote. Make the report again."
        ) from error
    if form != FORM or str(kind) not in KINDS:
        raise ValueError(
            f"{path.name} is a report on {kind} in form {form}, written by plastutor "
            f"{made_by}; plastutor {version('plastutor')} reads form {FORM}, on "
            f"{' or '.join(KINDS)}. Install plastutor {made_by}, or make the report "
            "again."
        )
    if check != _check(results):
        raise ValueError(
            f"{path.name} is not as save_report left it: its numbers do not fit its "
            "check. Take a copy, or make the report again."
        )
    return _made(Report, results, PARTS | {"Details": KINDS[kind]})


def _check(results) -> str:
    text = json.dumps(results, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The same in what JSON knows; numbers that are not finite become words."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return _plain(np.asarray(value).tolist())


def _made(made: type, fields: dict[str, Any], parts: dict[str, type]) -> Any:
    """The way back, by the kinds that a class names for its fields."""

    def value_of(kind: str, value):
        if kind in parts:
            return _made(parts[kind], value, parts)
        if kind.startswith("dict[str, "):
            inner = kind.removeprefix("dict[str, ").removesuffix("]")
            return {name: value_of(inner, one) for name, one in value.items()}
        if kind.startswith("tuple["):
            return tuple(map(float, value)) if "float" in kind else tuple(value)
        if kind in ("str", "int"):
            return value
        return float(value) if kind == "float" else np.array(value).astype(float)

    kinds = made.__annotations__
    names = {n: str(getattr(kinds[n], "__forward_arg__", kinds[n])) for n in fields}
    return made(**{name: value_of(names[name], one) for name, one in fields.items()})
