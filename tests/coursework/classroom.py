"""What the tests of coursework share: a salt, files, and the solutions."""

from pathlib import Path

import numpy as np
import pytest

from coursework import assignments

ROOT = Path(__file__).parents[2]
COURSEWORK = ROOT / "coursework"
NOTEBOOKS = ROOT / "book" / "teaching" / "assignments"
SALT = b"a salt that only this test knows"
each_assignment = pytest.mark.parametrize("name", assignments.NAMES)


def hold(path: Path, content: str | bytes) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def arrays(path: Path) -> dict:
    return dict(np.load(path, allow_pickle=False))


def solution(name: str) -> tuple[str, list[str]]:
    """The imports of a solution, and a part for each empty cell."""
    file = COURSEWORK / "assignments" / name / "solution.py"
    head, *parts = file.read_text(encoding="utf-8").split("# %%\n")
    return head, parts
