"""Sweeps: many runs, here or on a cluster, as a table that can be gone on with."""

from plastutor.sweeps._results import load_results, read_results, select_rows
from plastutor.sweeps._sweep import all_cores, code_hash, sweep

__all__ = [
    "all_cores",
    "code_hash",
    "load_results",
    "read_results",
    "select_rows",
    "sweep",
]
