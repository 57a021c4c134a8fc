"""Strict JAX for every test: double precision, no silent broadcasting, no windows.

Nor do types mix silently, except where Optax is at work, whose optimisers mix them.
"""

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


STRICT = {
    *("types", "rules", "networks", "simulate", "likelihoods", "tasks", "gradients")
}


@pytest.fixture(autouse=True)
def strict_types(request):
    """No silent promotion of types in the rooms that hold the mathematics."""
    strict = request.path.parent.name in STRICT and not request.node.get_closest_marker(
        "optax"
    )
    way = "strict" if strict else "standard"
    with jax.numpy_dtype_promotion(way):
        yield


@pytest.fixture
def single_precision():
    """JAX as it starts, for one test."""
    jax.config.update("jax_enable_x64", False)
    yield
    jax.config.update("jax_enable_x64", True)


@pytest.fixture
def key():
    return jax.random.key(0)
