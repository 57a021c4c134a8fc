"""Forgetting or habit: rules of the flies with a choice kernel, and its rivals."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree

import plastutor as pt
from plastutor.likelihoods import softmax_choice
from plastutor.networks import Parallel, bias

from .endings import ended, ending
from .settings import BLOCKS, FOLD_STEPS, HABIT_FITS, ORDERS, Habit

KERNEL = pt.taylor(pt.Orders(x=1, w=1), ("x", "w"), scale=0.1)
RULES = {  # projections and their terms; "bias": one number for both odours
    "4 terms": {"ff": "one x r xr"},
    "5 terms": {"ff": "one x r xr w"},
    "5 terms, x w": {"ff": "one x r xr w xw"},
    "no reward": {"ff": "one x w"},
    "x, r, xr, w": {"ff": "x r xr w"},
    "x, xr": {"ff": "x xr"},
    "x, xr, w": {"ff": "x xr w"},
    "no trace decays": {"choices": "one x", "rewards": "r xr"},
    "choice trace decays": {"choices": "one x w", "rewards": "r xr"},
    "reward trace decays": {"choices": "one x", "rewards": "r xr w"},
    "both traces decay": {"choices": "one x w", "rewards": "r xr w"},
}
Q_LEARNING = {
    "Q-learning": {},
    "Q-learning, no forgetting": {"forgetting": False},
    "Q-learning, no forgetting + kernel": {"forgetting": False, "kernel": True},
    "Q-learning + kernel": {"kernel": True},
    "Q-learning, no-reward value + kernel": {"no_reward": True, "kernel": True},
}
PENALTIES = (1e-4, 1e-3, 1e-2)  # of the regression, chosen inside the other flies


class Fitted(NamedTuple):
    """A loss, where its theta may start, and how it is fitted."""

    loss: pt.objectives.Objective | list[pt.objectives.Objective]
    init: object
    how: dict


@cache  # the same loss: JAX need not compile it again
def model_of(name: str) -> Fitted:
    """A model by its name: "5 terms + kernel", "x, xr, w + kernel, softmax"."""
    if name == "regression, 20 lags + bias":
        losses = [
            pt.evaluate.logistic_regression(20, bias=1, penalty=p) for p in PENALTIES
        ]
        how = {"optimizer": pt.GaussNewton(), "max_steps": 8, "restarts": 1}
        return Fitted(losses, losses[0].predict.init, how)
    if name in Q_LEARNING or name == "kernel alone":
        loss = pt.evaluate.choice_kernel()
        if name in Q_LEARNING:
            loss = pt.evaluate.q_learning(**Q_LEARNING[name])
        how = {"optimizer": pt.GaussNewton(), "max_steps": 40, "restarts": 12}
        return Fitted(loss, loss.predict.init, how)
    base, _, link = name.partition(", softmax")
    link = softmax_choice if name.endswith(", softmax") else pt.choice
    base, *more = base.split(" + ")
    rules = {
        projection: pt.taylor(ORDERS, terms.split(), scale=0.1)
        for projection, terms in RULES[base].items()
    }
    rules |= {"kernel": KERNEL} if "kernel" in more else {}
    network = Parallel(tuple(rules))
    rules |= {"bias": bias()} if "bias" in more else {}
    every = pt.Rules(rules)
    how = {"optimizer": pt.GaussNewton(), "max_steps": 40}
    loss = pt.objective(rules, link, network=network)
    return Fitted(loss, every.init, how | {"restarts": 12})


@cache
def real_flies():
    """The choices of the real flies."""
    return pt.data.flies.experiments(pt.data.flies.load())


def nothing(data):
    """The summed loss of each fly without a model."""
    return np.log(2) * pt.evaluate.count_observations(data)


def left_out(name: str, data, seed: int = 0, optima=None, **other) -> dict:
    """Each fly from the others: losses, and how the fits ended.

    Each fold starts from every optimum of all flies, or from those that are given.
    """
    if name == "recurrent network":
        loss = pt.evaluate.recurrent_network(2, bias=1)
        found = pt.evaluate.leave_one_out_stopped(
            jr.key(seed), loss, loss.predict.init, data
        )
        stops = [
            "stopped early" if step < len(fit.losses) - 1 else fit.status
            for fit, step in zip(found.fits, found.steps, strict=True)
        ]
        steps = int(np.median(found.steps))
        return {"losses": found.losses, "steps": steps} | ended(stops)
    loss, init, how = model_of(name)
    if not isinstance(loss, pt.objectives.Objective):
        found = pt.leave_one_out(jr.key(seed), loss, init, data, **how)
        return {"losses": found.losses} | ended([fit.status for fit in found.fits])
    optima, nats, reached = optima or optima_of(name, data, seed)
    how = how | {"restarts": 1} | other
    folds = [
        pt.leave_one_out(
            jr.key(seed), loss, lambda key, k=k: optima[k].theta, data, **how
        )
        for k in range(len(optima))
    ]
    # Each fold takes the optimum that is best on the flies that it fits.
    best = np.argmin([fold.restarts[:, 0] for fold in folds], 0)
    fits = [folds[k].fits[fly] for fly, k in enumerate(best)]
    return {
        "losses": np.array([folds[k].losses[fly] for fly, k in enumerate(best)]),
        "reached": f"{reached:.3f}",
        "optima": " ".join(f"{value:.2f}" for value in nats),
    } | ending(fits)


def optima_of(name: str, data, seed: int = 0, more=(), **other):
    """Fits of one theta to all flies that are different optima, and their losses.

    Those within 8 units of deviance of the best (4 nats), at most three. Also the share
    of the random starts that came within 1 nat of the best. `more` are further starts.
    """
    loss, init, how = model_of(name)
    how = how | other
    starts = jax.vmap(init)(jr.split(jr.key(seed), how.pop("restarts")))
    starts = jax.tree.map(lambda all, *one: jnp.stack([*all, *one]), starts, *more)
    fits = pt.fit_many(loss, starts, data, **how)
    optima = pt.infer.distinct_optima(loss, fits, data)[:3]
    nats = pt.infer.nats_above_best(loss, fits, data)[: len(fits) - len(more)]
    return optima, pt.infer.nats_above_best(loss, optima, data), (nats < 1).mean()


@cache
def real_left_out(name: str, seed: int = 0) -> dict:
    """The same of the real flies, once in each process."""
    return left_out(name, real_flies(), seed)


def compared(one: dict, other: dict, null, seed: int = 0) -> dict:
    """What one model gains on another, fly by fly."""
    found = pt.compare_models(jr.key(seed), one["losses"], other["losses"], null)
    return {
        "gain": f"{found.gain:.4f}",
        "gain_low": f"{found.interval[0]:.4f}",
        "gain_high": f"{found.interval[1]:.4f}",
        "better": found.n_better,
        "p_value": f"{found.p_value:.2e}",
    }


def run_flies(setting: Habit) -> dict:
    """A model on real flies that its fit has not seen, and what it gains."""
    null = nothing(real_flies())
    found = dict(real_left_out(setting.model, setting.seed))
    row = {}
    if setting.against:
        row = compared(found, real_left_out(setting.against, setting.seed), null)
    losses = found.pop("losses")
    low, high = pt.evaluate.bootstrap_interval(
        jr.key(setting.seed), pt.percent_deviance, losses, null
    )
    return {
        **row,
        **found,
        "deviance": f"{pt.percent_deviance(losses, null):.4f}",
        "low": f"{low:.4f}",
        "high": f"{high:.4f}",
        "above": int((losses < null).sum()),
        "nats": " ".join(f"{value:.3f}" for value in losses),
    }


def run_pooled(setting: Habit) -> dict:
    """One rule for all flies: each optimum, with intervals over flies."""
    data, loss = real_flies(), model_of(setting.model).loss
    optima, nats, reached = optima_of(setting.model, data, setting.seed)
    free, found = jnp.array(loss.rule.free), []
    thetas = [fit.theta for fit in optima]
    ends = pt.evaluate.cluster_robust_interval(loss, thetas, data)
    for theta, low, high in zip(thetas, *ends, strict=True):
        three = zip(ravel_pytree(theta)[0][free], low, high, strict=True)
        found.append("; ".join(" ".join(f"{v:.4f}" for v in row) for row in three))
    return {
        "theta": " | ".join(found),
        "optima": " ".join(f"{value:.2f}" for value in nats),
        "reached": f"{reached:.3f}",
    } | ending(optima)


@cache
def real_theta(name: str):
    """One theta for all real flies, once in each process."""
    return optima_of(name, real_flies())[0][0].theta


def nested_starts(name: str, optima: dict) -> list:
    """The best fits of the smaller models, as starts of a larger one."""
    base, kernel = name.split(" + ")[0], name.endswith("kernel")
    smaller = [base] * kernel + [name.replace("5", "4")] * (base == "5 terms")
    still = jax.tree.map(jnp.zeros_like, {"kernel": KERNEL.init(jr.key(0))})
    found = [optima[small][0][0].theta for small in smaller]
    return [still | theta if kernel else theta for theta in found]


def run_cohort(setting: Habit, truth=None) -> dict:
    """Simulated flies through the old test for forgetting, and the one with a kernel.

    They learn as `setting.model` fitted to the real flies: with a habit, and with or
    without forgetting.
    """
    loss = model_of(setting.model).loss
    truth = real_theta(setting.model) if truth is None else truth
    data = pt.tasks.choice_task(jr.key(setting.seed), loss.predict, truth)
    null, row, optima = nothing(data), {}, {}
    for name in ("4 terms", "5 terms", "4 terms + kernel", "5 terms + kernel"):
        more = nested_starts(name, optima)
        optima[name] = optima_of(name, data, setting.seed, more, **HABIT_FITS)
    for test, more in {"old": "", "new": " + kernel"}.items():
        names = [f"{k} terms{more}" for k in (5, 4)]
        one, other = (
            left_out(k, data, setting.seed, optima[k], max_steps=FOLD_STEPS)
            for k in names
        )
        found = compared(one, other, null, setting.seed)
        new = ("gain", "gain_low", "gain_high", "better", "p_value")
        row |= {name if test == "new" else f"old_{name}": found[name] for name in new}
    return row | {key: one[key] for key in ("status", "largest")}


def trace_truth(name: str):
    """Simulated flies of which one trace fades, by its model's name.

    That of choices fades as in the fit of that model to the real flies. For rewards
    that fit hardly fades; so theirs are as in the fit in which both fade, and choices
    leave the trace of the model of this name.
    """
    theta = dict(real_theta(name))
    if name == "reward trace decays":
        theta["rewards"] = real_theta("both traces decay")["rewards"]
    return theta


def run_traces(setting: Habit) -> dict:
    """What fades? Simulated flies, each from the others, by either trace."""
    blocks = BLOCKS * (4 if setting.kind.endswith("long") else 1)
    data = pt.tasks.choice_task(
        jr.key(setting.seed),
        model_of(setting.model).loss.predict,
        trace_truth(setting.model),
        reward_probabilities=blocks,
    )
    found = []
    for name in (setting.model, setting.against):
        optima = optima_of(name, data, setting.seed, **HABIT_FITS)
        found.append(left_out(name, data, setting.seed, optima, max_steps=FOLD_STEPS))
    row = compared(*found, nothing(data), setting.seed)
    return row | {key: found[0][key] for key in ("status", "largest")}


def run_habit(setting: Habit) -> dict:
    """A row of the table on habits."""
    makes = {"pooled": run_pooled, "cohort": run_cohort}
    makes |= {"which trace": run_traces, "which trace, long": run_traces}
    make = makes.get(setting.kind, run_flies)
    return make(setting)
