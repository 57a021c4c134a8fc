"""Projections by name: scores, intervals, selection and penalties of several rules."""

from dataclasses import replace
from functools import partial

import jax
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.networks import Recurrent

SMALL = pt.Orders(x=1, y=2, w=1)
TRUE = {name: pt.taylor(SMALL, scale=1e-2) for name in ("ff", "rec")}
TRUTH = {
    "ff": pt.terms(SMALL, dtype="float64", xy=1.0, yyw=-1.0),
    "rec": pt.terms(SMALL, dtype="float64", xy=-1.0, w=-0.5),
}
SLOW = Recurrent(rates=0.1)


MASK = np.array([[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0]], bool)


def task(**changes):
    settings = {"n_experiments": 3, "n_steps": 12, "n_pre": 3, "n_post": 4}
    return pt.tasks.recurrent_task(jr.key(1), TRUE, TRUTH, **settings | changes)


def test_both_rules_come_back_by_gauss_newton_with_learned_or_known_weights():
    data = task(network=SLOW)
    loss = pt.objective(TRUE, pt.activity, network=SLOW)
    start = pt.Rules(TRUE).init(jr.key(0))
    found = pt.fit(loss, start, data, optimizer=pt.GaussNewton(), max_steps=12).theta
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-4), found, TRUTH)

    def with_w0(both, data):
        return loss(both["theta"], data._replace(w0=both["w0"]))

    guess = jax.tree.map(lambda leaf: 0.8 * leaf, data.w0)
    before = {"theta": found, "w0": guess}
    after = pt.fit(with_w0, before, data, max_steps=75)
    assert after.losses[-1] < 0.1 * after.losses[0]
    for name, w0 in after.theta["w0"].items():
        off = [np.abs(w - data.w0[name]).mean() for w in (w0, guess[name])]
        assert off[0] < off[1]


def test_scores_know_projections_changes_and_synapses_that_are_not_there():
    sparse = replace(SLOW, masks={"rec": MASK})
    data = task(network=sparse)
    assert (np.asarray(data.w0["rec"])[:, ~MASK] == 0).all()
    nothing = pt.null_theta(TRUTH)
    r2 = partial(pt.weight_r2, TRUE, network=sparse)
    exact, still = (r2(theta, TRUTH, data) for theta in (TRUTH, nothing))
    assert sorted(exact) == ["ff", "rec"]
    assert (np.isnan(exact["rec"]) == ~MASK).all()
    assert (np.asarray(exact["rec"])[MASK] == 1).all()
    changed = r2(nothing, TRUTH, data, changes=True)
    assert changed["ff"].mean() < 0 < still["ff"].mean()
    score = partial(pt.score, TRUE, held_out=data, theta_true=TRUTH, network=sparse)
    assert score(TRUTH)[:2] == (1, 1)
    kept = [np.asarray(still["ff"]).ravel(), np.asarray(still["rec"])[MASK]]
    np.testing.assert_allclose(score(nothing).r2_weights, np.concatenate(kept).mean())
    only = {"rec": TRUE["rec"]}, {"rec": TRUTH["rec"]}, {"rec": TRUTH["rec"]}
    assert sorted(pt.weight_r2(*only, data, network=sparse)) == ["rec"]


def test_a_task_has_noise_neurons_that_are_missing_and_signs():
    dale = replace(SLOW, signs={"rec": [1, 1, -1, 0]}, masks={"rec": MASK})
    clean, noisy = (task(network=dale, noise=noise) for noise in (0.0, 0.3))
    off = np.asarray(noisy.activity - clean.activity)
    assert 0.2 < off.std() < 0.4
    rec = np.asarray(clean.w0["rec"])
    assert (rec[:, :2] >= 0).all() and (rec[:, 2] <= 0).all()
    assert (rec[:, 3] < 0).any() and (rec[:, 3] > 0).any()
    half = np.isnan(np.asarray(task(network=SLOW, recorded=0.5).activity))
    columns = half.any((0, 1))
    assert (columns == half.all((0, 1))).all() and columns.any() and not columns.all()
    drawn = pt.redraw_w0(jr.key(0), clean, std=0.1)
    assert sorted(drawn.w0) == ["ff", "rec"] and drawn.w0["rec"].shape == rec.shape
    assert 0.05 < np.std(drawn.w0["rec"]) < 0.15


def test_tasks_that_are_none_get_a_sentence():
    for changes, says in (
        ({"noise": -1.0}, "noise is -1.0; expected a standard deviation"),
        ({"recorded": 0.0}, "recorded is 0.0; expected a fraction"),
        ({"w_std": {"ff": 1.0}}, "w_std has ff; expected"),
    ):
        with pytest.raises(ValueError, match=says):
            task(network=SLOW, **changes)


# --- terms by projection --------------------------------------------------------------


LIBRARY = {
    "ff": pt.taylor(SMALL, only=("xy", "yyw")),
    "rec": pt.taylor(SMALL, only=("w", "xy", "y")),
}
LOSS = pt.objective(LIBRARY, pt.activity, network=SLOW)
NAMES = ("ff yyw", "ff xy", "rec w", "rec y", "rec xy")


@pytest.fixture(scope="module")
def noisy():
    return task(network=SLOW, noise=0.05)


