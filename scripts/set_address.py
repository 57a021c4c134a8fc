"""Set the repository's address everywhere: make address REPO=owner/name.

The line `repository: url:` of _config.yml holds the address. What cannot read it (the
badges, the links of the package, the Colab cell of each chapter) is rewritten here, and
tests/test_repository.py finds any place that was missed.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"^  url: https://github\.com/([\w.-]+/[\w.-]+)", re.MULTILINE)
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


def main(new: str) -> None:
    if not NAME.fullmatch(new):
        sys.exit("Give owner and name: make address REPO=owner/name")
    old = current((ROOT / "_config.yml").read_text())
    for path in files():
        text = path.read_text()
        if (changed := rewrite(text, old, new)) != text:
            path.write_text(changed)
            print(f"{path.relative_to(ROOT)}: {old} -> {new}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
