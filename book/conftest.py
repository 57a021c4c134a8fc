"""What `make test` ran, `make book` need not run again.

nbval compares outputs and then drops them. Here those of a notebook whose every cell
passed are kept, for scripts/execute_chapters.py to show.
"""

import nbformat
import pytest
from execute_chapters import EXECUTED, fingerprint
from nbval.plugin import IPyNbCell

# It has no examples, and as a module it would have the name of other conftests.
collect_ignore_glob = ["*conftest.py"]

PASSED = pytest.StashKey[list]()
PATIENCE = 3600  # seconds until a kernel is thought dead; nbval's five are few


def pytest_itemcollected(item):
    """Let a busy machine take its time between a reply and the outputs."""
    if isinstance(item, IPyNbCell):
        item.output_timeout = PATIENCE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember the cells that passed, in the notebook that they belong to."""
    report = yield
    if isinstance(item, IPyNbCell) and call.when == "call":
        passed = item.parent.stash.setdefault(PASSED, [])
        if report.passed or item.options["skip"]:
            passed.append(item)
        last = [c for c in item.parent.nb.cells if c.cell_type == "code"][-1]
        if item.cell is last:
            keep(item.parent.nb, item.path, passed)
    return report


def keep(notebook, path, passed) -> None:
    """Write the notebook with its outputs, if all of it was run."""
    if len(passed) < sum(cell.cell_type == "code" for cell in notebook.cells):
        return
    ran = [item for item in passed if item.test_outputs is not None]
    for count, item in enumerate(ran, 1):
        item.cell.outputs, item.cell.execution_count = item.test_outputs, count
    folder = EXECUTED / fingerprint()
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / path.name)
