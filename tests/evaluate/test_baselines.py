"""Baselines: against plain loops over the trials."""

import jax
import numpy as np
import pytest
from bad_input import check_refusal

import plastutor as pt

STEPS = 14
RATES = ("logit alpha", "logit forget", "logit kernel rate")


def choices(seed=0, batch=2, options=2):
    """Two-option choices with rewards, some trials without a choice, and padding."""
    draw = np.random.default_rng(seed)
    choice = draw.integers(0, options, (batch, STEPS))
    choice[:, 5] = -1
    return pt.make_experiment(
        draw.normal(size=(batch, STEPS, 2)),
        w0=np.zeros((2, 1)),
        reward=draw.integers(0, 2, (batch, STEPS)) * (choice >= 0),
        valid=np.arange(STEPS) < STEPS - np.arange(batch)[:, None],
        options=draw.normal(size=(options, 2)),
        choice=choice,
    )


def one_at_a_time(data):
    """(choices, rewards) of each animal; -1 where there was no choice."""
    for choice, valid, reward in zip(
        np.asarray(data.choice),
        np.asarray(data.valid),
        np.asarray(data.reward),
        strict=True,
    ):
        yield np.where(valid, choice, -1), reward


def mean_loss(values, data):
    """Mean negative log-likelihood, one trial at a time."""
    parts = [
        np.log(np.exp(value).sum()) - value[choice]
        for rows, (choices, _) in zip(values, one_at_a_time(data), strict=True)
        for value, choice in zip(rows, choices, strict=True)
        if choice >= 0
    ]
    return np.mean(parts)


def logistic_by_hand(theta, data, lags, options):
    values = np.zeros((*data.choice.shape, options))
    for animal, (choices, rewards) in enumerate(one_at_a_time(data)):
        for t in range(STEPS):
            for lag in range(1, min(lags, t) + 1):
                if choices[t - lag] >= 0:
                    of_reward, of_choice = theta[2 * lag - 2 : 2 * lag]
                    added = of_reward * rewards[t - lag] + of_choice
                    values[animal, t, choices[t - lag]] += added
    return values


def q_by_hand(theta, data, options, names=("logit alpha", "logit forget", "log beta")):
    """Values, and a habit, of one animal after the other."""
    of = dict(zip(names, theta, strict=True))
    rate = {name: 1 / (1 + np.exp(-of.get(name, -np.inf))) for name in RATES}
    bias = np.array([0.0] + [of.get(f"bias {k}", 0.0) for k in range(1, options)])
    beta = np.exp(of["log beta"]) if "log beta" in of else 0.0
    values = []
    for choices, rewards in one_at_a_time(data):
        q, habit, row = np.zeros(options), np.zeros(options), []
        for choice, reward in zip(choices, rewards, strict=True):
            row.append(beta * q + of.get("kernel", 0.0) * habit + bias)
            if choice >= 0:
                worth = reward if reward else of.get("no reward", 0.0)
                for k in range(options):
                    habit[k] += rate["logit kernel rate"] * ((k == choice) - habit[k])
                    if k == choice:
                        q[k] += rate["logit alpha"] * (worth - q[k])
                    else:
                        q[k] *= 1 - rate["logit forget"]
        values.append(row)
    return np.array(values)


@pytest.mark.parametrize("options", [2, 3])
@pytest.mark.parametrize("lags", [1, 3, 20])
def test_logistic_regression_looks_back_at_choices_and_rewards(lags, options):
    data = choices(options=options)
    theta = np.random.default_rng(1).normal(size=2 * lags)
    loss = pt.evaluate.logistic_regression(lags)
    expected = logistic_by_hand(theta, data, lags, options)
    np.testing.assert_allclose(
        loss.predict(theta, data).option_logit, expected, atol=1e-12
    )
    np.testing.assert_allclose(loss(theta, data), mean_loss(expected, data), rtol=1e-12)


def test_logistic_regression_has_no_intercept_and_a_penalty():
    data, theta = choices(), np.arange(6.0)
    plain, more = (pt.evaluate.logistic_regression(3, penalty=p) for p in (0.0, 0.1))
    assert float(plain(0 * theta, data)) == pytest.approx(np.log(2))
    assert (plain.predict(theta, data).option_logit[0, 0] == 0).all()
    np.testing.assert_allclose(more(theta, data) - plain(theta, data), 0.1 * 55)


