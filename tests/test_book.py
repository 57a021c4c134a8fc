"""The chapters keep the book's form: stored bare, short, exercises that answer."""

import ast
import importlib
import inspect
import re
import subprocess
import tomllib
from pathlib import Path

import jax
import nbformat
import pytest
import yaml

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
MODULES = (
    "types experiments rules simulate tasks trials losses gauss_newton fit evidence "
    "evaluate paired held_out population distil uncertainty selection baselines "
    "tables choices recordings report activity_report saved flies results plots"
).split()

COLAB_CELL = f"""\
import os
import sys

if "google.colab" in sys.modules:
    repository = "{CONFIG["repository"]["url"]}"
    spec = os.environ.get("PLASTUTOR_SPEC", f"git+{{repository}}@v{VERSION}")
    %pip install -q "$spec"
"""
SECTIONS = [
    "You will be able to",
    "Exercises",
    "What this glossed over",
    "Where this lives in",
]
NOT_A_CHAPTER = {  # pages that happen to run
    "jax_in_ten_minutes",
    "your_own_choices",
    "your_own_recordings",
}
SKIPPED = {"skip-execution", "nbval-skip"}
EXERCISE_TAGS = {"exercise", "solution", "check"}


def listed() -> list[str]:
    """The pages of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    pages = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *pages]


NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
every_chapter = pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if p.stem not in NOT_A_CHAPTER], ids=lambda p: p.stem
)
every_page = pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *sorted((ROOT / "book").glob("*.md"))], ids=lambda p: p.name
)


def read(path: Path):
    return nbformat.reads(path.read_text(), as_version=4)


def tags(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    """The Markdown of a page."""
    if path.suffix == ".md":
        return path.read_text()
    cells = [c for c in read(path).cells if c.cell_type == "markdown"]
    return "\n\n".join(cell.source for cell in cells)


# --- pages and links ------------------------------------------------------------------


def test_contents_and_files_agree():
    for page in listed():
        found = [p for p in (".md", ".ipynb") if (ROOT / (page + p)).exists()]
        assert len(found) == 1, f"{page}: found {found}, expected one .md or .ipynb"
    assert {f"book/{p.stem}" for p in NOTEBOOKS} <= set(listed())


def test_colab_links_point_to_tracked_files():
    assert CONFIG["repository"]["branch"] == "main"
    assert "path_to_book" not in CONFIG["repository"]  # it would double the folder
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "book"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    built = ROOT / "_build" / "html" / "book"
    start = CONFIG["repository"]["url"].removeprefix("https://github.com/")
    for path in NOTEBOOKS:
        assert f"book/{path.name}" in done.stdout.splitlines()
        page = built / f"{path.stem}.html"
        if page.exists():
            links = re.findall(r'href="(https://colab\.[^"]+)"', page.read_text())
            wanted = f"/github/{start}/blob/main/book/{path.name}"
            assert any(link.endswith(wanted) for link in links)


# --- how a notebook is stored ---------------------------------------------------------


@every_notebook
def test_stored_bare(path):
    notebook = read(path)
    assert notebook.metadata.kernelspec.name == "python3"
    assert "colab" not in notebook.metadata
    for cell in notebook.cells:
        assert not set(cell.metadata) & {"colab", "executionInfo", "outputId", "id"}
    for cell in code_cells(notebook):
        assert not cell.outputs and cell.execution_count is None, "make fix strips them"


@every_notebook
def test_first_code_cell_installs_this_version_in_colab(path):
    first = code_cells(read(path))[0]
    assert first.source.strip() == COLAB_CELL.strip()
    assert "hide-input" in tags(first)


@every_notebook
def test_short(path):
    cells = code_cells(read(path))
    for cell in cells:
        assert len(cell.source.splitlines()) <= 25, cell.source[:80]
    assert sum(not tags(cell) & EXERCISE_TAGS for cell in cells) <= 18
    assert len(prose(path).split()) <= 2000


@every_page
def test_readable_in_colab(path):
    text = prose(path)
    # eval-rst knows no colons; it stands on the page of the package, never in Colab.
    backticks = r"^\s*`{3,}\{(?!eval-rst\})"
    assert not re.search(backticks, text, re.MULTILINE), "colon fences only"
    macros = r"\\(newcommand|renewcommand|providecommand|DeclareMathOperator|def)\b"
    assert not re.search(macros, text), "Colab does not know TeX macros"


@every_chapter
def test_has_the_sections_of_a_chapter(path):
    text = prose(path)
    for section in SECTIONS:
        assert section in text, f"no part named {section!r}"


# --- exercises: a stub, a solution, a check -------------------------------------------


def exercises(notebook) -> list[tuple]:
    """(stub, solution, check) cells, in the order in which they stand."""
    cells = [cell for cell in code_cells(notebook) if tags(cell) & EXERCISE_TAGS]
    kinds = [next(iter(tags(cell) & EXERCISE_TAGS)) for cell in cells]
    assert kinds == ["exercise", "solution", "check"] * (len(kinds) // 3)
    return list(zip(cells[::3], cells[1::3], cells[2::3], strict=True))


def functions(source: str) -> list[str]:
    return [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]


def setting(notebook, until) -> str:
    """Imports, functions and constants that stand before an exercise: no long runs."""
    kept = []
    for cell in code_cells(notebook):
        if cell is until:
            return "\n".join(kept)
        if not tags(cell) & {"exercise", "check"}:
            kept.append(definitions(cell.source))
    raise AssertionError("the exercise is not in the notebook")


def definitions(source: str) -> str:
    """Imports, functions and constants of a cell, not what it goes on to compute."""
    if re.search(r"^\s*[%!]", source, re.MULTILINE):
        return ""  # the Colab cell
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef
    nodes = ast.parse(source).body
    nodes = [n for n in nodes if isinstance(n, kinds) or is_constant(n)]
    return "\n".join(ast.unparse(n) for n in nodes)


def is_constant(node) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)


def outcome(check, function, capsys) -> tuple[bool, str]:
    """Whether a check is content, and what it says; it must print and never raise."""
    capsys.readouterr()
    passed = check(function)
    return passed is not False, capsys.readouterr().out


@pytest.fixture
def as_a_reader(single_precision):
    """Single precision and silent broadcasting, as in a reader's notebook."""
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_rank_promotion", "raise")


