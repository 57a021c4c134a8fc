"""Copies of the chapters for a class, without the solutions: _build/handouts.

    python -m coursework.grader.chapters_without_solutions [folder]

Needs nothing but Python. The copies are never committed. They keep their folders, so
that links between chapters work. Assignments are handed out by handouts.py.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def without_solutions(notebook: dict) -> dict:
    """The same notebook less the cells tagged `solution`."""
    tags = [set(cell["metadata"].get("tags", [])) for cell in notebook["cells"]]
    cells = [
        c for c, t in zip(notebook["cells"], tags, strict=True) if "solution" not in t
    ]
    return notebook | {"cells": cells}


def main(folder: Path) -> None:
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        if path.parent.name in ("assignments", ".ipynb_checkpoints"):
            continue
        handout = without_solutions(json.loads(path.read_text(encoding="utf-8")))
        copy = folder / path.relative_to(ROOT / "book")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(json.dumps(handout, indent=1) + "\n", encoding="utf-8")
        print(copy)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_build" / "handouts")
