"""Attempts: batches of settings run here or on the workers of a cluster."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import jax
from tqdm import tqdm

from plastutor.sweeps._results import as_text

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
        return [{k: as_text(v, k) for k, v in result.items()} for result in results]
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


def run_all(run, columns, queue: deque[Batch], client, total: int):
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
