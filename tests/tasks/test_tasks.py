"""Tasks: the statistics that were asked for, and foraging as the paper describes it."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

OJA_RULE = pt.taylor(pt.OJA_ORDERS)
ORDERS = pt.Orders(x=1, w=1, r=1)
RULE, THETA = pt.taylor(ORDERS), pt.reward_covariance(ORDERS, decay=0.05)
STILL = pt.reward_covariance(ORDERS) * 0
ALWAYS = pt.Network(pt.networks.identity, readout=1e3, divide_by_pre=True)
"""With positive weights and inputs, accepts all that is presented."""


def neural(seed=0, **settings):
    sizes = {"n_experiments": 5, "n_steps": 20, "n_pre": 40, "n_post": 30}
    return pt.neural_task(jr.key(seed), OJA_RULE, pt.OJA, **(sizes | settings))


@pytest.fixture(scope="module")
def clean():
    return neural()


@pytest.fixture(scope="module")
def flies():
    """Many animals at the paper's settings, with a rule that learns and forgets."""
    return pt.foraging_task(jr.key(1), RULE, THETA, n_experiments=200)


@pytest.fixture(scope="module")
def coin_flippers():
    """Animals that never learn and accept with p = 1/2, so that all waits are equal."""
    return pt.foraging_task(
        jr.key(2),
        RULE,
        STILL,
        n_experiments=200,
        w_std=0.0,
        reward_probabilities=((0.2, 0.2), (0.0, 1.0)),
    )


def spread(values, expected):
    """The standard deviation is within four of its own standard errors."""
    values = np.asarray(values)
    return abs(values.std() - expected) < 4 * expected / np.sqrt(2 * values.size)


def test_inputs_and_weights_have_the_spread_of_the_paper(clean):
    assert spread(clean.x, np.sqrt(0.1)) and spread(clean.w0, np.sqrt(2 / 40))
    assert abs(np.mean(clean.x)) < 4 * np.sqrt(0.1 / clean.x.size)
    assert np.unique(clean.w0).size == clean.w0.size, "new weights in every experiment"


def test_the_spread_can_be_chosen():
    made = neural(x_std=2.0, w_std=0.3)
    assert spread(made.x, 2.0) and spread(made.w0, 0.3)


def test_the_activity_is_that_of_the_true_rule(clean):
    np.testing.assert_array_equal(
        clean.activity, pt.simulate(OJA_RULE, pt.OJA, clean, keep_weights=False).y
    )


def test_the_noise_is_on_the_recording_only(clean):
    noisy = neural(noise=0.1)
    np.testing.assert_array_equal(noisy.x, clean.x)
    np.testing.assert_array_equal(noisy.w0, clean.w0)
    assert spread(np.asarray(noisy.activity) - clean.activity, 0.1)


def test_a_fraction_of_the_neurons_is_recorded(clean):
    made = neural(recorded=0.3, n_post=1000, n_experiments=2, n_steps=2, n_pre=2)
    kept = ~np.isnan(made.activity)
    np.testing.assert_array_equal(kept, np.broadcast_to(kept[0, 0], kept.shape))
    assert abs(kept[0, 0].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 1000)
    tiny = neural(recorded=1e-9, n_experiments=1, n_steps=2, n_pre=2)
    assert (~np.isnan(tiny.activity)).any(), "one neuron at least"
    assert not np.isnan(clean.activity).any()


