"""Which files make the rows of a study: what its code imports, and what that imports.

A face of the package imports its whole room, so that names are followed through faces
to the files that define them: `pt.evaluate.fit_population` is `evaluate/_population.py`
and no other file of `evaluate`.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import plastutor as pt

HERE = Path(__file__).resolve().parent
ROOTS = (HERE, Path(pt.__file__).parents[1])  # of studies, of the package that runs


def files_behind(starts: Iterable[Path]) -> list[Path]:
    """These files, and all of ours that they import, directly or not."""
    found: set[Path] = set()
    left = list(starts)
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += [file for name in names_used(path) for file in files_of(name)]
    return sorted(found)


def files_of(name: str) -> Iterator[Path]:
    """The file that defines a name, with dots; of a whole room all its files."""
    for root in ROOTS:
        place = root
        for part in name.split("."):
            if (place / f"{part}.py").exists():
                yield place / f"{part}.py"
                return
            if not (place / part / "__init__.py").exists():
                break
            place /= part
        else:
            yield from place.rglob("*.py")
            return
        if place != root:
            face = place / "__init__.py"
            origin = imported(face).get(part)
            yield from [face] if origin is None else files_of(origin)
            return


@cache
def imported(path: Path) -> dict[str, str]:
    """What imports, anywhere in a file, bind: local name to name with dots."""
    found = {}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            room = path.parents[node.level - 1].name if node.level else ""
            base = ".".join(filter(None, (room, node.module)))
            found |= {a.asname or a.name: f"{base}.{a.name}" for a in node.names}
    return found


def names_used(path: Path) -> set[str]:
    """The imported names that a file uses, with their attributes: plastutor.rules.x."""
    there, used = imported(path), set()
    chains = Chains()
    chains.visit(tree(path))
    for chain in chains.found:
        first, dot, rest = chain.partition(".")
        if first in there:
            used.add(there[first] + dot + rest)
    return used


class Chains(ast.NodeVisitor):
    """Names with all their attributes, as text: "pt.evaluate.fit_population"."""

    def __init__(self):
        self.found = set()

    def visit_Name(self, node):
        self.found.add(node.id)

    def visit_Attribute(self, node):
        inner = node
        while isinstance(inner, ast.Attribute):
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.found.add(ast.unparse(node))
        else:
            self.visit(inner)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
