"""Speed and memory against plain baselines that run beside it: `make bench`.

Every row is a ratio of medians from the same process, so that it means the same on a
slow machine. Nothing here is a test; the tests compare values. Words choose rooms:
`python benchmarks/run.py simulate gradients`.
"""

import sys
from importlib import import_module

import jax

# That on infer is the last: it needs double precision, which stays.
ROOMS = "face", "rules", "memory", "networks", "simulate", "tasks", "gradients", "infer"


def main(*rooms: str) -> None:
    """Measure some rooms, or all."""
    if unknown := {*rooms} - {*ROOMS}:
        raise SystemExit(
            f"There is no benchmark of {', '.join(sorted(unknown))}; expected some of "
            f"{', '.join(ROOMS)}."
        )
    print(f"jax {jax.__version__}, {jax.default_backend()}, Python {sys.version[:6]}")
    for room in ROOMS:
        if not rooms or room in rooms:
            import_module(room).main()


if __name__ == "__main__":
    main(*sys.argv[1:])
