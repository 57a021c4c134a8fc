"""Results: files that come with the book: the studies' tables, and data to try."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plastutor._files import book_table, write_whole
from plastutor._tables import parsed


def read_results(path: str | Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """A table of results: what made it, and its rows, all of them text.

    Args:
        path: a CSV file whose first lines are "# name: value".

    Returns:
        The header and the rows, by the names of the columns.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    header = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    body = "\n".join(line for line in lines if not line.startswith("# "))
    filled = [fields for _, fields in parsed(body, Path(path).name) if fields]
    return header, [dict(zip(filled[0], row, strict=True)) for row in filled[1:]]


def write_results(
    path: str | Path, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write a table that `read_results` reads; an existing file is replaced, at once.

    Args:
        path: of the file.
        header: what made the table, a line each.
        rows: with the same keys, of numbers or texts of one line.

    >>> import tempfile
    >>> file = tempfile.mkdtemp() + "/table.csv"
    >>> write_results(file, {"made by": "hand"}, [{"seed": 1, "r2": 0.5}])
    >>> read_results(file)
    ({'made by': 'hand'}, [{'seed': '1', 'r2': '0.5'}])
    """
    text = io.StringIO()
    text.writelines(f"# {name}: {value}\n" for name, value in header.items())
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(Path(path), text.getvalue().encode(errors="backslashreplace"))


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
    otherwise = f"In a checkout, make study-{name} writes it."
    return read_results(book_table("results", "table", name, otherwise))


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
