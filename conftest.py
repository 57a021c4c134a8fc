"""Room in every worker: what JAX compiled for one file is dropped before the next.

Each compiled program takes about four memory maps, of which Linux gives a process
65,530; past that XLA's compiler ends the process. Small programs that many files share
stay while there is room. Stands here, so that it holds for tests, for the docstrings'
examples and for notebooks.
"""

from pathlib import Path

import jax
import pytest

MAPS = Path("/proc/self/maps")  # on Linux only
ENOUGH, MOST = 5_000, 15_000


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    """After the last test of a file."""
    yield
    if MAPS.exists() and (nextitem is None or nextitem.path != item.path):
        maps = MAPS.read_bytes().count(b"\n")
        if maps > ENOUGH:
            jax.clear_caches()
        assert maps <= MOST, (
            f"After the tests of {item.path.name} this process has {maps} memory maps; "
            f"expected at most {MOST}, so that no run comes near the 65,530 that Linux "
            "gives. Compile fewer programs in this file, or cut it in two."
        )