@pytest.mark.parametrize("forced", [False, True], ids=["free", "forced"])
def test_intervals_and_reports_name_terms_by_projection(noisy, forced):
    loss = pt.objective(LIBRARY, pt.activity, network=SLOW, forced=forced)
    around = pt.laplace(loss, TRUTH, noisy, noise=0.05)
    assert around.names == NAMES
    np.testing.assert_allclose(around.mean, [-1, 1, -0.5, 0, -1])
    assert "  rec xy " in around.report() and "  ff yyw " in around.report()
    of_y = jax.jacrev(lambda theta: loss.predict(theta, noisy).y)(TRUTH)
    free = {name: [*rule.free] for name, rule in LIBRARY.items()}
    rows = [np.asarray(of_y[p]).reshape(-1, 12)[:, free[p]] for p in ("ff", "rec")]
    rows = np.concatenate(rows, 1) / 0.05
    np.testing.assert_allclose(around.information.matrix, rows.T @ rows, rtol=1e-8)


def test_a_profile_and_a_band_are_those_of_one_projection(noisy):
    found = pt.profile(LOSS, TRUTH, noisy, "rec xy", noise=0.05, max_steps=2)
    assert found.low < -1 < found.high and found.high - found.low < 0.5
    with pytest.raises(
        ValueError, match="no free coefficient 'xy'; expected one of ff"
    ):
        pt.profile(LOSS, TRUTH, noisy, "xy", noise=0.05)
    around = pt.laplace(LOSS, TRUTH, noisy, noise=0.05)
    states = pt.infer.States(*np.array([[1.0, 0.0], [0.5, 1.0], [0.2, 0.1], [0, 0]]))
    low, high = around.band(LIBRARY, states, projection="rec")
    np.testing.assert_allclose((low + high) / 2, [-0.6, -0.05], atol=1e-12)
    for rule, projection in ((LIBRARY, "lat"), (LIBRARY, None), (TRUE["ff"], "ff")):
        with pytest.raises(ValueError, match=f"projection is {projection!r}; expected"):
            around.band(rule, states, projection=projection)


def test_terms_are_selected_by_projection(noisy):
    data = task(network=SLOW, noise=0.02, n_experiments=6, n_steps=20)
    fitted, aside = (
        jax.tree.map(lambda leaf, part=part: leaf[part], data)
        for part in (slice(4), slice(4, 6))
    )
    loss = pt.objective(TRUE, pt.activity, network=SLOW, forced=True)
    orders = {"ff": SMALL, "rec": SMALL}
    found = pt.select_terms(loss, orders, fitted, aside, max_terms=5, max_steps=3)
    assert {"ff yyw", "ff xy", "rec w", "rec xy"} <= {*found.terms}
    assert len(found.terms) <= 5 and not found.diverged
    assert found.theta["rec"].shape == SMALL.shape and found.free["ff"][1, 1, 0, 0]
    assert found.path.theta["ff"].shape[1:] == SMALL.shape
    np.testing.assert_allclose(found.theta["rec"], TRUTH["rec"], atol=0.2)
    for wrong in (SMALL, {"ff": SMALL}, {"ff": SMALL, "lat": SMALL}):
        with pytest.raises(
            ValueError, match="orders are those of .*, and the loss has"
        ):
            pt.select_terms(loss, wrong, fitted, aside)


def test_penalties_are_by_projection(noisy):
    penalty = pt.l1({"rec": 2.0, "ff": 0.5})
    np.testing.assert_allclose(penalty(TRUTH), 2 * 1.5 + 0.5 * 2)
    loss = pt.objective(TRUE, pt.activity, network=SLOW, penalty=penalty)
    plain = pt.objective(TRUE, pt.activity, network=SLOW)
    np.testing.assert_allclose(loss(TRUTH, noisy) - plain(TRUTH, noisy), 4)
    assert penalty is pt.l1({"ff": 0.5, "rec": 2.0})
    for strengths, theta in (({"lat": 1.0}, TRUTH), ({"ff": 1.0}, pt.OJA), ({}, TRUTH)):
        with pytest.raises(ValueError, match="l1 has strengths for"):
            pt.l1(strengths)(theta)


# --- teacher forcing ------------------------------------------------------------------


def test_a_forced_loss_is_that_of_the_forced_simulation(noisy):
    loss = pt.objective(TRUE, pt.activity, network=SLOW, forced=True)
    made = pt.simulate(TRUE, TRUTH, noisy, network=SLOW, forced=True)
    np.testing.assert_allclose(loss(TRUTH, noisy), pt.activity(made, noisy))
    again = pt.simulate(TRUE, TRUTH, noisy, network=loss.network)
    np.testing.assert_array_equal(made.y, again.y)


def test_what_cannot_be_forced_gets_a_sentence(noisy):
    rule = pt.taylor(pt.Orders(x=1))
    with pytest.raises(ValueError, match="trials= is for choices, which have none"):
        pt.objective(rule, pt.accept, network=pt.FLY, trials=3, forced=True)
    loss = pt.objective(TRUE, pt.activity, network=SLOW, forced=True)
    with pytest.raises(ValueError, match="needs experiments with recorded activity"):
        loss(TRUTH, noisy._replace(activity=None))
