"""How a row of the table on recurrent networks is made."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr

import plastutor as pt

from .controls import ladder, swap
from .recover import (
    RULES,
    as_words,
    change_r2,
    cut,
    experiments,
    first_fit,
    rank,
    recover,
    status,
    thetas_of,
    with_own_w0,
)
from .settings import (
    DALE,
    DALE_CASES,
    DALE_STEPS,
    DALE_TERMS,
    DALE_TRUE,
    GAUSS_NEWTON_STEPS,
    NETWORKS,
    ORDERS,
    RAN_AWAY,
    TRUE,
)

DTYPES = {"tanh": "float32", "sigmoid": "float64"}  # nearly collinear terms need 64


def weights(rules, theta, data, **how):
    """What the weights of each projection changed by, step by step."""
    w = pt.simulate(rules, theta, data, **how).w
    assert w is not None
    start = how["network"].bounded
    return {
        k: v - jax.vmap(partial(start, k))(data.w0[k])[:, None] for k, v in w.items()
    }


def recovery(activation, recorded, w0, seed, ways):
    """Teacher-forced from nothing, then free-running from what that gave."""
    network, true = NETWORKS[activation], thetas_of(TRUE, DTYPES[activation])
    sets = experiments(jr.key(seed), RULES, true, network, recorded)
    change = weights(RULES, true, sets[2], network=network)
    if w0 == "redrawn":  # the weights that did change are judged all the same
        sets = with_own_w0(seed, *sets)
    fitted, aside, new = sets
    forced = pt.objective(RULES, pt.activity, network=network, forced=True)
    nothing = pt.null_theta(true)
    theta, rows = first_fit(forced, nothing, fitted), {}
    for way, max_steps in GAUSS_NEWTON_STEPS.items():
        if way not in ways:
            continue
        how = {"network": network, "forced": way == "forced"}
        loss = pt.objective(RULES, pt.activity, **how)
        fit, strength = recover(loss, theta, max_steps, fitted, aside)
        theta = fit.theta
        made = {"strength": strength, "loss": float(loss(theta, new))}
        made |= {"loss_true": float(loss(true, new))}
        made |= {"loss_nothing": float(loss(nothing, new))}
        found = weights(RULES, theta, new, **how)
        for name, terms in TRUE.items():
            made[f"r2_{name}"] = change_r2(change[name], found[name])
            made[f"rank_{name}"] = rank(theta[name], terms)
            made[f"theta_{name}"] = as_words(theta[name])
        ended = status(fit, made["loss"], *theta.values())
        rows[way] = {"status": ended} | made
    return rows


def without(data, case):
    """The experiments as a model sees them that lacks a projection."""
    name, _, how = case.partition(" ")
    if how != "absent":
        return data
    return data._replace(w0=data.w0 | {name: jnp.zeros_like(data.w0[name])})


def dale(case, seed):
    """Excitatory and inhibitory neurons: both rules, or one while the other is not."""
    rules = {name: pt.taylor(ORDERS, only=DALE_TERMS) for name in DALE_TRUE}
    true = thetas_of(DALE_TRUE, "float64")
    fitted, _, new = experiments(jr.key(seed), rules, true, DALE)
    fitted = cut(fitted, 0, 10)
    change = weights(rules, true, new, network=DALE)
    loss_true = float(pt.objective(rules, pt.activity, network=DALE)(true, new))
    fitted, new = without(fitted, case), without(new, case)
    some = {name: rules[name] for name in DALE_CASES[case]}
    theta = nothing = pt.null_theta({name: true[name] for name in some})
    for way, steps in DALE_STEPS.items():
        loss = pt.objective(some, pt.activity, network=DALE, forced=way == "forced")
        fit = pt.fit(loss, theta, fitted, optimizer=pt.GaussNewton(), max_steps=steps)
        theta = fit.theta
    made = {"loss": float(loss(theta, new)), "loss_true": loss_true}
    made |= {"loss_nothing": float(loss(nothing, new))}
    found = weights(some, theta, new, network=DALE)
    for name in some:
        made[f"r2_{name}"] = change_r2(change[name], found[name])
        made[f"rank_{name}"] = rank(theta[name], DALE_TRUE[name])
        made[f"theta_{name}"] = as_words(theta[name])
    ended = status(fit, made["loss"], *theta.values())
    if ended != "diverged" and min(made[f"r2_{name}"] for name in some) < RAN_AWAY:
        ended = "weights ran away"  # though activity saturates, and the loss is finite
    return {"status": ended} | made


def as_text(row) -> dict[str, str]:
    return {k: v if isinstance(v, str) else f"{v:.5g}" for k, v in row.items()}


def run(batch) -> list[dict]:
    """The rows of one data set."""
    part, _, w0, seed, _, _ = (first := batch[0]).values()
    made = {}
    if part in ("ladder", "swap"):
        rows = (ladder if part == "ladder" else swap)(seed)
        made = {(case, "forced"): one for case, one in rows.items()}
    for case in dict.fromkeys(one["case"] for one in batch):
        if part == "dale":
            made[case, "free"] = dale(case, seed)
        elif part == "recorded":
            ways = {one["way"] for one in batch if one["case"] == case}
            rows = recovery(case, first["recorded"], w0, seed, ways)
            made |= {(case, way): one for way, one in rows.items()}
    return [as_text(made[one["case"], one["way"]]) for one in batch]
