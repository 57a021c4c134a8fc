"""How a row of the table on reading networks is made."""

import time
from functools import cache
from itertools import combinations

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import ENSEMBLE, MORE, RULES, SIZES, STEPS

SERIES = pt.taylor(pt.OJA_ORDERS)
NAMES = pt.term_names(pt.OJA_ORDERS)
NET = pt.mlp((10,), scale=0.1)
SERIES_LOSS, NET_LOSS = (pt.objective(rule, pt.activity) for rule in (SERIES, NET))


def mean_apply(thetas, x, y, w, r):
    """What several networks answer on average."""
    return jnp.mean(jax.vmap(NET.apply, (0, *[None] * 4))(thetas, x, y, w, r))


ENSEMBLE_RULE = pt.Rule(NET.init, mean_apply, pt.rules.plain_update(mean_apply))


@cache
def pairs():
    """All pairs of terms, as two columns of their places."""
    return np.array(list(combinations(range(len(NAMES)), 2)))


def all_pairs(rule, theta, states):
    """The coefficients of every pair of terms, by least squares over the states."""
    dw = np.asarray(jax.jit(jax.vmap(rule.apply, (None, 0, 0, 0, 0)))(theta, *states))
    powers = [v[:, None] ** np.arange(3) for v in states[:3]]
    columns = np.einsum("na,nb,nc->nabc", *powers).reshape(len(dw), -1)
    matrix, target = columns.T @ columns, columns.T @ dw
    thetas = np.zeros((len(pairs()), len(NAMES)))
    for theta, pair in zip(thetas, pairs(), strict=True):
        theta[pair] = np.linalg.lstsq(matrix[np.ix_(pair, pair)], target[pair])[0]
    return thetas.reshape(-1, *pt.OJA_ORDERS.shape)


def by_held_out(rule, theta, states, held_out):
    """The pair whose coefficients, read from a rule, predict other experiments best."""
    thetas = all_pairs(rule, theta, states)
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
    starts = jax.vmap(NET.init)(jr.split(keys[3], ENSEMBLE))
    fits = pt.fit_many(NET_LOSS, starts, train, max_steps=STEPS)
    thetas = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[f.theta for f in fits])
    first = jax.tree.map(lambda leaf: leaf[0], thetas)
    rules = {"ensemble": (ENSEMBLE_RULE, thetas)}
    rows = []
    for setting in batch:
        way = setting["way"]
        rule, theta = rules.get(way.split(",")[0], (NET, first))
        data = more if way == "more states" else train
        states = pt.infer.visited_states(rule, theta, data)
        if "held out" in way:
            places, explained = by_held_out(rule, theta, states, held_out), np.nan
        else:
            read = pt.distil(rule, theta, states, pt.OJA_ORDERS, max_terms=2)
            places, explained = read.term, read.explained[1]
        found = {NAMES[k] for k in places}
        rows.append(
            {
                "status": fits[0].status if rule is NET else "finished",
                "true_pair": found == set(terms),
                "found": " ".join(sorted(found)),
                "explained": f"{explained:.4f}",
                "r2": f"{r2_of(rule, theta, truth, new):.4f}",
            }
        )
    seconds = f"{(time.perf_counter() - start) / len(batch):.1f}"
    return [row | {"seconds": seconds} for row in rows]
