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
import csv
import hashlib
import logging
import os
import platform
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from tqdm import tqdm

from plastutor.sweeps._results import read_results

PACKAGES = ("jax", "jaxlib", "optax", "numpy", "plastutor")
MOST_MAPS = 15_000  # memory maps; each compiled program takes about four
CLUSTER_POLL_SECONDS = 5.0  # until a cluster that has grown gets more batches

Batch = list[dict[str, Any]]
Outcome = list[dict[str, str]] | str  # the results of a batch, or why there are none
Attempts = Generator[tuple[Batch, Outcome]]


def all_cores() -> Any:
    """A Dask client with a process for each core of this machine, for `sweep`.

    On Linux each process keeps to its core: else JAX would start as many threads in
    each of them as there are cores. Close the client, or use it in a `with`. In a
    script, call it under ``if __name__ == "__main__":``, since the processes import
    the script.
    """
    from distributed import Client

    linux = hasattr(os, "sched_setaffinity")
    cores = sorted(os.sched_getaffinity(0)) if linux else range(os.cpu_count() or 1)
    client = Client(
        n_workers=len(cores),
        threads_per_worker=1,
        memory_limit=0,  # a batch may be large; the operating system is the judge
        dashboard_address=":0",
        silence_logs=logging.ERROR,
    )
    if linux:
        client.register_worker_callbacks(partial(_keep_to_one_core, cores))
    return client


def _keep_to_one_core(cores: Sequence[int], dask_worker: Any) -> None:
    """In a worker: all its threads on the core that has its number."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {cores[int(dask_worker.name)]})


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


def _text(value: Any, name: str) -> str:
    """A value as it stands in the table, if it can be read again from there."""
    if not isinstance(value, str | int | float | np.generic) and (
        getattr(value, "shape", None) != ()
    ):
        raise ValueError(
            f"{name} is a {type(value).__name__}; expected one number or a text. "
            "Give each number a column of its own."
        )
    text = str(value)
    if len(text.splitlines()) > 1 or text[-1:] in ("\n", "\r") or text[:2] == "# ":
        raise ValueError(
            f"{name} is {text[:40]!r}; expected a text of one line that does not begin "
            "with '# ', as the lines at the head of the table do."
        )
    return text


def _reason(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def _make_room() -> None:
    """Drop compiled programs before the 65,530 memory maps of Linux are used up."""
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


def _attempt(run: Callable, batch: Batch, columns: Sequence[str]) -> Outcome:
    """Run one batch; in a worker, if there are any."""
    _make_room()
    try:
        results = list(run([dict(setting) for setting in batch]))
        if len(results) != len(batch):
            raise ValueError(
                f"run gave {len(results)} results for {len(batch)} settings; expected "
                "one dict for each setting, in the same order."
            )
        unknown = {name for result in results for name in result} - {*columns}
        if unknown:
            raise ValueError(
                f"run gave {sorted(unknown)}; expected only what is in columns: "
                f"{list(columns)}."
            )
        return [{k: _text(v, k) for k, v in result.items()} for result in results]
    except Exception as error:
        return _reason(error)


def _run_here(run, columns, queue: deque[Batch]) -> Attempts:
    """Run the batches one after another."""
    while queue:
        batch = queue.popleft()
        yield batch, _attempt(run, batch, columns)


def _run_on(client, run, columns, queue: deque[Batch]) -> Attempts:
    """Run the batches on the workers of a client; as they are done."""
    from distributed import KilledWorker, wait

    pending = {}
    try:
        while queue or pending:
            # One for each thread and none in reserve: the batches in a worker that dies
            # are all suspects, also those that were only waiting there.
            places = max(1, sum(client.nthreads().values()))
            while queue and len(pending) < places:
                batch = queue.popleft()
                future = client.submit(_attempt, run, batch, columns, pure=False)
                pending[future] = batch
            try:
                with client.as_current():
                    wait([*pending], CLUSTER_POLL_SECONDS, "FIRST_COMPLETED")
            except TimeoutError:
                continue
            for future in [future for future in pending if future.done()]:
                try:
                    outcome = future.result()
                except KilledWorker as error:  # others are no fault of a setting
                    outcome = _reason(error)
                future.release()
                yield pending.pop(future), outcome
    finally:
        client.cancel([*pending])
        for future in pending:  # a call to cancel can overtake the submission
            future.release()


def _results(run, columns, queue: deque[Batch], client, total: int):
    """Batches and their results, as they are done, with a bar that shows how many.

    Where a batch fails, each of its settings is run alone.
    """
    attempts = (
        _run_here(run, columns, queue)
        if client is None
        else _run_on(client, run, columns, queue)
    )
    failed = 0
    with (
        closing(attempts),  # cancels what the workers still do
        tqdm(total=total, unit="setting", disable=not total) as bar,
    ):
        for batch, outcome in attempts:
            if isinstance(outcome, str) and len(batch) > 1:
                queue.extendleft([setting] for setting in reversed(batch))
                continue
            if isinstance(outcome, str):
                failed, outcome = failed + 1, [{"error": outcome}]
            yield batch, outcome
            bar.set_postfix(failed=failed)
            bar.update(len(batch))


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
        key = tuple(_text(setting[name], name) for name in names)
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
    return {name: _text(value, f"header {name!r}") for name, value in head.items()}


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


def _save(path: Path, header: Mapping[str, str], columns: list[str], rows) -> None:
    """Put the whole table in the place of the old one, in one step."""
    part = path.with_name(path.name + ".part")
    with open(
        part, "w", newline="", encoding="utf-8", errors="backslashreplace"
    ) as file:
        file.writelines(f"# {name}: {value}\n" for name, value in header.items())
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


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

    >>> import jax, tempfile
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
    path.with_name(path.name + ".part").unlink(missing_ok=True)  # of a killed run
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
    with closing(_results(run, columns, queue, client, len(left))) as results:
        for batch, result in results:
            for setting, found in zip(batch, result, strict=True):
                key = _key(setting, names)
                row = dict.fromkeys(every, "") | dict(zip(names, key, strict=True))
                rows[key] = row | found
            there = [rows[key] for key in asked if key in rows]
            _save(path, head, every, [*others, *there])
    return [rows[key] for key in asked]
