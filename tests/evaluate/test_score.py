"""Evaluate: R2 as scikit-learn defines it, deviance by hand, compare at both ends."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

RULE = pt.taylor(pt.OJA_ORDERS)
GUESS = pt.OJA + 0.01


@pytest.fixture(scope="module")
def new():
    return pt.neural_task(
        jr.key(0),
        RULE,
        pt.OJA,
        n_experiments=3,
        n_steps=10,
        n_pre=4,
        n_post=2,
        noise=0.01,
    )


@pytest.fixture(scope="module")
def foragers():
    orders = pt.Orders(x=1, w=1, r=1)
    rule, theta = pt.taylor(orders), pt.reward_covariance(orders, decay=0.05)
    made = pt.foraging_task(
        jr.key(1), rule, theta, n_experiments=3, n_post=1, network=pt.FLY
    )
    return rule, theta, made.experiment


def r2_by_columns(true, predicted):
    """Scikit-learn's r2_score with its uniform average, one column at a time."""
    scores = []
    for column, guess in zip(np.transpose(true), np.transpose(predicted), strict=True):
        residual = sum((a - b) ** 2 for a, b in zip(column, guess, strict=True))
        total = sum((a - np.mean(column)) ** 2 for a in column)
        if total == 0:
            scores.append(1.0 if residual == 0 else 0.0)
        else:
            scores.append(1 - residual / total)
    return np.mean(scores)


def test_r2_is_the_mean_of_the_columns():
    draw = np.random.default_rng(0)
    true = draw.normal(size=(20, 4)) * [1, 5, 0.1, 2]
    predicted = true + draw.normal(size=true.shape)
    np.testing.assert_allclose(pt.r2(true, predicted), r2_by_columns(true, predicted))
    pooled = 1 - ((true - predicted) ** 2).sum() / ((true - true.mean(0)) ** 2).sum()
    assert abs(pt.r2(true, predicted) - pooled) > 1, "not one R2 of all entries"


def test_r2_of_columns_that_never_change():
    true = np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 4.0]])
    predicted = np.array([[1.0, 2.5, 1.0], [1.0, 2.5, 3.0]])
    np.testing.assert_allclose(pt.r2(true, predicted), r2_by_columns(true, predicted))
    assert pt.r2(true, predicted) == pytest.approx((1 + 0 + 0.75) / 3)


def test_r2_of_the_mean_is_zero_and_of_the_truth_one():
    true = np.random.default_rng(0).normal(size=(9, 2))
    assert pt.r2(true, true) == 1
    assert pt.r2(true, np.broadcast_to(true.mean(0), true.shape)) == pytest.approx(0)


@pytest.mark.parametrize("network", [None, pt.LINEAR])
def test_weight_r2_equals_r2_of_the_whole_trajectories(new, network):
    setting = {} if network is None else {"network": network}
    found = pt.weight_r2(RULE, GUESS, pt.OJA, new, **setting)
    true, predicted = (
        np.asarray(pt.simulate(RULE, t, new, **setting).w).reshape(30, 4 * 2)
        for t in (pt.OJA, GUESS)
    )
    for k in range(8):
        column = pt.r2(true[:, k : k + 1], predicted[:, k : k + 1])
        np.testing.assert_allclose(found.ravel()[k], column, rtol=1e-9)
    np.testing.assert_allclose(found.mean(), pt.r2(true, predicted), rtol=1e-9)


def test_weight_r2_leaves_out_padding(new):
    cut = new._replace(valid=new.valid.at[:, 7:].set(False).at[0, 5:].set(False))
    seen = np.asarray(cut.valid)
    true, predicted = (
        np.asarray(pt.simulate(RULE, t, cut).w)[seen].reshape(-1, 8)
        for t in (pt.OJA, GUESS)
    )
    found = pt.weight_r2(RULE, GUESS, pt.OJA, cut)
    np.testing.assert_allclose(found.mean(), pt.r2(true, predicted), rtol=1e-9)


def test_weight_r2_takes_mixed_precision_and_single_experiments(new):
    single = jax.tree.map(lambda leaf: leaf[0], new)
    one = pt.weight_r2(RULE, jnp.asarray(GUESS, "float32"), pt.OJA, single)
    batch = jax.tree.map(lambda leaf: leaf[:1], new)
    np.testing.assert_allclose(one, pt.weight_r2(RULE, GUESS, pt.OJA, batch), rtol=1e-4)


