"""The file list is the method: imports only ever point to a file higher in it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "plastutor"
ORDER = [
    "types",
    "devices",
    "experiments",
    "rules",
    "mlp",
    "simulate",
    "tasks",
    "trials",
    "slopes",
    "reverse",
    "gradients",
    "spiking",
    "losses",
    "gauss_newton",
    "fit",
    "online",
    "evidence",
    "evaluate",
    "paired",
    "held_out",
    "population",
    "distil",
    "uncertainty",
    "selection",
    "baselines",
    "tables",
    "choices",
    "recordings",
    "report",
    "activity_report",
    "saved",
    "fly_crossings",  # parts of flies: what a fly met on its way,
    "fly_files",  # reading the files,
    "fly_members",  # finding them in the archive,
    "fly_download",  # getting them,
    "fly_simulation",  # and simulating flies
    "flies",
    "results",
    "sweep",
    "plots",
    "living",
    "checks",
]
LEAVES = {"plots", "living", "checks"}  # nobody imports them
FILES = sorted(
    path.relative_to(PACKAGE)
    for path in PACKAGE.rglob("*.py")
    if path != PACKAGE / "__init__.py"
)


def place(path: Path) -> str:
    """The name in ORDER: that of the file, or of the folder that it is in."""
    return path.with_suffix("").parts[0]


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
    places = {place(path) for path in FILES}
    assert places <= set(ORDER), "put the new module into ORDER, where it belongs"


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_upwards(path):
    name = place(path)
    allowed = set(ORDER[: ORDER.index(name)]) - LEAVES
    if len(path.parts) > 1:
        allowed.add(name)  # from its own folder
    wrong = imported((PACKAGE / path).read_text()) - allowed
    assert not wrong, f"plastutor/{path} must not import {sorted(wrong)}"


def test_the_reader_of_imports_sees_every_form():
    source = "import plastutor.fit\nfrom plastutor import plots\ndef f():\n"
    source += "    from plastutor.types import Rule\n"
    assert imported(source) == {"fit", "plots", "types"}
