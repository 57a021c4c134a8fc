"""How a row of the table on flies is made."""

import time
from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .endings import ending
from .habits import run_habit
from .models import Model, model_of
from .settings import COHORT_FITS, FIVE, FOUR, ORDERS, POWER, Habit, Setting


def fly_data():
    """The real flies."""
    return pt.data.flies.experiments(pt.data.flies.load())


def shuffled(data, seed: int):
    """The same choices; the rewards of each fly in another order."""
    valid, reward = np.asarray(data.valid), np.array(data.reward)
    draw = np.random.default_rng(seed)
    for row, there in zip(reward, valid, strict=True):
        row[there] = draw.permutation(row[there])
    return data._replace(reward=jnp.asarray(reward))


def cohort(setting: Setting):
    """18 simulated flies."""
    theta = pt.terms(ORDERS, **{name: getattr(setting, name) for name in FIVE})
    return pt.data.flies.experiments(
        pt.data.flies.simulate_flies(jr.key(setting.seed), theta)
    )


def do_nothing(data):
    return np.log(2) * pt.evaluate.count_observations(data)


def score(losses, null, fits) -> dict:
    each = 100 * (1 - losses / null)
    return ending(fits, losses, null) | {
        "deviance": f"{pt.percent_deviance(losses, null):.4f}",
        "median": f"{np.median(each):.4f}",
        "above": int((losses < null).sum()),
        "flies": len(null),
        "nats": " ".join(f"{value:.3f}" for value in losses),
    }


def left_out(model: Model, data, seed=0):
    key, how = jr.key(seed), {"restarts": model.restarts, **model.how}
    return pt.leave_one_out(key, model.loss, model.init, data, **how)


def pooled(model: Model, data, seed=0) -> pt.Fit:
    how = {"restarts": model.restarts, **model.how}
    return pt.fit_restarts(jr.key(seed), model.loss, model.init, data, **how)


def rules_of_the_flies() -> dict[str, dict[str, float]]:
    """What four and five terms fitted to the real flies, rounded."""
    jax.config.update("jax_enable_x64", True)
    data, found = fly_data(), {}
    for kind, only in {"no forgetting": FOUR, "forgetting": FIVE}.items():
        fit = pooled(model_of(f"{len(only)} terms"), data)
        theta = np.ravel(fit.theta["rule"])
        found[kind] = {
            term: round(float(theta[pt.rules.free_indices(ORDERS, (term,))[0]]), 3)
            for term in only
        }
    return found


def run_model(setting: Setting) -> dict:
    """A model on flies that its fit has not seen."""
    data = fly_data()
    if setting.kind == "rewards shuffled":
        data = shuffled(data, setting.seed)
    if setting.kind == "hierarchical":
        losses, fits = leave_one_out_of_population(setting.model, data)
        return score(losses, do_nothing(data), fits)
    found = left_out(model_of(setting.model), data)
    counts = pt.evaluate.count_observations(data)
    of_others = (counts.sum() - counts)[:, None]  # the choices that were fitted
    nats = of_others * (found.restarts - found.restarts.min(1, keepdims=True))
    return {
        **score(found.losses, do_nothing(data), found.fits),
        "reached": f"{(nats < 1).mean():.3f}",
    }


def leave_one_out_of_population(name: str, data):
    """Each fly from a population fitted to the others, and its own choices so far."""
    model, losses = model_of(name), []
    found = left_out(model, data)
    for k, fit in enumerate(found.fits):
        alone = jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], data)
        others = jax.tree.map(lambda leaf, k=k: np.delete(leaf, k, 0), data)
        population = pt.evaluate.fit_population(model.loss, fit.theta, others)
        losses += [
            *pt.evaluate.predictive_losses(jr.key(k), model.loss, population, alone)
        ]
    return np.array(losses), found.fits


def small(theta):
    """The penalty of a fit to one fly."""
    return 1e-3 * sum((leaf**2).sum() for leaf in jax.tree.leaves(theta))


def run_prefix(setting: Setting) -> dict:
    """The first trials of all flies are fitted, and the rest is predicted."""
    data, model = fly_data(), model_of(setting.model)
    carry = setting.kind != "later trials, reset"
    first, rest = pt.evaluate.split_in_time(data, setting.cut, carry=carry)
    if setting.kind == "later trials, each fly":
        # Without a penalty some flies' coefficients leave for infinity.
        model = model._replace(loss=replace(model.loss, penalty=small))
        alone = jax.tree.map(lambda leaf: leaf[:, None], first)
        starts = jax.vmap(model.init)(
            jr.split(jr.key(0), len(first.x) * model.restarts)
        )
        repeated = jax.tree.map(lambda leaf: jnp.repeat(leaf, model.restarts, 0), alone)
        fits = pt.fit_many(model.loss, starts, repeated, data_axes=0, **model.how)
        each = range(0, len(fits), model.restarts)
        best = [min(fits[k : k + model.restarts], key=pt.lowest_loss) for k in each]
        thetas = [fit.theta for fit in best]
        losses = pt.evaluate.animal_losses(model.loss, thetas, rest)
        return score(losses, do_nothing(rest), best)
    fit = pooled(model, first)
    if setting.kind == "later trials, hierarchical":
        found = pt.evaluate.fit_population(model.loss, fit.theta, first)
        losses = pt.evaluate.predictive_losses(
            jr.key(0), model.loss, found, rest, given=first
        )
    else:
        losses = pt.evaluate.animal_losses(model.loss, fit.theta, rest)
    return score(losses, do_nothing(rest), [fit])


def run_cohort(setting: Setting) -> dict:
    """A simulated cohort through the procedure of the chapter."""
    data, model, row = cohort(setting), model_of("5 terms"), {}
    fit = pooled(model, data, setting.seed)
    fits = [fit]
    low, high = pt.evaluate.cluster_robust_interval(model.loss, fit.theta, data)
    (of_w,) = pt.rules.free_indices(ORDERS, ("w",))
    place = pt.rules.free_indices(ORDERS, FIVE).index(of_w)
    row["found_w"] = f"{fit.theta['rule'][0, 0, 1, 0]:.5f}"
    row["low_w"], row["high_w"] = f"{low[place]:.5f}", f"{high[place]:.5f}"
    if setting.w == 0 or setting.seed < POWER:
        null = do_nothing(data)
        found = [
            left_out(model_of(name)._replace(**COHORT_FITS), data, setting.seed)
            for name in ("4 terms", "5 terms")
        ]
        without, with_w = (one.losses for one in found)
        fits += [one for each in found for one in each.fits]
        key = jr.key(setting.seed)
        gain = pt.compare_models(key, with_w, without, null, alternative="greater")
        row |= score(with_w, null, fits)
        row |= {"gain": f"{gain.gain:.4f}", "better": gain.n_better}
        row |= {"p_value": f"{gain.p_value:.2e}", "nats": ""}
    return ending(fits) | row


def run(batch: list[dict]) -> list[dict]:
    """One setting after the other."""
    jax.config.update("jax_enable_x64", True)
    rows = []
    for values in batch:
        start = time.perf_counter()
        if "against" in values:
            row = run_habit(Habit(**values))
        else:
            setting = Setting(**values)
            kind = setting.kind.split(",")[0]
            works = {"cohort": run_cohort, "later trials": run_prefix}
            row = works.get(kind, run_model)(setting)
        rows.append({**row, "seconds": f"{time.perf_counter() - start:.1f}"})
    return rows
