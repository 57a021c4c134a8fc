"""Data that a network or a loss cannot use get a sentence."""

import jax.numpy as jnp
import numpy as np
import pytest
from bad_input import RULE, STEPS, accepts, check_refusal, choices, made

import plastutor as pt


def many_choices():
    return choices([0, 1, 2, 0, 1])


BAD = {
    "choices without a read-out": (
        lambda: pt.simulate(RULE, pt.OJA, many_choices(), network=pt.RECORDED),
        "holds choices but the network has no read-out.*FLY",
    ),
    "accepts without a read-out": (
        lambda: pt.objective(RULE, pt.accept)(pt.OJA, accepts(np.ones(STEPS))),
        "pt.accept needs a network with a read-out",
    ),
    "no activity": (
        lambda: pt.activity(pt.Trajectory(None, None), made()),
        "pt.activity needs activity, and this experiment has none",
    ),
    "no accepts": (
        lambda: pt.objective(RULE, pt.accept, network=pt.FLY)(pt.OJA, made()),
        "pt.accept needs accept, and this experiment has none",
    ),
    "no choices": (
        lambda: pt.objective(RULE, pt.choice, network=pt.FLY)(pt.OJA, made()),
        "pt.choice needs choice, and this experiment has none",
    ),
    "no choices for a baseline": (
        lambda: pt.evaluate.q_learning()(jnp.zeros(3), made()),
        "This baseline needs choices",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
