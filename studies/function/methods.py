"""How a row of the table on function is made."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt
from plastutor.objectives import (
    End,
    Fresh,
    component_distance,
    functional,
    rate_distance,
    subspace_distance,
)
from plastutor.search import evolve

from .settings import (
    ADAM,
    ALONE,
    EVERY,
    EXC,
    GENERATIONS,
    GOALS,
    HELD_OUT,
    LAYER,
    NEURON,
    POPULATION,
    RULE,
    SANGER_RATES,
    SECONDS,
    SETTLE,
    SPECTRUM,
    SPIKING,
    SPIKING_GENERATIONS,
    SPIKING_POPULATION,
    SPIKING_STEP,
    START,
    STEP,
    STEPS,
    STILL,
    TARGET,
    UNITS,
    pull,
)

neuron_goals = pt.tasks.component_goals
layer_goals = partial(
    pt.tasks.component_goals, spectrum=SPECTRUM, n_post=UNITS, settle=SETTLE
)
LAYER_RULES = {"ff": RULE, "rec": RULE}
SPIKING_RULES = {"inh": pt.rules.doublet()}
OF_NEURON = functional(RULE, component_distance, network=NEURON)
OF_LAYER = functional(LAYER_RULES, subspace_distance, network=LAYER)
OF_SPIKES = functional(
    SPIKING_RULES,
    rate_distance,
    network=SPIKING,
    worst=200.0,
    window=round(500 * SECONDS),
    penalty=pull,
)


def neuron_sample(key):
    """Goals of one step."""
    return neuron_goals(key, GOALS)


def layer_sample(key):
    """Goals of one step."""
    return layer_goals(key, GOALS)


def spiking_sample(key, n_goals=6):
    """Goals of one generation."""
    return pt.tasks.rate_goals(
        key, n_goals, target_hz=TARGET, seconds=SECONDS, weight={"exc": EXC}
    )


def cosine(w, target):
    """Of each neuron's weights with its component, sign-blind, over all experiments."""
    along = jnp.abs((w * target).sum(1)) / jnp.linalg.norm(w, axis=1)
    return jnp.where(jnp.isfinite(along), along, 0).mean()


def judged(loss, theta, goals) -> dict:
    """The held-out row of a rule."""
    each, away = loss.each(theta, goals), loss.ran_away(theta, goals)
    row = {"status": "finished", "loss": float(each.mean()), "away": int(away.sum())}
    if away.all():
        row["status"] = "weights ran away"
    w = loss.end(theta, goals).w
    w = w["ff"] if isinstance(w, dict) else w
    row["cosine"] = float(cosine(w, goals.target))
    return row | {"theta": as_text(theta)}


def as_text(theta) -> str:
    """All numbers of theta, of one projection after the other."""
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(theta)]
    return " ".join(f"{v:.4f}" for v in np.concatenate(leaves))


@lru_cache
def held_out(task):
    """The same for every seed and way."""
    sample = {
        "neuron": partial(neuron_goals, n_goals=HELD_OUT),
        "layer": partial(layer_goals, n_goals=HELD_OUT),
        "spikes": partial(spiking_sample, n_goals=20),
    }
    return sample[task](jr.key(999))


def reached(loss, thetas, limit, goals):
    """After how many steps, or generations, a rule was as good as the limit.

    Empty if it never was. Looked at every few steps, on held-out experiments.
    """
    for k in range(0, len(thetas), EVERY):
        if float(loss(jnp.asarray(thetas[k]), goals)) <= limit:
            return k
    return ""


def neuron_rows(seed) -> dict:
    """One neuron, which should find the first component."""
    goals, shape = held_out("neuron"), pt.OJA.shape
    key_start, key_fit, key_random, key_evolve = jr.split(jr.key(seed), 4)
    judge = partial(judged, OF_NEURON, goals=goals)
    rows = {"nothing": judge(jnp.zeros(shape)), "Oja": judge(pt.OJA)}
    rows["random"] = judge(jr.normal(key_random, shape) / 2)
    limit, data = 1.2 * rows["Oja"]["loss"], Fresh(neuron_sample, key_fit)
    start = START * jr.normal(key_start, shape)
    found = pt.fit(OF_NEURON, start, data, optimizer=ADAM, max_steps=STEPS)
    took = reached(OF_NEURON, found.thetas, limit, goals)
    rows["gradient"] = judge(found.theta) | {"steps": took}
    how = {"step": STEP, "population": POPULATION, "generations": GENERATIONS}
    found = evolve(key_evolve, OF_NEURON, jnp.zeros(shape), data, **how)
    took = reached(OF_NEURON, found.thetas, limit, goals)
    rows["evolution"] = judge(found.theta) | {"steps": took}
    return rows


