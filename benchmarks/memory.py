"""Memory: one recall in a large network, and how its cost grows with the neurons."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import compiled, in_turns

from plastutor import memory

PRIOR, NOISE = memory.VonMises(0.0, 0.5), memory.VonMises(0.0, 10.0)
RULE = memory.Gabor()


def stored(n_units, n_patterns):
    """Weights of a network, and a cue of its first pattern."""
    keys = jr.split(jr.key(0))
    patterns = PRIOR.sample(keys[0], (n_patterns, n_units))
    cue = patterns[0] + NOISE.sample(keys[1], (n_units,))
    return cue, memory.store(RULE, patterns)


def main():
    """Float32; one step of a recall is one gradient of the log-posterior."""
    density = partial(memory.log_posterior, n_patterns=100)

    def step(x, cue, w):
        return jax.grad(density)(x, cue, w, RULE, PRIOR, NOISE)

    print("\nOne step of a recall of phases, 100 stored patterns")
    sizes, took = (500, 1000, 2000, 4000), []
    for n in sizes:
        cue, w = stored(n, 100)
        run, needed = compiled(step, cue, cue, w)
        took.append(in_turns({"": run}, 3, 1)[""])
        print(f"  {n:5d} neurons: {took[-1] * 1e3:8.1f} ms, {needed / 1e6:8.1f} MB")
    slope = np.polyfit(np.log(sizes), np.log(took), 1)[0]
    said = "reached" if 1.7 <= slope <= 2.3 else "MISSED"
    print(f"  slope in neurons: {slope:.2f} (1.7 to 2.3 asked for: {said})")
    cue, w = stored(2000, 100)
    read = partial(memory.recall, rule=RULE, prior=PRIOR, noise=NOISE, n_patterns=100)
    jax.block_until_ready(read(cue, w).x)  # compiled now
    whole = in_turns({"": lambda: read(cue, w).x}, 1, 1)[""]
    error = memory.recall_error(read(cue, w).x, jnp.asarray(cue), PRIOR)
    print(
        f"  a recall of 60 steps, 2,000 neurons: {whole:.1f} s (moves {error:.2f} rad)"
    )
