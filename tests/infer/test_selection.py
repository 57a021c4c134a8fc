"""Selection and distillation: the true terms, from data that hold them."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from bad_input import check_refusal

import plastutor as pt
from plastutor.infer._selection import _simplest

RULE, NAMES = pt.taylor(pt.OJA_ORDERS), pt.term_names(pt.OJA_ORDERS)
LOSS = pt.objective(RULE, pt.activity)
select = partial(pt.select_terms, LOSS, pt.OJA_ORDERS, max_terms=4)


def recorded(key, theta, noise=0.0, **sizes):
    sizes = {"n_experiments": 6, "n_steps": 25, "n_pre": 20, "n_post": 3} | sizes
    return pt.neural_task(key, RULE, theta, noise=noise, **sizes)


def quadratic(key, count=5):
    """A least-squares problem, and its optimum with a set of terms kept."""
    key_columns, key_target = jr.split(key)
    columns = np.asarray(jr.normal(key_columns, (30, count)))
    target = np.asarray(jr.normal(key_target, (30,)))
    matrix, slope = columns.T @ columns, -columns.T @ target

    def best(kept):
        theta = np.zeros(count)
        if kept:
            theta[kept] = -np.linalg.solve(matrix[np.ix_(kept, kept)], slope[kept])
        return theta, float(slope @ theta + theta @ matrix @ theta / 2)

    return matrix, slope, best


# --- predicted gains ------------------------------------------------------------------


@pytest.mark.parametrize("kept", [[], [2], [0, 3], [1, 2, 4]])
def test_gains_are_exact_for_least_squares(key, kept):
    matrix, slope, best = quadratic(key)
    theta, before = best(kept)
    free = np.isin(np.arange(5), kept)
    gains = pt.infer.predicted_gains(theta, slope + matrix @ theta, matrix, free)
    for out in [*kept, None]:
        for new in [k for k in range(5) if k not in kept] + [None]:
            after = [k for k in kept if k != out] + ([] if new is None else [new])
            place = (5 if out is None else out, 5 if new is None else new)
            np.testing.assert_allclose(
                gains[place], before - best(sorted(after))[1], rtol=1e-6, atol=1e-9
            )


def test_a_copy_of_a_kept_term_gains_nothing_and_is_no_error(key):
    matrix, slope, best = quadratic(key)
    twice = np.ix_([0, 1, 2, 2, 3], [0, 1, 2, 2, 3])
    slope, matrix = slope[[0, 1, 2, 2, 3]], matrix[twice]  # terms 2 and 3 are the same
    free = np.array([False, False, True, False, False])
    theta = np.where(free, -slope[2] / matrix[2, 2], 0)
    gains = pt.infer.predicted_gains(theta, slope + matrix @ theta, matrix, free)
    assert gains[-1, 3] == 0 and gains[-1, 0] > 0
    np.testing.assert_allclose(gains[2, 3], 0, atol=1e-9)
    without = pt.infer.predicted_gains(np.zeros(5), slope, np.zeros((5, 5)), free)
    assert np.isfinite(without[-1, 0])


# --- selection ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "theta", [pt.OJA, pt.HEBB, pt.terms(pt.OJA_ORDERS, xy=0.5, w=-0.2)]
)
def test_finds_the_true_terms_without_noise(key, theta):
    train, held_out = (recorded(k, theta) for k in jr.split(key))
    found = select(train, held_out)
    assert found.terms == [NAMES[k] for k in np.flatnonzero(theta)]
    np.testing.assert_allclose(found.theta, theta, atol=1e-6)
    assert (found.free == (found.theta != 0)).all()


def test_the_path_tells_the_search(key):
    train, held_out = (recorded(k, pt.OJA, noise=0.05) for k in jr.split(key))
    found = select(train, held_out)
    path, size = found.path, found.path.free.sum((1, 2, 3, 4))
    assert size.tolist() == [0, 1, 2, 3, 4, 3, 3, 2, 2, 1, 1]
    assert not path.theta[~path.free].any()
    assert path.held_out.shape == (11, 6)
    for step in range(11):
        np.testing.assert_allclose(path.loss[step], LOSS(path.theta[step], train))
        assert np.isfinite(path.held_out[step]).all()
    assert (np.diff(path.loss[:5]) <= 0).all(), "a larger set fits better"
    assert (path.loss[6::2] <= path.loss[5::2]).all(), "an exchange never harms"
    added, runner_up = path.added[1:5].tolist(), path.runner_up[1:5].tolist()
    assert np.flatnonzero(path.free[4]).tolist() == sorted(added)
    assert -1 not in added and runner_up[3] not in added
    assert (path.dropped[:5] == -1).all() and int(path.dropped[5]) in added
    assert (found.free == path.free[found.chosen]).all()


def test_no_term_where_nothing_changes(key):
    train, held_out = (recorded(k, 0 * pt.OJA, noise=0.05) for k in jr.split(key))
    found = select(train, held_out)
    assert found.terms == [] and found.chosen == 0 and not found.theta.any()


def test_maps_over_data_sets_and_leaves_the_penalty_out(key):
    keys = jr.split(key, (2, 2))
    train = jax.vmap(lambda k: recorded(k, pt.HEBB))(keys[:, 0])
    held_out = jax.vmap(lambda k: recorded(k, pt.HEBB))(keys[:, 1])
    penalised = pt.objective(RULE, pt.activity, penalty=pt.l1(1.0))
    once = partial(pt.select_terms, penalised, pt.OJA_ORDERS, max_terms=1)
    many = jax.vmap(once)(train, held_out)
    for k in range(2):
        one = jax.tree.map(lambda leaf, k=k: leaf[k], many)
        assert one.terms == ["xy"]
        np.testing.assert_allclose(one.theta, pt.HEBB, atol=1e-8)


def test_chooses_among_81_terms_from_choices(key):
    rule = pt.taylor(pt.BEHAVIOUR_ORDERS)
    loss = pt.objective(rule, pt.accept, network=pt.BEHAVIOUR)
    block = {"reward_probabilities": ((0.1, 0.9),), "trials_per_block": 30, "n_post": 3}
    train, held_out = (
        pt.foraging_task(k, rule, pt.reward_covariance(), **block, n_experiments=10)[0]
        for k in jr.split(key)
    )
    found = pt.select_terms(
        loss, pt.BEHAVIOUR_ORDERS, train, held_out, max_terms=2, max_steps=4
    )
    names = pt.term_names(pt.BEHAVIOUR_ORDERS)
    twins = {"xr", "xxr"}
    assert names[found.path.added[1]] in twins
    assert names[found.path.runner_up[1]] in twins
    assert jnp.isfinite(found.theta).all() and len(found.terms) >= 1
    assert found.path.held_out.mean(1)[1] < found.path.held_out.mean(1)[0]


def test_terms_that_the_rule_lacks_are_never_taken(key):
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "w")), pt.activity)
    train, held_out = (recorded(k, pt.OJA) for k in jr.split(key))
    found = pt.select_terms(loss, pt.OJA_ORDERS, train, held_out, max_terms=2)
    assert set(found.terms) <= {"xy", "w"}


def test_single_precision(key):
    made = [recorded(k, pt.HEBB, dtype="float32") for k in jr.split(key)]
    found = pt.select_terms(LOSS, pt.OJA_ORDERS, *made, max_terms=3)
    assert found.theta.dtype == jnp.float32 and "xy" in found.terms


def test_the_smallest_set_as_good_as_the_best():
    hard = np.array([0.0, 1.0, 2.0, 3.0])  # how hard each experiment is, for all sets
    wobble = np.array([1.0, -1.0, 1.0, -1.0])
    held_out = np.stack([5 + hard, hard + 0.1 + wobble, hard, hard + 0.5 + 0 * wobble])
    size = np.array([0, 1, 2, 1])
    assert _simplest(held_out, size, 1.0) == 1  # 0.1 worse, uncertain by 0.6
    assert _simplest(held_out, size, 0.0) == 2
    assert _simplest(held_out + np.where(size == 1, np.inf, 0)[:, None], size, 1.0) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"max_terms": 28}, "max_terms is 28; expected a whole number from 1 to 27"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"orders": pt.Orders(x=2, y=2, w=1)}, "expected (3, 3, 3, 1)"),
        (
            {"loss": pt.objective(pt.mlp(), pt.activity)},
            "expected objective(taylor(orders)",
        ),
        ({"held_out": None}, "expected two batches"),
    ],
)
def test_refuses_in_words(key, change, says):
    data = recorded(key, pt.OJA)
    given = {"loss": LOSS, "orders": pt.OJA_ORDERS, "held_out": data} | change
    if given["held_out"] is None:
        given["held_out"] = jax.tree.map(lambda leaf: leaf[:1], data)
    with pytest.raises(ValueError) as error:
        pt.select_terms(train=data, **given)
    assert says in str(error.value)


def test_refuses_two_kinds_of_data(key):
    data = recorded(key, pt.OJA)
    with pytest.raises(ValueError, match="different kinds"):
        pt.select_terms(LOSS, pt.OJA_ORDERS, data, data._replace(activity=None))


# --- distillation ---------------------------------------------------------------------


def test_visited_states_are_those_of_the_simulation(key):
    made = pt.foraging_task(
        key, pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance(), n_experiments=2,
        trials_per_block=5, n_post=3,
    ).experiment  # fmt: skip
    states = pt.infer.visited_states(
        pt.taylor(pt.BEHAVIOUR_ORDERS),
        pt.reward_covariance(),
        made,
        network=pt.BEHAVIOUR,
    )
    changing = np.asarray(made.plastic & made.valid)
    assert len(states.w) == changing.sum() * 2 * 3
    expected = jax.vmap(partial(pt.networks.expected_reward, window=10))(
        made.reward, changing
    )
    r = np.asarray(made.reward - expected)[changing]
    np.testing.assert_allclose(states.r.reshape(-1, 6)[:, 0], r)
    np.testing.assert_allclose(
        states.x.reshape(-1, 2, 3)[..., 0], np.asarray(made.x)[changing]
    )
    w = states.w.reshape(-1, 2, 3)
    np.testing.assert_allclose(w[0], made.w0[0])
    x, y = states.x.reshape(-1, 2, 3)[..., 0], states.y.reshape(-1, 2, 3)[:, 0]
    np.testing.assert_allclose(y, np.tanh(np.einsum("ni,nij->nj", x, w)))


@pytest.mark.parametrize("orders", [pt.OJA_ORDERS, pt.BEHAVIOUR_ORDERS])
def test_a_polynomial_is_read_exactly(orders):
    theta = pt.terms(orders, xy=0.5, yyw=-2.0, one=0.1)
    states = pt.infer.States(*np.random.default_rng(0).normal(size=(4, 300)))
    read = pt.distil(pt.taylor(orders), theta, states, orders, max_terms=4)
    assert set(read.names[:3]) == {"xy", "yyw", "one"}
    np.testing.assert_allclose(read.theta[2], theta, atol=1e-10)
    assert read.explained[2] > 1 - 1e-12 and (np.diff(read.explained) > -1e-12).all()
    assert len(set(read.term)) == 4 and read.runner_up[0] != read.term[0]


def test_each_step_is_the_best_single_addition():
    states = pt.infer.States(*np.random.default_rng(1).normal(size=(4, 200)))
    x, y, w, _ = states
    rule = pt.taylor(pt.OJA_ORDERS)._replace(
        apply=lambda t, x, y, w, r: jnp.tanh(x * y - w)
    )
    read = pt.distil(rule, 0.0, states, pt.OJA_ORDERS, max_terms=2)
    dw = np.tanh(x * y - w)
    powers = [v[:, None] ** np.arange(3) for v in (x, y, w)]
    columns = np.einsum("na,nb,nc->nabc", *powers).reshape(len(dw), 27)

    def left(kept):
        fit = columns[:, kept] @ np.linalg.lstsq(columns[:, kept], dw, rcond=None)[0]
        return ((dw - fit) ** 2).sum()

    first = min(range(27), key=lambda k: left([k]))
    others = [k for k in range(27) if k != first]
    second = min(others, key=lambda k: left([first, k]))
    assert read.term.tolist() == [first, second]


@pytest.mark.parametrize("number", [0, 28, 2.0])
def test_distil_refuses_in_words(number):
    states = pt.infer.States(*np.ones((4, 5)))
    check_refusal(
        lambda: pt.distil(RULE, pt.OJA, states, pt.OJA_ORDERS, max_terms=number),
        "max_terms is .*; expected a whole number",
    )


def test_a_second_search_can_begin_with_a_fit_of_all_terms(key):
    train, held_out = (recorded(k, pt.OJA) for k in jr.split(key))
    # The start need not be sparse: coefficients that the data barely see are large.
    theta0 = pt.OJA + 1e-4 * jr.normal(key, pt.OJA.shape)
    found = select(train, held_out, theta0=theta0)
    assert found.terms == ["yyw", "xy"]
    np.testing.assert_allclose(found.theta, pt.OJA, atol=1e-3)
    sizes = np.asarray(found.path.free).sum((1, 2, 3, 4)).tolist()
    assert sizes == [0, 1, 2, 3, 4, 3, 3, 2, 2, 1, 1] + [4, 3, 3, 2, 2, 1, 1]
    assert found.path.added[11] == -1
    first = select(train, held_out).path
    for one, both in zip(first, found.path, strict=True):
        np.testing.assert_allclose(one, both[:11], rtol=1e-9)


def test_a_start_that_misleads_does_no_harm(key):
    train, held_out = (recorded(k, pt.OJA) for k in jr.split(key))
    found = select(train, held_out, theta0=jr.normal(key, pt.OJA.shape))
    assert found.terms == ["yyw", "xy"]
