"""What a rule explains that initial weights, or another projection's rule, do not."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

import plastutor as pt

from .recover import (
    RULES,
    change_r2,
    cut,
    experiments,
    first_fit,
    gain_over,
    recover,
    status,
    thetas_of,
    with_own_w0,
)
from .settings import (
    GAUSS_NEWTON_STEPS,
    LADDER,
    LADDER_FITTED,
    NETWORKS,
    STEPS,
    SWAP,
    TRUE,
    W0_RATE,
    W0_RIDGE,
    W0_STEPS,
)

NETWORK = NETWORKS["tanh"]
FORCED = pt.objective(RULES, pt.activity, network=NETWORK, forced=True)


def with_w0(loss, both, data):
    """A loss of rules and initial weights, which are drawn around the data's."""
    off = jax.tree.map(lambda a, b: ((a - b) ** 2).mean(), both["w0"], data.w0)
    loss = loss(both["theta"], data._replace(w0=both["w0"]))
    return loss + W0_RIDGE * sum(jax.tree.leaves(off))


def of_w0(loss, w0, given):
    """The same with the rule held."""
    theta, data = given
    return with_w0(loss, {"theta": theta, "w0": w0}, data)


BOTH, W0 = partial(with_w0, FORCED), partial(of_w0, FORCED)


def adam(steps):
    """Adam with a rate that goes to zero."""
    return {
        "optimizer": optax.adam(optax.cosine_decay_schedule(W0_RATE, steps)),
        "max_steps": steps,
    }


HOW = {name: adam(steps) for name, steps in W0_STEPS.items()}


def rules_of_a_student(fitted):
    """A rule with learned initial weights, and one with random ones."""
    nothing = pt.null_theta(thetas_of(TRUE, fitted.x.dtype))
    how = {"optimizer": pt.GaussNewton(), "max_steps": 6}
    random = pt.fit(FORCED, nothing, fitted, **how)
    start = {"theta": nothing, "w0": fitted.w0}
    both = pt.fit(BOTH, start, fitted, **HOW["fit"])
    theta, w0 = both.theta["theta"], both.theta["w0"]
    how = {"optimizer": pt.GaussNewton(), "max_steps": 2}
    learned = pt.fit(FORCED, theta, fitted._replace(w0=w0), **how)
    return learned, random, nothing


def ladder(seed):
    """What a rule explains, what initial weights explain, on the last half of steps.

    The student does not know the initial weights: it draws its own. Where they are
    learned, so they are from the first half of each new experiment, for every model.
    """
    theta = thetas_of(TRUE, "float32")
    sets = experiments(jr.key(seed), RULES, theta, NETWORK)
    new = jax.tree.map(lambda *two: jnp.concatenate(two), *sets[1:])
    fitted, new = with_own_w0(seed, cut(sets[0], 0, LADDER_FITTED), new)
    learned, random, nothing = rules_of_a_student(fitted)
    models = (learned, random, learned._replace(theta=nothing))
    early, late = pt.first_steps(new, STEPS // 2), jnp.arange(STEPS) >= STEPS // 2
    each, ended = {}, {}
    for case, fit in zip(LADDER, (*models, models[-1]), strict=True):
        w0, found = new.w0, fit
        if "learned" in case:
            found = pt.fit(W0, w0, (fit.theta, early), **HOW["new"])
            w0 = found.theta
        judged = new._replace(
            w0=w0, activity=jnp.where(late[:, None], new.activity, jnp.nan)
        )
        # Teacher forcing needs the first half too: it is judged on the second alone.
        each[case] = _second_half(fit.theta, judged, new.activity)
        ended[case] = status(found, each[case])
    beside, nothing = each[LADDER[2]], each[LADDER[3]].mean()
    return {
        case: {"status": ended[case], "loss": losses.mean(), "loss_nothing": nothing}
        | gain_over(beside, losses)
        for case, losses in each.items()
    }


def _second_half(theta, judged, activity):
    """The loss of every experiment on its second half, forced in both halves."""
    made = pt.simulate(
        RULES, theta, judged._replace(activity=activity), network=NETWORK, forced=True
    ).y
    return np.asarray(jax.vmap(pt.activity)(pt.Trajectory(None, made), judged))


def swap(seed):
    """One projection's rule in another one: as it was found for ff, and refitted."""
    true = thetas_of(TRUE, "float32")
    fitted, aside, new = experiments(jr.key(seed), RULES, true, NETWORK)
    one = pt.objective(RULES["ff"], pt.activity, network=NETWORK, forced=True)
    steps = GAUSS_NEWTON_STEPS["forced"]
    nothing = pt.null_theta(true)
    start = first_fit(FORCED, nothing, fitted)
    own, _ = recover(FORCED, start, steps, fitted, aside)
    start = first_fit(one, nothing["ff"], fitted)
    shared, _ = recover(one, start, steps, fitted, aside)
    models = {
        SWAP[0]: own.theta,
        SWAP[1]: {"ff": own.theta["ff"], "rec": own.theta["ff"]},
        SWAP[2]: {"ff": shared.theta, "rec": shared.theta},
        SWAP[3]: nothing,
    }
    each = {
        case: np.asarray(jax.vmap(FORCED, (None, 0))(theta, new))
        for case, theta in models.items()
    }
    w = pt.simulate(RULES, true, new, network=NETWORK).w
    rows = {}
    for case, theta in models.items():
        found = pt.simulate(RULES, theta, new, network=NETWORK, forced=True).w
        assert w is not None and found is not None
        losses = each[case]
        ended = status(shared if case == SWAP[2] else own, losses)
        rows[case] = {"status": ended, "loss": losses.mean()}
        rows[case] |= {"loss_nothing": each[SWAP[3]].mean()}
        # Of the own rules over this model: zero for themselves.
        rows[case] |= gain_over(losses, each[SWAP[0]])
        for name, w0 in new.w0.items():
            first = w0[:, None]
            rows[case][f"r2_{name}"] = change_r2(w[name] - first, found[name] - first)
    return rows