def sanger(goals, rate):
    """The final weights by Sanger's rule, over the same presentations."""

    def one(goal):
        def step(w, x):
            y = x @ w
            return w + rate * (jnp.outer(x, y) - w @ jnp.triu(jnp.outer(y, y))), None

        x = goal.experiment.x[SETTLE - 1 :: SETTLE]
        return jax.lax.scan(step, goal.experiment.w0["ff"], x)[0]

    return jax.vmap(one)(goals)


def sanger_row(goals) -> dict:
    """At the rate that serves it best on these goals."""
    rows = []
    for rate in SANGER_RATES:
        w = sanger(goals, rate)
        each = jax.vmap(lambda w, c: subspace_distance(End(w, jnp.zeros((1, 1))), c))
        loss = float(each(w, goals.target).mean())
        rows.append({"loss": loss, "cosine": float(cosine(w, goals.target))})
    return min(rows, key=lambda row: row["loss"]) | {"status": "finished", "away": 0}


def layer_rows(seed) -> dict:
    """Three neurons, which should find the first three."""
    goals, shape = held_out("layer"), pt.OJA.shape
    judge = partial(judged, OF_LAYER, goals=goals)

    def drawn(key, scale):
        keys = dict(zip(LAYER_RULES, jr.split(key), strict=True))
        return {name: scale * jr.normal(k, shape) for name, k in keys.items()}

    key_start, key_fit, key_random = jr.split(jr.key(seed), 3)
    rows = {"nothing": judge(drawn(key_start, 0.0)), "Sanger": sanger_row(goals)}
    rows["random"] = judge(drawn(key_random, 0.5))
    data, start = Fresh(layer_sample, key_fit), drawn(key_start, 0.003)
    found = pt.fit(OF_LAYER, start, data, optimizer=ADAM, max_steps=STEPS)
    rows["gradient"] = judge(found.theta)
    alone = functional(LAYER_RULES, subspace_distance, network=ALONE)
    rows["no lateral"] = judged(alone, found.theta, goals)
    return rows


def spiking_row(theta, goals) -> dict:
    """The held-out row of a doublet rule, with its rate and the mean field's."""
    each, away = OF_SPIKES.each(theta, goals), OF_SPIKES.ran_away(theta, goals)
    rate = 1000 * float(OF_SPIKES.end(theta, goals).y.mean())
    field = float(pt.rules.mean_field_rate(theta["inh"], 10.0))
    row = {"status": "finished", "loss": float(each.mean()), "rate": rate}
    row |= {"mean_field": field if np.isfinite(field) else ""}
    return row | {"away": int(away.sum()), "theta": as_text(theta)}


def spiking_rows(seed) -> dict:
    """A spiking neuron, which should keep its rate."""
    goals = held_out("spikes")
    key_random, key_fit, key_evolve = jr.split(jr.key(seed), 3)
    rows = {"nothing": spiking_row(STILL, goals)}
    rows["Vogels"] = spiking_row({"inh": pt.rules.vogels(TARGET)}, goals)
    drawn = {"inh": SPIKING_RULES["inh"].init(key_random)}
    rows["random"] = spiking_row(drawn, goals)
    found = evolve(
        key_evolve,
        OF_SPIKES,
        STILL,
        Fresh(spiking_sample, key_fit),
        step=SPIKING_STEP,
        population=SPIKING_POPULATION,
        generations=SPIKING_GENERATIONS,
    )
    rows["evolution"] = spiking_row(found.theta, goals)
    return rows


ROWS = {"neuron": neuron_rows, "layer": layer_rows, "spikes": spiking_rows}


def run(batch) -> list[dict]:
    """The rows of one task and seed."""
    made = ROWS[batch[0]["task"]](batch[0]["seed"])
    return [rounded(made[setting["way"]]) for setting in batch]


def rounded(row) -> dict:
    """With as many digits as there are to say."""
    return {k: f"{v:.4f}" if isinstance(v, float) else v for k, v in (row).items()}
