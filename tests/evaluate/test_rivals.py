"""Rivals of a rule: each finds itself in its own simulated animals; early stopping."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import plastutor as pt
from plastutor.likelihoods import softmax_choice

TRUTHS = {
    "kernel": (pt.evaluate.choice_kernel(bias=1), (2.0, -1.5, 0.3)),
    "Q": (pt.evaluate.q_learning(), (-1.0, -2.0, 1.2)),
    "Q, kernel": (
        pt.evaluate.q_learning(forgetting=False, kernel=True),
        (-1.0, 1.2, 2.0, -1.5),
    ),
    "Q, all": (
        pt.evaluate.q_learning(no_reward=True, kernel=True, bias=1),
        (-1.0, -1.0, 1.0, -0.5, 1.0, -1.0, 0.4),
    ),
    "regression": (
        pt.evaluate.logistic_regression(3, bias=1),
        (1.0, 0.5, 0.5, 0.3, 0.2, 0.2, -0.3),
    ),
}


def probability(loss, theta, data):
    """Of the first option in each trial."""
    return jax.nn.softmax(loss.predict(theta, data).option_logit)[..., 0]


def animals(loss, theta, n=40, key=0):
    how = {"likelihood": softmax_choice, "n_experiments": n}
    return pt.tasks.choice_task(jr.key(key), loss.predict, theta, **how)


@pytest.mark.parametrize("name", TRUTHS)
def test_a_baseline_finds_itself(name):
    loss, truth = TRUTHS[name]
    truth = jnp.array(truth)
    data = animals(loss, truth)
    how = {"optimizer": pt.GaussNewton(), "max_steps": 25, "restarts": 4}
    found = pt.fit_restarts(jr.key(1), loss, loss.predict.init, data, **how)
    assert pt.lowest_loss(found) <= float(loss(truth, data)) + 1e-9
    made, true = (probability(loss, theta, data) for theta in (found.theta, truth))
    assert float(jnp.abs(made - true).mean()) < 0.02
    assert float(jnp.std(true)) > 0.05  # there was something to find


def test_animals_without_a_model_choose_at_random():
    loss = pt.evaluate.choice_kernel()
    data = animals(loss, jnp.zeros(2))
    assert 0.45 < float(data.choice.mean()) < 0.55
    assert data.choice.shape == (40, 240) and bool(data.valid.all())
    pt.objective(pt.taylor(pt.Orders(x=1)), pt.choice, network=pt.FLY)(
        jnp.zeros((2, 1, 1, 1)), data
    )  # it is an experiment as others are


def test_a_bait_stays_until_it_is_collected():
    never = pt.tasks.choice_task(
        jr.key(0),
        pt.evaluate.choice_kernel().predict,
        jnp.zeros(2),
        n_experiments=3,
        reward_probabilities=((1.0, 0.0), (0.0, 0.0)),
        trials_per_block=10,
    )
    for choice, reward in zip(
        np.asarray(never.choice), np.asarray(never.reward), strict=True
    ):
        np.testing.assert_array_equal(reward[:10], choice[:10] == 0)
        assert reward[10:].sum() == (choice[9] == 1 and (choice[10:] == 0).any())


@pytest.mark.parametrize("wrong", [((0.5,),), ((0.5, 1.5),)])
def test_bad_probabilities_get_a_sentence(wrong):
    with pytest.raises(ValueError, match="reward_probabilities"):
        pt.tasks.choice_task(
            jr.key(0),
            pt.evaluate.choice_kernel().predict,
            jnp.zeros(2),
            reward_probabilities=wrong,
        )


# --- the recurrent network ------------------------------------------------------------


def by_hand(theta, choices, rewards):
    """The values of two options, one unit after the other (Cho et al. 2014)."""

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    units, rows = len(theta["start"]), []
    h = [np.array(theta["start"]) for _ in range(2)]
    for choice, reward in zip(choices, rewards, strict=True):
        bias = [0.0, theta["bias"][0]]
        rows.append([h[k] @ theta["readout"] + bias[k] for k in range(2)])
        for k in range(2):
            chose = float(choice == k)
            event = np.array([chose, chose * reward, (1 - chose) * reward])
            drive = event @ theta["input"] + theta["constant"]
            z, r, n = (slice(i * units, (i + 1) * units) for i in range(3))
            again = h[k] @ theta["recurrent"]
            keep, reset = sigmoid(drive[z] + again[z]), sigmoid(drive[r] + again[r])
            h[k] = keep * h[k] + (1 - keep) * np.tanh(drive[n] + reset * again[n])
    return np.array(rows)


def test_the_recurrent_network_equals_a_loop():
    loss = pt.evaluate.recurrent_network(2, bias=1)
    theta = jax.tree.map(lambda leaf: leaf + 0.2, loss.predict.init(jr.key(0)))
    theta = jax.tree.map(np.asarray, theta)
    data = animals(pt.evaluate.choice_kernel(), jnp.zeros(2), n=2)
    made = loss.predict(theta, data).option_logit
    for k in range(2):
        expected = by_hand(theta, np.asarray(data.choice[k]), data.reward[k])
        np.testing.assert_allclose(made[k], expected, atol=1e-10)


def test_the_recurrent_network_finds_itself():
    loss = pt.evaluate.recurrent_network(2, bias=1)
    truth = jax.tree.map(lambda leaf: 3 * leaf, loss.predict.init(jr.key(2)))
    data = animals(loss, truth, n=60)
    found = pt.fit_restarts(
        jr.key(1),
        loss,
        loss.predict.init,
        data,
        optimizer=optax.adam(0.03),
        max_steps=300,
        restarts=2,
    )
    made, true = (probability(loss, theta, data) for theta in (found.theta, truth))
    assert float(jnp.std(true)) > 0.05
    assert float(jnp.abs(made - true).mean()) < 0.04


def test_a_stopped_fit_knows_nothing_of_the_animal_left_out():
    loss = pt.evaluate.recurrent_network(1)
    data = animals(pt.evaluate.choice_kernel(), jnp.array([3.0, 0.0]), n=5)
    other = data._replace(choice=data.choice.at[4].set(1 - data.choice[4]))
    found, again = (
        pt.evaluate.leave_one_out_stopped(
            jr.key(0), loss, loss.predict.init, each, max_steps=30
        )
        for each in (data, other)
    )
    for a, b in zip(
        *(jax.tree.leaves(f.fits[4].theta) for f in (found, again)), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert found.steps[4] == again.steps[4] <= 30
    assert pt.percent_deviance(found.losses, np.full(5, 240 * np.log(2))) > 5


def test_more_groups_than_animals_get_a_sentence():
    loss = pt.evaluate.recurrent_network(1)
    data = animals(pt.evaluate.choice_kernel(), jnp.zeros(2), n=3)
    with pytest.raises(ValueError, match="There are 3 animals and folds is 3"):
        pt.evaluate.leave_one_out_stopped(jr.key(0), loss, loss.predict.init, data)
