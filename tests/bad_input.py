"""Small experiments to spoil, and how bad input must be refused."""

import re

import jax.random as jr
import numpy as np
import pytest
from jaxtyping import TypeCheckError

import plastutor as pt

STEPS, PRE, POST = 5, 3, 2
KEY = jr.key(0)
RULE = pt.taylor(pt.OJA_ORDERS)


def made(**changes):
    arrays = {"x": np.ones((STEPS, PRE)), "w0": np.ones((PRE, POST))} | changes
    return pt.make_experiment(arrays.pop("x"), **arrays)


def accepts(accept):
    return made(accept=accept, reward=np.zeros(STEPS))


def choices(choice, **more):
    settings = {"options": np.eye(PRE), "reward": np.zeros(STEPS)} | more
    return made(choice=choice, **settings)


def batch(**changes):
    shape = (4, STEPS, POST)
    activity = {"activity": np.full(shape, 0.5)} | changes
    return made(x=np.ones((4, STEPS, PRE)), **activity)


def check_refusal(act, sentence):
    """`act` raises one of two plain errors, and what it says is ours."""
    with pytest.raises((ValueError, TypeError)) as caught:
        act()
    if isinstance(caught.value, TypeCheckError):  # the import hook saw it before us
        return
    text = str(caught.value)
    assert re.search("(?s)" + sentence, text), text
    assert type(caught.value) in (ValueError, TypeError), "not an error of JAX's own"
    assert text.endswith((".", ")")) and "jax.dev" not in text
