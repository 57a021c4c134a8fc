"""Evolution: CMA-ES, from the library cma, for losses that have no useful gradient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import PRNGKeyArray

from plastutor._files import write_whole
from plastutor._types import Fit, Theta
from plastutor.objectives import Fresh
from plastutor.search._population import LARGEST, population_losses


def _library() -> Any:
    try:
        import cma
    except ImportError as error:
        raise ImportError(
            "evolve needs the library cma, which is not installed. Try: pip install "
            "'plastutor[evolve]', or pip install cma"
        ) from error
    return cma


class _History:
    """The losses of all generations, in a file: replayed, they give the same state."""

    def __init__(self, path: str | Path | None, setting: dict[str, Any]) -> None:
        self.path, self.setting = None if path is None else Path(path), setting
        self.values: list[np.ndarray] = []
        if self.path is not None and self.path.exists():
            self.values = self._read(self.path)

    def _read(self, path: Path) -> list[np.ndarray]:
        from flax import serialization

        try:
            kept: Any = serialization.msgpack_restore(path.read_bytes())
            values, setting = kept["values"], kept["setting"]
            assert values.ndim == 2
        except Exception as error:
            raise ValueError(
                f"{path} does not hold an evolution; expected a file that evolve wrote."
            ) from error
        for name, ours in self.setting.items():
            if not np.array_equal(setting.get(name), ours):
                raise ValueError(
                    f"{path} holds an evolution with another {name}; expected the one "
                    "that began with the same arguments. Name another file."
                )
        return [*values]

    def add(self, values: np.ndarray) -> None:
        from flax import serialization

        self.values.append(values)
        if self.path is not None:
            kept = {"values": np.stack(self.values), "setting": self.setting}
            write_whole(self.path, serialization.msgpack_serialize(kept))


def evolve(
    key: PRNGKeyArray,
    loss: Callable,
    theta0: Theta,
    data: Any,
    *,
    step: float = 0.3,
    population: int | None = None,
    generations: int = 100,
    restarts: int = 0,
    path: str | Path | None = None,
    client: Any = None,
    progress: Callable[[int, float], None] | None = None,
) -> Fit:
    """Find theta by evolution (CMA-ES): draw rules, keep the better half, adapt.

    All rules of a generation are one program, and see the same data: with
    `pt.objectives.Fresh`, new data in each generation. Of a rule only the coefficients
    that are free evolve. The search is that of the library cma (Hansen).

    Args:
        key: a JAX random key.
        loss: as in `fit`; it needs no gradient.
        theta0: where to start, the mean of the first generation.
        data: what the loss needs, or `Fresh`.
        step: standard deviation of the first generation around theta0.
        population: rules in a generation; default 4 + 3 ln(number of coefficients).
        generations: how many, in all starts together.
        restarts: how often to start anew, from theta0 plus `step` times noise, where a
            search ends before all generations are used; the best is returned.
        path: a file that remembers each generation. If it is there, the search goes on
            from its end.
        client: a `distributed.Client` whose workers take the rules; `all_cores()` of
            `pt.sweeps` makes one. Default: all here.
        progress: called as `progress(generation, loss)`.

    Returns:
        A `Fit`: losses and thetas are those of the mean of each generation; theta is
        the best of these, with `Fresh` data the last. `message` says how many losses
        were no number, or reached what `functional` counts for a rule that ran away.

    Raises:
        ImportError: the library is missing.
        ValueError: theta0 is not finite; sizes that are none; another file.

    >>> found = evolve(jax.random.key(0), lambda t, data: ((t - data) ** 2).sum(),
    ...                jnp.zeros(2), jnp.array([1.0, 2.0]))
    >>> [round(float(v), 3) for v in found.theta]
    [1.0, 2.0]
    """
    cma = _library()
    flat, whole = _coordinates(loss, theta0)
    _check(flat, step, population, generations, restarts)
    seeds = np.asarray(jax.random.randint(key, (restarts + 1,), 0, 2**31 - 1))
    setting = {"start": flat, "step": step, "seeds": seeds}
    history = _History(path, setting | {"population": population or 0})
    means: list[np.ndarray] = []
    ended = "finished"
    try:
        for seed in seeds:
            rng = np.random.default_rng(seed)
            start = flat + (step * rng.standard_normal(flat.shape) if means else 0)
            es = _strategy(cma, start, step, population, rng)
            while len(means) < generations and not es.stop():
                rows, k = np.vstack([es.mean, *es.ask()]), len(means)
                if k == len(history.values):
                    thetas = jax.vmap(whole)(jnp.asarray(rows, float))
                    history.add(population_losses(loss, thetas, data, k, client))
                means.append(rows[0])
                es.tell([*rows[1:]], history.values[k][1:].tolist())
                if progress is not None:
                    progress(k + 1, float(history.values[k][0]))
        ended = "converged" if es.stop() else "finished"
    except KeyboardInterrupt:
        if not means:  # there is nothing to return
            raise
        ended = "interrupted"
    return _report(ended, whole, means, history.values, loss, isinstance(data, Fresh))


def _coordinates(loss, theta0):
    """The coefficients that are free, and the theta that some make."""
    theta0 = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), theta0)
    flat, unravel = ravel_pytree(theta0)
    free = getattr(getattr(loss, "rule", None), "free", None)
    where = np.arange(flat.size) if free is None else np.asarray(free)

    def whole(row):
        return unravel(flat.at[where].set(row.astype(flat.dtype)))

    return np.asarray(flat[where], np.float64), whole


def _check(flat, step, population, generations, restarts) -> None:
    if not len(flat) or not np.isfinite(flat).all() or not 0 < step < np.inf:
        raise ValueError(
            f"theta0 has {len(flat)} free coefficients and step is {step!r}; expected "
            "finite numbers, one or more, and a step above 0."
        )
    sizes = {"generations": (generations, 1), "restarts": (restarts, 0)}
    if population is not None:
        sizes["population"] = (population, 3)
    for name, (value, least) in sizes.items():
        if not isinstance(value, int) or value < least:
            raise ValueError(
                f"{name} is {value!r}; expected a whole number from {least} up."
            )


def _strategy(cma, start, step, population, rng):
    options = {
        "randn": lambda *shape: rng.standard_normal(shape),
        "seed": np.nan,  # NumPy's global random numbers stay as they are
        "verbose": -9,
    }
    if population is not None:
        options["popsize"] = population
    if len(start) == 1:  # the library knows no search along a line
        options["CMA_diagonal"] = True
    return cma.CMAEvolutionStrategy(start, step, options)


def _report(ended, whole, means, values, loss, last) -> Fit:
    worst = float(getattr(loss, "worst", LARGEST))
    history = np.stack(values[: len(means)])
    losses, away = history[:, 0], int((history[:, 1:] >= worst).sum())
    best = len(losses) - 1 if last else int(losses.argmin())
    if (history[-1] >= worst).all():
        ended = "diverged"
    thetas = jax.vmap(whole)(jnp.asarray(np.stack(means), float))
    theta = jax.tree.map(lambda leaf: leaf[best], thetas)
    message = MESSAGES[ended].format(n=len(losses), loss=losses[best])
    message += f" Of {history[:, 1:].size:,} rules {away:,} ran away."
    return Fit(theta, losses, jax.tree.map(np.asarray, thetas), ended, message)


MESSAGES = {
    "finished": "Finished {n} generations; the mean rule has loss {loss:.4g}.",
    "converged": "Ended by itself after {n} generations; the mean rule has loss "
    "{loss:.4g}, and rules hardly differ any more.",
    "diverged": "After {n} generations every rule runs away; loss {loss:.4g}. Start "
    "from smaller coefficients, or take a smaller step.",
    "interrupted": "Interrupted after {n} generations; the mean rule has loss "
    "{loss:.4g}. With the same path the search goes on.",
}
