"""Results: files that come with the book: the studies' tables, and data to try."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from plastutor._book_files import BOOKS

PLACES = tuple(book / "results" for book in BOOKS)


def read_results(path: str | Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """A table of results: what made it, and its rows, all of them text.

    Args:
        path: a CSV file whose first lines are "# name: value".

    Returns:
        The header and the rows, by the names of the columns.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    header = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    rows = csv.DictReader(line for line in lines if not line.startswith("# "))
    return header, list(rows)


def load_results(name: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The table of a study that came with the package.

    Args:
        name: the study, such as "robustness".

    Raises:
        FileNotFoundError: there is no such table; says which there are.

    >>> header, rows = load_results("robustness")
    >>> header["made by"]
    'make study-robustness'
    """
    for place in PLACES:
        if (place / f"{name}.csv").exists():
            return read_results(place / f"{name}.csv")
    there = sorted(path.stem for place in PLACES for path in place.glob("*.csv"))
    raise FileNotFoundError(
        f"There is no table {name!r}. There are: {', '.join(there) or 'none'}. In a "
        f"checkout, make study-{name} writes it."
    )


def select_rows(
    rows: list[dict[str, str]], column: str, **wanted: str | int | float
) -> np.ndarray:
    """One column of the rows that have the wanted values, as numbers.

    Args:
        rows: from `load_results`.
        column: the name of a column of numbers.
        **wanted: values of other columns; numbers are compared as numbers.

    >>> rows = [{"noise": "0.2", "r2": "0.9"}, {"noise": "1.0", "r2": "0.5"}]
    >>> select_rows(rows, "r2", noise=1)
    array([0.5])
    """

    def same(text, value):
        return text == value if isinstance(value, str) else float(text) == value

    return np.array(
        [
            float(row[column])
            for row in rows
            if all(same(row[name], value) for name, value in wanted.items())
        ]
    )


def as_text(value: Any, name: str) -> str:
    """A value as it stands in the table, if it can be read again from there."""
    if not isinstance(value, str | int | float | np.generic) and (
        getattr(value, "shape", None) != ()
    ):
        raise ValueError(
            f"{name} is a {type(value).__name__}; expected one number or a text. "
            "Give each number a column of its own."
        )
    text = str(value)
    if len(text.splitlines()) > 1 or text[-1:] in ("\n", "\r") or text[:2] == "# ":
        raise ValueError(
            f"{name} is {text[:40]!r}; expected a text of one line that does not begin "
            "with '# ', as the lines at the head of the table do."
        )
    return text