def test_the_same_key_gives_the_same_data_and_another_another(clean):
    again = neural()
    for one, other in zip(jax.tree.leaves(clean), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (neural(1).x != clean.x).all()


def test_a_student_can_start_from_other_weights(clean):
    other = pt.redraw_w0(jr.key(5), clean)
    assert spread(other.w0, np.sqrt(2 / 40)) and (other.w0 != clean.w0).all()
    assert abs(np.corrcoef(np.ravel(other.w0), np.ravel(clean.w0))[0, 1]) < 0.06
    assert other.x is clean.x and other.activity is clean.activity
    assert spread(pt.redraw_w0(jr.key(5), clean, std=3.0).w0, 3.0)


def test_inputs_that_were_not_recorded_are_left_out():
    data = neural(n_pre=1000, n_post=2, n_experiments=3, n_steps=4)
    made = pt.hide_inputs(jr.key(6), data, 0.7)
    hidden = np.asarray(made.x != data.x)
    # The same neurons everywhere.
    np.testing.assert_array_equal(hidden, np.broadcast_to(hidden[0, 0], hidden.shape))
    assert abs(hidden[0, 0].mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 1000)
    assert (np.asarray(made.x)[hidden] == 0).all()
    assert made.w0 is data.w0 and made.activity is data.activity
    np.testing.assert_array_equal(pt.hide_inputs(jr.key(6), data, 1.0).x, data.x)


def test_inputs_that_were_not_recorded_can_be_noise():
    data = neural(n_pre=1000, n_post=2, n_experiments=3, n_steps=4)
    left_out = pt.hide_inputs(jr.key(6), data, 0.7)
    made = pt.hide_inputs(jr.key(6), data, 0.7, fill_std=0.3)
    hidden = np.asarray(left_out.x == 0)
    np.testing.assert_array_equal(np.where(hidden, 0, made.x), left_out.x)
    fill = np.asarray(made.x)[hidden]
    assert spread(fill, 0.3) and np.unique(fill).size == fill.size, "new in every step"
    assert abs(np.corrcoef(fill, np.asarray(data.x)[hidden])[0, 1]) < 0.08


def test_every_animal_forages_to_the_end(flies):
    e = flies.experiment
    assert flies.trials == 240 and (flies.completed == 240).all()
    assert flies.status == "All 200 animals finished 240 trials."
    np.testing.assert_array_equal(np.nansum(e.accept, 1), 240)
    # The last valid presentation is the accept that ended the last trial.
    last = np.asarray(e.valid).sum(1) - 1
    assert (np.asarray(e.accept)[np.arange(200), last] == 1).all()
    np.testing.assert_array_equal(e.valid, ~np.isnan(e.accept))
    np.testing.assert_array_equal(e.plastic, np.asarray(e.accept) == 1)
    pt.check_experiment(e)


def test_the_stimuli_are_noisy_one_hot_odours(flies):
    e = flies.experiment
    valid, odour = np.asarray(e.valid), np.asarray(flies.odour)
    x = np.asarray(e.x)[valid]
    presented = np.where(odour[valid] == 1, x[:, 1], x[:, 0])
    absent = np.where(odour[valid] == 1, x[:, 0], x[:, 1])
    assert spread(presented - 0.75, 0.05) and spread(absent, 0.05)
    assert abs(presented.mean() - 0.75) < 4 * 0.05 / np.sqrt(len(x))
    assert abs(absent.mean()) < 4 * 0.05 / np.sqrt(len(x))
    assert abs(odour[valid].mean() - 0.5) < 4 * 0.5 / np.sqrt(len(x))
    assert spread(e.w0, 0.01) and e.w0.shape == (200, 2, 10)
    np.testing.assert_array_equal(np.asarray(e.x)[~valid], 0)


def test_resampled_stimuli_have_the_same_odours_and_other_noise(flies):
    old, new = flies.experiment, pt.tasks.resample_stimuli(jr.key(3), flies)
    again = pt.tasks.resample_stimuli(jr.key(3), flies._replace(experiment=new))
    np.testing.assert_array_equal(new.x, again.x)
    odours = 0.75 * np.eye(2)[np.asarray(flies.odour)]
    valid = np.asarray(old.valid)
    noise, before = (
        np.asarray(new.x - odours)[valid],
        np.asarray(old.x - odours)[valid],
    )
    assert spread(noise, 0.05)
    assert abs(np.corrcoef(noise.ravel(), before.ravel())[0, 1]) < 4 / noise.size**0.5
    np.testing.assert_array_equal(np.asarray(new.x)[~valid], 0)
    for one, other in zip(new[1:], old[1:], strict=True):
        jax.tree.map(np.testing.assert_array_equal, one, other)


def test_only_accepts_are_rewarded_and_with_one_reward(flies):
    reward, accept = (
        np.asarray(v) for v in flies.experiment[1:2] + (flies.experiment.accept,)
    )
    assert set(np.unique(reward)) == {0, 1}
    assert (accept[reward == 1] == 1).all()


def test_the_model_that_made_the_choices_is_calibrated(flies):
    """`simulate` takes the steps of the closed loop: else p would not fit."""
    e = flies.experiment
    trajectory = pt.simulate(RULE, THETA, e, network=pt.BEHAVIOUR, keep_weights=False)
    valid = np.asarray(e.valid)
    p = 1 / (1 + np.exp(-np.asarray(trajectory.logit)[valid]))
    residual = np.asarray(e.accept)[valid] - p
    assert p.std() > 0.1
    # Within each tenth of the predicted probabilities, not only on the whole.
    for part in np.array_split(np.argsort(p), 10):
        error = np.sqrt((p[part] * (1 - p[part])).sum())
        assert abs(residual[part].sum()) < 4 * error
    # Residuals are independent of what was known: the present weights, for example.
    gap = (
        np.asarray(trajectory.logit)[valid] - np.asarray(trajectory.logit)[valid].mean()
    )
    assert abs((residual * gap).sum()) < 4 * np.sqrt((p * (1 - p) * gap**2).sum())


def test_the_true_rule_explains_the_choices_best(flies):
    loss = jax.jit(pt.objective(RULE, pt.accept, network=pt.BEHAVIOUR))
    truth = float(loss(THETA, flies.experiment))
    for factor in (0.0, 0.8, 1.2):
        assert float(loss(factor * THETA, flies.experiment)) > truth + 1e-5


def collected(made, block, odour):
    """Rewards at the accepts of one odour in one block of 80 trials; and the wait."""
    e, rewards, waits = made.experiment, [], []
    accept, reward = np.asarray(e.accept) == 1, np.asarray(e.reward)
    for k in range(len(accept)):
        taken = np.asarray(made.odour)[k][accept[k]]
        got = reward[k][accept[k]]
        trials = np.flatnonzero(taken == odour)
        wait = np.diff(trials, prepend=-1)
        inside = (trials >= 80 * block) & (trials < 80 * (block + 1))
        inside &= trials - wait >= 80 * block - (block == 0)
        rewards.append(got[trials[inside]])
        waits.append(wait[inside])
    return np.concatenate(rewards), np.concatenate(waits)


def test_a_bait_stays_until_it_is_collected(coin_flippers):
    # After a wait of n trials, n draws of 0.2 may have laid the bait.
    rewards, waits = collected(coin_flippers, block=0, odour=0)
    assert rewards.mean() > 0.3
    for wait in range(1, 6):
        got, expected = rewards[waits == wait], 1 - 0.8**wait
        error = np.sqrt(expected * (1 - expected) / len(got))
        assert len(got) > 50 and abs(got.mean() - expected) < 4 * error


def test_a_certain_bait_is_always_there_and_an_impossible_one_never(coin_flippers):
    assert (collected(coin_flippers, block=1, odour=1)[0] == 1).all()
    assert (collected(coin_flippers, block=1, odour=0)[0] == 0).all()


def test_from_the_first_trial_on():
    made = pt.foraging_task(
        jr.key(0), RULE, STILL, n_experiments=20, reward_probabilities=((0.0, 1.0),)
    )
    accepted = np.asarray(made.experiment.accept) == 1
    at_b = accepted & (np.asarray(made.odour) == 1)
    np.testing.assert_array_equal(made.experiment.reward, at_b)


def test_an_animal_that_meets_the_cap_is_a_status_and_still_data():
    made = pt.foraging_task(
        jr.key(3), RULE, THETA, n_experiments=6, max_presentations=90
    )
    assert (made.completed < 240).all()
    assert "6 of 6 animals had not finished 240 trials" in made.status
    assert "after 90 presentations" in made.status and "Raise" in made.status
    pt.check_experiment(made.experiment)
    accepts = np.asarray(made.experiment.accept).sum(1)
    np.testing.assert_array_equal(accepts, made.completed)
    loss = pt.objective(RULE, pt.accept, network=pt.BEHAVIOUR)
    assert np.isfinite(loss(THETA, made.experiment))


def test_several_rules_are_one_program():
    thetas = jnp.stack([THETA, STILL, 2 * THETA])

    def forage(theta):
        made = pt.foraging_task(jr.key(4), RULE, theta, n_experiments=2, network=pt.FLY)
        return made.experiment, made.completed

    together, completed = jax.vmap(forage)(thetas)
    assert completed.shape == (3, 2)
    alone = pt.foraging_task(
        jr.key(4), RULE, thetas[2], n_experiments=2, network=pt.FLY
    )
    np.testing.assert_array_equal(together.accept[2], alone.experiment.accept)
    np.testing.assert_array_equal(together.reward[2], alone.experiment.reward)
    assert (together.accept[0] != together.accept[1]).any()


def test_the_same_key_gives_the_same_animals():
    one, other, another = (
        pt.foraging_task(
            jr.key(k), RULE, THETA, n_experiments=2, network=pt.FLY
        ).experiment
        for k in (4, 4, 5)
    )
    np.testing.assert_array_equal(one.accept, other.accept)
    assert (np.asarray(one.accept) != np.asarray(another.accept)).any()


def test_several_rules_forage_in_one_compiled_program():
    thetas = jnp.stack([THETA, STILL])
    sizes = {"n_experiments": 2, "trials_per_block": 5, "n_post": 3}

    def forage(theta):
        return pt.foraging_task(jr.key(4), RULE, theta, **sizes)

    both = jax.jit(jax.vmap(lambda theta: forage(theta).experiment))(thetas)
    for k, theta in enumerate(thetas):
        alone = forage(theta).experiment
        np.testing.assert_array_equal(both.accept[k], alone.accept)
        np.testing.assert_allclose(both.x[k], alone.x, rtol=1e-12)
