"""Settings of which no task can be made get a sentence."""

import numpy as np
import pytest
from bad_input import KEY, RULE, batch, check_refusal

import plastutor as pt


def recall(**settings):
    return pt.tasks.recall_task(KEY, 4, **settings)


SPIKES = np.zeros((4, 60, 12)), np.zeros(4, int)
LAYER = pt.networks.SpikingLayer(np.ones((12, 4)), np.ones((4, 2)))


def answered(n_answer):
    """The loss of examples of 60 steps, of which so many count."""
    given = pt.networks.lif(), LAYER, *SPIKES
    return pt.likelihoods.spiking_loss(*given, n_answer=n_answer)


def answered_gradient(n_answer):
    given = pt.networks.lif(), LAYER, *SPIKES
    return pt.gradients.spiking_gradient(*given, how="eprop", n_answer=n_answer)


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
    "inputs that make up no groups": (
        lambda: recall(n_pre=10),
        r"n_pre is 10 and n_class 2; .* Try n_pre=12",
    ),
    "one class to recall": (
        lambda: recall(n_class=1),
        r"expected at least two classes, .* Try n_pre=12",
    ),
    "no cue": (
        lambda: recall(n_cue=0),
        "n_cue, n_delay and n_answer are 0, 40 and 10 steps; expected at least 1, 0",
    ),
    "a negative delay": (
        lambda: recall(n_delay=-5),
        "are 10, -5 and 10 steps; expected at least 1, 0 and 1",
    ),
    "spikes that are more than certain": (
        lambda: recall(active=1.5),
        "active is 1.5 and background 0.02; expected probabilities",
    ),
    "a background that is NaN": (
        lambda: recall(background=np.nan),
        "background nan; expected probabilities",
    ),
    "no step that counts": (
        lambda: answered(0),
        "n_answer is 0; expected a number of steps from 1 to 60",
    ),
    "more steps than there are": (
        lambda: answered_gradient(61),
        "n_answer is 61; expected a number of steps from 1 to 60",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
