"""What cannot be fitted gets a sentence, before anything is compiled."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from bad_input import POST, PRE, RULE, STEPS, batch, check_refusal, made

import plastutor as pt

LOSS = pt.objective(RULE, pt.activity)


def seen():
    return made(activity=np.full((STEPS, POST), 0.5))


def unseen_at_first():
    return made(activity=np.where(np.arange(STEPS)[:, None] < 3, np.nan, np.ones(POST)))


def square(theta, data):
    return jnp.sum(theta**2)


BAD = {
    "theta0 of integers": (
        lambda: pt.fit(square, jnp.arange(3), None),
        "theta0 holds int64; expected floating-point",
    ),
    "theta0 is NaN": (
        lambda: pt.fit(square, jnp.array([1.0, jnp.nan]), None),
        "theta0 is not finite",
    ),
    "no steps of the optimiser": (
        lambda: pt.fit(square, jnp.ones(3), None, max_steps=0),
        "max_steps is 0; expected",
    ),
    "half a step": (
        lambda: pt.fit(square, jnp.ones(3), None, max_steps=2.5),
        "max_steps is 2.5; expected",
    ),
    "a loss of many numbers": (
        lambda: pt.fit(lambda theta, data: theta**2, jnp.ones(3), None),
        r"The loss must be one number for one theta; it has shape \(3,\)",
    ),
    "not an optimiser": (
        lambda: pt.fit(square, jnp.ones(3), None, optimizer="adam"),
        "optimizer is 'adam'; expected an Optax optimiser",
    ),
    "an optimiser not called": (
        lambda: pt.fit(square, jnp.ones(3), None, optimizer=optax.adam),
        "expected an Optax optimiser such as",
    ),
    "Gauss-Newton on a plain loss": (
        lambda: pt.fit(square, jnp.ones(3), None, optimizer=pt.GaussNewton()),
        r"Gauss-Newton needs to see the prediction.*objective\(",
    ),
    "horizons without experiments": (
        lambda: pt.fit(square, jnp.ones(3), None, horizons=(1, 2)),
        "horizons cut experiments short",
    ),
    "a horizon beyond the data": (
        lambda: pt.fit(LOSS, pt.OJA, seen(), horizons=(3, 9)),
        "Cannot keep the first 9 steps of an experiment of 5 steps",
    ),
    "a horizon without data": (
        lambda: pt.fit(LOSS, pt.OJA, unseen_at_first(), horizons=(2, 5)),
        "activity is NaN in every valid step",
    ),
    "no horizon": (
        lambda: pt.fit(LOSS, pt.OJA, seen(), horizons=()),
        "horizons is empty",
    ),
    "data changed to NaN": (
        lambda: pt.fit(
            LOSS, pt.OJA, seen()._replace(w0=jnp.full((PRE, POST), jnp.nan))
        ),
        "w0 is not finite",
    ),
    "the wrong theta0": (
        lambda: pt.fit(LOSS, np.zeros((3, 3, 3)), seen()),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
    "one start for many fits": (
        lambda: pt.fit_many(square, 1.0, None),
        r"theta0 needs a leading axis.*\[\(\)\]",
    ),
    "unequal numbers of starts": (
        lambda: pt.fit_many(square, {"a": jnp.ones(2), "b": jnp.ones(3)}, None),
        r"theta0 needs a leading axis.*\[\(2,\), \(3,\)\]",
    ),
    "evidence without activity": (
        lambda: pt.evidence_fit(pt.OJA_ORDERS, batch(activity=None)),
        r"needs a batch of experiments .*\(4, 5, 3\) and activity is missing",
    ),
    "evidence from one experiment": (
        lambda: pt.evidence_fit(pt.OJA_ORDERS, seen()),
        r"\(a leading exp axis\).*x has shape \(5, 3\) and activity is there",
    ),
    "evidence from NaN": (
        lambda: pt.evidence_fit(
            pt.OJA_ORDERS,
            batch()._replace(w0=jnp.array(np.full((4, PRE, POST), np.nan))),
        ),
        "w0 is not finite",
    ),
    "an unknown term in the evidence": (
        lambda: pt.evidence_fit(pt.OJA_ORDERS, batch(), only=("xq",)),
        "unknown letter 'q'",
    ),
    "the wrong theta0 for the evidence": (
        lambda: pt.evidence_fit(pt.OJA_ORDERS, batch(), theta0=np.zeros((3, 3, 3))),
        r"theta has shape \(3, 3, 3\); expected \(3, 3, 3, 1\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])


def test_bad_input_is_refused_before_compilation(monkeypatch):
    def compile_nothing(*_):
        raise AssertionError("this compiles")

    monkeypatch.setattr("plastutor.infer._fit._advance", compile_nothing)
    monkeypatch.setattr("plastutor.infer._endings._descent_gains", compile_nothing)
    for case in ("theta0 is NaN", "not an optimiser", "a horizon without data"):
        with pytest.raises((ValueError, TypeError), match=BAD[case][1]):
            BAD[case][0]()
