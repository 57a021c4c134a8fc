"""Held out: no animal has a part in what predicts it."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import plastutor as pt
from plastutor.evaluate._held_out import _per_animal
from plastutor.infer._fit import _advance

ANIMALS, STEPS, LAGS = 4, 40, 2
OPTIMIZER = optax.sgd(0.5)


def flies(seed=0):
    """Animals that repeat what was rewarded, more or less, of unequal length."""
    draw = np.random.default_rng(seed)
    choice = draw.integers(0, 2, (ANIMALS, STEPS))
    reward = draw.integers(0, 2, (ANIMALS, STEPS))
    for t in range(1, STEPS):
        again = reward[:, t - 1] & (draw.random(ANIMALS) < 0.8)
        choice[:, t] = np.where(again, choice[:, t - 1], choice[:, t])
    return pt.make_experiment(
        np.eye(2)[choice],
        w0=np.zeros((2, 1)),
        reward=reward,
        valid=np.arange(STEPS) < STEPS - 3 * np.arange(ANIMALS)[:, None],
        options=np.eye(2),
        choice=choice,
    )


def change(data, animal):
    """The same animals, but one of them did the opposite and was always rewarded."""
    choice = data.choice.at[animal].set(1 - data.choice[animal])
    return data._replace(choice=choice, reward=data.reward.at[animal].set(1))


def start(key):
    return 0.1 * jr.normal(key, (2 * LAGS,))


def left_out(data, losses, **more):
    settings = {"restarts": 2, "optimizer": OPTIMIZER, "max_steps": 20}
    return pt.leave_one_out(jr.key(0), losses, start, data, **(settings | more))


LOSS = pt.evaluate.logistic_regression(LAGS, penalty=0.01)
PENALTIES = [pt.evaluate.logistic_regression(LAGS, penalty=p) for p in (0.0, 0.3)]


@pytest.fixture(scope="module")
def folds():
    return left_out(flies(), LOSS)


@pytest.fixture(scope="module")
def nested():
    return left_out(flies(), PENALTIES, restarts=1)


@pytest.mark.parametrize("animal", [0, 2])
def test_an_animal_has_no_part_in_its_own_fold(folds, animal):
    other = left_out(change(flies(), animal), LOSS)
    for k in range(ANIMALS):
        moved = np.abs(other.fits[k].theta - folds.fits[k].theta).max()
        assert moved < 1e-12 if k == animal else moved > 1e-3
    assert other.losses[animal] != folds.losses[animal], "but it is scored on itself"
    np.testing.assert_allclose(other.restarts[animal], folds.restarts[animal])


def test_each_fold_is_a_fit_to_the_others(folds):
    data, (key, _) = flies(), jr.split(jr.key(0))
    starts = jax.vmap(jax.vmap(start))(jr.split(key, (ANIMALS, 2)))
    for k in (0, 3):
        rest = jax.tree.map(lambda leaf, k=k: jnp.delete(leaf, k, axis=0), data)
        direct = pt.fit_many(LOSS, starts[k], rest, optimizer=OPTIMIZER, max_steps=20)
        best = min(direct, key=pt.lowest_loss)
        np.testing.assert_allclose(folds.fits[k].theta, best.theta, atol=1e-12)
        np.testing.assert_allclose(
            folds.restarts[k], [pt.lowest_loss(f) for f in direct]
        )
        assert pt.lowest_loss(folds.fits[k]) == folds.restarts[k].min()


def test_an_animal_is_scored_by_its_own_choices(folds):
    data = flies()
    for k in range(ANIMALS):
        alone = jax.tree.map(lambda leaf, k=k: leaf[k], data)
        made = LOSS.predict(folds.fits[k].theta, alone)
        value = np.asarray(made.option_logit)
        logit = value[:, 0] - value[:, 1]
        sign = 1 - 2 * np.asarray(alone.choice)
        nats = np.log1p(np.exp(-sign * logit))[np.asarray(alone.valid)].sum()
        np.testing.assert_allclose(folds.losses[k], nats, rtol=1e-12)
    assert folds.chosen == [0] * ANIMALS


def test_animal_losses_are_sums_without_the_penalty():
    draw, data = np.random.default_rng(0), flies()
    rule = pt.taylor(pt.Orders(x=1, w=1, r=1))
    theta = 0.3 * draw.normal(size=(2, 1, 2, 2))
    plain, more = (
        pt.objective(rule, pt.choice, network=pt.FLY, penalty=p)
        for p in (None, pt.l1(5.0))
    )
    expected = [
        float(plain(theta, jax.tree.map(lambda leaf, k=k: leaf[k], data)))
        * int(data.valid[k].sum())
        for k in range(ANIMALS)
    ]
    np.testing.assert_allclose(
        pt.evaluate.animal_losses(more, theta, data), expected, rtol=1e-12
    )
    own = pt.evaluate.animal_losses(more, [theta] * (ANIMALS - 1) + [0 * theta], data)
    np.testing.assert_allclose(own[:-1], expected[:-1], rtol=1e-12)
    np.testing.assert_allclose(own[-1], np.log(2) * int(data.valid[-1].sum()))


@pytest.mark.parametrize("kind", ["accept", "activity"])
def test_animal_losses_count_what_was_observed(kind):
    draw, rule = np.random.default_rng(1), pt.taylor(pt.Orders(x=1, y=1))
    accept, activity = (
        draw.integers(0, 2, (2, 5)).astype(float),
        draw.random((2, 5, 3)),
    )
    accept[0, 1], activity[0, 1], activity[1, :, 2] = np.nan, np.nan, np.nan
    data = pt.make_experiment(
        draw.normal(size=(2, 5, 2)),
        w0=draw.normal(size=(2, 3)),
        reward=np.zeros((2, 5)),
        **({"accept": accept} if kind == "accept" else {"activity": activity}),
    )
    loss = pt.objective(
        rule, pt.accept if kind == "accept" else pt.activity, network=pt.BEHAVIOUR
    )
    theta = np.full((2, 2, 1, 1), 0.1)
    counts = [4, 5] if kind == "accept" else [12, 10]
    expected = [
        float(loss(theta, jax.tree.map(lambda leaf, k=k: leaf[k], data))) * count
        for k, count in enumerate(counts)
    ]
    np.testing.assert_allclose(
        pt.evaluate.animal_losses(loss, theta, data), expected, rtol=1e-12
    )


def test_the_penalty_is_chosen_among_the_other_animals(nested):
    """By hand: for i, fit without i and j, score on j, sum over j; the least wins."""
    data, scores = flies(), np.zeros((2, ANIMALS))
    weak = np.zeros(2 * LAGS)
    for k, loss in enumerate(PENALTIES):
        for i in range(ANIMALS):
            for j in set(range(ANIMALS)) - {i}:
                rest = jax.tree.map(
                    lambda v, i=i, j=j: jnp.delete(v, np.array([i, j]), axis=0), data
                )
                settings = {"optimizer": OPTIMIZER, "max_steps": 20}
                found = pt.fit_many(loss, weak[None], rest, **settings)[0].theta
                one = jax.tree.map(lambda v, j=j: v[j : j + 1], data)
                scores[k, i] += pt.evaluate.animal_losses(loss, found, one)[0]
    assert (np.abs(scores[0] - scores[1]) > 0.3).all(), "restarts cannot matter"
    assert nested.chosen == list(scores.argmin(0))


@pytest.mark.parametrize("animal", [1])
def test_the_choice_for_an_animal_does_not_see_it(nested, animal):
    other = left_out(change(flies(), animal), PENALTIES, restarts=1)
    assert other.chosen[animal] == nested.chosen[animal]
    np.testing.assert_allclose(
        other.fits[animal].theta, nested.fits[animal].theta, atol=1e-12
    )


def test_a_penalty_that_forbids_everything_is_not_chosen():
    losses = [pt.evaluate.logistic_regression(LAGS, penalty=p) for p in (0.9, 0.0)]
    assert left_out(flies(), losses, restarts=1).chosen == [1] * ANIMALS


def test_a_choice_among_penalties_compiles_one_fit_for_all_and_one_score():
    losses = [pt.evaluate.logistic_regression(LAGS, penalty=p) for p in (0.01, 0.02)]
    programs = _advance, _per_animal
    before = [one._cache_size() for one in programs]
    left_out(flies(), losses)
    fits, scores = (
        one._cache_size() - k for one, k in zip(programs, before, strict=True)
    )
    assert fits <= 1  # whatever the strength; none if known before
    assert scores <= 2  # for pairs, and for single animals; none if known before


def test_leaving_one_out_needs_three():
    two = jax.tree.map(lambda leaf: leaf[:2], flies())
    one = jax.tree.map(lambda leaf: leaf[:1], flies())
    for data, count in ((two, 2), (one, 1)):
        with pytest.raises(
            ValueError, match=f"There are {count} animals; .* at least 3"
        ):
            left_out(data, LOSS)


def test_there_must_be_something_to_predict():
    data = flies()._replace(choice=None, options=None)
    with pytest.raises(ValueError, match="no choices, accepts or activity"):
        pt.evaluate.animal_losses(
            pt.objective(pt.taylor(pt.Orders()), lambda t, d: t.y.sum()),
            np.zeros((1,) * 4),
            data,
        )


# --- split in time --------------------------------------------------------------------


def test_the_two_parts_are_all_that_was_done():
    data = flies()
    first, rest = pt.evaluate.split_in_time(data, 0.3)
    seen = np.asarray([(part.choice >= 0) & data.valid for part in (first, rest)])
    assert (seen.sum(0) == np.asarray(data.valid)).all()
    length = np.asarray(data.valid.sum(1))
    np.testing.assert_array_equal(seen[0].sum(1), np.round(0.3 * length))
    for k in range(ANIMALS):  # the first steps are the first
        assert seen[0, k, : seen[0, k].sum()].all()


def test_the_losses_of_the_parts_add_up():
    rule, data = pt.taylor(pt.Orders(x=1, w=1, r=1), scale=0.5), flies()
    theta, loss = rule.init(jr.key(0)), pt.objective(rule, pt.choice, network=pt.FLY)
    parts = [
        pt.evaluate.animal_losses(loss, theta, part)
        for part in pt.evaluate.split_in_time(data, 0.5)
    ]
    np.testing.assert_allclose(
        sum(parts), pt.evaluate.animal_losses(loss, theta, data), rtol=1e-10
    )


def test_without_carrying_over_the_rest_is_a_life_of_its_own():
    rule, data = pt.taylor(pt.Orders(x=1, w=1, r=1), scale=0.5), flies()
    theta, loss = rule.init(jr.key(0)), pt.objective(rule, pt.choice, network=pt.FLY)
    _, rest = pt.evaluate.split_in_time(data, 0.5, carry=False)
    for k in range(ANIMALS):
        start = int(np.round(0.5 * data.valid[k].sum()))
        alone = jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], data)
        alone = alone._replace(
            **{
                name: getattr(alone, name)[:, start:]
                for name in ("x", "reward", "plastic", "valid", "choice")
            }
        )
        one = jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], rest)
        np.testing.assert_allclose(loss(theta, one), loss(theta, alone), rtol=1e-10)
    _, carried = pt.evaluate.split_in_time(data, 0.5)
    assert abs(loss(theta, carried) - loss(theta, rest)) > 1e-3


def test_activity_is_split_as_well():
    recorded = pt.make_experiment(
        np.ones((2, 6, 3)), w0=np.zeros((2, 3, 2)), activity=np.full((2, 6, 2), 0.5)
    )
    first, rest = pt.evaluate.split_in_time(recorded, 0.5)
    assert (
        np.isnan(first.activity[:, 3:]).all() and np.isnan(rest.activity[:, :3]).all()
    )
    assert (first.activity[:, :3] == 0.5).all() and (rest.activity[:, 3:] == 0.5).all()


@pytest.mark.parametrize("fraction", [0, 1, -0.5, np.nan])
def test_a_part_must_be_a_part(fraction):
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        pt.evaluate.split_in_time(flies(), fraction)


def test_one_animal_is_no_batch():
    one = jax.tree.map(lambda leaf: leaf[0], flies())
    with pytest.raises(ValueError, match="expected a batch"):
        pt.evaluate.split_in_time(one, 0.5)


def test_experiments_of_one_animal_are_left_out_together():
    """Two sessions of an animal are the same as its two lives in any other batch."""
    data, owner = flies(), np.array([0, 1, 2, 0])
    found = left_out(pt.Cohort(data, owner), LOSS)
    assert len(found.fits) == 3 and found.restarts.shape == (3, 2)
    changed = left_out(pt.Cohort(change(change(data, 0), 3), owner), LOSS)
    assert np.abs(changed.fits[0].theta - found.fits[0].theta).max() < 1e-12
    assert np.abs(changed.fits[1].theta - found.fits[1].theta).max() > 1e-3
    apart = pt.evaluate.animal_losses(LOSS, found.fits[0].theta, data)
    together = pt.evaluate.animal_losses(
        LOSS, found.fits[0].theta, pt.Cohort(data, owner)
    )
    np.testing.assert_allclose(together, [apart[0] + apart[3], apart[1], apart[2]])
    np.testing.assert_allclose(found.losses[0], together[0])


def test_the_choice_of_a_penalty_knows_which_lives_are_of_one_animal(monkeypatch):
    monkeypatch.setattr(
        "plastutor.evaluate._held_out.MAX_FITS_PER_BATCH", 2
    )  # so that chunks are tested, too
    data, owner = flies(), np.array([0, 1, 2, 0])
    found = left_out(pt.Cohort(data, owner), PENALTIES, restarts=1, max_steps=400)
    for left in range(3):
        others = [k for k in range(3) if k != left]
        score = np.zeros(len(PENALTIES))
        for j in others:  # fit to what is neither left out nor scored
            rest = np.flatnonzero((owner != left) & (owner != j))
            fitted = jax.tree.map(lambda leaf, rest=rest: leaf[rest], data)
            scored = jax.tree.map(lambda leaf, j=j: leaf[owner == j], data)
            for k, loss in enumerate(PENALTIES):
                theta = pt.fit_many(
                    loss,
                    start(jr.key(5))[None],
                    fitted,
                    optimizer=optax.sgd(0.5),
                    max_steps=400,
                )[0].theta
                score[k] += pt.evaluate.animal_losses(loss, theta, scored).sum()
        assert found.chosen[left] == score.argmin()


def test_the_chosen_loss_predicts():
    """Losses may differ in what they predict, and not only in their penalty."""
    longer = pt.objectives.Objective(
        lambda theta, data: LOSS.predict(0.1 * theta, data), LOSS.likelihood, None
    )
    data = flies()
    both = left_out(data, [longer, LOSS], restarts=1)
    assert both.chosen == [1] * ANIMALS
    alone = pt.evaluate.animal_losses(LOSS, [found.theta for found in both.fits], data)
    np.testing.assert_allclose(both.losses, alone)


@pytest.mark.parametrize("owner", [[0, 1, 2], [0, 2, 2, 0], [1, 1, 2, 2]])
def test_numbers_of_animals_are_checked(owner):
    with pytest.raises(ValueError, match="one number for each of the 4 experiments"):
        left_out(pt.Cohort(flies(), owner), LOSS)


def test_a_fit_that_diverged_is_not_a_good_prediction():
    data = flies()
    bad = pt.evaluate.animal_losses(LOSS, np.full(2 * LAGS, np.nan), data)
    assert np.isnan(bad).all()
