"""How a row of the table on error bars is made."""

from functools import lru_cache

import jax
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import REFERENCE, SETTINGS, Setting, sharing, sized


@lru_cache
def directions(name) -> np.ndarray:
    """Eigenvectors of the Fisher information at the truth, the stiffest first."""
    setting, total = SETTINGS[name], 0.0
    for seed in REFERENCE:
        data = setting.make(jr.key(seed))
        found = pt.fisher(setting.loss, setting.truth, data)
        total = total + np.asarray(found.matrix)
    return np.linalg.eigh(total)[1].T[::-1]


def fitted(setting: Setting, seed):
    """A data set, its fit, the Gaussian around it, and a row for each coefficient."""
    data = setting.make(jr.key(seed))
    theta, status = setting.find(data)
    around = pt.laplace(setting.loss, theta, data)
    truth = np.asarray(setting.truth).ravel()[around.free]
    low, high = around.interval
    rows: dict[str, dict] = {
        term: {
            "status": status,
            "truth": truth[k],
            "found": around.mean[k],
            "std": around.std[k],
            "covered": float(low[k] <= truth[k] <= high[k]),
            "distance": around.distance,
        }
        for k, term in enumerate(around.names)
    }
    return data, theta, around, rows


def profiled(setting: Setting, theta, data, term, values, max_steps=5):
    """The deviance where a coefficient is held at some values."""
    how = {"values": values, "max_steps": max_steps}
    return pt.profile(setting.loss, theta, data, term, **how).deviance


def rows_of(setting, seed) -> dict[str, dict]:
    """All that one data set gives, by the name of the row."""
    name, setting = setting, SETTINGS[setting]
    data, theta, around, rows = fitted(setting, seed)
    truth = np.asarray(setting.truth).ravel()[around.free]
    every = {name: rows[around.names[0]][name] for name in ("status", "distance")}
    if seed < setting.profiled:
        for term, row in rows.items():
            (row["deviance"],) = profiled(setting, theta, data, term, [row["truth"]])
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
    return {row: every | rows[row] for row in rows}


def some_states(seed, setting, data) -> pt.infer.States:
    """1000 of the states that the network visited under the true rule."""
    first = jax.tree.map(lambda leaf: leaf[:2], data)
    states = pt.infer.visited_states(setting.rule, setting.truth, first)
    pick = np.random.default_rng(seed).integers(len(states.x), size=1000)
    return pt.infer.States(*(v[pick] for v in states))


def rows_of_size(rule, animals, trials, seed) -> dict[str, dict]:
    """Of the choices of some animals: is each interval lopsided, is that noticed?"""
    setting = sized(rule, animals, trials)
    data, theta, around, rows = fitted(setting, seed)
    noticed = pt.evaluate.uncertainty.end_deviance(setting.loss, theta, data)
    ends = zip(*around.interval, noticed.lopsided, strict=True)
    for (term, row), (low, high, warned) in zip(rows.items(), ends, strict=True):
        values = row["truth"], low, high
        held = profiled(setting, theta, data, term, values, max_steps=10)
        names = "deviance", "deviance_low", "deviance_high"
        row |= dict(zip(names, held, strict=True)) | {"warned": float(warned)}
    return rows


def rows_of_share(noise, seed) -> dict[str, dict]:
    """Of a recording with noise that neurons share: intervals over experiments."""
    setting = sharing(noise)
    data, theta, _, rows = fitted(setting, seed)
    found = pt.evaluate.uncertainty.residual_correlation(setting.loss, theta, data)
    ends = pt.evaluate.cluster_robust_interval(setting.loss, theta, data)
    for row, low, high in zip(rows.values(), *ends, strict=True):
        held = float(low <= row["truth"] <= high)
        row |= {"low": low, "high": high, "covered_over_experiments": held}
        row |= {"correlation": found.mean, "warned": float(found.shared)}
    return rows


def run(batch) -> list[dict]:
    """The rows of one data set, of whichever table."""
    made_by = {"setting": rows_of, "animals": rows_of_size, "noise": rows_of_share}
    (make,) = (made_by[name] for name in made_by if name in batch[0])
    rows = make(**{name: v for name, v in batch[0].items() if name != "row"})
    return [
        {k: v if k == "status" else f"{v:.5g}" for k, v in rows[one["row"]].items()}
        for one in batch
    ]
