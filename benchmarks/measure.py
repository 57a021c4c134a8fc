"""How the benchmarks measure: medians, in turns, compilation apart."""

import os
import platform
import statistics
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import jax


def seconds(run, repeats=7):
    """Median time of a call, after one that compiles."""
    jax.block_until_ready(run())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def in_turns(runs, rounds=9, repeats=3):
    """Median time of several calls, in turns: a change of the machine meets all."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run, repeats))
    return {name: statistics.median(each) for name, each in times.items()}


def compiled(function, *args):
    """A call without arguments of the compiled function, and its temporary bytes."""
    program = jax.jit(function).lower(*args).compile()
    return partial(program, *args), program.memory_analysis().temp_size_in_bytes


def processor():
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            v.split(":")[1].strip() for v in lines if v.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def head():
    """What a table of measurements says of the machine."""
    return {
        "made by": "make bench",
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "device": jax.devices()[0].device_kind,
        "versions": f"Python {platform.python_version()}, jax {version('jax')}, "
        f"jaxlib {version('jaxlib')}",
    }
