"""How a row of the table on memory is made."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from plastutor import memory

from .settings import (
    BATCH,
    HELD_OUT,
    INFLATE,
    LARGEST,
    LEARNING_RATE,
    NEURONS,
    ORDER,
    OTHER,
    PHASE,
    RATE,
    RECALLS,
    SCALE,
    SMALL,
    STEPS,
    UPDATES,
    WRITTEN,
)


def stored_and_cues(key, prior, noise, n_patterns, n_recalls, n_units):
    """Patterns, and cues of some of them, one after the other, with those."""
    key_patterns, key_cues = jr.split(key)
    patterns = prior.sample(key_patterns, (n_patterns, n_units))
    asked = patterns[jnp.arange(n_recalls) % n_patterns]
    return patterns, asked, asked + noise.sample(key_cues, asked.shape)


def rms(found, asked, prior):
    """Over all recalls of a network."""
    return float(jnp.sqrt((memory.recall_error(found, asked, prior) ** 2).mean()))


def wrong_coupling(cue, w, n_patterns, coupled=OTHER, n_steps=60, dt=0.5):
    """Recall by the rule that wrote, but with the phase response of another one.

    Leak, input, and the misfit of each weight times the derivative of `coupled`. There
    is no density to climb, so the field is written by hand; with the derivative of the
    rule that wrote it is that of `memory.recall` (a test compares them).
    """
    prior, noise = PHASE
    mean, variance = memory.weight_moments(WRITTEN, prior, n_patterns - 1)
    response = jnp.vectorize(jax.grad(coupled))
    others = 1 - jnp.eye(len(w))

    def velocity(x, cue):
        i, j = x[:, None], x[None]
        pull = others * (w - mean - WRITTEN(i, j)) * response(i + 0 * j, j + 0 * i)
        leak = prior.concentration * jnp.sin(prior.mean - x)
        return leak + noise.concentration * jnp.sin(cue - x) + pull.sum(1) / variance

    nodes, weights = prior.nodes()
    squared = response(*jnp.meshgrid(nodes, nodes, indexing="ij")) ** 2
    scale = prior.precision + noise.precision
    scale += (len(w) - 1) * weights @ squared @ weights / variance

    @jax.jit
    def of_one(cue):
        step = lambda _, x: x + dt * velocity(x, cue) / scale
        return jax.lax.fori_loop(0, n_steps, step, prior.best(cue, noise))

    return jax.vmap(of_one)(cue)


def phase_errors(seed, n_patterns):
    """The error of each way to read a network that stores phases."""
    prior, noise = PHASE
    drawn = stored_and_cues(jr.key(seed), *PHASE, n_patterns, RECALLS, NEURONS)
    patterns, asked, cue = drawn
    w = memory.store(WRITTEN, patterns)
    read = partial(memory.recall, cue, w, n_patterns=n_patterns)
    found = {
        "cue and prior": prior.best(cue, noise),
        "recall": read(WRITTEN, *PHASE).x,
        "no self term": read(WRITTEN, *PHASE, self_term=False).x,
        "wrong coupling": wrong_coupling(cue, w, n_patterns),
    }
    return {way: {"rms": rms(x, asked, prior)} for way, x in found.items()}


def rate_errors(seed, n_patterns):
    """The same of one that stores activities on a line, by the covariance rule."""
    prior, noise = RATE
    drawn = stored_and_cues(jr.key(seed), *RATE, n_patterns, RECALLS, NEURONS)
    patterns, asked, cue = drawn
    rule = memory.Covariance(mean=prior.mean)
    w = memory.store(rule, patterns)
    read = partial(
        memory.recall, cue, w, rule, *RATE, n_patterns=n_patterns, n_steps=200
    )
    found = {
        "cue and prior": prior.best(cue, noise),
        "recall": read().x,
        "inflated": read(inflate=INFLATE).x,
        "subspace": memory.subspace_recall(cue, w, *RATE, n_patterns=n_patterns),
    }
    return {way: {"rms": rms(x, asked, prior)} for way, x in found.items()}


@partial(jax.jit, static_argnums=(2, 3))
def after_recall(rule, key, n_patterns, n_networks):
    """Mean 1 - cos of what is off, and its mean square, through store and recall."""
    prior, noise = PHASE

    def one(key):
        drawn = stored_and_cues(key, *PHASE, n_patterns, n_patterns, SMALL)
        patterns, asked, cue = drawn
        w = memory.store(rule, patterns)
        how = {"n_patterns": n_patterns, "n_steps": STEPS}
        off = prior.difference(memory.recall(cue, w, rule, *PHASE, **how).x, asked)
        return (1 - jnp.cos(off)).mean(), (off**2).mean()

    return jax.tree.map(jnp.mean, jax.vmap(one)(jr.split(key, n_networks)))


ADAM = optax.chain(
    optax.clip_by_global_norm(LARGEST),
    optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, UPDATES)),
)


@partial(jax.jit, static_argnums=3)
def update(rule, state, key, n_patterns):
    """One step of Adam, on patterns that were never seen before."""
    gradient, _ = jax.grad(after_recall, has_aux=True)(rule, key, n_patterns, BATCH)
    steps, state = ADAM.update(gradient, state)
    return optax.apply_updates(rule, steps), state


def learn(seed, n_patterns):
    """A storage rule from a random one, by its recall; also where it started."""
    key_cosines, key_sines, key = jr.split(jr.key(seed), 3)
    rule = start = memory.Fourier(
        SCALE * jr.normal(key_cosines, (ORDER,)), SCALE * jr.normal(key_sines, (ORDER,))
    )
    state = ADAM.init(rule)
    for key_update in jr.split(key, UPDATES):
        rule, state = update(rule, state, key_update, n_patterns)
    return rule, start


def learned_errors(seed, n_patterns):
    """A learned rule beside the Gabor, on patterns that took no part in learning."""
    rule, start = learn(seed, n_patterns)
    key, (prior, noise) = jr.key(1000 + seed), PHASE
    drawn = jax.vmap(
        lambda key: stored_and_cues(key, *PHASE, n_patterns, n_patterns, SMALL)
    )(jr.split(key, HELD_OUT))
    _, asked, cue = drawn
    rows = {"cue and prior": {"rms": rms(prior.best(cue, noise), asked, prior)}}
    for way, one in {"Gabor": WRITTEN, "start": start, "learned": rule}.items():
        error = float(jnp.sqrt(after_recall(one, key, n_patterns, HELD_OUT)[1]))
        rows[way] = {"rms": error}
        if isinstance(one, memory.Fourier):
            each = zip(("cosines", "sines"), one, strict=True)
            rows[way] |= {k: " ".join(f"{v:.4f}" for v in value) for k, value in each}
    return rows


ERRORS = {"phase": phase_errors, "rate": rate_errors, "learned": learned_errors}


def run(batch) -> list[dict]:
    """The rows of one network, or of one rule that is learned."""
    code, n_patterns, seed = (batch[0][k] for k in ("code", "patterns", "network"))
    made = ERRORS[code](seed, n_patterns)
    rows = []
    for setting in batch:
        row = made[setting["way"]]
        known = np.isfinite(row["rms"])
        row = {"status": "finished" if known else "diverged"} | row
        rows.append(row | {"rms": f"{row['rms']:.4f}"})
    return rows
