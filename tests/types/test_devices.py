"""Eight devices, made out of one processor, in a process of their own."""

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from plastutor import _devices

SCRIPT = """
import jax, jax.numpy as jnp, jax.random as jr, numpy as np, optax
jax.config.update("jax_enable_x64", True)
import plastutor as pt
from plastutor._devices import spread

rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
sizes = {"n_steps": 12, "n_pre": 6, "n_post": 4}
data = pt.neural_task(jr.key(0), rule, pt.OJA, n_experiments=16, **sizes)
data = jax.tree.map(np.asarray, data)  # on no device yet
shared = spread(data)
print("devices", len(jax.devices()))
if len(jax.devices()) > 1:
    print("share", shared.x.addressable_shards[0].data.shape)
    print("ten by twos", spread(np.zeros((10, 2))).addressable_shards[0].data.shape)
print("simulated on", len(pt.simulate(rule, pt.OJA, data).y.sharding.device_set))
for way in ("reverse", "forward"):
    loss = pt.objective(rule, pt.activity, gradient=way)
    run = jax.jit(jax.value_and_grad(loss))
    print(way, "talks", "all-reduce" in run.lower(pt.OJA, shared).compile().as_text())
    print(way, "loss", f"{loss(0 * pt.OJA, shared):.12f}", end=" ")
    print(*(f"{v:.12f}" for v in run(0.5 * pt.OJA, shared)[1].ravel() if v))
found = pt.fit(loss, 0 * pt.OJA, data, max_steps=10)
print("fit", *(f"{v:.8f}" for v in found.theta.ravel() if v))
starts = jnp.stack([k * pt.OJA / 8 for k in range(6)])  # six fits: not one a device
few = pt.neural_task(jr.key(0), rule, pt.OJA, n_experiments=10, **sizes)
many = pt.neural_task(jr.key(1), rule, pt.OJA, n_experiments=16, **sizes)
print("together", jnp.concatenate([few.activity, many.activity]).shape)
each = pt.fit_many(loss, starts, few, optimizer=optax.sgd(1.0), max_steps=3)
print("fits", *(f"{found.losses[-1]:.10f}" for found in each))
rule, truth = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
made = pt.foraging_task(jr.key(0), rule, truth, n_experiments=8, trials_per_block=5)
chosen = jax.tree.map(np.asarray, made.experiment)
loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, trials=15)
run, chosen = jax.jit(jax.value_and_grad(loss)), spread(chosen)
print("choices travel", "all-gather" in run.lower(truth, chosen).compile().as_text())
print("choices loss", *(f"{v.sum():.10f}" for v in run(truth, chosen)))
"""


def start(devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def lines():
    """What the script printed, with eight devices and with one."""
    printed = []
    for process in [start(8), start(1)]:
        out, error = process.communicate()
        assert process.returncode == 0, error[-2000:]
        printed.append(out.splitlines())
    return printed


@pytest.mark.weekly
def test_every_device_holds_its_share(lines):
    eight, one = lines
    assert eight[:4] == [
        "devices 8",
        "share (2, 12, 6)",
        "ten by twos (5, 2)",
        "simulated on 8",
    ]
    assert {"reverse talks True", "forward talks True"} <= set(eight)
    assert "choices travel False" in eight
    assert one[0] == "devices 1"


def test_a_jax_that_cannot_lay_out_arrays_leaves_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax.experimental.layout", None)
    older = types.ModuleType("plastutor._devices")
    exec(Path(_devices.__file__).read_text(), older.__dict__)
    assert older.with_layout_constraint is None
    values = np.zeros((2, 3))
    assert older.laid_out(values) is values


@pytest.mark.weekly
def test_the_numbers_are_those_of_one_device(lines):
    eight, one = (
        [line for line in ran if "loss" in line or "fit" in line] for ran in lines
    )
    assert len(eight) == 5 and eight == one
