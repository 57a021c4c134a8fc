"""A table of a study, as its `settings.py` writes it down and `run.py` reads it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple


class Table(NamedTuple):
    """A file of book/results: its rows, its columns, and what is run as one batch."""

    name: str
    rows: Callable[[], list[dict[str, Any]]]  # the settings of each
    columns: Sequence[str]  # what `run` of `methods.py` finds
    batch_over: Sequence[str]
    again: Sequence[Mapping[str, Any]]  # rows that `verify.py` makes again
    batch_size: int | None = None
    header: Mapping[str, str] = {}
