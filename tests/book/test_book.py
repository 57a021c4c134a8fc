"""The chapters keep the book's form: stored bare, short, with their sections."""

import re
import subprocess
import sys
from functools import reduce
from pathlib import Path

import nbformat
import pytest
import yaml
from public_names import public_names

import plastutor as pt

ROOT = Path(__file__).parent.parent.parent
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
REVISION = CONFIG["repository"]["branch"]
COLAB_CELL = f"""\
import os
import sys

if "google.colab" in sys.modules:
    repository = "{CONFIG["repository"]["url"]}"
    spec = os.environ.get("PLASTUTOR_SPEC", f"git+{{repository}}@{REVISION}")
    %pip install -q "$spec"

import jax

print(f"Runs on {{jax.devices()[0].device_kind}}; two CPU cores take TIME.")
"""
TO_READ = re.compile(r"\*Time:\* (\d+) minutes to read")
TO_RUN = re.compile(r"\*Time:\* .*?(?:read|hours), ([\w ]+) to run")
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


FIRST_CHAPTERS = [ROOT / f"{page}.ipynb" for page in listed()[1:6]]
FOUND = sorted((ROOT / "book").rglob("*.ipynb"))
ALL_NOTEBOOKS = [p for p in FOUND if p.parent.name != ".ipynb_checkpoints"]
NOTEBOOKS = [p for p in ALL_NOTEBOOKS if p.parent.name != "assignments"]
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
every_chapter = pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if p.stem not in NOT_A_CHAPTER], ids=lambda p: p.stem
)
every_page = pytest.mark.parametrize(
    "path", [*NOTEBOOKS, *sorted((ROOT / "book").rglob("*.md"))], ids=lambda p: p.name
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


def whole(path: Path) -> str:
    """The Markdown and the code of a page."""
    if path.suffix == ".md":
        return path.read_text()
    return "\n\n".join(cell.source for cell in read(path).cells)


# --- pages and links ------------------------------------------------------------------


def test_contents_and_files_agree():
    for page in listed():
        found = [p for p in (".md", ".ipynb") if (ROOT / (page + p)).exists()]
        assert len(found) == 1, f"{page}: found {found}, expected one .md or .ipynb"
    there = {p.relative_to(ROOT).with_suffix("").as_posix() for p in ALL_NOTEBOOKS}
    assert there <= set(listed())


def test_each_page_has_a_name_of_its_own():
    names = [Path(page).name for page in listed()]  # outputs and checks go by it
    assert len(names) == len(set(names))


def test_colab_links_point_to_tracked_files():
    assert "path_to_book" not in CONFIG["repository"]  # it would double the folder
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "book"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    built = ROOT / "_build" / "html"
    start = CONFIG["repository"]["url"].removeprefix("https://github.com/")
    for path in ALL_NOTEBOOKS:
        name = path.relative_to(ROOT)
        assert name.as_posix() in done.stdout.splitlines()
        page = built / name.with_suffix(".html")
        if page.exists():
            links = re.findall(r'href="(https://colab\.[^"]+)"', page.read_text())
            wanted = f"/github/{start}/blob/{REVISION}/{name.as_posix()}"
            assert any(link.endswith(wanted) for link in links)


# --- names of the package -------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [*ALL_NOTEBOOKS, *sorted((ROOT / "book").rglob("*.md")), *ROOT.glob("*.md")],
    ids=lambda path: path.name,
)
def test_names_of_the_package_are_spelled_as_users_write_them(path):
    text = whole(path)
    for name in re.findall(r"(?:\bpt|`plastutor)\.(\w+(?:\.\w+)*)", text):
        reduce(getattr, name.split("."), pt)
    for room, name in re.findall(r"`(\w+)\.(\w+)", text):
        public = public_names(getattr(pt, room)) if room in dir(pt) else ()
        assert name not in public, f"write `pt.{room}.{name}`"


@pytest.mark.parametrize("path", ALL_NOTEBOOKS, ids=lambda path: path.stem)
def test_the_package_is_imported_once(path):
    cells = [cell.source for cell in code_cells(read(path)) if "live" not in tags(cell)]
    lines = re.compile(r"^ *(?:from|import) plastutor\b.*", re.MULTILINE)
    (found,) = filter(None, map(lines.findall, cells))
    assert found[0] == "import plastutor as pt" and len(found) <= 2


@pytest.mark.parametrize("path", FIRST_CHAPTERS, ids=lambda path: path.stem)
def test_the_face_is_enough_for_the_first_chapters(path):
    enough = {"plastutor", "jax", "numpy", "matplotlib", "optax"}
    for cell in code_cells(read(path)):
        if "live" not in tags(cell):
            used = re.findall(r"^ *(?:from|import) (\w+)", cell.source, re.MULTILINE)
            assert {*used} <= enough | sys.stdlib_module_names


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
def test_first_code_cell_installs_what_the_launch_button_opens(path):
    first = code_cells(read(path))[0]
    time_to_run = TO_RUN.search(prose(path))[1]
    assert first.source.strip() == COLAB_CELL.replace("TIME", time_to_run).strip()
    assert "hide-input" in tags(first)


@every_notebook
def test_minutes_to_read_fit_the_length(path):
    text = prose(path).split("## Exercises")[0]
    cells = [c for c in code_cells(read(path))[1:] if not tags(c) & EXERCISE_TAGS]
    lines = sum(len(cell.source.splitlines()) for cell in cells)
    expected = len(text.split()) / 130 + lines / 12  # new ideas, read once
    assert 0.45 < int(TO_READ.search(prose(path))[1]) / expected < 2.2


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
    if path.suffix == ".ipynb":
        fences = re.search(r"^\s*:::.*", text, re.MULTILINE)
        assert not fences, f"Colab shows {fences[0]!r} as it stands: use <details> or >"


@every_chapter
def test_has_the_sections_of_a_chapter(path):
    text = prose(path)
    for section in SECTIONS:
        assert section in text, f"no part named {section!r}"


def test_the_cheat_sheets_code_runs(capsys):
    page = (ROOT / "book" / "reference" / "cheat_sheet.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
    exec(compile(code, "cheat_sheet.md", "exec"), {})
    inferred, nothing = re.findall(r"r2_weights=(-?[\d.]+)", capsys.readouterr().out)
    assert float(inferred) > 0.999 and float(nothing) < 0


def test_the_glossary_is_in_order_and_every_word_is_used():
    page = (ROOT / "book" / "reference" / "glossary.md").read_text()
    words = re.findall(r"^(\w[\w' -]+)$", page.split("{glossary}")[1], re.MULTILINE)
    assert words == sorted(words, key=str.lower) and len(words) > 20
    text = " ".join(prose(path) for path in NOTEBOOKS).lower()
    for word in words:
        assert word.lower() in text, word


DRAWN = [name for name in public_names(pt.plot) if callable(getattr(pt.plot, name))]
NAMED = {  # a name with its unit, or ticks in words
    axis: re.compile(
        rf"{axis}label|sup{axis}label|set_{axis}ticks|{axis}ticks|\b(?:{'|'.join(DRAWN)})\("
    )
    for axis in "xy"
}


@pytest.mark.parametrize("path", ALL_NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_has_words_for_it_and_for_its_axes(path):
    for cell in code_cells(read(path)):
        if "plt.show()" in cell.source and "live" not in tags(cell):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 5, cell.source[:80]
            for axis, name in NAMED.items():
                assert name.search(cell.source), f"{axis}: {cell.source[:80]}"
