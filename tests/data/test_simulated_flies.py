"""Simulated flies: they learn by a known rule, and stand in for real ones."""

import fly_archive as made
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt


def test_simulated_flies_live_by_their_rule():
    """Of two rules, the one that the flies learn by explains their choices better."""
    orders = pt.Orders(x=1, w=1, r=1)
    theta_true = pt.terms(orders, one=-0.5, r=-1.0, w=-0.2, x=2.5, xr=2.0)
    flies = pt.data.flies.simulate_flies(jr.key(0), theta_true, n_flies=12)
    assert [fly.fly for fly in flies] == list(range(1, 13))
    assert all(len(fly.choice) == len(fly.reward) == 240 for fly in flies)
    loss = pt.objective(pt.taylor(orders), pt.choice, network=pt.FLY)
    data = pt.data.flies.experiments(flies)
    for change in (0.5, 2.0):
        assert float(loss(theta_true, data)) < float(loss(change * theta_true, data))


def test_either_odour_may_be_the_better_one():
    theta_true = pt.terms(pt.Orders(x=1, w=1, r=1), xr=1.0)
    flies = pt.data.flies.simulate_flies(jr.key(1), theta_true)
    better = [np.mean(fly.choice[:80]) > 0.5 for fly in flies]
    assert 0 < sum(better) < 18


def test_where_there_are_no_flies_simulated_ones_say_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(tmp_path / "nowhere"))
    monkeypatch.delenv("PLASTUTOR_REQUIRE_FLY_DATA", raising=False)
    found = pt.data.flies.load_or_simulate(jr.key(0))
    assert not found.real and len(found.flies) == 18
    page = found._repr_html_()
    assert "Simulated flies." in page and "nowhere" in page
    monkeypatch.setenv("PLASTUTOR_REQUIRE_FLY_DATA", "1")
    with pytest.raises(FileNotFoundError):
        pt.data.flies.load_or_simulate(jr.key(0))


def test_real_flies_are_attributed(monkeypatch, tmp_path):
    file = tmp_path / "choices.csv"
    file.write_text("fly,trial,choice,reward\n1,1,A,0\n1,2,B,1\n")
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(file))
    found = pt.data.flies.load_or_simulate(jr.key(0))
    assert found.real and "CC BY 4.0" in found._repr_html_()


def test_both_likelihoods_recover_the_rule_from_raw_folders(tmp_path):
    """Accepts and rejects, and choices alone, of flies written as the archive is."""
    orders, free = pt.Orders(x=1, w=1, r=1), ("one", "x", "r", "xr", "w")
    theta_true = pt.terms(orders, one=-0.5, r=-1.0, w=-0.2, x=2.5, xr=2.0)
    flies = pt.data.flies.simulate_flies(jr.key(2), theta_true)
    folder = made.write_zenodo(tmp_path, flies)
    cohort = pt.data.flies.load(folder)
    for fly, read in zip(flies, cohort, strict=True):
        np.testing.assert_array_equal(read.odour, fly.odour)
        np.testing.assert_array_equal(read.accept, fly.accept)
    rule = pt.taylor(orders, free)
    at = pt.rules.free_indices(orders, free)
    how = {"optimizer": pt.GaussNewton(), "max_steps": 20}
    fitted, halves = {}, {}
    for loss, every in ((pt.accept, True), (pt.choice, False)):
        data = pt.data.flies.experiments(cohort, accept_reject=every)
        aim = pt.objective(rule, loss, network=pt.FLY)
        found = pt.fit(aim, 0.5 * theta_true, data, **how).theta
        low, high = pt.evaluate.cluster_robust_interval(aim, found, data)
        fitted[every], halves[every] = found.ravel()[np.array(at)], (high - low) / 2
        assert float(aim(found, data)) <= float(aim(theta_true, data))
        off = np.abs(fitted[every] - theta_true.ravel()[np.array(at)])
        assert (off < 1.5 * halves[every]).all()
    # The rejects tell more, and above all about the constant that drives acceptance.
    assert (halves[True] < 1.1 * halves[False]).all()
    assert (np.abs(fitted[True] - fitted[False]) < 1.5 * halves[False]).all()
