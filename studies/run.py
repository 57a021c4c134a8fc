"""The runner of all studies: `python studies/run.py rewards`, by `make study-rewards`.

A study is a folder: `TABLES` of its `settings.py` says which rows there are, and `run`
of its `methods.py` makes them. Further words choose the rows that have one of them in a
column: `python studies/run.py rewards mlp`. Rows that are there are not made again:
after Ctrl-C the same command goes on where it was.

`python studies/run.py verify rewards` makes a few rows of a table again, and if they
come out as they stand, its head says so.
"""

import sys
from importlib import import_module
from pathlib import Path

from imports import files_behind
from verify import verify

import plastutor as pt

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "book" / "results"
STUDIES = sorted(path.parent.name for path in HERE.glob("*/settings.py"))


def code_of(study: str) -> list[Path]:
    """The files whose code makes the rows: what the study imports of ours."""
    return files_behind(HERE / study / f"{part}.py" for part in ("methods", "settings"))


def verify_table(name: str = "") -> None:
    """Make some rows of a table again; if they are the same, its head says so."""
    for study in STUDIES:
        for table in import_module(f"{study}.settings").TABLES:
            if table.name == name:
                code = pt.sweeps.code_hash(code_of(study))
                return verify(study, table, RESULTS / f"{name}.csv", code)
    raise SystemExit(
        f"No study makes the table {name!r}; expected one of book/results whose head "
        "says that a study made it. Try: python studies/run.py verify trust"
    )


def main(study: str = "", *words: str) -> None:
    """Make every row that is not yet in the tables, or those with one of some words."""
    if study == "verify":
        return verify_table(*words)
    if study not in STUDIES:
        raise SystemExit(
            f"There is no study {study!r}; expected one of {', '.join(STUDIES)}. Try: "
            f"python studies/run.py {STUDIES[0]}"
        )
    chosen = []
    for table in import_module(f"{study}.settings").TABLES:
        every = table.rows()
        rows = [row for row in every if not words or {*words} & {*row.values()}]
        chosen += [(table, rows)] if rows else []
    if not chosen:
        raise SystemExit(
            f"No row of the study {study} has {' or '.join(words)} in a column; "
            "expected a word as it stands in the table, in quotes if it has blanks."
        )
    with pt.sweeps.all_cores() as client:
        for table, rows in chosen:
            pt.sweeps.sweep(
                import_module(f"{study}.methods").run,
                rows,
                RESULTS / f"{table.name}.csv",
                columns=table.columns,
                batch_over=table.batch_over,
                batch_size=table.batch_size,
                client=client,
                header={"made by": f"make study-{study}", **table.header},
                code=code_of(study),
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
