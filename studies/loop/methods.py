"""How a row of the table on recurrent networks is made."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from scipy import stats

import plastutor as pt

from .settings import (
    ASIDE,
    FIRST,
    FITTED,
    GAUSS_NEWTON_STEPS,
    LADDER,
    NEW,
    NOISE,
    ORDERS,
    RATE,
    STEPS,
    STRENGTHS,
    TRUE,
    W0_RIDGE,
    W0_STEPS,
)

RULES = {name: pt.taylor(ORDERS) for name in TRUE}
THETA = {name: pt.terms(ORDERS, **terms) for name, terms in TRUE.items()}
NETWORKS = {
    "tanh": pt.networks.Recurrent(rates=RATE),
    "sigmoid": pt.networks.Recurrent(jax.nn.sigmoid, rates=RATE),
}


def experiments(activation, recorded, seed):
    """Experiments to fit, to choose the penalty, and to judge."""
    made = pt.tasks.recurrent_task(
        jr.key(seed),
        RULES,
        THETA,
        network=NETWORKS[activation],
        n_experiments=FITTED + ASIDE + NEW,
        n_steps=STEPS,
        noise=NOISE,
        recorded=recorded,
    )
    ends = (0, FITTED, FITTED + ASIDE, FITTED + ASIDE + NEW)
    return [
        jax.tree.map(lambda leaf, cut=slice(*two): leaf[cut], made)
        for two in zip(ends[:-1], ends[1:], strict=True)
    ]


def lasso(theta, gradient, matrix, strength, sweeps=300):
    """The best theta of the loss' parabola around theta with an L1 penalty.

    By coordinate descent, one coefficient after the other.
    """
    found, slope = theta.copy(), gradient.copy()
    size = np.diag(matrix)
    for _ in range(sweeps):
        for k in np.flatnonzero(size > 0):
            target = found[k] - slope[k] / size[k]
            new = np.sign(target) * max(abs(target) - strength / size[k], 0)
            slope += matrix[:, k] * (new - found[k])
            found[k] = new
    return found


def recover(loss, start, max_steps, fitted, aside):
    """Both rules, with the L1 penalty that predicts the experiments left aside best."""
    how = {"optimizer": pt.GaussNewton(), "max_steps": max_steps}
    theta = pt.fit(loss, start, fitted, **how).theta
    row, unravel = ravel_pytree(theta)
    every = jax.vmap(unravel)(jnp.eye(row.size))
    parts = jax.jit(partial(pt.infer.gauss_newton_terms, loss))(theta, every, fitted)
    gradient, matrix = (np.asarray(part, float) for part in parts[1:])
    rows = [lasso(np.asarray(row, float), gradient, matrix, s) for s in STRENGTHS]
    thetas = jax.vmap(unravel)(jnp.asarray(np.array(rows), row.dtype))
    losses = np.asarray(jax.vmap(loss, (0, None))(thetas, aside))
    best = int(np.nanargmin(losses))
    return jax.tree.map(lambda leaf: leaf[best], thetas), STRENGTHS[best]


def rank(theta, name):
    """The worst rank, by size, among the terms of a projection of a true one."""
    names = pt.term_names(ORDERS)
    size = np.abs(np.asarray(theta[name])).ravel()
    order = [names[k] for k in np.argsort(-size)]
    return 1 + max(order.index(term) for term in TRUE[name])


def change_r2(theta, network, new):
    """R2 of all that the weights of each projection changed by, synapses together."""
    w = pt.simulate(RULES, THETA, new, network=network).w
    found = pt.simulate(RULES, theta, new, network=network).w
    assert w is not None and found is not None
    values = {}
    for name in TRUE:
        change = w[name] - new.w0[name][:, None]
        off = ((w[name] - found[name]) ** 2).sum()
        values[f"r2_{name}"] = float(1 - off / (change**2).sum())
    return values


def first_fit(loss, fitted):
    """A fit from nothing, to the first few experiments."""
    count, steps = FIRST
    few = jax.tree.map(lambda leaf: leaf[:count], fitted)
    how = {"optimizer": pt.GaussNewton(), "max_steps": steps}
    return pt.fit(loss, pt.null_theta(THETA), few, **how).theta


def recovery(activation, recorded, seed, ways):
    """Teacher-forced from nothing, then free-running from what that gave."""
    network = NETWORKS[activation]
    fitted, aside, new = experiments(activation, recorded, seed)
    forced = pt.objective(RULES, pt.activity, network=network, forced=True)
    theta, rows = first_fit(forced, fitted), {}
    for way, max_steps in GAUSS_NEWTON_STEPS.items():
        if way not in ways:
            continue
        loss = pt.objective(RULES, pt.activity, network=network, forced=way == "forced")
        theta, strength = recover(loss, theta, max_steps, fitted, aside)
        rows[way] = {"strength": strength, "loss": float(loss(theta, new))}
        rows[way] |= {"loss_true": float(loss(THETA, new))}
        rows[way] |= {"loss_nothing": float(loss(pt.null_theta(THETA), new))}
        rows[way] |= change_r2(theta, loss.network, new)
        for name in TRUE:
            rows[way][f"rank_{name}"] = rank(theta, name)
            coefficients = np.asarray(theta[name]).ravel()
            rows[way][f"theta_{name}"] = " ".join(f"{v:.3g}" for v in coefficients)
    return rows


def with_w0(loss, both, data):
    """A loss of rules and initial weights, which are drawn around the data's."""
    off = jax.tree.map(lambda a, b: ((a - b) ** 2).mean(), both["w0"], data.w0)
    loss = loss(both["theta"], data._replace(w0=both["w0"]))
    return loss + W0_RIDGE * sum(jax.tree.leaves(off))


