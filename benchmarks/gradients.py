"""Gradients: what they cost beyond the loss, and how that grows, for the book.

Writes book/results/scaling.csv: time and memory against length, synapses, animals and
rules.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import compiled, head, in_turns, seconds
from rules import RULE, outer_apply

import plastutor as pt

TABLE = Path(__file__).parent.parent / "book" / "results" / "scaling.csv"
WAYS = "loss alone", "reverse, everything kept", "reverse", "forward", "local"


def recording(length, pre, post):
    """One recording of a network that learns slowly: finite at any length."""
    theta = pt.terms(pt.OJA_ORDERS, xy=0.01, yyw=-0.01, dtype=jnp.float32)
    sizes = {"n_experiments": 1, "n_steps": length, "n_pre": pre, "n_post": post}
    data = pt.neural_task(jr.key(0), RULE, theta, **sizes)
    return 0.9 * theta, jax.tree.map(lambda leaf: leaf[0], data)


def of_activity(way):
    """A loss, or a loss with its gradient, found in one of the ways."""
    if way == "reverse, everything kept":  # the plain baseline: no blocks

        def plain(theta, data):
            made = pt.simulate(RULE, theta, data, keep_weights=False)
            return pt.activity(made, data)

        return jax.value_and_grad(plain)
    if way == "loss alone":
        return pt.objective(RULE, pt.activity)
    return jax.value_and_grad(pt.objective(RULE, pt.activity, gradient=way))


def gradient_against_loss():
    """What the gradient costs beyond the loss, 100 -> 1000 x 50 steps, float32."""
    data = pt.neural_task(jr.key(0), RULE, pt.OJA, n_experiments=1)
    data = jax.tree.map(lambda leaf: leaf[0], data)
    theta, loss = jnp.asarray(pt.OJA + 0.01, jnp.float32), of_activity("loss alone")
    runs = {
        "loss": partial(jax.jit(loss), theta, data),
        "gradient": partial(jax.jit(jax.value_and_grad(loss)), theta, data),
    }
    loss, gradient = in_turns(runs).values()
    print(
        f"\n100 -> 1000 x 50 steps, loss alone: {loss * 1e3:.2f} ms; with the gradient "
        f"{gradient * 1e3:.1f} ms: {gradient / loss:.1f} x"
    )


def cost_against_length():
    """Twice the steps should take twice the time; some jaxlib took four times."""
    print("\nSimulation and gradient against length, 50 -> 100, time a step")
    for steps in (250, 500, 1000, 2000):
        data = pt.neural_task(
            jr.key(1),
            RULE,
            pt.OJA,
            n_experiments=1,
            n_steps=steps,
            n_pre=50,
            n_post=100,
        )
        run = jax.jit(jax.value_and_grad(pt.objective(RULE, pt.activity)))
        took = seconds(lambda run=run, data=data: run(jnp.asarray(pt.OJA), data), 5)
        print(f"  {steps:5d} steps {took / steps * 1e6:7.1f} us")


def choices_gradient():
    """One loss + gradient over 18 animals, 81 terms."""
    rule, theta_true = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    data = pt.foraging_task(jr.key(0), rule, theta_true).experiment
    data = pt.first_steps(data, int(data.valid.sum(1).max()))
    theta = jnp.asarray(0.9 * theta_true, jnp.float32)
    ours = jax.jit(
        jax.value_and_grad(
            pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=240)
        )
    )
    outer = pt.Rule(*rule[:2], pt.rules.plain_update(outer_apply))
    alone = jax.jit(
        jax.value_and_grad(pt.objective(outer, pt.accept, network=pt.BEHAVIOUR))
    )
    each = [jax.tree.map(lambda leaf, k=k: leaf[k], data) for k in range(18)]

    def loop():
        return [alone(theta, animal) for animal in each]

    times = in_turns({"ours": partial(ours, theta, data), "loop": loop}, rounds=25)
    fast, slow = times["ours"], times["loop"]
    weight = data.valid.sum(1) / data.valid.sum()
    gradient = sum(w * of[1] for w, of in zip(weight, loop(), strict=True))
    off = jnp.abs(ours(theta, data)[1] - gradient).max() / jnp.abs(gradient).max()
    print(
        f"\nOne loss + gradient, 18 flies x 240 trials, 81 terms: {fast * 1e3:.1f} ms;"
        f"\n  a loop over animals, outer products, every presentation:"
        f" {slow * 1e3:.0f} ms: {slow / fast:.1f} x; gradient off by {float(off):.0e}"
    )


def rows(axis, sizes, programs, rounds=5):
    """Time and memory of each program at each size, and how its cost grows."""
    kept = []
    for size in sizes:
        ready = {
            way: compiled(function, *args)
            for way, (function, args) in programs(size).items()
        }
        took = in_turns({way: run for way, (run, _) in ready.items()}, rounds, 1)
        for way, (_, needed) in ready.items():
            row = {"axis": axis, "size": size, "way": way}
            kept.append(row | {"seconds": f"{took[way]:.6g}", "bytes": needed})
            print(f"  {way:25s} {size:8d} {took[way]:10.5f} s {needed / 1e6:9.2f} MB")
    for way in dict.fromkeys(row["way"] for row in kept):
        cost = {r["size"]: float(r["seconds"]) for r in kept if r["way"] == way}
        last = max(cost)
        tenth = last // 10
        if tenth in cost:
            print(f"  {way:25s} slope {np.log10(cost[last] / cost[tenth]):.2f}")
    return kept


def lengths(size):
    theta, data = recording(size, 50, 100)
    ways = [way for way in WAYS if size <= 10_000 or way != WAYS[1]]
    return {way: (of_activity(way), (theta, data)) for way in ways}


def synapses(size):
    side = round(size**0.5)
    theta, data = recording(5, side, side)
    return {way: (of_activity(way), (theta, data)) for way in (WAYS[0], WAYS[2])}


def animals(size, rules=1):
    """One loss and gradient over all animals; of several rules at once."""
    rule = pt.taylor(pt.BEHAVIOUR_ORDERS)
    theta = jnp.asarray(pt.reward_covariance(), jnp.float32)
    made = pt.foraging_task(jr.key(0), rule, theta, n_experiments=min(size, 50))
    data = jax.tree.map(lambda v: jnp.resize(v, (size, *v.shape[1:])), made.experiment)
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=240)
    thetas = jnp.stack([0.9 * theta] * rules)
    gradient = jax.vmap(jax.value_and_grad(loss), (0, None))
    return {"reverse": (gradient, (thetas, data))}


AXES = {
    "length": ((100, 300, 1_000, 3_000, 10_000, 30_000), lengths),
    "synapses": ((10_000, 100_000, 1_000_000, 10_000_000, 100_000_000), synapses),
    "animals": ((10, 100, 1_000, 10_000), animals),
    "rules": ((1, 10, 100, 1_000), lambda rules: animals(4, rules)),
}


def a_million():
    """One gradient of a million synapses over 1000 steps."""
    theta, data = recording(1000, 1000, 1000)
    run, needed = compiled(of_activity("reverse"), theta, data)
    took = in_turns({"": run}, 1, 1)[""]
    print(f"\n10^6 synapses x 1000 steps: {took:.1f} s, {needed / 1e9:.2f} GB")
    return {"axis": "a million", "size": 1000, "way": "reverse"} | {
        "seconds": f"{took:.6g}",
        "bytes": needed,
    }


def scaling():
    """Write the table of the book."""
    kept = []
    for axis, (sizes, programs) in AXES.items():
        print(f"\nOne loss + gradient against {axis}")
        kept += rows(axis, sizes, programs)
    kept.append(a_million())
    pt.sweeps.write_results(TABLE, head(), kept)
    print(f"\nWritten to {TABLE.name}")


def main():
    gradient_against_loss()
    cost_against_length()
    choices_gradient()
    scaling()
