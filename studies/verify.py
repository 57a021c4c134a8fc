"""Whether a table holds under today's code: `python studies/run.py verify trust`.

The rows that `again` names in the table of `settings.py` are made again. If they come
out as they stand, the head of the file gets the hash of today's code and says which
rows were made again, when, and with which versions; else the file stays as it is.
"""

import math
from datetime import date
from importlib import import_module
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import plastutor as pt

MEASURED = {"seconds", "gradient_ms", "memory_mb"}  # other each time
LATER = {"status", "largest", "reached"}  # rows that were made earlier may lack them
CLOSE = 0.01  # of a number, or of 1 if it is smaller: what rounding may change


def rows_again(table) -> list[dict]:
    """The settings of the rows that a table names."""
    named = [as_text(values).items() for values in table.again]
    return [
        row
        for row in table.rows()
        if any(values <= as_text(row).items() for values in named)
    ]


def as_text(values) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def make_again(study: str, table, path: Path) -> list[tuple[dict, dict]]:
    """The named rows as they stand in the file, and as they come out today."""
    run = import_module(f"{study}.methods").run
    settings = rows_again(table)
    _, rows = pt.sweeps.read_results(path)
    pairs = []
    together = [name for name in settings[0] if name not in table.batch_over]
    for _, batch in groupby(settings, lambda one: [one[name] for name in together]):
        batch = list(batch)
        for setting, new in zip(batch, run(batch), strict=True):
            key = as_text(setting).items()
            (old,) = [row for row in rows if key <= row.items()]
            pairs.append((old, new))
    return pairs


def distance(old: str, new: str) -> float:
    """How far apart two texts are, word by word; infinity where the words differ."""
    words = old.split(), new.split()
    if len(words[0]) != len(words[1]):
        return math.inf
    return max((_distance(a, b) for a, b in zip(*words, strict=True)), default=0.0)


def _distance(old: str, new: str) -> float:
    try:
        a, b = float(old), float(new)
    except ValueError:
        return 0.0 if old == new else math.inf
    return 0.0 if a == b else abs(a - b) / max(abs(a), 1.0)


def differences(pairs) -> dict[str, float]:
    """The largest distance in each column of the rows that were made again."""
    found: dict[str, float] = {}
    for old, new in pairs:
        for name in {*new} - MEASURED - {k for k in LATER if old.get(k) == ""}:
            off = distance(old[name], str(new[name]))
            found[name] = max(found.get(name, 0.0), off if off == off else math.inf)
    return found


def settled(pairs) -> list[tuple[dict, dict]]:
    """Those but fits that did not converge, then as now: rounding decides their end."""
    return [
        (old, new)
        for old, new in pairs
        if {old.get("converged"), str(new.get("converged"))} != {"False"}
    ]


def verify(study: str, table, path: Path, code: str) -> None:
    """Make the named rows again; if they are the same, say so in the file's head."""
    pairs = make_again(study, table, path)
    off = differences(settled(pairs))
    named = "; ".join(
        ", ".join(f"{name} {value}" for name, value in values.items())
        for values in table.again
    )
    if far := {name: f"{v:.3g}" for name, v in off.items() if not v <= CLOSE}:
        raise SystemExit(
            f"{path.name}: of the {len(pairs)} rows with {named} these columns differ: "
            f"{far}; expected at most {CLOSE}. The head was not changed. If the new "
            "numbers are right, move the file away and run the study."
        )
    header, rows = pt.sweeps.read_results(path)
    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "numpy"))
    loose = len(pairs) - len(settled(pairs))
    ended = f", {loose} unconverged then as now were not compared" if loose else ""
    made = header.get("verified", header["code"]).split()[-1]
    head = header | {
        "code": code,
        "verified": f"{date.today()}, {versions}, by making rows again: {named} "
        f"({len(pairs)} rows, largest difference {max(off.values()):.1g}{ended}); "
        f"the rows are of code {made}",
    }
    pt.sweeps.write_results(path, head, rows)
    print(f"{path.name}: verified {head['verified']}")
