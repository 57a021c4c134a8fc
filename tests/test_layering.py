"""The file list is the method: imports only ever point to a file higher in it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "plastutor"
ORDER = [
    "types",
    "experiments",
    "rules",
    "simulate",
    "tasks",
    "losses",
    "gauss_newton",
    "fit",
    "evidence",
    "evaluate",
    "held_out",
    "baselines",
    "fly_crossings",  # parts of flies: what a fly met on its way,
    "fly_files",  # reading the files,
    "fly_members",  # finding them in the archive,
    "fly_download",  # and getting them
    "flies",
    "plots",
    "checks",
]
LEAVES = {"plots", "checks"}  # nobody imports them
FILES = sorted(p.stem for p in PACKAGE.glob("*.py") if p.stem != "__init__")


def imported(source: str) -> set[str]:
    """The modules of the package that a source imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full: from plastutor.types import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    names = [name.split(".") for name in found]
    return {n[1] for n in names if n[0] == "plastutor" and n[1:2] and n[1] in ORDER}


def test_every_module_has_its_place():
    assert set(FILES) <= set(ORDER), "put the new module into ORDER, where it belongs"


@pytest.mark.parametrize("name", FILES)
def test_imports_point_upwards(name):
    allowed = set(ORDER[: ORDER.index(name)]) - LEAVES
    wrong = imported((PACKAGE / f"{name}.py").read_text()) - allowed
    assert not wrong, f"plastutor/{name}.py must not import {sorted(wrong)}"


def test_the_reader_of_imports_sees_every_form():
    source = "import plastutor.fit\nfrom plastutor import plots\ndef f():\n"
    source += "    from plastutor.types import Rule\n"
    assert imported(source) == {"fit", "plots", "types"}
