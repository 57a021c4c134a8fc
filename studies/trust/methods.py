"""How a row of the table on error bars is made."""

from functools import lru_cache

import jax
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import REFERENCE, SETTINGS


@lru_cache
def directions(name) -> np.ndarray:
    """Eigenvectors of the Fisher information at the truth, the stiffest first."""
    setting, total = SETTINGS[name], 0.0
    for seed in REFERENCE:
        data = setting.make(jr.key(seed))
        found = pt.fisher(setting.loss, setting.truth, data)
        total = total + np.asarray(found.matrix)
    return np.linalg.eigh(total)[1].T[::-1]


def rows_of(name, seed) -> dict[str, dict]:
    """All that one data set gives, by the name of the row."""
    setting = SETTINGS[name]
    data = setting.make(jr.key(seed))
    theta, status = setting.find(data)
    around = pt.laplace(setting.loss, theta, data)
    truth = np.asarray(setting.truth).ravel()[around.free]
    low, high = around.interval
    rows: dict[str, dict] = {}
    for k, term in enumerate(around.names):
        rows[term] = {
            "truth": truth[k],
            "found": around.mean[k],
            "std": around.std[k],
            "covered": float(low[k] <= truth[k] <= high[k]),
        }
        if seed < setting.profiled:
            held = pt.profile(
                setting.loss,
                theta,
                data,
                term,
                values=truth[k : k + 1],
            )
            rows[term]["deviance"] = held.deviance[0]
    for k, row in enumerate(directions(name)):
        off, std = row @ (around.mean - truth), around.std_along(row)
        rows[f"direction {k + 1}"] = {
            "truth": row @ truth,
            "found": row @ around.mean,
            "std": std,
            "covered": float(abs(off) <= 1.96 * std),
        }
    if setting.band:
        states = some_states(seed, setting, data)
        low, high = around.band(setting.rule, states)
        dw = np.asarray(
            jax.vmap(setting.rule.apply, (None, 0, 0, 0, 0))(setting.truth, *states)
        )
        rows["band"] = {
            "truth": np.sqrt(np.mean(dw**2)),
            "found": np.sqrt(np.mean((high + low) ** 2) / 4),
            "std": np.mean(high - low) / 2 / 1.96,
            "covered": np.mean((low <= dw) & (dw <= high)),
        }
    every = {"status": status, "distance": around.distance}
    return {row: every | rows[row] for row in rows}


def some_states(seed, setting, data) -> pt.infer.States:
    """1000 of the states that the network visited under the true rule."""
    first = jax.tree.map(lambda leaf: leaf[:2], data)
    states = pt.infer.visited_states(setting.rule, setting.truth, first)
    pick = np.random.default_rng(seed).integers(len(states.x), size=1000)
    return pt.infer.States(*(v[pick] for v in states))


def run(batch) -> list[dict]:
    """The rows of one data set."""
    name, seed = batch[0]["setting"], batch[0]["seed"]
    rows = rows_of(name, seed)
    return [
        {k: v if k == "status" else f"{v:.5g}" for k, v in rows[one["row"]].items()}
        for one in batch
    ]
