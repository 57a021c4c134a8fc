"""Grade a folder of submissions: marks.csv, a page for each student, a report.

    python -m coursework.grader.grade assignment class.csv salt.txt submissions out

A submission is submissions/STUDENT.ipynb (or .py), or one such file in a folder
submissions/STUDENT. It happens in three steps, and only the second one meets what
students wrote:

1. another process, which then ends, writes each student's arrays and the questions;
2. every submission is run, shut in (sandbox); no process has the salt;
3. the salt is read, and the answers are compared (marks.py).
"""

import argparse
import csv
import errno
import json
import os
import queue
import shutil
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from coursework import assignments
from coursework.grader import feedback, handouts
from coursework.grader.class_list import read_class
from coursework.grader.marks import Answers, Mark, mark, read_answers
from coursework.grader.salt import Draw, read_salt
from coursework.sandbox.measure_isolation import METHODS, check_system, measure
from coursework.sandbox.run_submission import SANDBOX, Ended, Limits, adopt_orphans, run

LARGEST = 20 << 20  # bytes of a submission
KINDS = (".ipynb", ".py")


class Graded(NamedTuple):
    """One student's marks, and how the run went."""

    student: str
    note: str
    marks: list[Mark]
    answers: Answers
    printed: str


# --- 1: what there is -----------------------------------------------------------------


def find(submissions: Path, student: str, assignment: str) -> tuple[Path | None, str]:
    """The file that a student submitted, or None and why there is none."""
    folder = submissions / student
    found = [folder.with_name(student + kind) for kind in KINDS]
    if folder.is_dir() and not folder.is_symlink():
        found += sorted(p for p in folder.iterdir() if p.suffix in KINDS)
    found = [path for path in found if path.exists() or path.is_symlink()]
    if len(found) > 1:
        found = [path for path in found if path.stem == assignment] or found
    if not found:
        return None, "nothing was submitted"
    if len(found) > 1:
        return None, f"{len(found)} files, and none is named {assignment}"
    return found[0], ""


