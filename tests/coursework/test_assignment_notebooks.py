"""The assignments' notebooks: their form, what they ask for, and their checks."""

import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")

import ast
import json
import re

import numpy as np
import test_book
from classroom import NOTEBOOKS, arrays, each_assignment, hold, solution

import plastutor as pt
from coursework import assignments
from coursework.assignments.recover_a_hidden_rule import assignment as recover
from coursework.assignments.simulate_a_rule import assignment as simulating
from coursework.grader import grade
from coursework.grader.salt import Draw
from coursework.sandbox.run_submission import Limits

each_notebook = pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)


@each_notebook
def test_notebooks_keep_the_form_of_the_book(path):
    test_book.test_stored_bare(path)
    test_book.test_first_code_cell_installs_what_the_launch_button_opens(path)
    test_book.test_short(path)
    test_book.test_readable_in_colab(path)


@each_assignment
def test_notebook_and_marks_ask_for_the_same(name):
    tasks = assignments.load(name).TASKS
    assert sum(task.points for task in tasks) == 20
    read = test_book.read(NOTEBOOKS / f"{name}.ipynb")
    text = "\n".join(c.source for c in read.cells if c.cell_type == "markdown")
    stubs = [c for c in read.cells if "exercise" in test_book.tags(c)]
    for cell in read.cells:
        if test_book.tags(cell) & {"exercise", "check"}:
            assert test_book.tags(cell) >= test_book.SKIPPED
    asked = [task for task in tasks if task.kind != "text"]
    assert [defined(stub.source) for stub in stubs] == [task.name for task in asked]
    for task in tasks:
        row = rf"\| (`{task.name}`|\*\*{task.name}\*\*) \| {task.points} \|"
        assert re.search(row, text), f"the scheme has no {task}"


def defined(source: str) -> str:
    """What a stub defines: a function or a variable."""
    (node,) = ast.parse(source).body
    return node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id


@each_notebook
def test_a_notebook_names_the_limits(path, tmp_path, monkeypatch):
    for name in ("data.npz", "work.json", "submission.py"):
        hold(tmp_path / name, "{}")

    def asked(folder, *_):
        return (folder / "work.json").read_text()

    monkeypatch.setattr(grade, "run", asked)
    submission, limits = tmp_path / "submission.py", Limits()
    work = json.loads(grade.run_one(submission, tmp_path, limits, "nothing", 0))
    cell, cells = work["seconds"], work["seconds_of_cells"]
    says = f"No cell may take longer than {cell:.0f} seconds, and all together "
    assert f"{says}{cells / 60:.0f} minutes;" in test_book.prose(path)


@each_notebook
def test_no_solution_stands_in_a_notebook(path):
    for cell in test_book.code_cells(test_book.read(path))[1:]:  # less the Colab cell
        kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        if "exercise" not in test_book.tags(cell):
            assert not kinds & {ast.FunctionDef, ast.Lambda}, cell.source
        if "check" in test_book.tags(cell):
            assert len(cell.source.splitlines()) <= 2


@each_assignment
def test_checks_take_the_solution_and_tell_the_stub_what_to_try(
    name, handed_out, single_precision, capsys
):
    folder, salt = handed_out
    given = {"__name__": "__main__", "pt": pt, "np": np}  # as in a notebook
    given["data"] = arrays(folder / "ada" / name / "data.npz")
    true = assignments.load(name).rule(Draw(salt, name, "ada"))
    head, parts = solution(name)
    solved, unsolved = given | {}, given | {}
    exec(head, solved)

    def said(check, names) -> str:
        capsys.readouterr()
        exec(check.source, names)
        return capsys.readouterr().out

    read = test_book.read(NOTEBOOKS / f"{name}.ipynb")
    cells = [c for c in read.cells if test_book.tags(c) & {"exercise", "check"}]
    for stub, part, check in zip(cells[::2], parts, cells[1::2], strict=True):
        exec(stub.source, unsolved)
        if stub.source.startswith("def "):
            exec(part, solved)
            told = said(check, unsolved)
            _, hint = told.split("returned nothing; ")[1].split("`return`? ")
            assert said(check, solved).startswith("Correct")
        elif defined(stub.source) == "theta":
            told = said(check, unsolved)
            hint = told.split("with the model that does nothing. ")[1]
            assert said(check, solved | {"theta": true}).startswith("Better than")
            bad = {"theta": np.zeros(5)}, {"theta": None}, {"theta": true * np.nan}
            assert all(said(check, given | b).startswith("Not yet: ") for b in bad)
        else:
            assert "checks." not in check.source  # it says what was written, no more
            continue
        assert told.startswith("Not yet: ") and len(hint.split()) >= 5


def mean_of_means(theta, x, w0, activity):
    one = zip(x[:, None], w0[:, None], activity[:, None], strict=True)
    return np.mean([recover.loss(theta, *given) for given in one])


def holes_as_zeros(theta, x, w0, activity):
    return simulating.misfit(theta, x, w0, np.nan_to_num(activity))


def weights_before(theta, x, w0):
    y, w = simulating.simulate(theta, x, w0)
    return y, np.concatenate([w0[None], w[:-1]])


def activity_after(theta, x, w0):
    _, w = simulating.simulate(theta, x, w0)
    return 1 / (1 + np.exp(-np.einsum("ti,tij->tj", x, w))), w


def remembers_rejected(reward, accept):
    kept = np.concatenate([np.zeros(10), reward])
    return reward - np.array([kept[n : n + 10].mean() for n in range(len(reward))])


def without_the_half(theta):
    return -1 / theta[0, 0, 1, 0]


@pytest.mark.parametrize(
    ("check", "mistake"),
    [
        ("misfit_on_recordings", holes_as_zeros),
        ("trajectory_of_a_network", weights_before),
        ("trajectory_of_a_network", activity_after),
        ("trajectory_of_a_network", lambda theta, x, w0: 1.0),
        ("loss_on_recordings", mean_of_means),
        ("reward_prediction_error", remembers_rejected),
        ("time_constant", without_the_half),
    ],
)
def test_checks_see_what_students_do_wrong(check, mistake):
    assert not getattr(pt.checks, check)(mistake)
