"""Networks: one gradient through neurons that drive one another.

Writes book/results/loop_speed.csv: the package beside the plain form, round by round.
"""

from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from measure import compiled, head, in_turns, seconds
from rules import RULE

import plastutor as pt

LOOP = pt.networks.Recurrent(rates=0.01)
PLAIN = pt.Rule(*RULE[:2], pt.rules.plain_update(RULE.apply))
RATIO, SHARE = 20, 1 / 5  # asked for: times faster, and of the memory
ROUNDS = 5
TABLE = Path(__file__).parent.parent / "book" / "results" / "loop_speed.csv"


def recording(units, steps):
    """One recording of as many inputs as neurons, and rules to be judged by it."""
    keys = jr.split(jr.key(0), 4)
    w0 = {
        name: scale * jr.normal(key, (units, units)) / units**0.5
        for name, scale, key in zip(("ff", "rec"), (1.0, 0.5), keys, strict=False)
    }
    activity = jnp.tanh(jr.normal(keys[2], (steps, units)))
    data = pt.make_experiment(
        jr.normal(keys[3], (steps, units)), w0=w0, activity=activity
    )
    theta = {
        "ff": jnp.asarray(0.9 * pt.OJA, jnp.float32),
        "rec": pt.terms(pt.OJA_ORDERS, xy=0.5, w=-0.5),
    }
    return theta, data


def loss_of(rule):
    """A loss of two rules of 27 terms."""
    return pt.objective({"ff": rule, "rec": rule}, pt.activity, network=LOOP)


def plain(theta, data):
    """Two vmaps of `apply` in a plain scan, everything kept."""
    rules = {"ff": PLAIN, "rec": PLAIN}
    made = pt.simulate(rules, theta, data, network=LOOP, keep_weights=False)
    return pt.activity(made, data)


def touch(theta, data):
    """Reads and writes the weights of both projections once a step, no more."""

    def step(w, x):
        return jax.tree.map(lambda each: each + x[0] * 1e-9, w), None

    return jax.lax.scan(step, data.w0, data.x)[0]


def against_the_plain_form():
    """200 neurons, 500 steps, float32."""
    given = recording(200, 500)
    ways = {
        "weights touched": touch,
        "loss alone": loss_of(RULE),
        "the package": jax.value_and_grad(loss_of(RULE)),
        "two vmaps, plain scan": jax.value_and_grad(plain),
    }
    ready = {name: compiled(way, *given) for name, way in ways.items()}
    rows = [
        {"round": k, "way": name, "seconds": seconds(run, 1), "bytes": needed}
        for k in range(ROUNDS)
        for name, (run, needed) in ready.items()
    ]
    took = {
        name: np.median([row["seconds"] for row in rows if row["way"] == name])
        for name in ready
    }
    print(
        "\nOne gradient through 200 recurrent neurons x 500 steps, two rules, float32"
    )
    for name, (_, needed) in ready.items():
        print(f"  {name:22s} {took[name] * 1e3:8.1f} ms {needed / 1e6:8.1f} MB")
    least = took["weights touched"]
    for name in ("loss alone", "the package"):
        print(
            f"  {name}: {took[name] / least:.0f} times reading and writing the weights"
        )
    ours, theirs = (ready[name] for name in [*ways][2:])
    gradients = [ready[name][0]()[1]["rec"] for name in [*ways][2:]]
    off = jnp.abs(gradients[0] - gradients[1]).max() / jnp.abs(gradients[1]).max()
    ratio = took["two vmaps, plain scan"] / took["the package"]
    said = {True: "reached", False: "MISSED"}
    print(
        f"  {ratio:.1f} x as fast ({RATIO} asked for: {said[ratio >= RATIO]}), "
        f"{ours[1] / theirs[1]:.3f} of the memory ({SHARE} asked for: "
        f"{said[ours[1] <= SHARE * theirs[1]]}); gradient off by {float(off):.0e}"
    )
    rows = [row | {"seconds": f"{row['seconds']:.4g}"} for row in rows]
    pt.sweeps.write_results(TABLE, head(), rows)
    print(f"Written to {TABLE.name}")


def growth():
    """How the cost of a gradient grows with steps and with neurons."""
    print("\nOne gradient through a recurrent network")
    gradient = jax.value_and_grad(loss_of(RULE))
    for axis, sizes in (
        ("steps", [(200, 250), (200, 500), (200, 1000)]),
        ("neurons", [(500, 50), (1000, 50), (2000, 50)]),
    ):
        took = []
        for units, steps in sizes:
            run, needed = compiled(gradient, *recording(units, steps))
            took.append(in_turns({"": run}, 3, 1)[""])
            print(
                f"  {units:5d} neurons x {steps:5d} steps: {took[-1]:8.3f} s, "
                f"{needed / 1e6:8.1f} MB"
            )
        print(f"  slope in {axis}: {np.log2(took[2] / took[0]) / 2:.2f}")


def large():
    """2,000 neurons and as many inputs, 200 steps."""
    run, needed = compiled(jax.value_and_grad(loss_of(RULE)), *recording(2000, 200))
    took = in_turns({"": partial(run)}, 1, 1)[""]
    print(f"\n2,000 neurons x 200 steps: {took:.1f} s, {needed / 1e9:.2f} GB")


def main():
    against_the_plain_form()
    growth()
    large()
