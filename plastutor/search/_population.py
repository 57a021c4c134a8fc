"""A population of thetas: their losses, here or on the workers of a Dask client."""

from __future__ import annotations

import io
from functools import lru_cache, partial
from typing import Any

import cloudpickle
import jax
import numpy as np

from plastutor.objectives import data_at

LARGEST = float(np.finfo(np.float32).max)  # what a loss that is no number counts


@partial(jax.jit, static_argnames=("loss",))
def _losses(loss, thetas, data):
    """The loss of each theta, all on the same data."""
    return jax.vmap(lambda theta: loss(theta, data))(thetas)


def population_losses(loss, thetas, data, generation, client) -> np.ndarray:
    """The loss of each theta; the largest number where it is none.

    Workers get equal parts, so that they compile one program; and always the same bytes
    for the same loss, so that they compile it once.
    """
    now = data_at(data, generation)
    if client is None:
        return _finite(_losses(loss, thetas, now))
    n = len(jax.tree.leaves(thetas)[0])
    places = min(n, max(1, sum(client.nthreads().values())))
    size = -(-n // places)
    thetas, now = jax.tree.map(np.asarray, (thetas, now))
    sent = client.scatter(now, broadcast=True)
    found = []
    for k in range(0, n, size):
        rows = np.minimum(np.arange(k, k + size), n - 1)
        part = jax.tree.map(lambda leaf, rows=rows: leaf[rows], thetas)
        found.append(client.submit(_on_worker, _packed(loss), part, sent, pure=False))
    return _finite(np.concatenate(client.gather(found))[:n])


def _finite(values) -> np.ndarray:
    values = np.asarray(values, np.float64)
    return np.where(np.isfinite(values), values, LARGEST)


def _on_worker(packed: bytes, thetas, data) -> np.ndarray:
    return np.asarray(_losses(_unpacked(packed), thetas, data))


class _Pickler(cloudpickle.Pickler):
    """Also of functions with a derivative by hand, which JAX does not pickle."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, jax.custom_vjp):
            known: Any = obj
            rest = known.nondiff_argnums, known.symbolic_zeros
            return _with_derivative, (known.fun, known.fwd, known.bwd, *rest)
        return super().reducer_override(obj)


def _with_derivative(function, forward, backward, nondiff_argnums, symbolic_zeros):
    made = jax.custom_vjp(function, nondiff_argnums=nondiff_argnums)
    made.defvjp(forward, backward, symbolic_zeros=symbolic_zeros)
    return made


@lru_cache(maxsize=8)
def _packed(loss) -> bytes:
    sink = io.BytesIO()
    _Pickler(sink).dump(loss)
    return sink.getvalue()


@lru_cache(maxsize=8)  # the same function for the same bytes: compiled once
def _unpacked(packed: bytes):
    return cloudpickle.loads(packed)