@every_chapter
def test_has_exercises(path):
    assert exercises(read(path))


@every_notebook
def test_exercises_are_tagged_and_named(path):
    for stub, solution, check in exercises(read(path)):
        assert tags(stub) >= SKIPPED and tags(check) >= SKIPPED
        assert "hide-cell" in tags(solution) and not tags(solution) & SKIPPED
        names = functions(stub.source)
        assert names and all(name.startswith("my_") for name in names)
        called = re.findall(r"checks\.\w+\((my_\w+)", check.source)
        assert called and set(called) <= set(names)


@every_notebook
def test_nothing_depends_on_a_students_answer(path):
    for cell in code_cells(read(path)):
        if not tags(cell) & {"exercise", "check"}:
            assert not re.search(r"\bmy_\w+", cell.source), cell.source[:80]


@every_notebook
def test_checks_accept_the_solution_and_refuse_the_stub(path, as_a_reader, capsys):
    notebook = read(path)
    for stub, solution, check in exercises(notebook):
        names = {}
        exec(setting(notebook, stub), names)
        exec(definitions(stub.source), names)
        exec(definitions(solution.source), names)
        checks = importlib.import_module("plastutor.checks")
        for check_name, stub_name in re.findall(
            r"checks\.(\w+)\((my_\w+)", check.source
        ):
            solved, unsolved = names[stub_name.removeprefix("my_")], names[stub_name]
            assert inspect.signature(solved) == inspect.signature(unsolved)
            passed, said = outcome(getattr(checks, check_name), solved, capsys)
            assert passed, f"{check_name} refuses the solution: {said}"
            passed, said = outcome(getattr(checks, check_name), unsolved, capsys)
            assert not passed, f"{check_name} accepts the empty stub"
            assert len(said.split()) >= 5, f"{check_name} gives no hint: {said!r}"


# --- the page of the package ----------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_on_the_api_page(name):
    page = (ROOT / "book" / "api.md").read_text()
    directive = f".. automodule:: plastutor.{name}\n   :members:\n   :undoc-members:\n"
    assert directive in page
    module = importlib.import_module(f"plastutor.{name}")
    assert list(module.__all__), "names outside __all__ are not on the page"
    for public in module.__all__:
        thing = getattr(module, public)
        if inspect.isroutine(thing) or inspect.isclass(thing):
            assert thing.__doc__, f"{name}.{public} has no docstring"
