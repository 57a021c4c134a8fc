"""What the tests of coursework make once: a class's hand-outs; what can be shut in."""

import subprocess
import sys

import pytest
from classroom import ROOT, SALT, hold

from coursework.grader.salt import read_salt
from coursework.sandbox import measure_isolation

# As a module it would have the name of tests/conftest.py.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session")
def shield():
    """What this system can do; skips where it cannot run submissions at all."""
    try:
        return measure_isolation.measure([])
    except SystemExit as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def handed_out(tmp_path_factory):
    """A class of two, and again one of them: (folder of hand-outs, salt)."""
    folder = tmp_path_factory.mktemp("class")
    hold(folder / "class.csv", "student,name\nada,Ada\nbob,Bob\n")
    hold(folder / "one.csv", "student\nada\n")
    hold(folder / "salt.txt", SALT)
    # One process for both: what is compiled serves twice.
    code = "import sys; from coursework.grader.handouts import main; "
    code += "main(sys.argv[1:4]); main(sys.argv[4:])"
    given = ("class.csv", "salt.txt", "out", "one.csv", "salt.txt", "again")
    command = [sys.executable, "-c", code, *(folder / name for name in given)]
    subprocess.run(command, check=True, cwd=ROOT)
    return folder / "out", read_salt(folder / "salt.txt")
