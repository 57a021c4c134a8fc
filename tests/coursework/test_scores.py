"""What a solution, a guess and doing nothing earn, in each assignment."""

import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")

import re
import shutil

import nbformat
import numpy as np
from classroom import COURSEWORK, NOTEBOOKS, SALT, each_assignment, hold, solution

import plastutor as pt
from coursework import assignments
from coursework.assignments.recover_a_hidden_rule import assignment as recover
from coursework.grader import grade, handouts
from coursework.grader.salt import Draw
from coursework.sandbox.run_submission import Limits


def filled(name: str) -> str:
    """The notebook as handed out, with the solution in its empty cells."""
    head, parts = solution(name)
    solved = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    stubs = [c for c in solved.cells if "exercise" in c.metadata.get("tags", [])]
    for stub, part in zip(stubs, parts, strict=True):
        stub.source = part
    stubs[0].source = head + stubs[0].source
    return nbformat.writes(solved)


@each_assignment
def test_the_solution_earns_nearly_all(name, handed_out, shield, tmp_path):
    folder, salt = handed_out
    module, found = assignments.load(name), {}
    found["ada"] = hold(tmp_path / "ada.ipynb", filled(name))
    if name == "simulate_a_rule":  # the one that runs fastest, as a script too
        found["bob"] = COURSEWORK / "assignments" / name / "solution.py"
    for student in found:
        (tmp_path / "prepared" / student).mkdir(parents=True)
        place = tmp_path / "prepared" / student
        shutil.copy(folder / student / name / "data.npz", place)
        handouts.write_work(module, Draw(salt, name, student), place)
    limits = Limits(seconds=3600)
    ended = grade.run_all(found, tmp_path / "prepared", limits, shield.method, 2)
    for graded in grade.mark_all(list(found), name, salt, {}, ended):
        assert not graded.note and not graded.answers.cells, graded
        lost = [m for m in graded.marks if m.points is not None]
        assert all(m.points >= 0.9 * m.task.points for m in lost), lost


@each_assignment
def test_doing_nothing_earns_nothing(name):
    module, draw = assignments.load(name), Draw(SALT, name, "ada")
    true = module.rule(draw)
    assert module.score("theta", 0 * true, draw)[0] == 0
    assert module.score("theta", true, draw)[0] == 1
    with pytest.raises(ValueError, match="expected"):
        module.score("theta", np.zeros(5), draw)
    with pytest.raises(ValueError, match="NaN"):
        module.score("theta", true * np.nan, draw)
    with pytest.raises(ValueError, match="without bound"):
        module.score("theta", 1e30 + 0 * true, draw)


@pytest.mark.parametrize("empty", [[], np.zeros(0)])  # as written, as it comes out
def test_naming_no_terms_is_called_that(empty):
    draw = Draw(SALT, "recover_a_hidden_rule", "ada")
    with pytest.raises(ValueError, match="no terms were named"):
        recover.score("terms_found", empty, draw)
    with pytest.raises(ValueError, match="is not a list of names"):
        recover.score("terms_found", "xy", draw)
    assert recover.score("terms_found", ["xy"], draw)[0] == 0
    true = [
        n
        for n, c in zip(
            pt.term_names(pt.OJA_ORDERS), recover.rule(draw).ravel(), strict=True
        )
        if c
    ]
    assert recover.score("terms_found", true, draw)[0] == 1


@pytest.mark.parametrize("guess", [["xy", "yyw"], ["w"], ["x", "yyw"]])
def test_a_guess_of_terms_earns_a_third_at_most(guess):
    draws = [Draw(SALT, "recover_a_hidden_rule", f"s{k}") for k in range(200)]
    earned = np.mean([recover.score("terms_found", guess, one)[0] for one in draws])
    assert earned < 0.4  # on average; the guide says about a third


@each_assignment
def test_the_public_example_earns_next_to_nothing(name):
    text = (NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8")
    examples = [
        {k: float(v) for k, v in re.findall(r"(\w+)=([-\d.]+)", example)}
        for example in re.findall(r"terms\((?:pt\.OJA_)?ORDERS, ([^)]*)\)", text)
    ]
    named = examples[0]
    module, earned = assignments.load(name), []
    for student in range(8):
        draw = Draw(SALT, name, f"s{student}")
        shape = module.rule(draw).shape
        if shape == (3,):  # dw = a x y - b y^2 w - c w
            theta = [named.get("xy", 0), -named.get("yyw", 0), -named.get("w", 0)]
        elif len(shape) == 5:  # a rule and a habit beside it
            orders = pt.Orders(*(n - 1 for n in shape[1:]))
            theta = [pt.terms(orders, **own) for own in examples[: shape[0]]]
        else:
            theta = pt.terms(pt.Orders(*(n - 1 for n in shape)), **named)
        earned.append(module.score("theta", np.asarray(theta), draw)[0])
    assert np.mean(earned) < 0.2, earned