def of_w0(loss, w0, given):
    """The same with the rule held."""
    theta, data = given
    return with_w0(loss, {"theta": theta, "w0": w0}, data)


def ladder(seed):
    """What a rule explains, what initial weights explain, on the last half of steps.

    The student does not know the initial weights: it draws its own. Where they are
    learned, so they are from the first half of each new experiment, for every model.
    """
    fitted, aside, new = experiments("tanh", 1.0, seed)
    join = lambda *two: jnp.concatenate(two)
    new = jax.tree.map(join, aside, new)
    students = [
        pt.redraw_w0(jr.key(1000 + k), data, std=0.2)
        for k, data in enumerate((fitted, new))
    ]
    loss = pt.objective(RULES, pt.activity, network=NETWORKS["tanh"], forced=True)
    both_of, w0_of = partial(with_w0, loss), partial(of_w0, loss)
    learned, nothing = {"max_steps": W0_STEPS}, pt.null_theta(THETA)
    first = first_fit(loss, students[0])
    start = {"theta": first, "w0": students[0].w0}
    rule = pt.fit(both_of, start, students[0], **learned).theta["theta"]
    early = pt.first_steps(students[1], STEPS // 2)
    late = jnp.arange(STEPS) < STEPS // 2
    each = {}
    for case, theta in zip(LADDER, (rule, first, nothing, nothing), strict=True):
        w0 = students[1].w0
        if "learned" in case:
            w0 = pt.fit(w0_of, w0, (theta, early), **learned).theta
        judged = students[1]._replace(
            w0=w0, activity=jnp.where(late[:, None], jnp.nan, students[1].activity)
        )
        each[case] = np.asarray(jax.vmap(loss, (None, 0))(theta, judged))
    rows = {}
    for case, losses in each.items():
        gain = each[LADDER[2]] - losses  # beside initial weights alone
        half = stats.t.ppf(0.975, len(gain) - 1) * stats.sem(gain)
        found = {"loss": losses.mean(), "loss_nothing": each[LADDER[3]].mean()}
        ends = {"low": gain.mean() - half, "high": gain.mean() + half}
        rows[case] = found | {"gain": gain.mean()} | ends
    return rows


def run(batch) -> list[dict]:
    """The rows of one data set."""
    part, seed = batch[0]["part"], batch[0]["seed"]
    made = {}
    if part == "ladder":
        rows = ladder(seed)
        made = {(case, "forced"): row for case, row in rows.items()}
    for activation in {row["case"] for row in batch} - {*LADDER}:
        ways = {row["way"] for row in batch}
        rows = recovery(activation, batch[0]["recorded"], seed, ways)
        made |= {(activation, way): row for way, row in rows.items()}
    return [
        {
            k: v if isinstance(v, str) else f"{v:.5g}"
            for k, v in made[one["case"], one["way"]].items()
        }
        for one in batch
    ]
