"""The runner of all studies: `python studies/run.py rewards`, by `make study-rewards`.

A study is a folder: `TABLES` of its `settings.py` says which rows there are, and `run`
of its `methods.py` makes them. Further words choose the rows that have one of them in a
column: `python studies/run.py rewards mlp`. Rows that are there are not made again:
after Ctrl-C the same command goes on where it was.
"""

import sys
from importlib import import_module
from pathlib import Path

import plastutor as pt

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "book" / "results"
STUDIES = sorted(path.parent.name for path in HERE.glob("*/settings.py"))


def sources(study: str) -> list[Path]:
    """The files whose code makes the rows.

    They are what serves all rooms of the package, the rooms in SOURCES, and the study.
    """
    package = HERE.parent / "plastutor"
    rooms = import_module(f"{study}.settings").SOURCES
    folders = [*(package / room for room in rooms), HERE / study]
    inside = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [*sorted(package.glob("_[a-z]*.py")), *inside]


def main(study: str = "", *words: str) -> None:
    """Make every row that is not yet in the tables, or those with one of some words."""
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
                code=sources(study),
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
