"""Each way to shut a submission in: what it reaches, and what it still needs."""

import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from classroom import ROOT, SALT, hold

from coursework.grader import marks
from coursework.sandbox import isolation, measure_isolation, run_submission

MEASURE = """
import json, sys
from coursework.sandbox import measure_isolation, run_submission
run_submission.adopt_orphans()
shield = measure_isolation.measure([sys.argv[1]], (sys.argv[2],))
print(json.dumps([shield.network_cut, shield.opened, shield.sentences()]))
"""


def measured(method: str, secret: Path, user: int | None) -> list:
    """What a program can reach that another user of this system runs shut in."""
    python = sys.executable if user is None else "/usr/bin/python3"
    command = [python, "-c", MEASURE, str(secret), method]
    who = {} if user is None else dict(user=user, group=user, extra_groups=[])
    try:
        how = dict(env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
        done = subprocess.run(command, **how, **who)
    except OSError as error:
        pytest.skip(f"no Python that another user can run: {error}")
    if done.returncode:
        pytest.skip(f"not on this system: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


@pytest.mark.parametrize("method", measure_isolation.METHODS)
def test_an_ordinary_user_is_told_what_is_shielded(method, tmp_path_factory):
    user = 65534 if os.getuid() == 0 else None
    folder = Path("/tmp") / f"plastutor-test-{os.getpid()}-{method}"
    secret = hold(folder / "salt.txt", SALT)
    if user is not None:
        os.chown(secret, user, user)
    try:
        network_cut, opened, sentences = measured(method, secret, user)
    finally:
        shutil.rmtree(folder)
    assert bool(opened) == (method == "nothing")
    assert network_cut == (method == "namespaces")
    loud = "FILES NOT SHIELDED" in " ".join(sentences)
    assert loud == (method == "nothing")


def test_landlock_leaves_what_a_submission_needs(tmp_path, monkeypatch):
    # Root would have to become somebody else, who may not be able to read this Python.
    monkeypatch.setattr(run_submission.os, "getuid", lambda: 12345)
    secret = hold(tmp_path / "salt.txt", SALT)
    code = "import plastutor.rules\nhebb = plastutor.rules.HEBB.sum()\n"
    code += f"print(open({str(secret)!r}).read())"
    (tmp_path / "run").mkdir()
    work = {"submission": "submission.py", "seconds": 60, "results": ["hebb"]}
    work |= {"seconds_of_cells": 60}
    hold(tmp_path / "run" / "submission.py", code)
    hold(tmp_path / "run" / "work.json", json.dumps(work | {"calls": []}))
    shutil.copy(run_submission.SANDBOX / "inside.py", tmp_path / "run")
    limits = run_submission.Limits()
    ended = run_submission.run(tmp_path / "run", limits, "landlock")
    if "Nothing can be shut in here" in ended.printed:
        pytest.skip(ended.printed)
    answers = marks.read_answers(ended.answers)
    assert answers.results == {"hebb": 1.0} and not ended.problem
    assert "PermissionError" in answers.cells[0][1] and SALT.decode() not in str(ended)


def test_a_mistake_of_ours_while_shutting_in_is_not_hidden(capfd):
    command = [sys.executable, "-I", isolation.__file__, '{"folder": "/nowhere"}']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode not in (0, isolation.FAILED)
