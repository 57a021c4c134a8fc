"""Strict JAX for every test: double precision, no silent broadcasting, no windows."""

import os

import jax
import matplotlib
import pytest

# They have no examples, and as modules they would all have one name.
collect_ignore_glob = ["*conftest.py"]

# In this process only: notebooks run in kernels of their own, as a reader runs them.
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
matplotlib.use("Agg")


def pytest_collection_modifyitems(items):
    """Skip what is marked `weekly`, except where PLASTUTOR_WEEKLY=1."""
    for item in items if os.environ.get("PLASTUTOR_WEEKLY") != "1" else []:
        if item.get_closest_marker("weekly"):
            item.add_marker(pytest.mark.skip(reason="once a week: PLASTUTOR_WEEKLY=1"))


@pytest.fixture
def single_precision():
    """JAX as it starts, for one test."""
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)


@pytest.fixture
def key():
    return jax.random.key(0)
