"""Hand-outs: the same again for a student, other for the next, and nothing secret."""

import json
import re
import stat
import sys

import numpy as np
import pytest
from classroom import ROOT, SALT, arrays, each_assignment, hold

from coursework import assignments
from coursework.grader import chapters_without_solutions, handouts
from coursework.grader.class_list import read_class
from coursework.grader.salt import Draw, make_salt, read_salt


@each_assignment
def test_each_student_gets_other_data(handed_out, name):
    ada, bob = (arrays(handed_out[0] / s / name / "data.npz") for s in ("ada", "bob"))
    assert all(not np.array_equal(ada[k], bob[k], equal_nan=True) for k in ada)
    files = sorted(p.name for p in (handed_out[0] / "ada" / name).iterdir())
    assert files == ["data.npz", f"{name}.ipynb"]


@each_assignment
def test_the_same_student_and_salt_give_the_same_again(handed_out, name):
    first, again = (
        arrays(folder / "ada" / name / "data.npz")
        for folder in (handed_out[0], handed_out[0].with_name("again"))
    )
    assert first.keys() == again.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], again[key])


@each_assignment
def test_no_link_leads_out_of_the_hand_out(handed_out, name):
    notebook = handed_out[0] / "ada" / name / f"{name}.ipynb"
    assert "](.." not in notebook.read_text(encoding="utf-8")


@each_assignment
def test_nothing_secret_is_handed_out(handed_out, name):
    module, salt = assignments.load(name), handed_out[1]
    allowed = {"x", "w0", "activity", "odour", "accept", "reward", "choice"}
    for student in ("ada", "bob"):
        folder = handed_out[0] / student / name
        data, rule = arrays(folder / "data.npz"), module.rule(Draw(salt, name, student))
        assert set(data) <= allowed
        secret = np.float32(rule[np.nonzero(rule)])
        for array in data.values():
            assert not np.isin(np.float32(array), secret).any()
        for path in folder.iterdir():
            assert salt not in path.read_bytes()
            for number in secret:
                assert f"{number:.4f}".encode() not in path.read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_new_salt_is_for_its_owner_alone(tmp_path):
    salt = tmp_path / "secret" / "salt.txt"
    make_salt(salt)
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600 and len(read_salt(salt)) == 64


def test_draws_depend_on_all_that_names_them():
    draws = [Draw(SALT, "a", "s"), Draw(SALT, "b", "s"), Draw(SALT, "a", "t")]
    draws.append(Draw(SALT + b"!", "a", "s"))
    values = [draw.uniform(purpose, 0, 1) for draw in draws for purpose in ("p", "q")]
    assert len(set(values)) == 8 and 0 <= min(values) and max(values) < 1
    assert Draw(SALT, "a", "s").uniform("p", 0, 1) == values[0]
    # The coefficients that were handed out must not move with a new version of JAX.
    assert Draw(b"0" * 16, "a", "s").uniform("p", 0, 1) == pytest.approx(PINNED)


PINNED = 0.652948600888


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name\nada\n", "line 1: no column student; found name"),
        ("student\n../ada\n", "line 2: '../ada' cannot name a folder"),
        ("student\nada\nAda\n", "somebody twice"),
        ("student\n", "no rows below line 1; expected one for each student"),
    ],
)
def test_a_bad_class_list_gets_a_sentence(content, says, tmp_path):
    with pytest.raises(SystemExit, match=re.escape(says)):
        read_class(hold(tmp_path / "class.csv", content))


def test_no_second_salt_beside_hand_outs(tmp_path):
    students = hold(tmp_path / "class.csv", "student\nada\n")
    (tmp_path / "out" / "ada").mkdir(parents=True)
    salt = tmp_path / "Salt.txt"
    with pytest.raises(SystemExit, match="holds hand-outs that were made with one"):
        handouts.main([str(students), str(salt), str(tmp_path / "out")])
    assert not salt.exists()


def test_a_bad_salt_gets_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match="the hidden rules are lost"):
        read_salt(tmp_path / "none.txt")
    with pytest.raises(SystemExit, match="expected 16 or more"):
        read_salt(hold(tmp_path / "salt.txt", "short"))


def test_chapters_for_a_class_hold_no_solution(tmp_path):
    chapters_without_solutions.main(tmp_path)
    for path in tmp_path.rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any("solution" in c["metadata"].get("tags", []) for c in cells)
        source = ROOT / "book" / path.relative_to(tmp_path)
        whole = json.loads(source.read_text(encoding="utf-8"))["cells"]
        tagged = sum("solution" in c["metadata"].get("tags", []) for c in whole)
        assert len(cells) == len(whole) - tagged
