"""The walk-through, step by step, in an empty folder, as its page says."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
import test_book
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "book" / "teaching" / "walk_through.md").read_text(encoding="utf-8")
URL = test_book.CONFIG["repository"]["url"]
# What is said of the system is true of the system on which the page was written.
OF_THE_SYSTEM = re.compile(r"^- (method|network|files).*\n", re.MULTILINE | re.I)

# About one salt in a hundred draws a rule that the solution does not find.
SAME_SALT = "import secrets\nsecrets.token_hex = lambda size=32: 'ab' * size\n"


class Patient(NotebookClient):
    """Stops no cell: rarely a reply is there, and it is found when time is up."""

    async def _async_handle_timeout(self, timeout, cell=None):
        """Look again."""


def blocks(language: str) -> list[tuple[str, str]]:
    """Blocks of code of a language, each with the output that stands below it."""
    parts = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    after = [*parts[1:], ("", "")]
    return [
        (code, below if kind == "text" else "")
        for (name, code), (kind, below) in zip(parts, after, strict=True)
        if name == language
    ]


@contextmanager
def installed():
    """The environment that runs the tests, as make finds it after an installation."""
    stamp = Path(sys.prefix) / ".installed"
    before = stamp.stat().st_mtime if stamp.exists() else None
    stamp.touch()
    os.utime(stamp, (2**31, 2**31))  # newer than what is cloned
    try:
        yield
    finally:
        if before is None:
            stamp.unlink()
        else:
            os.utime(stamp, (before, before))


@pytest.fixture
def empty(tmp_path, tmp_path_factory):
    """Run commands in an empty folder; the book is cloned from this checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    startup = tmp_path_factory.mktemp("startup")
    (startup / "sitecustomize.py").write_text(SAME_SALT)
    here = {
        "VENV": sys.prefix,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": URL,
        "PYTHONPATH": f"{tmp_path / 'plastutor'}:{startup}",
    }
    drop = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # of the make that runs the tests
    outer = {key: value for key, value in os.environ.items() if key not in drop}

    def run(script: str) -> str:
        command = ["bash", "-euo", "pipefail", "-c", script]
        options = {"capture_output": True, "text": True, "cwd": tmp_path}
        done = subprocess.run(command, env=outer | here, **options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    with installed():
        yield run


@pytest.mark.skipif(sys.platform == "win32", reason="its commands need a shell")
def test_from_hand_out_to_mark(empty):
    steps = [step for step in blocks("bash") if "test-colab" not in step[0]]
    assert len(steps) >= 6
    outputs = empty("\necho END-OF-STEP\n".join(code for code, _ in steps))
    for (code, said), output in zip(steps, outputs.split("END-OF-STEP\n"), strict=True):
        said, output = (OF_THE_SYSTEM.sub("", text) for text in (said, output))
        assert output.rstrip().endswith(said.rstrip()), f"{code}\ngave\n{output}"


def test_a_chapter_and_its_exercises(tmp_path):
    folder = ROOT / "book" / "foundations"
    chapter = test_book.read(folder / "a_synapse_that_learns.ipynb")
    for cell in chapter.cells:
        cell.metadata.tags = []
    answers = blocks("python")
    name = re.search(r"def (my_\w+)", answers[0][0])[1]
    (stub,) = [c for c in chapter.cells if f"def {name}" in c.source]
    (check,) = [c for c in chapter.cells if f"({name})" in c.source]
    stub.source = answers[0][0]
    checks = [check]
    for code, _ in answers[1:]:
        checks.append(nbformat.v4.new_code_cell(check.source))
        chapter.cells += [nbformat.v4.new_code_cell(code), checks[-1]]
    where = {"metadata": {"path": str(tmp_path)}}
    Patient(chapter, timeout=60, resources=where).execute()
    for (_, said), cell in zip(answers, checks, strict=True):
        assert "".join(o.get("text", "") for o in cell.outputs) == said


def test_the_chapter_in_colabs_environment_is_one_that_ci_runs():
    (command,) = [code for code, _ in blocks("bash") if "test-colab" in code]
    chapter = re.fullmatch(r"make test-colab CHAPTERS='(\w+)'\n", command)[1]
    assert chapter in {path.stem for path in test_book.NOTEBOOKS}
    in_ci = re.search(
        r"make test-colab CHAPTERS='(.*)'",
        (ROOT / ".ci/run").read_text(encoding="utf-8"),
    )
    assert chapter in in_ci[1]
