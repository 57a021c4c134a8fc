"""The repository agrees with itself: address, versions, pins, licences, commands."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import execute_chapters
import nbformat
import pytest
import set_address
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
VERSION = PROJECT["version"]
EXTRAS = PROJECT["optional-dependencies"]


def read(name: str) -> str:
    return (ROOT / name).read_text()


def pins(name: str) -> dict[str, str]:
    """Package to version, from a file of exact pins."""
    lines = [line.split("#")[0].strip() for line in read(name).splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    names = [r.name for r in requirements]
    assert len(names) == len(set(names)), f"{name} names a package twice"
    return {r.name: str(r.specifier).removeprefix("==") for r in requirements}


# --- one address ----------------------------------------------------------------------

ADDRESS = set_address.current(read("_config.yml"))


def test_address_is_the_same_everywhere():
    url, pages = f"https://github.com/{ADDRESS}", set_address.pages(ADDRESS)
    config = yaml.safe_load(read("_config.yml"))
    assert config["repository"]["url"] == url
    assert config["html"]["baseurl"] == f"https://{pages}/"
    assert PROJECT["urls"]["Repository"] == url
    assert PROJECT["urls"]["Homepage"] == f"https://{pages}/"
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["repository-code"] == url
    assert citation["url"] == f"https://{pages}/"
    assert f"git clone {url} " in read("README.md")


@pytest.mark.parametrize("path", set_address.files(), ids=lambda p: p.name)
def test_the_command_finds_every_copy_of_the_address(path):
    text = path.read_text()
    new = set_address.rewrite(text, ADDRESS, "someone/else")
    left = rf"{re.escape(ADDRESS)}(?!\.mplstyle|[\w-])|{set_address.pages(ADDRESS)}"
    if path.name not in ("test_repository.py", "set_address.py"):
        assert not re.findall(left, new), "an address in a form that is not rewritten"
    assert set_address.rewrite(new, "someone/else", ADDRESS) == text
    others = set(re.findall(r"github\.com/([\w-]+/plastutor)\b", text))
    assert others <= {ADDRESS}


@pytest.mark.parametrize("given", [{}, {"repo": "a"}, {"revision": "a b"}])
def test_the_command_wants_an_address_or_a_revision(given):
    with pytest.raises(SystemExit, match="owner/name"):
        set_address.main(**given)


# --- one revision ---------------------------------------------------------------------

NOTEBOOKS = [p.relative_to(ROOT) for p in (ROOT / "book").rglob("*.ipynb")]


def branch(root: Path) -> str:
    """What the launch buttons open."""
    config = yaml.safe_load((root / "_config.yml").read_text())
    return config["repository"]["branch"]


def revisions(root: Path) -> dict[Path, set[str]]:
    """The branches and tags that the files open in Colab or install."""
    names = [path.relative_to(ROOT) for path in set_address.files()]
    named = {name: set_address.revisions((root / name).read_text()) for name in names}
    assert all(named[name] for name in [Path("README.md"), *NOTEBOOKS])
    return {name: found for name, found in named.items() if found}


def test_cells_links_and_launch_buttons_name_one_revision():
    assert branch(ROOT) in ("main", f"v{VERSION}")
    assert set().union(*revisions(ROOT).values()) == {branch(ROOT)}


def test_the_release_recipe_turns_the_revision_into_the_tag(tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    for path in [*set_address.files(), ROOT / "Makefile"]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    recipe = read("CONTRIBUTING.md").split("## A release")[1]
    command = re.search(r"`(make address .*?)`", recipe)[1].split()
    command = [word.replace("<version>", "9.8.7") for word in command]
    command += [f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert branch(tmp_path) == "v9.8.7"
    before, after = revisions(ROOT), revisions(tmp_path)
    assert after == dict.fromkeys(before, {"v9.8.7"})
    for name in NOTEBOOKS:
        here, there = (folder / name for folder in (ROOT, tmp_path))
        lines = zip(*(p.read_text().splitlines() for p in (here, there)), strict=True)
        changed = [old for old, new in lines if old != new]
        assert all(set_address.revisions(line) for line in changed)


# --- one version ----------------------------------------------------------------------


def test_version_is_the_same_everywhere():
    assert yaml.safe_load(read("CITATION.cff"))["version"] == VERSION
    assert f"## [{VERSION}]" in read("CHANGELOG.md")


def test_front_page_cites_the_paper_and_this_version():
    page, cff = read("book/index.md"), yaml.safe_load(read("CITATION.cff"))
    paper = re.search(
        r"@inproceedings\{mehta2024,.*?\n\}", read("book/references.bib"), re.S
    )
    assert paper.group() in page
    own = re.search(r"@software\{.*?\n\}", page, re.S).group()
    for name in ("title", "version", "url"):
        assert f"{{{cff[name]}}}" in own


def test_lock_satisfies_the_package_and_holds_no_address():
    text, locked = read("requirements.lock"), pins("requirements.lock")
    assert not re.search(r"://|@|--|/home|file:", text)
    for line in [*PROJECT["dependencies"], *EXTRAS["book"], *EXTRAS["test"]]:
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[wanted.name]), line


def test_colab_need_not_change_what_it_has():
    colab = pins("requirements-colab.txt")
    for line in PROJECT["dependencies"]:
        wanted = Requirement(line)
        if wanted.name in colab:
            assert wanted.specifier.contains(colab[wanted.name]), line


def test_conda_uses_the_lock():
    listed = yaml.safe_load(read("environment.yml"))["dependencies"]
    assert listed[-1] == {"pip": ["-r requirements.lock", "-e ."]}


def test_pre_commit_uses_the_tools_of_the_extra():
    used = re.findall(r"\[(\w+==[\d.]+)\]", read(".pre-commit-config.yaml"))
    assert used and set(used) <= set(EXTRAS["dev"])


# --- what a stranger needs ------------------------------------------------------------


def test_licences():
    assert "MIT License" in read("LICENSE")
    assert "creativecommons.org/licenses/by/4.0" in read("LICENSE-PROSE")
    for name in ["LICENSE", "LICENSE-PROSE"]:
        assert "The plastutor authors" in read(name)
    assert PROJECT["authors"] == [{"name": "The plastutor authors"}]


@pytest.mark.parametrize("path", set_address.files(), ids=lambda p: p.name)
def test_no_path_of_somebodys_machine(path):
    home = "|".join(["/" + "home/", "/" + "root/", "/" + "Users/", "/" + "work/"])
    assert not re.findall(rf"(?<![\w.])(?:{home})\w+", path.read_text())


def make_targets() -> set[str]:
    text = read("Makefile").replace("$(VENV)", ".venv")
    return set(" ".join(re.findall(r"^([\w./ -]+):", text, re.MULTILINE)).split())


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "CONTRIBUTING.md",
        "book/teaching/guide.md",
        ".ci/run",
        *[f".github/workflows/{n}.yml" for n in ("tests", "book", "release", "weekly")],
    ],
)
def test_make_commands_exist(name):
    used = re.findall(r"(?:^|`|run: )make ([\w./-]+)", read(name), re.MULTILINE)
    assert used and set(used) <= make_targets()


def test_ci_runs_the_readmes_commands():
    commands = re.findall(r"^make (\w+)", read("README.md"), re.MULTILINE)
    assert commands == ["book", "test"]
    for command in [*commands, "lint"]:
        assert re.search(rf"^make {command}$", read(".ci/run"), re.MULTILINE)
    assert "run: bash .ci/run\n" in read(".github/workflows/tests.yml")


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.name)
def test_workflows_are_yaml_and_pin_their_actions(path):
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        assert job["runs-on"] and all("uses" in s or "run" in s for s in job["steps"])
    used = re.findall(r"\buses: +(.*)", path.read_text())
    pinned = r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert used and [line for line in used if not re.fullmatch(pinned, line)] == []


def test_dependabot_keeps_below_the_bounds_of_the_book():
    updates = yaml.safe_load(read(".github/dependabot.yml"))["updates"]
    [ignored] = [u["ignore"] for u in updates if u["package-ecosystem"] == "pip"]
    versions = {one["dependency-name"]: one.get("versions") for one in ignored}
    bounds = {r.name: r.specifier for r in map(Requirement, EXTRAS["book"])}
    for name in ("jupyter-book", "sphinx-book-theme"):
        assert "<" + versions[name][0].removeprefix(">=") in str(bounds[name])


def test_each_action_is_pinned_to_one_version():
    text = "".join(path.read_text() for path in WORKFLOWS)
    used = set(re.findall(r"uses: +(\S+)@(.*)", text))
    assert len(used) == len({name for name, _ in used})


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda p: p.name
)
def test_githubs_forms_are_yaml(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", read("README.md"))
    colab = re.findall(
        rf"/github/{re.escape(ADDRESS)}/blob/{branch(ROOT)}/(.*?)\)", read("README.md")
    )
    assert colab
    for target in [*links, *colab]:
        assert (ROOT / target).exists(), target


def test_the_readmes_code_runs(capsys):
    code = re.search(r"```python\n(.*?)```", read("README.md"), re.DOTALL).group(1)
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("plastutor/rules.py", True),
        ("book/results/study.csv", True),
        ("book/data/choices.csv", True),
        ("requirements.lock", True),
        ("book/results/tmp0.part", False),
        ("book/chapter.ipynb", False),
        ("plastutor/__pycache__/rules.pyc", False),
    ],
)
def test_chapters_run_again_when_what_they_show_has_changed(
    name, matters, tmp_path, monkeypatch
):
    monkeypatch.setattr(execute_chapters, "ROOT", tmp_path)
    monkeypatch.setattr(execute_chapters, "fly_data", lambda: [])
    (tmp_path / "requirements.lock").write_text("jax==1\n")
    before = execute_chapters.fingerprint()
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("one")
    new = execute_chapters.fingerprint()
    assert (new != before) == matters
    (tmp_path / name).write_text("two")
    assert (execute_chapters.fingerprint() != new) == matters


def test_a_chapter_that_was_run_is_not_run_again(tmp_path, monkeypatch):
    monkeypatch.setattr(execute_chapters, "ROOT", tmp_path)
    monkeypatch.setattr(execute_chapters, "CACHE", tmp_path / "cache")
    (tmp_path / "book").mkdir()
    (tmp_path / "_config.yml").write_text("execute: {timeout: 60}\n")
    cell = nbformat.v4.new_code_cell("raise ValueError('run again')")
    chapter = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(chapter, tmp_path / "book" / "a.ipynb")
    cell.outputs = [nbformat.v4.new_output("stream", text="already run")]
    cell.execution_count = 1
    nbformat.write(chapter, tmp_path / "a.ipynb")
    execute_chapters.execute(already=tmp_path)
    cache = execute_chapters.get_cache(tmp_path / "cache")
    kept = cache.get_cache_bundle(cache.match_cache_notebook(chapter).pk)
    assert kept.nb.cells[0].outputs[0].text == "already run"
