"""Bad input gets a sentence that says what is wrong, before anything is compiled."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

from plastutor.baselines import q_learning
from plastutor.evaluate import r2
from plastutor.evidence import evidence_fit
from plastutor.experiments import check_experiment, first_steps, make_experiment
from plastutor.fit import fit, fit_many
from plastutor.gauss_newton import GaussNewton
from plastutor.losses import accept_loss, activity_loss, choice_loss, objective
from plastutor.mlp import mlp
from plastutor.rules import (
    HEBB,
    OJA,
    OJA_ORDERS,
    Orders,
    free_terms,
    taylor,
    terms,
)
from plastutor.simulate import simulate
from plastutor.tasks import foraging_task, hide_inputs, neural_task
from plastutor.types import FLY, RECORDED, Trajectory

STEPS, PRE, POST = 5, 3, 2
KEY = jr.key(0)
RULE = taylor(OJA_ORDERS)
LOSS = objective(RULE, activity_loss)
NAN_ROW = np.where(np.arange(STEPS) == 1, np.nan, 1.0)


def made(**changes):
    arrays = {"x": np.ones((STEPS, PRE)), "w0": np.ones((PRE, POST))} | changes
    return make_experiment(arrays.pop("x"), **arrays)


def accepts(accept):
    return made(accept=accept, reward=np.zeros(STEPS))


def choices(choice, **more):
    settings = {"options": np.eye(PRE), "reward": np.zeros(STEPS)} | more
    return made(choice=choice, **settings)


def seen():
    return made(activity=np.full((STEPS, POST), 0.5))


def unseen_at_first():
    return made(activity=np.where(np.arange(STEPS)[:, None] < 3, np.nan, np.ones(POST)))


def batch(**changes):
    shape = (4, STEPS, POST)
    activity = {"activity": np.full(shape, 0.5)} | changes
    return made(x=np.ones((4, STEPS, PRE)), **activity)


def square(theta, data):
    return jnp.sum(theta**2)


def forage(**settings):
    return foraging_task(KEY, RULE, HEBB, **settings)


def many_choices():
    return choices([0, 1, 2, 0, 1])


BAD = {
    # shapes
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
        lambda: simulate(RULE, np.zeros((3, 3, 3)), made()),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
    "theta of another size": (
        lambda: simulate(RULE, np.zeros((3, 3, 2, 1)), made()),
        r"theta has shape \(3, 3, 2, 1\); expected \(3, 3, 3, 1\)",
    ),
    "r2 of two shapes": (
        lambda: r2(np.ones((3, 2)), np.ones((2, 3))),
        r"true has shape \(3, 2\), predicted \(2, 3\)",
    ),
    "r2 of vectors": (lambda: r2(np.ones(3), np.ones(3)), r"expected the same shape"),
    # values
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
        lambda: check_experiment(made()._replace(x=jnp.full((STEPS, PRE), jnp.nan))),
        "x is not finite",
    ),
    "half precision": (
        lambda: made(dtype="float16"),
        "float32 or float64, not float16",
    ),
    "no steps": (
        lambda: first_steps(made(), 0),
        "Cannot keep the first 0 steps of an experiment of 5 steps",
    ),
    # rules
    "unknown letter": (
        lambda: terms(OJA_ORDERS, xz=1.0),
        r"term 'xz' has the unknown letter 'z'.*x \(pre\), y \(post\), w \(weight\)",
    ),
    "empty term": (
        lambda: free_terms(OJA_ORDERS, ("",)),
        "The term '' is empty. A term",
    ),
    "power above the order": (
        lambda: terms(OJA_ORDERS, yyyw=1.0),
        r"'yyyw' holds y to the power 3, but the series stops at 2",
    ),
    "reward in a rule without": (
        lambda: terms(OJA_ORDERS, xr=1.0),
        r"'xr' holds r to the power 1, but the series stops at 0.*Orders\(r=1",
    ),
    "the same term twice": (
        lambda: terms(OJA_ORDERS, xy=1.0, yx=2.0),
        "'xy' and 'yx' are the same term.*sum of the two",
    ),
    "a free term twice": (
        lambda: taylor(OJA_ORDERS, ("xy", "one", "xy")),
        "'xy' and 'xy' are the same term",
    ),
    "an unknown free term": (lambda: taylor(OJA_ORDERS, ("q",)), "unknown letter 'q'"),
    "a bare term": (lambda: taylor(OJA_ORDERS, "xy"), r"only is 'xy'; .*\('xy',\)"),
    "negative order": (lambda: taylor(Orders(x=-1)), "The order of x is -1; expected"),
    "fractional order": (lambda: taylor(Orders(w=1.5)), "The order of w is 1.5"),
    "a layer without units": (lambda: mlp((10, 0)), r"hidden is \(10, 0\); expected"),
    "a bare number of units": (lambda: mlp(10), r"hidden is 10; expected .*\(10,\)"),
    # networks and losses
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
    # tasks
    "nobody recorded": (
        lambda: neural_task(KEY, RULE, OJA, recorded=0.0),
        r"recorded is 0.0; expected a fraction in \(0, 1\]",
    ),
    "more than all recorded": (
        lambda: neural_task(KEY, RULE, OJA, recorded=1.5),
        r"recorded is 1.5; expected a fraction",
    ),
    "no input recorded": (
        lambda: hide_inputs(KEY, batch(), 0.0),
        r"recorded is 0.0; expected a fraction in \(0, 1\]",
    ),
    "more than all inputs recorded": (
        lambda: hide_inputs(KEY, batch(), 1.5),
        r"recorded is 1.5; expected a fraction",
    ),
    "foraging without a read-out": (
        lambda: forage(network=RECORDED),
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
    # fits
    "theta0 of integers": (
        lambda: fit(square, jnp.arange(3), None),
        "theta0 holds int64; expected floating-point",
    ),
    "theta0 is NaN": (
        lambda: fit(square, jnp.array([1.0, jnp.nan]), None),
        "theta0 is not finite",
    ),
    "no steps of the optimiser": (
        lambda: fit(square, jnp.ones(3), None, num_steps=0),
        "num_steps is 0; expected",
    ),
    "half a step": (
        lambda: fit(square, jnp.ones(3), None, num_steps=2.5),
        "num_steps is 2.5; expected",
    ),
    "a loss of many numbers": (
        lambda: fit(lambda theta, data: theta**2, jnp.ones(3), None),
        r"The loss must be one number for one theta; it has shape \(3,\)",
    ),
    "not an optimiser": (
        lambda: fit(square, jnp.ones(3), None, optimizer="adam"),
        "optimizer is 'adam'; expected an Optax optimiser",
    ),
    "an optimiser not called": (
        lambda: fit(square, jnp.ones(3), None, optimizer=optax.adam),
        "expected an Optax optimiser such as",
    ),
    "Gauss-Newton on a plain loss": (
        lambda: fit(square, jnp.ones(3), None, optimizer=GaussNewton()),
        r"Gauss-Newton needs to see the prediction.*objective\(",
    ),
    "horizons without experiments": (
        lambda: fit(square, jnp.ones(3), None, horizons=(1, 2)),
        "horizons cut experiments short",
    ),
    "a horizon beyond the data": (
        lambda: fit(LOSS, OJA, seen(), horizons=(3, 9)),
        "Cannot keep the first 9 steps of an experiment of 5 steps",
    ),
    "a horizon without data": (
        lambda: fit(LOSS, OJA, unseen_at_first(), horizons=(2, 5)),
        "activity is NaN in every valid step",
    ),
    "no horizon": (lambda: fit(LOSS, OJA, seen(), horizons=()), "horizons is empty"),
    "data changed to NaN": (
        lambda: fit(LOSS, OJA, seen()._replace(w0=jnp.full((PRE, POST), jnp.nan))),
        "w0 is not finite",
    ),
    "the wrong theta0": (
        lambda: fit(LOSS, np.zeros((3, 3, 3)), seen()),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
    "one start for many fits": (
        lambda: fit_many(square, 1.0, None),
        r"theta0 needs a leading axis.*\[\(\)\]",
    ),
    "unequal numbers of starts": (
        lambda: fit_many(square, {"a": jnp.ones(2), "b": jnp.ones(3)}, None),
        r"theta0 needs a leading axis.*\[\(2,\), \(3,\)\]",
    ),
    # evidence
    "evidence without activity": (
        lambda: evidence_fit(OJA_ORDERS, batch(activity=None)),
        r"needs a batch of experiments .*\(4, 5, 3\) and activity is missing",
    ),
    "evidence from one experiment": (
        lambda: evidence_fit(OJA_ORDERS, seen()),
        r"\(a leading exp axis\).*x has shape \(5, 3\) and activity is there",
    ),
    "evidence from NaN": (
        lambda: evidence_fit(
            OJA_ORDERS, batch()._replace(w0=jnp.array(np.full((4, PRE, POST), np.nan)))
        ),
        "w0 is not finite",
    ),
    "an unknown term in the evidence": (
        lambda: evidence_fit(OJA_ORDERS, batch(), only=("xq",)),
        "unknown letter 'q'",
    ),
    "the wrong theta0 for the evidence": (
        lambda: evidence_fit(OJA_ORDERS, batch(), theta0=np.zeros((3, 3, 3))),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    act, sentence = BAD[case]
    with pytest.raises((ValueError, TypeError), match="(?s)" + sentence) as caught:
        act()
    text = str(caught.value)
    assert type(caught.value) in (ValueError, TypeError), "not an error of JAX's own"
    assert text.endswith((".", ")")) and "jax.dev" not in text


@pytest.mark.parametrize(
    "ask",
    [
        lambda: made(dtype="float64"),
        lambda: terms(OJA_ORDERS, dtype=np.float64, xy=1.0),
        lambda: neural_task(KEY, RULE, OJA, dtype="float64"),
        lambda: forage(dtype="float64"),
    ],
)
def test_double_precision_in_single_precision_mode_is_refused(ask, single_precision):
    with pytest.raises(ValueError, match="float64 was asked for.*jax_enable_x64"):
        ask()


def test_bad_input_is_refused_before_compilation(monkeypatch):
    import plastutor.fit as module

    def compile_nothing(*_):
        raise AssertionError("this compiles")

    monkeypatch.setattr(module, "_advance", compile_nothing)
    monkeypatch.setattr(module, "_value", compile_nothing)
    for case in ("theta0 is NaN", "not an optimiser", "a horizon without data"):
        with pytest.raises((ValueError, TypeError), match=BAD[case][1]):
            BAD[case][0]()
