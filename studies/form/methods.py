"""How a row of the table on reading networks is made."""

import time
from functools import cache
from itertools import combinations

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import MORE, RULES, SIZES, STEPS

SERIES = pt.taylor(pt.OJA_ORDERS)
NAMES = pt.term_names(pt.OJA_ORDERS)
NET = pt.mlp((10,), scale=0.1)
SERIES_LOSS, NET_LOSS = (pt.objective(rule, pt.activity) for rule in (SERIES, NET))


@cache
def pairs():
    """All pairs of terms, as two columns of their places."""
    return np.array(list(combinations(range(len(NAMES)), 2)))


def all_pairs(theta, states):
    """The coefficients of every pair of terms, by least squares over the states."""
    dw = np.asarray(jax.jit(jax.vmap(NET.apply, (None, 0, 0, 0, 0)))(theta, *states))
    powers = [v[:, None] ** np.arange(3) for v in states[:3]]
    columns = np.einsum("na,nb,nc->nabc", *powers).reshape(len(dw), -1)
    matrix, target = columns.T @ columns, columns.T @ dw
    thetas = np.zeros((len(pairs()), len(NAMES)))
    for theta, pair in zip(thetas, pairs(), strict=True):
        theta[pair] = np.linalg.lstsq(matrix[np.ix_(pair, pair)], target[pair])[0]
    return thetas.reshape(-1, *pt.OJA_ORDERS.shape)


def by_held_out(theta, states, held_out):
    """The pair whose coefficients, read from a network, predict other data best."""
    thetas = all_pairs(theta, states)
    losses = jax.jit(jax.vmap(SERIES_LOSS, (0, None)))(jnp.asarray(thetas), held_out)
    return pairs()[int(np.nanargmin(losses))]


def r2_of(rule, theta, truth, new):
    """R2 of the weights of new experiments."""
    weights = (pt.simulate(*pair, new).w for pair in ((SERIES, truth), (rule, theta)))
    return pt.r2(*(np.asarray(w).reshape(-1, w.shape[2] * w.shape[3]) for w in weights))


def run(batch) -> list[dict]:
    """One data set, its networks, and what each way reads."""
    start, terms, seed = time.perf_counter(), RULES[batch[0]["rule"]], batch[0]["seed"]
    truth = pt.terms(pt.OJA_ORDERS, **terms)
    keys = jr.split(jr.key(seed), 5)
    train, held_out, new = (
        pt.neural_task(key, SERIES, truth, **SIZES) for key in keys[:3]
    )
    more = pt.neural_task(keys[4], SERIES, truth, **SIZES | {"n_experiments": MORE})
    fit = pt.fit(NET_LOSS, NET.init(keys[3]), train, max_steps=STEPS)
    r2, rows = r2_of(NET, fit.theta, truth, new), []
    for setting in batch:
        data = more if setting["way"] == "more states" else train
        states = pt.infer.visited_states(NET, fit.theta, data)
        if setting["way"] == "held out":
            places = by_held_out(fit.theta, states, held_out)
        else:
            places = pt.distil(NET, fit.theta, states, pt.OJA_ORDERS, max_terms=2).term
        found = {NAMES[k] for k in places}
        rows.append(
            {
                "status": fit.status,
                "true_pair": found == set(terms),
                "found": " ".join(sorted(found)),
                "r2": f"{r2:.4f}",
            }
        )
    seconds = f"{(time.perf_counter() - start) / len(batch):.1f}"
    return [row | {"seconds": seconds} for row in rows]
