"""Baselines: against plain loops over the trials."""

import jax
import numpy as np
import pytest

from plastutor.baselines import logistic_regression, q_learning
from plastutor.experiments import make_experiment

STEPS = 14


def choices(seed=0, batch=2, options=2):
    """Two-option choices with rewards, some trials without a choice, and padding."""
    draw = np.random.default_rng(seed)
    choice = draw.integers(0, options, (batch, STEPS))
    choice[:, 5] = -1
    return make_experiment(
        draw.normal(size=(batch, STEPS, 2)),
        w0=np.zeros((2, 1)),
        reward=draw.integers(0, 2, (batch, STEPS)) * (choice >= 0),
        valid=np.arange(STEPS) < STEPS - np.arange(batch)[:, None],
        options=draw.normal(size=(options, 2)),
        choice=choice,
    )


def one_at_a_time(data):
    """(signs, rewards) of each animal: +1 the first option, -1 the second, 0 none."""
    for choice, valid, reward in zip(
        np.asarray(data.choice),
        np.asarray(data.valid),
        np.asarray(data.reward),
        strict=True,
    ):
        yield np.where((choice >= 0) & valid, 1 - 2 * choice, 0), reward


def mean_loss(logits, data):
    """Mean negative log-likelihood, one trial at a time."""
    parts = [
        np.log1p(np.exp(-sign * logit))
        for row, (signs, _) in zip(logits, one_at_a_time(data), strict=True)
        for logit, sign in zip(row, signs, strict=True)
        if sign
    ]
    return np.mean(parts)


def logistic_by_hand(theta, data, lags):
    logits = []
    for signs, rewards in one_at_a_time(data):
        row = []
        for t in range(STEPS):
            past = [
                theta[2 * (lag - 1)] * rewards[t - lag] * signs[t - lag]
                + theta[2 * (lag - 1) + 1] * signs[t - lag]
                for lag in range(1, lags + 1)
                if t - lag >= 0
            ]
            row.append(sum(past))
        logits.append(row)
    return np.array(logits)


def q_by_hand(theta, data):
    alpha, forget = (1 / (1 + np.exp(-v)) for v in theta[:2])
    logits = []
    for signs, rewards in one_at_a_time(data):
        q, row = [0.0, 0.0], []
        for sign, reward in zip(signs, rewards, strict=True):
            row.append(np.exp(theta[2]) * (q[0] - q[1]))
            if sign:
                taken, other = (0, 1) if sign > 0 else (1, 0)
                q[taken] += alpha * (reward - q[taken])
                q[other] *= 1 - forget
        logits.append(row)
    return np.array(logits)


@pytest.mark.parametrize("lags", [1, 3, 20])
def test_logistic_regression_looks_back_at_choices_and_rewards(lags):
    data, theta = choices(), np.random.default_rng(1).normal(size=2 * lags)
    loss, expected = logistic_regression(lags), logistic_by_hand(theta, data, lags)
    np.testing.assert_allclose(loss.predict(theta, data), expected, atol=1e-12)
    np.testing.assert_allclose(loss(theta, data), mean_loss(expected, data), rtol=1e-12)


def test_logistic_regression_has_no_intercept_and_a_penalty():
    data, theta = choices(), np.arange(6.0)
    plain, more = (logistic_regression(3, penalty=p) for p in (0.0, 0.1))
    assert float(plain(0 * theta, data)) == pytest.approx(np.log(2))
    assert plain.predict(theta, data)[0, 0] == 0
    np.testing.assert_allclose(more(theta, data) - plain(theta, data), 0.1 * 55)


@pytest.mark.parametrize(
    "theta", [(0.0, 0.0, 0.0), (-1.0, 0.5, 1.2), (3.0, -40.0, 0.1)]
)
def test_q_learning_equals_a_loop(theta):
    data, loss = choices(), q_learning()
    expected = q_by_hand(theta, data)
    found = loss.predict(np.array(theta), data)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(
        loss(np.array(theta), data), mean_loss(expected, data), rtol=1e-12
    )


@pytest.mark.parametrize(
    "loss, size", [(logistic_regression(3), 6), (q_learning(), 3)], ids=["lr", "q"]
)
def test_a_single_animal_is_a_batch_of_one(loss, size):
    data, theta = choices(), np.linspace(-1, 1, size)
    for k in range(2):
        alone = loss.predict(theta, jax.tree.map(lambda leaf, k=k: leaf[k], data))
        np.testing.assert_allclose(loss.predict(theta, data)[k], alone, atol=1e-12)


@pytest.mark.parametrize(
    "loss", [logistic_regression(3), q_learning()], ids=["lr", "q"]
)
def test_only_two_option_choices_are_taken(loss):
    none = make_experiment(np.ones((3, 2)), w0=np.ones((2, 1)))
    for data in (none, choices(options=3)):
        with pytest.raises(ValueError, match="choices between two options"):
            loss(np.zeros(6), data)
