"""The class list: who gets a hand-out, and whose submission is graded."""

import re
from pathlib import Path

from plastutor.data import read_table


def read_class(path: Path) -> list[str]:
    """The names in the column `student` of a class list (CSV).

    They name folders and files, so they hold letters, digits, `-`, `_` and `.` only.
    """
    try:
        lines = read_table(path, ["student"], rows="one for each student").lines
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f"The class list cannot be read. {error}") from None
    students = [line.text["student"] for line in lines]
    for line, student in zip(lines, students, strict=True):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", student):
            raise SystemExit(
                f"{line.where}: {student!r} cannot name a folder. Use letters A to Z, "
                "digits, '-', '_' and '.', 64 at most."
            )
    folded = [student.lower() for student in students]
    if twice := sorted({s for s in folded if folded.count(s) > 1}):
        raise SystemExit(f"{path} names somebody twice: {twice}.")
    return students
