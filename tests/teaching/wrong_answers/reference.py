"""Mistakes in the exercises of the reference."""

import jax.numpy as jnp
import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

WRONG["trace_count"] = {
    "at every call": (lambda sizes: len(sizes), "gives 2; expected 1"),
    "once": (lambda sizes: 1, "gives 1; expected 2"),
    "at every change": (
        lambda sizes: 1 + int(np.count_nonzero(np.diff(sizes))),
        "gives 4; expected 2",
    ),
}
WRONG["oja_derivative"] = {
    "the sign": (lambda x, y, w: jnp.broadcast_to(y**2, w.shape), "wrong sign"),
    "the slope in y": (lambda x, y, w: x[:, None] - 2 * y * w, "gives [[0.]]"),
    "transposed": (lambda x, y, w: -jnp.broadcast_to(y**2, w.shape).T, "transposed"),
    "not squared": (lambda x, y, w: jnp.broadcast_to(-y, w.shape), "gives [[-0.5]]"),
}


def running(reward, rate, after=False, keep=0.0, start=0.0):
    """The running expectation, with what is easily mistaken."""
    e, found = start, []
    for one in reward:
        new = e + rate * (one - (1 - keep) * e)
        found.append(new if after else e)
        e = new
    return np.array(found)


WRONG["running_expectation"] = {
    "after each reward": (
        lambda reward, rate: running(reward, rate, after=True),
        "gives [1. 0. 0.]",
    ),
    "nothing is forgotten": (
        lambda reward, rate: running(reward, rate, keep=1.0),
        "gives [0. 1. 1.]",
    ),
    "starts at the first reward": (
        lambda reward, rate: running(reward, rate, start=reward[0]),
        "gives [1. 1. 0.]",
    ),
}
