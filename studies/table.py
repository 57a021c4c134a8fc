"""A table of results that survives Ctrl-C and knows the code that made it."""

import ast
import csv
import hashlib
import json
import os
import platform
import tempfile
from importlib.metadata import version
from pathlib import Path

from plastutor.results import read_results

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "book" / "results"


def code_hash(sources: list[str]) -> str:
    """A hash of the code in some files, whatever their comments and docstrings say."""
    parts = hashlib.sha256()
    for source in sources:
        text = (ROOT / source).read_text()
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                assert node.end_lineno is not None
                for number in range(node.lineno - 1, node.end_lineno):
                    lines[number] = ""
        code = [line for line in lines if line.strip() and line.strip()[0] != "#"]
        parts.update("\n".join(code).encode())
    return parts.hexdigest()[:16]


class Table:
    """Rows on disk, written as a whole after each addition.

    Rows of an earlier run are kept if code and settings are the same.
    """

    def __init__(self, name: str, columns: list[str], sources: list[str], settings):
        self.path, self.columns = RESULTS / f"{name}.csv", columns
        packages = ["jax", "jaxlib", "optax", "numpy"]
        versions = [f"Python {platform.python_version()}"]
        self.header = {
            "made by": f"make study-{name.split('_')[0]}",
            "code": code_hash(sources),
            "settings": json.dumps(settings, sort_keys=True),
            "versions": ", ".join(versions + [f"{p} {version(p)}" for p in packages]),
        }
        self.rows = []
        if self.path.exists():
            header, rows = read_results(self.path)
            if all(header.get(k) == self.header[k] for k in ("code", "settings")):
                self.rows = rows

    def has(self, **key) -> bool:
        """Whether there is a row with these values."""
        wanted = {name: str(value) for name, value in key.items()}.items()
        return any(wanted <= row.items() for row in self.rows)

    def add(self, rows: list[dict]) -> None:
        """Append rows, and put the whole table in the place of the old one."""
        self.rows += [{k: str(v) for k, v in row.items()} for row in rows]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self.path.parent, suffix=".part")
        with os.fdopen(handle, "w", newline="") as file:
            file.writelines(f"# {k}: {v}\n" for k, v in self.header.items())
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)
        os.chmod(part, 0o644)
        os.replace(part, self.path)
