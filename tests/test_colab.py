"""Runs in Colab, shown without Colab: an environment with the versions it ships.

`make test-colab` makes that environment, without plastutor, and runs this file in it.
Not covered: GPUs, Colab's own front end and its widget manager.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
pytestmark = [
    pytest.mark.colab,
    pytest.mark.skipif(
        os.environ.get("PLASTUTOR_COLAB") != "1",
        reason="needs an environment with Colab's versions: make test-colab",
    ),
]


def pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installing_changes_nothing_that_is_there():
    there = {d.metadata["Name"].lower() for d in distributions()}
    report = json.loads(
        pip("install", "--dry-run", "--quiet", "--report", "-", str(ROOT))
    )
    added = {e["metadata"]["name"].lower(): e for e in report["install"]}
    assert added.pop("plastutor", None), "plastutor should not be installed yet"
    assert not there & set(added), "pip would replace what Colab has"
    for entry in added.values():
        assert entry["download_info"]["url"].endswith("-none-any.whl"), (
            "not pure Python"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_from_another_folder(path, tmp_path, monkeypatch):
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "colab.py").write_text(
        # More than a name: JAX imports google.colab.output where it sees Colab.
        "import sys, unittest.mock as mock\n"
        "sys.modules['google.colab'] = mock.MagicMock()\n"
    )
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PLASTUTOR_SPEC", str(ROOT))
    before = set(pip("freeze").splitlines())
    notebook = nbformat.reads(path.read_text(), as_version=4)
    NotebookClient(
        notebook,
        timeout=300,
        resources={"metadata": {"path": str(tmp_path)}},
        # Colab runs every cell: an exercise not yet solved must not stop the chapter.
        # Only what waits for a hand on a slider is left out.
        skip_cells_with_tag="live",
    ).execute()
    after = pip("freeze").splitlines()
    assert before <= set(after), "an installed version was changed"
    assert any(line.startswith("plastutor") for line in after)
