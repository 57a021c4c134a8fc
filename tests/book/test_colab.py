"""Runs in Colab, shown without Colab: an environment with the versions it ships.

`make test-colab` runs this file: for each notebook, the notebook alone in an empty
folder, a stand-in for the module `google.colab`, and the wheel installed by the first
cell. Not covered: GPUs, Colab's own front end and its widget manager.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOKS = sorted((ROOT / "book").rglob("*.ipynb"))
PYTHONS = ("3.13", "3.12")  # Colab's, the newest first
pytestmark = [
    pytest.mark.colab,
    pytest.mark.skipif(
        os.environ.get("PLASTUTOR_COLAB") != "1",
        reason="makes an environment with Colab's versions: make test-colab",
    ),
]

# More than a name: JAX imports google.colab.output where it sees Colab.
STAND_IN = """\
import sys, unittest.mock as mock
sys.modules["google.colab"] = mock.MagicMock()
"""
# Colab runs every cell: an exercise not yet solved must not stop the chapter. Only what
# waits for a hand on a slider is left out.
RUN_ALL = """\
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=3600, skip_cells_with_tag="live").execute()
nbformat.write(notebook, sys.argv[1])
"""


def colab_python() -> str | None:
    """A Python of Colab's version: PYTHON_COLAB, one on the path, one of pyenv's."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in PYTHONS:
        installed = versions.glob(f"{version}.*/bin/python")
        for name in [os.environ.get("PYTHON_COLAB"), f"python{version}", *installed]:
            if name and is_version(str(name), version):
                return str(name)
    return None


def is_version(name: str, version: str) -> bool:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([name, "-c", ask], capture_output=True, text=True)
    except OSError:
        return False
    return done.stdout.strip() == version


def uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def colab(tmp_path_factory) -> Path:
    """The Python of an environment with what Colab ships, and without plastutor."""
    base = colab_python()
    if base is None:
        pytest.skip(f"no Python {' or '.join(PYTHONS)} here; PYTHON_COLAB can name one")
    folder = tmp_path_factory.mktemp("colab") / "env"
    uv("venv", "--seed", "--python", base, str(folder))
    uv("pip", "install", "--python", str(folder), "-r", "requirements-colab.txt")
    uv("pip", "uninstall", "--python", str(folder), "plastutor")
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", str(folder))
    return next(folder.glob("*.whl"))


def pip(python: Path, *arguments: str) -> str:
    command = [str(python), "-m", "pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_installing_changes_nothing_that_is_there(colab, wheel):
    listed = json.loads(pip(colab, "list", "--format", "json"))
    there = {package["name"].lower() for package in listed}
    report = json.loads(
        pip(colab, "install", "--dry-run", "--quiet", "--report", "-", str(wheel))
    )
    added = {e["metadata"]["name"].lower(): e for e in report["install"]}
    assert added.pop("plastutor", None), "plastutor should not be installed yet"
    assert not there & set(added), "pip would replace what Colab has"
    for entry in added.values():
        assert entry["download_info"]["url"].endswith("-none-any.whl"), (
            "not pure Python"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_alone_in_an_empty_folder(path, colab, wheel, tmp_path):
    pip(colab, "uninstall", "--quiet", "--yes", "plastutor")
    before = set(pip(colab, "freeze").splitlines())
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "colab.py").write_text(STAND_IN)
    folder = tmp_path / "content"
    folder.mkdir()
    shutil.copy(path, folder)
    here = {"IPYTHONDIR": str(tmp_path / "ipython"), "PLASTUTOR_SPEC": str(wheel)}
    done = subprocess.run(
        [str(colab), "-c", RUN_ALL, path.name],
        cwd=folder,
        env=os.environ | here,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    after = pip(colab, "freeze").splitlines()
    assert before <= set(after), "an installed version was changed"
    assert any(line.startswith("plastutor") for line in after)
    first = next(c for c in read(folder / path.name).cells if c.cell_type == "code")
    assert any("Runs on" in output.get("text", "") for output in first.outputs)


def test_the_tests_pass_with_colabs_versions(colab, wheel):
    pip(colab, "install", "-q", "-c", "requirements-colab.txt", f"{wheel}[test]")
    command = [str(colab), "-m", "pytest", "-W", "default", "tests", "-q", "-n", "2"]
    command += ["--dist", "loadfile", "--disable-warnings"]
    # That one is about the repository, and needs what builds the book.
    command += ["--ignore", "tests/repository/test_repository.py"]
    without = os.environ | {"PLASTUTOR_COLAB": "0"}
    done = subprocess.run(
        command, cwd=ROOT, env=without, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]


def read(path: Path):
    return nbformat.read(path, as_version=4)
