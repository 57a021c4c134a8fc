"""Speed and memory against plain baselines that run beside it: `make bench`.

Every row is a ratio of medians from the same process, so that it means the same on a
slow machine. Nothing here is a test; the tests compare values.
"""

import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import scaling
from measure import in_turns, seconds

import plastutor as pt

RULE = pt.taylor(pt.OJA_ORDERS)


def outer_apply(theta, x, y, w, r):
    """The plain baseline: all products of powers of one synapse, then the sum."""
    powers = [jnp.stack([v**0, v, v**2]) for v in (x, y, w)]
    products = jnp.outer(jnp.outer(powers[0], powers[1]), powers[2])
    if theta.shape[3] == 3:
        products = jnp.outer(products, jnp.stack([r**0, r, r**2]))
    return jnp.sum(theta.reshape(products.shape) * products)


def one_gradient():
    """One loss + gradient, 100 -> 1000 x 50 steps, float32."""
    data = pt.neural_task(jr.key(0), RULE, pt.OJA, n_experiments=1)
    data = jax.tree.map(lambda leaf: leaf[0], data)
    theta = jnp.asarray(pt.OJA + 0.01, jnp.float32)
    rows = {
        "fused (the package)": RULE,
        "fused, derivative by JAX": RULE._replace(update=jax.checkpoint(RULE.forward)),
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


def gradient_against_loss():
    """What the gradient costs beyond the loss, 100 -> 1000 x 50 steps, float32."""
    data = pt.neural_task(jr.key(0), RULE, pt.OJA, n_experiments=1)
    data = jax.tree.map(lambda leaf: leaf[0], data)
    theta, loss = (
        jnp.asarray(pt.OJA + 0.01, jnp.float32),
        pt.objective(RULE, pt.activity),
    )
    runs = {
        "loss": partial(jax.jit(loss), theta, data),
        "gradient": partial(jax.jit(jax.value_and_grad(loss)), theta, data),
    }
    times = in_turns(runs)
    print(
        f"\nThe same, loss alone: {times['loss'] * 1e3:.2f} ms; with the gradient "
        f"{times['gradient'] * 1e3:.1f} ms: {times['gradient'] / times['loss']:.1f} x"
    )


def forward_pass():
    """A simulation against a scan that only reads and writes the weights."""
    print("\nSimulate, time a step, against a scan of W * c")
    for side in (1000, 2000):
        theta, data = scaling.recording(20, side, side)

        def multiply(data):
            return jax.lax.scan(lambda w, _: (w * 0.999, None), data.w0, data.x)[0]

        def see(data):
            def step(w, x):
                return w, x @ w

            return jax.lax.scan(step, data.w0, data.x)[1]

        def live(theta, data):
            return pt.simulate(RULE, theta, data, keep_weights=False).y

        runs = {
            "W * c": partial(jax.jit(multiply), data),
            "x @ W": partial(jax.jit(see), data),
            "simulate": partial(jax.jit(live), theta, data),
        }
        times = in_turns(runs)
        each = ", ".join(f"{k} {v / 20 * 1e3:.3f} ms" for k, v in times.items())
        ratio = times["simulate"] / times["W * c"]
        print(f"  {side} -> {side}: {each}: {ratio:.1f} x")


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


def foraging():
    """18 animals x 240 trials of the two-odour task."""
    rule, truth = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    took = seconds(lambda: pt.foraging_task(jr.key(0), rule, truth).experiment.accept)
    print(f"\nSimulate 18 foraging flies x 240 trials, compiled: {took:.3f} s")


def choices_gradient():
    """One loss + gradient over 18 animals, 81 terms."""
    rule, truth = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    data = pt.foraging_task(jr.key(0), rule, truth).experiment
    data = pt.first_steps(data, int(data.valid.sum(1).max()))
    theta = jnp.asarray(0.9 * truth, jnp.float32)
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


def recovery(name, redraw, seed=0):
    """Oja's rule from 4 of 1000 neurons, scored on all 100,000 synapses."""
    start = time.perf_counter()
    key_data, key_w0, key_theta, key_new = jr.split(jr.key(seed), 4)
    data = pt.neural_task(key_data, RULE, pt.OJA, n_post=4)
    if redraw:  # the student does not know w0: leave the time out that depends on it
        data = pt.redraw_w0(key_w0, data)
        data = data._replace(activity=data.activity.at[:, :30].set(jnp.nan))
    loss = pt.objective(RULE, pt.activity)
    found = pt.fit(
        loss, RULE.init(key_theta), data, optimizer=pt.GaussNewton(), max_steps=15
    )
    new = pt.neural_task(key_new, RULE, pt.OJA, n_experiments=25)
    score = pt.weight_r2(RULE, found.theta, pt.OJA, new).mean()
    off = np.abs(found.theta - pt.OJA).max()
    took = time.perf_counter() - start
    print(
        f"  {name:24s} 1 - R2 = {1 - score:.1e}, coefficients within {off:.1e},"
        f" {took:.0f} s with compilation"
    )


def main():
    print(f"jax {jax.__version__}, {jax.default_backend()}, Python {sys.version[:6]}")
    one_gradient()
    gradient_against_loss()
    forward_pass()
    cost_against_length()
    foraging()
    choices_gradient()
    scaling.main()
    jax.config.update("jax_enable_x64", True)
    print("\nOja recovery, 100 -> 1000, 50 x 50 steps, 27 terms, 25 new experiments")
    recovery("w0 known", redraw=False)
    recovery("w0 drawn independently", redraw=True)


if __name__ == "__main__":
    main()
