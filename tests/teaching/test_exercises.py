"""The exercises answer, and cells for a live kernel run: what a build leaves out."""

import ast
import inspect
import re
from pathlib import Path

import ipywidgets
import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
from test_book import (
    EXERCISE_TAGS,
    NOTEBOOKS,
    SKIPPED,
    code_cells,
    every_chapter,
    every_notebook,
    prose,
    read,
    tags,
)
from wrong_answers import WRONG

import plastutor as pt


def exercises(notebook) -> list[tuple]:
    """(stub, solution, check) cells, in the order in which they stand."""
    cells = [cell for cell in code_cells(notebook) if tags(cell) & EXERCISE_TAGS]
    kinds = [next(iter(tags(cell) & EXERCISE_TAGS)) for cell in cells]
    assert kinds == ["exercise", "solution", "check"] * (len(kinds) // 3)
    return list(zip(cells[::3], cells[1::3], cells[2::3], strict=True))


def functions(source: str) -> list[str]:
    return [n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]


def called(check) -> tuple[str, str]:
    """The check that a cell calls, and the function that it hands over."""
    (names,) = re.findall(r"checks\.(\w+)\((my_\w+)\)", check.source)
    return names


def setting(notebook, until) -> str:
    """Imports, functions and constants that stand before an exercise: no long runs."""
    kept = []
    for cell in code_cells(notebook):
        if cell is until:
            return "\n".join(kept)
        if not tags(cell) & {"exercise", "check", "live"}:
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


# What a reader meets, by (chapter, check).
CODED = {
    (path.stem, called(cells[2])[0]): (notebook, *cells)
    for path, notebook in ((path, read(path)) for path in NOTEBOOKS)
    for cells in exercises(notebook)
}


@pytest.fixture
def as_a_reader(single_precision):
    """Single precision and silent broadcasting, as in a reader's notebook."""
    jax.config.update("jax_numpy_rank_promotion", "allow")
    yield
    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def outcome(as_a_reader, capsys):
    """A function: is a check content with an answer, and what does it say?"""

    def run(check: str, function) -> tuple[bool, str]:
        capsys.readouterr()
        passed = getattr(pt.checks, check)(function)
        return passed, capsys.readouterr().out

    return run


# --- how they are written -------------------------------------------------------------


@every_chapter
def test_each_chapter_has_the_three_kinds(path):
    # One star: change a number and explain; two: write a function; three: open.
    starred = re.findall(
        r"^\*\*(?:Exercise )?\d ((?:\\\*)+)", prose(path), re.MULTILINE
    )
    assert {stars.count("*") for stars in starred} == {1, 2, 3}
    assert 3 <= len(starred) <= 4


@every_notebook
def test_each_is_tagged_and_named(path):
    for stub, solution, check in exercises(read(path)):
        assert tags(stub) >= SKIPPED and tags(check) >= SKIPPED
        # The page folds the code, and shows the expected result as a hint.
        assert "hide-input" in tags(solution) and not tags(solution) & SKIPPED
        assert "solution" in solution.metadata["mystnb"]["code_prompt_show"]
        assert "print(" in solution.source or "plt.show()" in solution.source
        assert functions(stub.source) == [called(check)[1]]
        assert called(check)[1].removeprefix("my_") in functions(solution.source)


@every_notebook
def test_a_figure_among_the_solutions_fits_a_phone(path):
    drawn = [s for _, s, _ in exercises(read(path)) if "plt.show()" in s.source]
    assert drawn or not exercises(read(path))
    for cell in drawn:
        assert cell.metadata["mystnb"]["image"]["alt"]
        widths = re.findall(r"figsize=\(([\d.]+),", cell.source)
        assert widths and max(map(float, widths)) <= 3.5
        assert "xlabel=" in cell.source and "ylabel=" in cell.source


@every_notebook
def test_nothing_depends_on_a_students_answer(path):
    for cell in code_cells(read(path)):
        if not tags(cell) & {"exercise", "check"}:
            assert not re.search(r"\bmy_\w+", cell.source), cell.source[:80]


# --- what the checks say --------------------------------------------------------------


@pytest.mark.parametrize(
    ("notebook", "stub", "solution", "check"), CODED.values(), ids=map("-".join, CODED)
)
def test_solution_passes_and_stub_hears_why_not(
    notebook, stub, solution, check, outcome
):
    names = {"__name__": "__main__"}  # as in a notebook
    exec(setting(notebook, stub), names)
    exec(definitions(stub.source), names)
    exec(definitions(solution.source), names)
    check_name, stub_name = called(check)
    solved, unsolved = names[stub_name.removeprefix("my_")], names[stub_name]
    assert inspect.signature(solved) == inspect.signature(unsolved)
    passed, said = outcome(check_name, solved)
    assert passed and said.startswith("Correct"), said
    passed, said = outcome(check_name, unsolved)
    assert not passed and "returned nothing" in said and len(said.split()) >= 5


def test_each_has_at_least_three_wrong_answers():
    assert {check for _, check in CODED} == set(WRONG)
    assert not [check for check, answers in WRONG.items() if len(answers) < 3]


@pytest.mark.parametrize("check", WRONG)
def test_each_wrong_answer_hears_its_own_reason(check, outcome):
    heard = {}
    for mistake, (function, _) in WRONG[check].items():
        passed, said = outcome(check, function)
        assert not passed, f"{check} accepts: {mistake}"
        heard[mistake] = said.replace(function.__name__, "my_answer")
    for mistake, (_, reason) in WRONG[check].items():
        told = [other for other, said in heard.items() if reason in said]
        assert told == [mistake], heard[mistake]


# --- cells for a live kernel ----------------------------------------------------------


def has_live_cell(path: Path) -> bool:
    return any("live" in tags(cell) for cell in code_cells(read(path)))


@every_notebook
def test_cells_for_a_live_kernel_say_so_and_are_skipped(path):
    cells = read(path).cells
    places = [k for k, cell in enumerate(cells) if "live" in tags(cell)]
    assert len(places) <= 1
    for k in places:
        assert tags(cells[k]) >= SKIPPED
        assert "With a live kernel (Colab or Jupyter)" in cells[k - 1].source
        assert cells[k - 1].source.endswith("It does nothing on the web page.")
    uses = [c for c in code_cells(read(path)) if "interact(" in c.source]
    assert all("live" in tags(cell) for cell in uses), "a build would wait for it"


@pytest.mark.parametrize(
    "path", list(filter(has_live_cell, NOTEBOOKS)), ids=lambda p: p.stem
)
def test_cells_for_a_live_kernel_run(path, as_a_reader, monkeypatch):
    asked = []
    record = lambda **limits: lambda function: asked.append((function, limits))
    monkeypatch.setattr(ipywidgets, "interact", record)
    monkeypatch.setattr(plt, "show", lambda: None)
    notebook, names = read(path), {}
    (cell,) = [cell for cell in code_cells(notebook) if "live" in tags(cell)]
    exec(setting(notebook, cell), names)
    exec(cell.source, names)
    ((explore, limits),) = asked
    assert set(limits) == set(inspect.signature(explore).parameters)
    explore(**{name: ends[0] for name, ends in limits.items()})  # the smallest
    try:
        drawn = plt.gca().lines
        assert drawn and all(np.isfinite(line.get_ydata()).all() for line in drawn)
    finally:
        plt.close("all")