def read_file(path: Path) -> bytes:
    """The bytes of a submission: a plain file of a sensible size, never a link."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(file, "rb") as opened:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            raise OSError("it is no plain file")
        if about.st_size > LARGEST:
            raise OSError(f"it has more than {LARGEST >> 20} MB")
        return opened.read()


def prepare(assignment: str, salt_file: Path, students: list[str], out: Path) -> None:
    """Step 1, in a process that ends before the first submission is run."""
    code = "import sys, json; from coursework.grader import handouts; "
    code += "handouts.prepare(*json.loads(sys.argv[1]))"
    given = json.dumps([str(salt_file.resolve()), students, assignment, str(out)])
    subprocess.run([sys.executable, "-c", code, given], cwd=handouts.ROOT, check=True)


# --- 2: run ---------------------------------------------------------------------------


def run_one(path: Path, prepared: Path, limits, method: str, slot: int):
    """Run a submission in a folder of its own, which is then removed."""
    try:
        content = read_file(path)
    except OSError as error:
        linked = error.errno == errno.ELOOP
        reason = "it is a link" if linked else error.strerror or str(error)
        return Ended(b"", "", f"the file cannot be read: {reason}")
    folder = Path(tempfile.mkdtemp(prefix="run-")).resolve()
    try:
        (folder / "inside.py").write_bytes((SANDBOX / "inside.py").read_bytes())
        (folder / "data.npz").write_bytes((prepared / "data.npz").read_bytes())
        (folder / f"submission{path.suffix}").write_bytes(content)
        work = json.loads((prepared / "work.json").read_text(encoding="utf-8"))
        work |= {"submission": f"submission{path.suffix}"}
        work |= {"seconds": limits.seconds / 4}
        work |= {"seconds_of_cells": 0.6 * limits.seconds}
        (folder / "work.json").write_text(json.dumps(work), encoding="utf-8")
        return run(folder, limits, method, slot)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_all(
    found: dict[str, Path], prepared: Path, limits, method, max_workers
) -> dict:
    """Run every submission, some at a time."""
    slots = queue.SimpleQueue()
    for slot in range(max_workers):
        slots.put(slot)

    def one(item):
        student, path = item
        slot = slots.get()
        try:
            return student, run_one(path, prepared / student, limits, method, slot)
        finally:
            slots.put(slot)

    with ThreadPoolExecutor(max_workers) as pool:
        return dict(pool.map(one, found.items()))


# --- 3: mark --------------------------------------------------------------------------


def mark_all(students, assignment, salt, missing: dict, ended: dict) -> list[Graded]:
    """Marks for the whole class; who submitted nothing gets zeros and the reason."""
    module, graded = assignments.load(assignment), []
    for student in students:
        one = ended.get(student, Ended(b"", "", missing.get(student, "")))
        answers = read_answers(one.answers)
        marks = mark(module, Draw(salt, assignment, student), answers)
        note = one.problem or answers.problem or nothing_asked_for(answers)
        graded.append(Graded(student, note, marks, answers, one.printed))
    return graded


def nothing_asked_for(answers: Answers) -> str:
    """A sentence for a file that belongs to another assignment, or to none."""
    said = [*answers.results.values(), *answers.calls.values()]
    if said and all(str(one).startswith("no cell defines") for one in said):
        return "it defines none of the names asked for: is it of another assignment?"
    return ""


def write_marks(path: Path, graded: list[Graded]) -> None:
    """A table with a column for each task; those marked by hand are empty."""
    tasks = [one.task for one in graded[0].marks]
    names = [f"{task.name} ({task.points})" for task in tasks]
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["student", *names, "automatic", "note"])
        for one in graded:
            points = ["" if m.points is None else f"{m.points:g}" for m in one.marks]
            total = f"{feedback.automatic(one.marks):g}"
            table.writerow([one.student, *points, total, one.note])


def grade(
    assignment: str,
    class_list: Path,
    salt_file: Path,
    submissions: Path,
    out: Path,
    *,
    limits=Limits(),  # noqa: B008 (a tuple)
    max_workers: int = 2,
    methods: tuple[str, ...] = METHODS,
) -> list[Graded]:
    """Grade a class; see the top of this file."""
    assignments.load(assignment)
    students = read_class(class_list)
    if not submissions.is_dir():
        raise SystemExit(f"There is no folder of submissions {submissions}.")
    if (out / "marks.csv").exists():
        raise SystemExit(f"{out} holds marks already; move them away, or name another.")
    looked = {s: find(submissions, s, assignment) for s in students}
    found = {student: path for student, (path, _) in looked.items() if path}
    missing = {student: reason for student, (_, reason) in looked.items()}
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="prepared-") as name:
        prepare(assignment, salt_file, list(found), Path(name))
        secrets = [salt_file, class_list, *found.values()]
        shield = measure([str(path.resolve()) for path in secrets], methods)
        ended = run_all(found, Path(name), limits, shield.method, max_workers)
    graded = mark_all(students, assignment, read_salt(salt_file), missing, ended)
    out.mkdir(parents=True, exist_ok=True)
    write_marks(out / "marks.csv", graded)
    for one in graded:
        page = feedback.page(assignment, one)
        (out / f"{one.student}.html").write_text(page, encoding="utf-8")
    known = {p.name for p in found.values()} | set(students)
    others = sorted(p.name for p in submissions.iterdir() if p.name not in known)
    report = feedback.report(assignment, shield, graded, others)
    (out / "report.md").write_text(report, encoding="utf-8")
    return graded


def main(arguments: list[str]) -> None:
    """The command."""
    check_system()
    read = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    read.add_argument("assignment", choices=assignments.NAMES)
    for name in ("class_list", "salt", "submissions", "out"):
        read.add_argument(name, type=Path)
    seconds, memory = Limits().seconds, Limits().memory >> 30
    read.add_argument("--seconds", type=float, default=seconds, help="a submission")
    read.add_argument("--memory", type=int, default=memory, help="gigabytes a process")
    read.add_argument(
        "--max-workers", type=int, default=2, help="submissions at a time"
    )
    read.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    given = read.parse_args(arguments)
    limits = Limits(seconds=given.seconds, memory=given.memory << 30)
    places = given.class_list, given.salt, given.submissions, given.out
    how = dict(
        limits=limits, max_workers=given.max_workers, methods=tuple(given.methods)
    )
    grade(given.assignment, *places, **how)
    print((given.out / "report.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
