"""The class list: who gets a hand-out, and whose submission is graded."""

import csv
import re
from pathlib import Path


def read_class(path: Path) -> list[str]:
    """The names in the column `student` of a class list (CSV).

    They name folders and files, so they hold letters, digits, `-`, `_` and `.` only.
    """
    if not path.is_file():
        raise SystemExit(f"There is no class list {path}.")
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if "student" not in (rows.fieldnames or []):
            raise SystemExit(
                f"{path} has the columns {rows.fieldnames}; expected one named "
                "`student` with a name or number for each."
            )
        students = [(row["student"] or "").strip() for row in rows]
    for number, student in enumerate(students, 2):
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", student):
            raise SystemExit(
                f"{path}, line {number}: {student!r} cannot name a folder. Use letters "
                "A to Z, digits, '-', '_' and '.', 64 at most."
            )
    folded = [student.lower() for student in students]
    twice = sorted({s for s in folded if folded.count(s) > 1})
    if twice or not students:
        raise SystemExit(f"{path} names nobody, or somebody twice: {twice}.")
    return students
