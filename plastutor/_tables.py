"""Tables: CSV files read strictly, so that what is wrong is named by its line."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

MISSING = {"", "na", "n/a", "nan", "none", "null"}
SAVE_AS = "A spreadsheet writes one by 'save as', 'CSV UTF-8'."
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class Line(NamedTuple):
    """One row of a table.

    Attributes:
        where: the file and the line, to begin a sentence with.
        number: of the line in the file, from 1 up.
        text: what stands in each column, without spaces around it.
    """

    where: str
    number: int
    text: dict[str, str]

    def missing(self, column: str) -> bool:
        """True where the field is empty, NA or the like."""
        return self.text[column].lower() in MISSING

    def fail(self, column: str, expected: str) -> ValueError:
        """The error for a field: what was found, and what was expected."""
        found = self.text[column]
        return ValueError(f"{self.where}: {column} is {found!r}; expected {expected}.")

    def value(self, column: str, expected: str) -> float:
        """The number in a column.

        Args:
            column: its name.
            expected: what the sentence says if there is no finite number.
        """
        text = self.text[column]
        try:
            value = math.nan if "_" in text else float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        if re.fullmatch(r"[-+]?\d*,\d+", text):
            expected += ", with a point in place of the comma"
        raise self.fail(column, expected)


class Table(NamedTuple):
    """A CSV file whose form is sound.

    Attributes:
        file: its name.
        sha256: the hash of its bytes.
        columns: their names, in small letters.
        lines: the rows that hold anything.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    lines: list[Line]

    def numbered(
        self, groups: Sequence[str], number: str, expected: str = "a whole number"
    ) -> dict[tuple[str, ...], dict[float, Line]]:
        """The lines of each group by their number, both in the order of the file.

        Args:
            groups: columns whose texts name a group; the first may not be empty.
            number: the column of the number, which each line of a group has for itself.
            expected: what the sentence says if there is no number; by default it must
                be a whole one.
        """
        found: dict[tuple[str, ...], dict[float, Line]] = {}
        for line in self.lines:
            names = tuple(line.text.get(column, "") for column in groups)
            value = line.value(number, expected)
            if not names[0]:
                raise line.fail(groups[0], "a name or a number")
            if value % 1 and expected == "a whole number":
                raise line.fail(number, expected)
            same = found.setdefault(names, {})
            if value in same:
                raise ValueError(
                    f"{line.where}: {groups[0]} {names[0]!r} has {number} {value:g} "
                    f"already in line {same[value].number}; expected each once"
                    + f", in each {groups[-1]}" * (len(groups) > 1)
                    + "."
                )
            same[value] = line
        return found


def read_table(
    path: str | os.PathLike[str], required: Sequence[str], *, rows: str
) -> Table:
    """Read a CSV file: a first line with names, and rows with as many fields.

    A byte-order mark, quotes, spaces around fields and empty lines do no harm.

    Args:
        path: the file.
        required: columns that must be there, in small letters; there may be others.
        rows: what the rows are, for the sentence if there are none.

    Raises:
        FileNotFoundError: no such file; names the CSV files in its folder.
        ValueError: a sentence that names the line and what was expected there.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "mine.csv")
    >>> _ = file.write_text("Trial,choice" + chr(10) + "1,left" + chr(10))
    >>> read_table(file, ["trial"], rows="trials").lines[0].text
    {'trial': '1', 'choice': 'left'}
    """
    path = Path(path).expanduser()
    if not path.exists():
        there = sorted(p.name for p in path.parent.glob("*.csv"))
        raise FileNotFoundError(
            f"There is no file {path}. CSV files in that folder: "
            f"{', '.join(there) or 'none'}."
        )
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a CSV file in it.")
    content = path.read_bytes()
    numbered = parsed(_text(content, path.name), path.name)
    _, first = next(numbered, (1, []))
    heads = tuple(head.strip().lower() for head in first)
    _check_heads(path.name, heads, required)
    lines = []
    for number, fields in numbered:
        where, fields = f"{path.name}, line {number}", [*map(str.strip, fields)]
        if not any(fields):
            continue
        if len(fields) != len(heads):
            raise ValueError(
                f"{where}: {len(fields)} fields; expected the {len(heads)} of line 1. "
                "A number needs a point and no comma, a text with a comma needs "
                "quotes, and an empty field keeps its comma."
            )
        lines.append(Line(where, number, dict(zip(heads, fields, strict=True))))
    if not lines:
        raise ValueError(f"{path.name} has no rows below line 1; expected {rows}.")
    return Table(path.name, hashlib.sha256(content).hexdigest(), heads, lines)


def _text(content: bytes, file: str) -> str:
    """The text of a file; a sentence where it is none."""
    if not content.strip():
        raise ValueError(
            f"{file} is empty; expected the names of the columns in line 1, and rows "
            "below."
        )
    if content.startswith(b"PK\x03\x04"):
        raise ValueError(f"{file} is a spreadsheet; expected a CSV file. {SAVE_AS}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise ValueError(
            f"{file}, line 1: the text is in UTF-16 (a spreadsheet's 'Unicode text'); "
            f"expected a CSV file in UTF-8. {SAVE_AS}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        number = before.count(b"\n") + (b"\n" not in before) * before.count(b"\r") + 1
        raise ValueError(
            f"{file}, line {number}: a character that is not in UTF-8 (byte "
            f"{content[error.start]:#x}); expected a CSV file in UTF-8. {SAVE_AS}"
        ) from None


def parsed(text: str, file: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the fields of every line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f"{file}, line {number}: the quotes cannot be read ({error}); expected "
                "none, or a pair around a whole field."
            ) from None
        yield number, fields


def _check_heads(file: str, heads: tuple[str, ...], required: Sequence[str]) -> None:
    for mark, name in SEPARATORS.items():
        if len(heads) == 1 and mark in heads[0]:
            raise ValueError(
                f"{file}, line 1: columns are separated by {name}; expected commas, "
                f"and points in numbers. {SAVE_AS}"
            )
    twice = sorted({head for head in heads if head and heads.count(head) > 1})
    if twice:
        raise ValueError(
            f"{file}, line 1: the column {twice[0]!r} is there twice; expected each "
            "name once, in large or small letters. Rename one, or leave it out."
        )
    missing = [name for name in required if name not in heads]
    if missing:
        raise ValueError(
            f"{file}, line 1: no column {', '.join(missing)}; found "
            f"{', '.join(heads) or 'nothing'}; expected {', '.join(required)}, "
            "separated by commas."
        )
