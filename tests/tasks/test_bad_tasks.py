"""Settings of which no task can be made get a sentence."""

import numpy as np
import pytest
from bad_input import KEY, RULE, batch, check_refusal

import plastutor as pt


def forage(**settings):
    return pt.foraging_task(KEY, RULE, pt.HEBB, **settings)


BAD = {
    "nobody recorded": (
        lambda: pt.neural_task(KEY, RULE, pt.OJA, recorded=0.0),
        r"recorded is 0.0; expected a fraction in \(0, 1\]",
    ),
    "more than all recorded": (
        lambda: pt.neural_task(KEY, RULE, pt.OJA, recorded=1.5),
        r"recorded is 1.5; expected a fraction",
    ),
    "no input recorded": (
        lambda: pt.hide_inputs(KEY, batch(), 0.0),
        r"recorded is 0.0; expected a fraction in \(0, 1\]",
    ),
    "more than all inputs recorded": (
        lambda: pt.hide_inputs(KEY, batch(), 1.5),
        r"recorded is 1.5; expected a fraction",
    ),
    "foraging without a read-out": (
        lambda: forage(network=pt.RECORDED),
        "Foraging needs a network with a read-out",
    ),
    "one probability a block": (
        lambda: forage(reward_probabilities=(0.2, 0.8)),
        r"one pair \(A, B\) a block",
    ),
    "three odours": (
        lambda: forage(reward_probabilities=((0.2, 0.8, 0.1),)),
        r"one pair \(A, B\) a block",
    ),
    "a probability above one": (
        lambda: forage(reward_probabilities=((0.2, 1.2),)),
        r"reward_probabilities is \(\(0.2, 1.2\),\); expected numbers from 0 to 1",
    ),
    "a probability that is NaN": (
        lambda: forage(reward_probabilities=((0.2, np.nan),)),
        "expected numbers from 0 to 1",
    ),
    "no presentations": (
        lambda: forage(max_presentations=0),
        "max_presentations at least 1",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
