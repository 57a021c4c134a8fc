"""Sweeps: many runs, here or on a cluster, as a table that can be gone on with."""

from plastutor.sweeps._attempts import all_cores as all_cores
from plastutor.sweeps._results import (
    load_results as load_results,
    read_results as read_results,
    select_rows as select_rows,
    write_results as write_results,
)
from plastutor.sweeps._sweep import (
    code_hash as code_hash,
    sweep as sweep,
)
