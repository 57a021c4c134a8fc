"""Simulate: a simulation against a scan that only reads and writes the weights."""

from functools import partial

import jax
from gradients import RULE, recording
from measure import in_turns

import plastutor as pt


def main():
    """A simulation against a scan that only reads and writes the weights."""
    print("\nSimulate, time a step, against a scan of W * c")
    for side in (1000, 2000):
        theta, data = recording(20, side, side)

        def multiply(data):
            return jax.lax.scan(lambda w, _: (w * 0.999, None), data.w0, data.x)[0]

        def observe(data):
            def step(w, x):
                return w, x @ w

            return jax.lax.scan(step, data.w0, data.x)[1]

        def simulate(theta, data):
            return pt.simulate(RULE, theta, data, keep_weights=False).y

        runs = {
            "W * c": partial(jax.jit(multiply), data),
            "x @ W": partial(jax.jit(observe), data),
            "simulate": partial(jax.jit(simulate), theta, data),
        }
        times = in_turns(runs)
        each = ", ".join(f"{k} {v / 20 * 1e3:.3f} ms" for k, v in times.items())
        ratio = times["simulate"] / times["W * c"]
        print(f"  {side} -> {side}: {each}: {ratio:.1f} x")
