"""Sweeps: many settings, one row of a table each, on one core or on many machines.

All cores of one machine: give `sweep` a Dask client with a process for each core (the
extra `plastutor[cluster]`). On several machines the client has the address of a
scheduler, and nothing else changes::

    if __name__ == "__main__":  # the other processes import this script
        with all_cores() as client:
            sweep(run, settings, "table.csv", columns=["r2"], client=client)

        with distributed.Client("tcp://scheduler:8786") as client:
            sweep(run, settings, "table.csv", columns=["r2"], client=client)

Workers start with JAX's own settings: a `run` that needs double precision says so
itself, with ``jax.config.update("jax_enable_x64", True)``.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plastutor.sweeps._attempts import Batch, run_all
from plastutor.sweeps._results import as_text, read_results, write_results

PACKAGES = ("jax", "jaxlib", "optax", "numpy", "plastutor")


def code_hash(paths: Iterable[str | Path]) -> str:
    """A hash of the code in some files, whatever comments, docstrings and layout are.

    Args:
        paths: Python files, absolute or from the current folder; their order counts.

    Returns:
        16 hexadecimal digits.

    >>> len(code_hash([__file__]))
    16
    """
    parts = hashlib.sha256()
    for path in paths:
        code = _code(ast.parse(Path(path).read_text(encoding="utf-8")))
        parts.update(repr(code).encode())
    return parts.hexdigest()[:16]


def _code(node: Any) -> Any:
    """What runs of a syntax tree, the same in every version of Python."""
    if isinstance(node, list):
        return [_code(part) for part in node if not _is_docstring(part)]
    if not isinstance(node, ast.AST):
        return node
    fields = [(name, _code(value)) for name, value in ast.iter_fields(node)]
    # A later Python has more fields, which are empty where they are not used.
    used = [(name, value) for name, value in fields if value not in (None, [])]
    return type(node).__name__, used


def _is_docstring(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _checked(settings, columns, batch_over, batch_size, code) -> list[str]:
    """The names of the settings, after refusing what cannot work."""
    several = {"columns": columns, "batch_over": batch_over, "code": code}
    for name, value in several.items():
        if isinstance(value, str):
            raise ValueError(
                f"{name} is {value!r}; expected several, such as [{value!r}]."
            )
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(
            f"batch_size is {batch_size!r}; expected a whole number from 1 up, or None."
        )
    if not settings:
        raise ValueError("settings is empty; expected a dict for each row.")
    names = list(settings[0])
    for setting in settings:
        if set(setting) != set(names):
            raise ValueError(
                f"One setting has the keys {names}, another {list(setting)}; expected "
                "the same keys in all. Give the missing ones a value that means none."
            )
    every = [*names, *columns, "error"]
    if twice := {name for name in every if every.count(name) > 1}:
        raise ValueError(
            f"The table would have two columns {sorted(twice)}; expected different "
            "names in the settings and in columns, and none of them 'error'."
        )
    return names


def _batches(settings, names, batch_over, batch_size) -> deque[Batch]:
    """Settings that differ in `batch_over` only, together; the first come first."""
    groups: dict[tuple, Batch] = {}
    for setting in settings:
        same = tuple(str(setting[name]) for name in names if name not in batch_over)
        groups.setdefault(same, []).append(setting)
    return deque(
        group[start : start + (batch_size or len(group))]
        for group in groups.values()
        for start in range(0, len(group), batch_size or len(group))
    )


def _key(setting: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """A setting as it stands in the table."""
    return tuple(str(setting[name]) for name in names)


def _by_key(settings, names) -> dict[tuple[str, ...], dict[str, Any]]:
    """The settings by their keys, in their order; each may be there once."""
    asked = {}
    for setting in settings:
        key = tuple(as_text(setting[name], name) for name in names)
        if key in asked:
            raise ValueError(
                f"The setting {setting} is there twice; expected each once. Tell "
                "repetitions apart by a key such as seed."
            )
        asked[key] = setting
    return asked


def _head(header, code) -> dict[str, str]:
    """The lines at the head of the table, without the versions."""
    head = {**(header or {}), **({"code": code_hash(code)} if code else {})}
    return {name: as_text(value, f"header {name!r}") for name, value in head.items()}


def _versions(earlier: str) -> str:
    """The versions of Python and packages, of every run that made rows."""
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{package} {version(package)}" for package in PACKAGES]
    runs = [*earlier.split("; "), ", ".join(versions)]
    return "; ".join(dict.fromkeys(filter(None, runs)))


def _earlier(path: Path, columns: list[str], code: str | None) -> tuple[list, dict]:
    """Rows of earlier runs, if they belong with those that will come, and the head."""
    if not path.exists():
        return [], {}
    header, rows = read_results(path)
    there = list(rows[0]) if rows else []
    if header.get("code") != code:
        raise ValueError(
            f"{path} was made by other code (its hash is {header.get('code')}, now it "
            f"is {code}); expected one table from one code. Move the file or delete "
            "it, and run again; or go back to the code that made it."
        )
    if there != columns:
        raise ValueError(
            f"{path} has the columns {there}; expected {columns}. Move the file or "
            "delete it, and run again."
        )
    return rows, header


def sweep(
    run: Callable[[Batch], Sequence[Mapping[str, Any]]],
    settings: Iterable[Mapping[str, Any]],
    path: str | Path,
    *,
    columns: Sequence[str],
    batch_over: Sequence[str] = ("seed",),
    batch_size: int | None = None,
    client: Any = None,
    header: Mapping[str, str] | None = None,
    code: Sequence[str | Path] = (),
    retry_failed: bool = False,
) -> list[dict[str, str]]:
    """Fill a table with one row for each setting; what is there is not run again.

    The table is on disk, whole, after every batch: a sweep that was stopped, by Ctrl-C
    or by a power cut, goes on where it was when it is called again. Rows of settings
    that are no longer asked for stay in the file. One sweep at a time writes to a file.

    Args:
        run: `batch -> results`: a list of settings to a list of dicts, one for each, in
            the same order, whose keys are among `columns`. It sees all settings of a
            batch, and can stack them into one program with jax.vmap.
        settings: dicts with the same keys, of numbers or texts of one line.
        path: a CSV file, for `read_results`; its folder is made if need be.
        columns: the names of the results; a result may leave some out.
        batch_over: settings that differ only in these keys are one batch.
        batch_size: the most settings in a batch; None: no limit.
        client: a `distributed.Client`, whose workers then run the batches, a batch in
            each thread; workers may come, go and die. None: here, one after another.
        header: lines at the head of the file, such as {"made by": "make study-noise"}.
            The versions of the packages stand there too: of every run that made rows.
        code: Python files whose code makes the results. A table made by other code is
            refused; comments and docstrings may change.
        retry_failed: run the settings again whose row has an error.

    Returns:
        The rows of `settings`, in their order: settings, results and `error`, as text.
        Where a batch fails each of its settings is run alone; one that fails alone has
        no results, and in `error` a reason such as "ValueError: x has shape (3,)". For
        the traceback, call `run([setting])`.

    Raises:
        ValueError: a setting is there twice, lacks a key, or has one that is also a
            column; or the file was made by other code or has other columns.

    >>> import jax, tempfile, numpy as np
    >>> def run(batch):
    ...     noise, seeds = batch[0]["noise"], np.array([one["seed"] for one in batch])
    ...     draw = lambda seed: noise * jax.random.normal(jax.random.key(seed), 9)
    ...     return [{"largest": f"{y.max():.1f}"} for y in jax.vmap(draw)(seeds)]
    >>> settings = [{"noise": n, "seed": k} for n in (0.0, 1.0) for k in range(3)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = sweep(run, settings, f"{folder}/noise.csv", columns=["largest"])
    >>> len(rows), rows[3]["noise"], rows[3]["seed"], float(rows[3]["largest"]) > 0
    (6, '1.0', '0', True)
    """
    settings, path = [dict(setting) for setting in settings], Path(path)
    names = _checked(settings, columns, batch_over, batch_size, code)
    every, head = [*names, *columns, "error"], _head(header, code)
    asked = _by_key(settings, names)
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in path.parent.glob(f"{path.name}.*.part"):  # of a killed run
        part.unlink()
    old, earlier = _earlier(path, every, head.get("code"))
    head = earlier | head | {"versions": _versions(earlier.get("versions", ""))}
    rows = {_key(row, names): row for row in old}
    left = [
        setting
        for key, setting in asked.items()
        if key not in rows or (retry_failed and rows[key]["error"])
    ]
    others = [row for key, row in rows.items() if key not in asked]
    queue = _batches(left, names, batch_over, batch_size)
    with closing(run_all(run, columns, queue, client, len(left))) as results:
        for batch, result in results:
            for setting, found in zip(batch, result, strict=True):
                key = _key(setting, names)
                row = dict.fromkeys(every, "") | dict(zip(names, key, strict=True))
                rows[key] = row | found
            there = [rows[key] for key in asked if key in rows]
            write_results(path, head, [*others, *there])
    return [rows[key] for key in asked]
