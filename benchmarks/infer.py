"""Infer: how soon and how well Oja's rule is found."""

import time

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt


def recovery(name, redraw, seed=0):
    """Oja's rule from 4 of 1000 neurons, scored on all 100,000 synapses."""
    start, rule = time.perf_counter(), pt.taylor(pt.OJA_ORDERS)
    key_data, key_w0, key_theta, key_new = jr.split(jr.key(seed), 4)
    data = pt.neural_task(key_data, rule, pt.OJA, n_post=4)
    if redraw:  # the student does not know w0: leave the time out that depends on it
        data = pt.redraw_w0(key_w0, data)
        data = data._replace(activity=data.activity.at[:, :30].set(jnp.nan))
    loss = pt.objective(rule, pt.activity)
    found = pt.fit(
        loss, rule.init(key_theta), data, optimizer=pt.GaussNewton(), max_steps=15
    )
    new = pt.neural_task(key_new, rule, pt.OJA, n_experiments=25)
    score = pt.weight_r2(rule, found.theta, pt.OJA, new).mean()
    off = np.abs(found.theta - pt.OJA).max()
    took = time.perf_counter() - start
    print(
        f"  {name:24s} 1 - R2 = {1 - score:.1e}, coefficients within {off:.1e},"
        f" {took:.0f} s with compilation"
    )


def main():
    jax.config.update("jax_enable_x64", True)
    print("\nOja recovery, 100 -> 1000, 50 x 50 steps, 27 terms, 25 new experiments")
    recovery("w0 known", redraw=False)
    recovery("w0 drawn independently", redraw=True)
