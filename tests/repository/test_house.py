"""The house: rooms in order, one list of public names, files seen whole."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from public_names import public_names
from size_of_code import code_lines, functions

import plastutor as pt
from plastutor._rooms import LEAVES, ORDER

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "plastutor"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE and path.parent.parent.name != "checks"
)
CODE = [
    path
    for folder in (
        "plastutor",
        "coursework",
        "studies",
        "benchmarks",
        "scripts",
        "tests",
    )
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(source: str) -> set[str]:
    """What a source imports from the package, anywhere in it, with dots."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full: from plastutor.rules import"
            whole = node.module == "plastutor"
            found |= {
                f"plastutor.{alias.name}" if whole else str(node.module)
                for alias in node.names
            }
    return {module for module in found if module.startswith("plastutor.")}


# --- rooms ----------------------------------------------------------------------------


def test_every_file_has_its_place():
    places = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in FILES}
    assert places == {*ORDER, "__init__", "_rooms"}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_point_upwards_and_through_faces(path):
    place = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if place in ("__init__", "_rooms"):
        return
    for module in imported(path.read_text()):
        _, room, *inside = module.split(".")
        if room == place:
            continue
        assert room in ORDER[: ORDER.index(place)], f"{module} stands below {place}"
        assert room not in LEAVES, f"nobody imports {room}"
        hidden = [part for part in inside if part.startswith("_")]
        assert not hidden, f"{module}: import from the face of {room}"


def test_the_reader_of_imports_sees_every_form():
    source = "import plastutor.infer\nfrom plastutor import plot\ndef f():\n"
    source += "    from plastutor.rules._taylor import taylor\n"
    found = {"plastutor.infer", "plastutor.plot", "plastutor.rules._taylor"}
    assert imported(source) == found


# --- names ----------------------------------------------------------------------------


def api_pages() -> str:
    reference = ROOT / "book" / "reference"
    pages = [reference / "api.md", *sorted((reference / "package").glob("*.md"))]
    return "".join(page.read_text() for page in pages)


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_are_on_the_api_pages_and_say_what_they_are(room):
    module = importlib.import_module(room)
    if room == "plastutor.teaching":  # its two rooms are on the page
        return
    page = api_pages()
    directive = f".. automodule:: {room}\n   :members:\n   :undoc-members:\n"
    assert directive in page
    for public in public_names(module):
        thing = getattr(module, public)
        if callable(thing) and hasattr(thing, "__name__"):
            assert thing.__doc__, f"{room}.{public} has no docstring"
        if isinstance(thing, jax.custom_jvp | jax.custom_vjp):  # no function to Sphinx
            assert f".. autofunction:: {room}.{public}\n" in page
        elif not callable(thing) and not inspect.ismodule(thing):
            entry = rf"autodata:: {re.escape(room)}\._\w+\.{public}\n"
            assert re.search(entry, page), f"{room}.{public} is not on the page"


def test_the_face_is_made_of_names_of_rooms_and_of_those_on_top_of_its_page():
    page = api_pages()
    members = page.split(".. automodule:: plastutor\n   :members: ")[1].split("\n")[0]
    public = {n for r in ROOMS for n in public_names(importlib.import_module(r))}
    rooms = {place for place in ORDER if not place.startswith("_")}
    face = {*public_names(pt)}
    assert face - public == {*members.split(", ")} | (rooms - public) | {"style"}
    assert all(hasattr(pt, n) for n in face)


def test_no_name_is_a_room_and_a_function():
    rooms = {room.rpartition(".")[2] for room in ROOMS}
    functions = {
        public
        for room in ["plastutor", *ROOMS]
        for public in public_names(importlib.import_module(room))
        if inspect.isroutine(getattr(importlib.import_module(room), public))
    }
    assert not rooms & functions


def test_an_unknown_name_gets_a_sentence():
    with pytest.raises(AttributeError, match="no 'fitt'; see dir.plastutor"):
        pt.fitt  # noqa: B018


# --- sizes ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", CODE, ids=name)
def test_files_and_functions_are_seen_whole(path):
    source = path.read_text()
    assert len(code_lines(source)) <= 300
    assert {k: v for k, v in functions(source).items() if v > 60} == {}


def test_a_room_has_ten_files_at_most():
    for folder in {path.parent for path in FILES}:
        files = [p for p in folder.glob("*.py") if p.name != "__init__.py"]
        assert len(files) <= 10, name(folder)


# --- what loads when ------------------------------------------------------------------


def test_the_heavy_loads_when_it_is_used():
    code = """
import sys, jax, jax.numpy as jnp
import plastutor as pt
pt.fit(lambda theta, data: jnp.sum((theta - data) ** 2), jnp.zeros(2), 1.0, max_steps=2)
heavy = {"flax", "scipy.stats", "matplotlib", "plastutor.reports", "plastutor.teaching"}
assert not heavy & {*sys.modules}, heavy & {*sys.modules}
assert pt.r2 and pt.plot and pt.checks and heavy <= {*sys.modules, "flax"}
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_weights_change_in_one_place():
    """Only one line of the package adds what a rule says to the weights."""
    update = re.compile(r"\bw\w* \+=? .*(weight_change|\.update)\(|\bw \+= ")
    found = [
        path.name
        for path in sorted((ROOT / "plastutor").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if update.search(line)
    ]
    assert found == ["_weights.py"]
