"""Data that a network or a loss cannot use get a sentence."""

import jax.numpy as jnp
import numpy as np
import pytest
from bad_input import RULE, STEPS, accepts, check_refusal, choices, made

from plastutor.baselines import q_learning
from plastutor.losses import accept_loss, activity_loss, choice_loss, objective
from plastutor.rules import OJA
from plastutor.simulate import simulate
from plastutor.types import FLY, RECORDED, Trajectory


def many_choices():
    return choices([0, 1, 2, 0, 1])


BAD = {
    "choices without a read-out": (
        lambda: simulate(RULE, OJA, many_choices(), network=RECORDED),
        "holds choices but the network has no read-out.*FLY",
    ),
    "accepts without a read-out": (
        lambda: objective(RULE, accept_loss)(OJA, accepts(np.ones(STEPS))),
        "accept_loss needs a network with a read-out",
    ),
    "no activity": (
        lambda: activity_loss(Trajectory(None, None), made()),
        "activity_loss needs activity, and this experiment has none",
    ),
    "no accepts": (
        lambda: objective(RULE, accept_loss, network=FLY)(OJA, made()),
        "accept_loss needs accept, and this experiment has none",
    ),
    "no choices": (
        lambda: objective(RULE, choice_loss, network=FLY)(OJA, made()),
        "choice_loss needs choice, and this experiment has none",
    ),
    "no choices for a baseline": (
        lambda: q_learning()(jnp.zeros(3), made()),
        "This baseline needs choices",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
