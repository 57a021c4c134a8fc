"""Rules: the fast form of a rule against plain ones, in one loss and gradient."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
from measure import in_turns

import plastutor as pt

RULE = pt.taylor(pt.OJA_ORDERS)


def outer_apply(theta, x, y, w, r):
    """The plain baseline: all products of powers of one synapse, then the sum."""
    powers = [jnp.stack([v**0, v, v**2]) for v in (x, y, w)]
    products = jnp.outer(jnp.outer(powers[0], powers[1]), powers[2])
    if theta.shape[3] == 3:
        products = jnp.outer(products, jnp.stack([r**0, r, r**2]))
    return jnp.sum(theta.reshape(products.shape) * products)


def main():
    """One loss + gradient, 100 -> 1000 x 50 steps, float32."""
    data = pt.neural_task(jr.key(0), RULE, pt.OJA, n_experiments=1)
    data = jax.tree.map(lambda leaf: leaf[0], data)
    theta = jnp.asarray(pt.OJA + 0.01, jnp.float32)
    rows = {
        "fused (the package)": RULE,
        "fused, derivative by JAX": RULE._replace(
            update=jax.checkpoint(RULE.forward_update)
        ),
        "Rule.apply, two vmaps": RULE._replace(
            update=pt.rules.plain_update(RULE.apply)
        ),
        "outer products, two vmaps": pt.Rule(
            *RULE[:2], pt.rules.plain_update(outer_apply)
        ),
    }
    print("\nOne loss + gradient, 100 -> 1000 x 50 steps, float32")
    compiled = {
        name: jax.jit(jax.value_and_grad(pt.objective(rule, pt.activity)))
        .lower(theta, data)
        .compile()
        for name, rule in rows.items()
    }
    ours, *others = compiled
    gradient = compiled[ours](theta, data)[1]
    memory = {
        name: run.memory_analysis().temp_size_in_bytes / 1e6
        for name, run in compiled.items()
    }
    print(f"  {ours:27s} takes {memory[ours]:.1f} MB; against it:")
    for name in others:
        runs = {k: partial(compiled[k], theta, data) for k in (ours, name)}
        times = in_turns(runs)
        slow, fast = times[name], times[ours]
        off = jnp.abs(compiled[name](theta, data)[1] - gradient).max()
        print(
            f"  {name:27s} {slow * 1e3:8.1f} ms against {fast * 1e3:5.1f} ms:"
            f" {slow / fast:5.1f} x; {memory[name]:6.1f} MB:"
            f" {memory[name] / memory[ours]:4.1f} x;"
            f" gradient off by {float(off / jnp.abs(gradient).max()):.0e}"
        )
