"""Time and memory against length, synapses, animals and rules, for the book.

Called by `make bench`; writes book/results/scaling.csv.
"""

import csv
import os
import platform
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import compiled, in_turns

import plastutor as pt

TABLE = Path(__file__).parent.parent / "book" / "results" / "scaling.csv"
RULE = pt.taylor(pt.OJA_ORDERS)
WAYS = "loss alone", "reverse, everything kept", "reverse", "forward", "local"


def recording(length, pre, post):
    """One life of a network that learns slowly, so that any length is finite."""
    theta = pt.terms(pt.OJA_ORDERS, xy=0.01, yyw=-0.01, dtype=jnp.float32)
    sizes = {"n_experiments": 1, "n_steps": length, "n_pre": pre, "n_post": post}
    data = pt.neural_task(jr.key(0), RULE, theta, **sizes)
    return 0.9 * theta, jax.tree.map(lambda leaf: leaf[0], data)


def of_activity(way):
    """A loss, or a loss with its gradient, found in one of the ways."""
    if way == "reverse, everything kept":  # the plain baseline: no blocks

        def plain(theta, data):
            seen = pt.simulate(RULE, theta, data, keep_weights=False)
            return pt.activity(seen, data)

        return jax.value_and_grad(plain)
    if way == "loss alone":
        return pt.objective(RULE, pt.activity)
    return jax.value_and_grad(pt.objective(RULE, pt.activity, gradient=way))


def rows(axis, sizes, programs, rounds=5):
    """Time and memory of each program at each size, and the slope of its cost."""
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
    rule, truth = (
        pt.taylor(pt.BEHAVIOUR_ORDERS),
        jnp.asarray(pt.reward_covariance(), jnp.float32),
    )
    made = pt.foraging_task(jr.key(0), rule, truth, n_experiments=min(size, 50))
    data = jax.tree.map(lambda v: jnp.resize(v, (size, *v.shape[1:])), made.experiment)
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=240)
    thetas = jnp.stack([0.9 * truth] * rules)
    gradient = jax.vmap(jax.value_and_grad(loss), (0, None))
    return {"reverse": (gradient, (thetas, data))}


AXES = {
    "length": ((100, 300, 1_000, 3_000, 10_000, 30_000), lengths),
    "synapses": ((10_000, 100_000, 1_000_000, 10_000_000, 100_000_000), synapses),
    "animals": ((10, 100, 1_000, 10_000), animals),
    "rules": ((1, 10, 100, 1_000), lambda rules: animals(4, rules)),
}


def a_million():
    """One gradient of a million synapses that live for 1000 steps."""
    theta, data = recording(1000, 1000, 1000)
    run, needed = compiled(of_activity("reverse"), theta, data)
    took = in_turns({"": run}, 1, 1)[""]
    print(f"\n10^6 synapses x 1000 steps: {took:.1f} s, {needed / 1e9:.2f} GB")
    return {"axis": "a million", "size": 1000, "way": "reverse"} | {
        "seconds": f"{took:.6g}",
        "bytes": needed,
    }


def processor():
    """The name of the processor, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            v.split(":")[1].strip() for v in lines if v.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    kept = []
    for axis, (sizes, programs) in AXES.items():
        print(f"\nOne loss + gradient against {axis}")
        kept += rows(axis, sizes, programs)
    kept.append(a_million())
    device = jax.devices()[0]
    head = {
        "made by": "make bench",
        "machine": f"{os.cpu_count()} cores, {processor()}",
        "device": device.device_kind,
        "versions": f"Python {platform.python_version()}, jax {version('jax')}, "
        f"jaxlib {version('jaxlib')}",
    }
    with open(TABLE, "w", newline="") as file:
        file.writelines(f"# {name}: {value}\n" for name, value in head.items())
        writer = csv.DictWriter(file, list(kept[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    print(f"\nWritten to {TABLE.name}")


if __name__ == "__main__":
    main()
