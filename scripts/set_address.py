"""Set the address and the revision everywhere: make address REPO=... REVISION=...

Two lines of _config.yml decide: `url:` is the repository, `branch:` the branch or tag
that the launch buttons open and that the first cell of each notebook installs. What
cannot read them (badges, links to Colab, those cells) is rewritten here, and
tests/repository/test_repository.py finds any place that was missed.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"^  url: https://github\.com/([\w.-]+/[\w.-]+)", re.MULTILINE)
REVISIONS = re.compile(
    r"(^  branch: "
    r"|colab\.research\.google\.com/github/[\w.-]+/[\w.-]+/blob/"
    r"|git\+(?:\{repository\}|https://github\.com/[\w.-]+/[\w.-]+)@)([\w.-]+)",
    re.MULTILINE,
)
NAME = re.compile(r"[\w.-]+/[\w.-]+")


def current(config: str) -> str:
    """The owner/name that the text of _config.yml holds."""
    return ADDRESS.search(config).group(1)


def rewrite(text: str, old: str, new: str) -> str:
    """Replace every form in which an address is written: repository, Colab, Pages."""
    ends = r"(?![\w-])"
    text = re.sub(
        rf"(github\.com/|/github/){re.escape(old)}{ends}", rf"\g<1>{new}", text
    )
    return re.sub(
        rf"https://{re.escape(pages(old))}{ends}", f"https://{pages(new)}", text
    )


def revisions(text: str) -> set[str]:
    """The branches and tags that a text opens in Colab or installs."""
    return {revision for _, revision in REVISIONS.findall(text)}


def pages(repo: str) -> str:
    """Where GitHub Pages serves the book of a repository."""
    owner, name = repo.split("/")
    return f"{owner.lower()}.github.io/{name}"


def files() -> list[Path]:
    """Every text file that may hold the address."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    kinds = {".md", ".ipynb", ".toml", ".yml", ".yaml", ".cff", ".py", ".bib"}
    return [ROOT / f for f in listed if Path(f).suffix in kinds and (ROOT / f).exists()]


def main(repo: str = "", revision: str = "") -> None:
    fits = NAME.fullmatch(repo or "a/b") and re.fullmatch(r"[\w.-]*", revision)
    if not fits or not (repo or revision):
        sys.exit(
            "Give the repository's owner and name, a branch or tag, or both: "
            "make address REPO=owner/name REVISION=v1.2.3"
        )
    old = current((ROOT / "_config.yml").read_text())
    for path in files():
        text = path.read_text()
        changed = rewrite(text, old, repo or old)
        if revision:
            changed = REVISIONS.sub(rf"\g<1>{revision}", changed)
        if changed != text:
            path.write_text(changed)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", default="")
    parser.add_argument("--revision", default="")
    main(**vars(parser.parse_args()))
