"""Hand-outs for a class: for each student, the assignments and data of their own.

    python -m coursework.grader.handouts class.csv salt.txt out [assignment ...]

The class list has a column `student`. The salt stays with the teacher: if there is none
in salt.txt yet, one is made. The same salt and name always give the same hand-out.
"""

import json
import re
import sys
from pathlib import Path

import numpy as np
import yaml

from coursework import assignments
from coursework.grader.class_list import read_class
from coursework.grader.salt import Draw, make_salt, read_salt

ROOT = Path(__file__).resolve().parents[2]


def write_notebook(name: str, folder: Path) -> None:
    """The notebook; what links to a chapter leads to the book's page."""
    notebook = ROOT / "book" / "teaching" / "assignments" / f"{name}.ipynb"
    text = notebook.read_text(encoding="utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    book = config["html"]["baseurl"]
    text = re.sub(r"\]\(\.\./\.\./([\w/]+)\.ipynb", rf"]({book}book/\1.html", text)
    (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")


def write_data(module, draw: Draw, folder: Path) -> None:
    """The arrays that one student gets in one assignment."""
    np.savez_compressed(folder / "data.npz", **module.handout(draw))


def write_work(module, draw: Draw, folder: Path) -> None:
    """What a submission will be asked: names, and the arguments of the calls."""
    calls = [
        (name, {key: np.asarray(value).tolist() for key, value in arguments.items()})
        for name, arguments in module.calls(draw)
    ]
    results = [task.name for task in module.TASKS if task.kind == "result"]
    work = json.dumps({"calls": calls, "results": results})
    (folder / "work.json").write_text(work, encoding="utf-8")


def hand_out(salt: bytes, students: list[str], names, out: Path) -> None:
    """One folder for each student, in it one for each assignment."""
    for name in names:
        module = assignments.load(name)
        for student in students:
            folder = out / student / name
            folder.mkdir(parents=True, exist_ok=True)
            write_data(module, Draw(salt, name, student), folder)
            write_notebook(name, folder)


def prepare(salt_file: str, students: list[str], name: str, out: str) -> None:
    """What the grader puts beside each submission before it runs it."""
    module, salt = assignments.load(name), read_salt(Path(salt_file))
    for student in students:
        folder, draw = Path(out, student), Draw(salt, name, student)
        folder.mkdir(parents=True)
        write_data(module, draw, folder)
        write_work(module, draw, folder)


def main(arguments: list[str]) -> None:
    """The command."""
    if len(arguments) < 3:
        raise SystemExit(__doc__)
    class_list, salt_file, out = map(Path, arguments[:3])
    names = arguments[3:] or assignments.NAMES
    students = read_class(class_list)
    if not salt_file.exists():
        if any((out / student).exists() for student in students):
            raise SystemExit(
                f"There is no salt in {salt_file}, but {out} holds hand-outs that were "
                "made with one. Name that one, or another folder for new hand-outs."
            )
        make_salt(salt_file)
        print(f"A new salt is in {salt_file}. Keep it secret, and keep a copy.")
    hand_out(read_salt(salt_file), students, names, out)
    each = f"{len(names)} assignment{'s' * (len(names) > 1)} each"
    print(f"{len(students)} students, {each}: {out}")


if __name__ == "__main__":
    main(sys.argv[1:])
