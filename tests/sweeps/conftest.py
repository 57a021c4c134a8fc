"""Where the table of a small sweep is to stand."""

import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "small.csv"
