"""What is no experiment gets a sentence: its shapes, and its values."""

import jax.numpy as jnp
import numpy as np
import pytest
from bad_input import KEY, POST, PRE, RULE, STEPS, accepts, check_refusal, choices, made

import plastutor as pt

NAN_ROW = np.where(np.arange(STEPS) == 1, np.nan, 1.0)

BAD = {
    "x is one row": (lambda: made(x=np.ones(PRE)), r"x has shape \(3,\); expected \(t"),
    "w0 rows": (
        lambda: made(w0=np.ones((4, POST))),
        r"w0 has shape \(4, 2\) but x has shape \(5, 3\).*each of the 3 inputs",
    ),
    "w0 is a vector": (lambda: made(w0=np.ones(PRE)), r"w0 has shape \(3,\) but x has"),
    "w0 of another batch": (
        lambda: made(x=np.ones((2, STEPS, PRE)), w0=np.ones((4, PRE, POST))),
        r"w0 has shape \(4, 3, 2\) but x has shape \(2, 5, 3\)",
    ),
    "activity columns": (
        lambda: made(activity=np.ones((STEPS, 7))),
        r"activity has shape \(5, 7\); expected \(5, 2\).*one column for each",
    ),
    "activity rows": (
        lambda: made(activity=np.ones((4, POST))),
        r"activity has shape \(4, 2\); expected \(5, 2\)",
    ),
    "reward length": (
        lambda: made(reward=np.ones(6)),
        r"reward has shape \(6,\); expected \(5,\): one row for each step",
    ),
    "valid length": (
        lambda: made(valid=np.ones(4, bool)),
        r"valid has shape \(4,\); expected \(5,\)",
    ),
    "plastic length": (
        lambda: made(plastic=np.ones(4, bool)),
        r"plastic has shape \(4,\); expected \(5,\)",
    ),
    "accept length": (
        lambda: accepts(np.ones(4)),
        r"accept has shape \(4,\); expected \(5,\)",
    ),
    "choice length": (
        lambda: choices(np.zeros(9, int)),
        r"choice has shape \(9,\); expected \(5,\)",
    ),
    "reward without a batch axis": (
        lambda: made(x=np.ones((2, STEPS, PRE)), reward=np.ones(STEPS)),
        r"reward has shape \(5,\); expected \(2, 5\)",
    ),
    "options width": (
        lambda: choices(np.zeros(STEPS, int), options=np.eye(4)),
        r"options has shape \(4, 4\); expected \('option', 3\).* the 3 inputs of x",
    ),
    "choices without options": (
        lambda: made(choice=np.zeros(STEPS, int), reward=np.zeros(STEPS)),
        "options and choice belong together",
    ),
    "options without choices": (
        lambda: made(options=np.eye(PRE)),
        "options and choice belong together",
    ),
    "theta of another rule": (
        lambda: pt.simulate(RULE, np.zeros((3, 3, 3)), made()),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
    "theta of another size": (
        lambda: pt.simulate(RULE, np.zeros((3, 3, 2, 1)), made()),
        r"theta has shape \(3, 3, 2, 1\); expected \(3, 3, 3, 1\)",
    ),
    "r2 of two shapes": (
        lambda: pt.r2(np.ones((3, 2)), np.ones((2, 3))),
        r"true has shape \(3, 2\), predicted \(2, 3\)",
    ),
    "r2 of vectors": (
        lambda: pt.r2(np.ones(3), np.ones(3)),
        r"expected the same shape",
    ),
    "x is NaN": (
        lambda: made(x=np.ones((STEPS, PRE)) * NAN_ROW[:, None]),
        r"x is not finite at index \(1, 0\)",
    ),
    "x is infinite": (
        lambda: made(x=np.full((STEPS, PRE), np.inf)),
        r"x is not finite at index \(0, 0\)",
    ),
    "reward is NaN": (
        lambda: made(reward=NAN_ROW),
        r"reward is not finite at .*\(1,\)",
    ),
    "w0 is NaN": (
        lambda: made(w0=np.full((PRE, POST), np.nan)),
        r"w0 is not finite at index \(0, 0\)",
    ),
    "activity is infinite": (
        lambda: made(activity=np.full((STEPS, POST), np.inf)),
        "activity is infinite somewhere; use NaN",
    ),
    "no activity at all": (
        lambda: made(activity=np.full((STEPS, POST), np.nan)),
        "activity is NaN in every valid step",
    ),
    "every step masked": (
        lambda: made(valid=np.zeros(STEPS, bool)),
        "Every step is masked: valid is False everywhere",
    ),
    "accept is a half": (
        lambda: accepts(np.full(STEPS, 0.5)),
        r"accept must be 1 \(accepted\), 0 \(rejected\)",
    ),
    "accept is nowhere": (
        lambda: accepts(np.full(STEPS, np.nan)),
        "accept is NaN in every valid step",
    ),
    "choice above the options": (
        lambda: choices([0, 1, 3, 0, 0]),
        r"choice is 3 at index \(2,\); expected 0 to 2 \(there are 3 options\)",
    ),
    "choice below -1": (
        lambda: choices([0, -2, 1, 0, 0]),
        r"choice is -2 at index \(1,\); expected 0 to 2",
    ),
    "choice is a half": (
        lambda: choices([0.5] * STEPS),
        "choice holds numbers that are no indices",
    ),
    "choice is NaN": (lambda: choices(NAN_ROW), "choice holds numbers .* such as NaN"),
    "no choice at all": (
        lambda: choices([-1] * STEPS),
        "choice is -1 in every valid step",
    ),
    "accepts without rewards": (
        lambda: made(accept=np.ones(STEPS)),
        r"Choices were given without rewards; pass reward.*\(5,\)",
    ),
    "choices without rewards": (
        lambda: choices([0] * STEPS, reward=None),
        "Choices were given without rewards",
    ),
    "NaN put in later": (
        lambda: pt.check_experiment(made()._replace(x=jnp.full((STEPS, PRE), jnp.nan))),
        "x is not finite",
    ),
    "half precision": (
        lambda: made(dtype="float16"),
        "float32 or float64, not float16",
    ),
    "no steps": (
        lambda: pt.first_steps(made(), 0),
        "Cannot keep the first 0 steps of an experiment of 5 steps",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: made(dtype="float64"),
        lambda: pt.terms(pt.OJA_ORDERS, dtype=np.float64, xy=1.0),
        lambda: pt.neural_task(KEY, RULE, pt.OJA, dtype="float64"),
        lambda: pt.foraging_task(KEY, RULE, pt.HEBB, dtype="float64"),
    ],
)
def test_double_precision_in_single_precision_mode_is_refused(ask, single_precision):
    with pytest.raises(ValueError, match="float64 was asked for.*jax_enable_x64"):
        ask()
