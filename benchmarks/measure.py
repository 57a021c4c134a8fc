"""How the benchmarks measure: medians, in turns, compilation apart."""

import statistics
import time
from functools import partial

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
