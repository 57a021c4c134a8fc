"""One object for each kind of data: sums, residuals, samples, and one of one's own."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from bad_input import check_refusal

import plastutor as pt
from plastutor.likelihoods import likelihood_of, sample, softmax_choice

LOGIT = jnp.array([[-2.0, 0.5, 1.0], [0.0, 0.0, 3.0]])


def made_by(likelihood):
    """A trajectory of two steps, observations of them, and what is predicted."""
    y = jnp.array([[0.2, 0.7, 0.4], [0.5, 0.9, 0.1]])
    made = pt.Trajectory(None, y, LOGIT[:, 0], LOGIT)
    x, w0 = jnp.zeros((2, 1)), jnp.zeros((1, 3))
    seen = {
        "activity": {"activity": [[0.0, np.nan, 1.0], [np.nan, 0.5, 0.2]]},
        "accept": {"accept": [1.0, 0.0]},
        "choice": {"choice": [2, -1], "options": np.ones((3, 1))},
    }[likelihood.field]
    return made, pt.make_experiment(x, w0=w0, reward=np.zeros(2), **seen)


KINDS = {
    "activity": pt.activity,
    "accept": pt.accept,
    "choice": pt.choice,
    "softmax": softmax_choice,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_is_the_sum_over_the_count_of_all_pieces(kind):
    likelihood = KINDS[kind]
    made, data = made_by(likelihood)
    total, count = likelihood.sums(made, data)
    assert int(count) == {"activity": 4, "accept": 2}.get(kind, 1)
    np.testing.assert_allclose(likelihood(made, data), float(total) / int(count))
    pieces = [
        likelihood.sums(
            jax.tree.map(lambda leaf, t=t: leaf[t : t + 1], made),
            pt.first_steps(data, 1) if t == 0 else last_step(data),
        )
        for t in range(2)
    ]
    np.testing.assert_allclose(sum(p[0] for p in pieces), total)
    assert sum(int(p[1]) for p in pieces) == int(count)


def last_step(data):
    return next(reversed([*pt.chunks(data, 1)]))


@pytest.mark.parametrize("kind", ["accept", "activity"])
def test_residuals_by_hand_are_those_from_derivatives(kind):
    """Of the loss: of a squared error, twice the log-likelihood for noise of 1."""
    likelihood = KINDS[kind]
    made, data = made_by(likelihood)
    u, along = likelihood.prediction(made), jr.normal(jr.key(0), (4, 2, 3))
    along = along if kind == "activity" else along[..., 0]
    general = replace(likelihood, whiten=None).whitened(u, along, data)
    special = likelihood.whitened(u, along, data)
    scale = 2**0.5 if kind == "activity" else 1
    for found, wanted in zip(general[:2], special[:2], strict=True):
        np.testing.assert_allclose(found, scale * wanted, atol=1e-12)
    assert int(general[2]) == int(special[2])


def test_what_residuals_say_of_a_choice_is_its_gradient_and_curvature():
    made, data = made_by(softmax_choice)
    now = jax.tree.map(lambda leaf: leaf[0], data._replace(w0=None, options=None))
    residuals, along, _ = softmax_choice.whitened(LOGIT[0], jnp.eye(3), now)
    loss = lambda u: softmax_choice.loss(u, 2)
    np.testing.assert_allclose(along @ residuals, -jax.grad(loss)(LOGIT[0]), atol=1e-12)
    np.testing.assert_allclose(along @ along.T, jax.hessian(loss)(LOGIT[0]), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_come_as_often_as_predicted(kind):
    likelihood = KINDS[kind]
    made, _ = made_by(likelihood)
    many = jax.vmap(lambda key: sample(likelihood, key, made))(
        jr.split(jr.key(0), 4000)
    )
    if kind == "activity":
        np.testing.assert_allclose(many.mean(0), made.y, atol=0.08)
        np.testing.assert_allclose(many.std(0), 1, atol=0.08)
    elif kind == "accept":
        np.testing.assert_allclose(many.mean(0), jax.nn.sigmoid(LOGIT[:, 0]), atol=0.04)
    else:
        p = pt.choice_probability(LOGIT) if kind == "choice" else jax.nn.softmax(LOGIT)
        often = jax.nn.one_hot(many, 3).mean(0)
        np.testing.assert_allclose(often, p, atol=0.04)


def test_two_options_seen_together_are_told_apart_by_their_difference_alone():
    _, data = made_by(pt.choice)
    both = [
        kind(pt.Trajectory(None, LOGIT, None, LOGIT + shift), data)
        for kind in (softmax_choice, pt.choice)
        for shift in (0.0, 5.0)
    ]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-9)
    assert abs(both[2] - both[3]) > 0.1


def test_choices_come_before_accepts_and_activity():
    for kind in ("activity", "accept", "choice"):
        assert likelihood_of(made_by(KINDS[kind])[1]) is KINDS[kind]


BAD = {
    "nothing to draw with": (
        lambda: sample(
            replace(pt.accept, sample=None), jr.key(0), made_by(pt.accept)[0]
        ),
        "has no sample=",
    ),
    "nothing observed": (
        lambda: likelihood_of(pt.make_experiment([[1.0]], w0=[[0.0]])),
        "hold no choices, accepts or activity",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_gets_a_sentence(case):
    check_refusal(*BAD[case])