def test_a_truth_of_another_family_and_several_guesses_at_once(new):
    twice = RULE._replace(
        apply=lambda theta, *state: RULE.apply(2 * theta, *state),
        update=lambda theta, *state: RULE.update(2 * theta, *state),
    )
    expected = pt.weight_r2(RULE, GUESS, pt.OJA, new)
    for score in (pt.weight_r2, pt.score):
        half = {"theta_true": pt.OJA / 2, "rule_true": twice}
        same = score(RULE, GUESS, held_out=new, **half)
        direct = score(RULE, GUESS, held_out=new, theta_true=pt.OJA)
        jax.tree.map(np.testing.assert_allclose, same, direct)
    both = jax.vmap(lambda theta: pt.weight_r2(RULE, theta, pt.OJA, new))(
        jnp.stack([jnp.asarray(GUESS), jnp.asarray(pt.OJA)])
    )
    np.testing.assert_allclose(both, [expected, np.ones((4, 2))])


def test_percent_deviance_by_hand():
    assert pt.percent_deviance(0.5, 1.0) == 50
    assert pt.percent_deviance(1.0, 1.0) == 0
    assert pt.percent_deviance(2.0, 1.0) == -100
    # Animals are summed first, not averaged afterwards.
    assert pt.percent_deviance([1.0, 0.0], [1.0, 3.0]) == 75


def test_compare_gives_the_truth_full_marks(new):
    found = pt.score(RULE, pt.OJA, new, theta_true=pt.OJA)
    assert (found.r2_weights, found.r2_activity) == (1, 1)
    assert found.percent_deviance is None


def test_compare_scores_a_guess_below_the_truth(new):
    found = pt.score(RULE, pt.HEBB, new, theta_true=pt.OJA)
    expected = pt.weight_r2(RULE, pt.HEBB, pt.OJA, new).mean()
    assert found.r2_weights == pytest.approx(expected)
    y, y_true = (
        np.asarray(pt.simulate(RULE, t, new).y).reshape(30, 2)
        for t in (pt.HEBB, pt.OJA)
    )
    assert found.r2_activity == pytest.approx(pt.r2(y_true, y))


def test_compare_without_truth_uses_what_was_recorded(new):
    y = np.asarray(pt.simulate(RULE, pt.OJA, new).y).reshape(30, 2)
    found = pt.score(RULE, pt.OJA, new)
    assert found.r2_weights is None
    expected = pt.r2(np.asarray(new.activity).reshape(30, 2), y)
    assert expected < 1 and found.r2_activity == pytest.approx(expected)


def test_compare_leaves_out_what_was_not_recorded(new):
    holes = new.activity.at[:, :4, 0].set(jnp.nan).at[1, :, 1].set(jnp.nan)
    y = np.asarray(pt.simulate(RULE, pt.OJA, new).y)
    scores = []
    for j in range(2):
        seen = ~np.isnan(np.asarray(holes)[..., j])
        scores.append(
            pt.r2(np.asarray(holes)[seen][:, j : j + 1], y[seen][:, j : j + 1])
        )
    found = pt.score(RULE, pt.OJA, new._replace(activity=holes)).r2_activity
    assert found == pytest.approx(np.mean(scores))
    blind = new._replace(activity=new.activity.at[..., 1].set(jnp.nan))
    one = pt.r2(*(np.reshape(v[..., :1], (30, 1)) for v in (new.activity, y)))
    assert pt.score(RULE, pt.OJA, blind).r2_activity == pytest.approx(one)


def test_the_null_model_explains_nothing_of_the_choices(foragers):
    rule, theta, data = foragers
    nothing = pt.score(rule, pt.null_theta(theta), data, network=pt.FLY)
    assert nothing.percent_deviance == 0
    assert nothing.r2_activity is nothing.r2_weights is None


def test_percent_deviance_of_compare_is_that_of_the_losses(foragers):
    rule, theta, data = foragers
    losses = [
        float(pt.accept(pt.simulate(rule, t, data, network=pt.FLY), data))
        for t in (theta, 0 * theta)
    ]
    found = pt.score(rule, theta, data, theta_true=theta, network=pt.FLY)
    assert found.percent_deviance == pytest.approx(100 * (1 - losses[0] / losses[1]))
    assert found.percent_deviance > 1 and found.r2_weights == 1


def test_null_theta_of_a_tree():
    assert pt.null_theta({"a": jnp.ones(2)})["a"].sum() == 0
