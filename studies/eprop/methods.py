"""How a row of the table on e-prop is made."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import METHODS, N_NEW, N_TRAIN, task

CELL = pt.networks.lif()


def prepare(seed, task):
    """Examples to learn from and new ones, a layer, random feedback, and a key."""
    k_examples, k_layer, k_feedback, k_train = jr.split(jr.key(100 + seed), 4)
    x, label = task.examples(k_examples, N_TRAIN + N_NEW)
    start = partial(pt.networks.init_spiking_layer, gain_rec=task.gain_rec)
    layer = start(k_layer, *task.sizes)
    feedback = start(k_feedback, *task.sizes).w_out.T
    single = jax.tree.map(lambda v: v.astype("float32"), (x, layer, feedback))
    return *single, label, k_train


def status(accuracy, loss) -> str:
    """Whether a training went to its end with numbers."""
    return "finished" if np.isfinite(accuracy) and np.isfinite(loss) else "diverged"


def run(batch) -> list[dict]:
    """The trainings of one cell: all seeds as one program."""
    start = time.perf_counter()
    one = task(batch[0]["task"], batch[0]["delay"])
    method = METHODS[batch[0]["method"]]
    rates = tuple(a * b for a, b in zip(one.rates, method.scale, strict=True))

    @jax.jit
    @jax.vmap
    def learn(x, layer, feedback, label, key):
        if not method.connected:
            layer = layer._replace(w_rec=None)
        trained, losses = pt.infer.train_spiking(
            key,
            CELL,
            layer,
            x[:N_TRAIN],
            label[:N_TRAIN],
            how=method.how,
            feedback=feedback if method.random_feedback else None,
            n_answer=one.n_answer,
            max_steps=one.max_steps,
            rates=rates,
        )
        new = x[N_TRAIN:], label[N_TRAIN:]
        score = partial(pt.likelihoods.spiking_accuracy, n_answer=one.n_answer)
        return score(CELL, trained, *new), losses[-20:].mean()

    seeds = [prepare(setting["seed"], one) for setting in batch]
    found = learn(*jax.tree.map(lambda *leaves: jnp.stack(leaves), *seeds))
    each = f"{(time.perf_counter() - start) / len(batch):.2f}"
    return [
        {"status": status(*both), "accuracy": f"{both[0]:.4f}"}
        | {"loss": f"{both[1]:.4f}", "seconds": each}
        for both in zip(*map(np.asarray, found), strict=True)
    ]