def test_two_options_are_a_logistic_regression_on_signed_events():
    """Lau and Glimcher (2005): log-odds = sum a R c + b c, with c = +1 or -1."""
    data, theta = choices(), np.array([0.7, -0.4])
    value = np.asarray(
        pt.evaluate.logistic_regression(1).predict(theta, data).option_logit
    )
    for row, (chosen, reward) in zip(value, one_at_a_time(data), strict=True):
        sign = np.where(chosen < 0, 0, 1 - 2 * chosen)
        odds = theta[0] * reward * sign + theta[1] * sign
        np.testing.assert_allclose(row[1:, 0] - row[1:, 1], odds[:-1], atol=1e-12)


@pytest.mark.parametrize("options", [2, 3])
@pytest.mark.parametrize(
    "theta", [(0.0, 0.0, 0.0), (-1.0, 0.5, 1.2), (3.0, -40.0, 0.1)]
)
def test_q_learning_equals_a_loop(theta, options):
    data, loss = choices(options=options), pt.evaluate.q_learning()
    expected = q_by_hand(theta, data, options)
    found = loss.predict(np.array(theta), data).option_logit
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(
        loss(np.array(theta), data), mean_loss(expected, data), rtol=1e-12
    )


@pytest.mark.parametrize("options", [2, 3])
@pytest.mark.parametrize("forgetting", [True, False])
@pytest.mark.parametrize("no_reward", [True, False])
def test_habits_biases_and_the_value_of_no_reward_equal_a_loop(
    options, forgetting, no_reward
):
    data = choices(options=options)
    losses = [pt.evaluate.choice_kernel(bias=options - 1)]
    losses += [
        pt.evaluate.q_learning(
            forgetting=forgetting, no_reward=no_reward, kernel=kernel, bias=biases
        )
        for kernel, biases in ((True, 0), (True, options - 1), (False, options - 1))
    ]
    for loss in losses:
        theta = np.asarray(loss.predict.init(jax.random.key(3)))
        expected = q_by_hand(theta, data, options, loss.predict.names)
        found = loss.predict(theta, data).option_logit
        np.testing.assert_allclose(found, expected, atol=1e-12)
        np.testing.assert_allclose(
            loss(theta, data), mean_loss(expected, data), rtol=1e-12
        )


def test_a_regression_may_have_biases():
    data, lags = choices(options=3), 2
    theta = np.random.default_rng(1).normal(size=6)
    expected = logistic_by_hand(theta[:4], data, lags, 3) + [0, *theta[4:]]
    loss = pt.evaluate.logistic_regression(lags, bias=2)
    found = loss.predict(theta, data).option_logit
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: pt.evaluate.q_learning(bias=-1), "bias is -1; expected how many"),
        (lambda: pt.evaluate.choice_kernel(bias=0.5), "bias is 0.5; expected how many"),
        (
            lambda: pt.evaluate.q_learning()(np.zeros(4), choices()),
            r"shape \(4,\); expected \(3,\): logit alpha, logit forget, log beta",
        ),
        (
            lambda: pt.evaluate.choice_kernel(bias=1)(np.zeros(3), choices(options=3)),
            "bias is 1 and there are 3 options; expected .* bias=2",
        ),
    ],
    ids=["negative", "fraction", "theta", "options"],
)
def test_bad_input_gets_a_sentence(make, says):
    check_refusal(make, says)


@pytest.mark.parametrize(
    "loss, size",
    [(pt.evaluate.logistic_regression(3), 6), (pt.evaluate.q_learning(), 3)],
    ids=["lr", "q"],
)
def test_a_single_animal_is_a_batch_of_one(loss, size):
    data, theta = choices(), np.linspace(-1, 1, size)
    for k in range(2):
        animal = jax.tree.map(lambda leaf, k=k: leaf[k], data)
        alone = loss.predict(theta, animal).option_logit
        np.testing.assert_allclose(
            loss.predict(theta, data).option_logit[k], alone, atol=1e-12
        )


@pytest.mark.parametrize(
    "loss",
    [pt.evaluate.logistic_regression(3), pt.evaluate.q_learning()],
    ids=["lr", "q"],
)
def test_choices_are_needed(loss):
    none = pt.make_experiment(np.ones((3, 2)), w0=np.ones((2, 1)))
    with pytest.raises(ValueError, match="needs choices"):
        loss(np.zeros(6), none)


def test_fixed_weights_fit_what_never_learned():
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(2, 20, 3)), draw.normal(size=(3, 4))
    made = pt.make_experiment(x, w0=np.zeros((3, 4)), activity=1 / (1 + np.exp(-x @ w)))
    loss = pt.evaluate.fixed_weights()
    assert float(loss(w, made)) < 1e-20 < 1e-3 < float(loss(0 * w, made))
