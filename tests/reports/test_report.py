"""Reports: one call from a table to an answer, kept in a file."""

import json
import re

import jax
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np
import pytest
from make_examples import ACTIVITY_RULE

import plastutor as pt
from plastutor.reports._analysis import NO_ENDS, Found, put_together
from plastutor.reports._choices import _shares

THETA = {"one": -0.5, "x": 2.5, "r": -1.0, "xr": 2.0, "w": -0.3}


def write_animals(path, animals=8, options=3, sessions=2, trials=60, seed=0):
    """Animals that forage among several options by a rule that forgets."""
    draw, rows = np.random.default_rng(seed), ["animal,session,trial,choice,reward"]
    for animal in range(animals):
        w, rewards = np.zeros(options), [0.0] * 10
        for session in range(sessions):
            pays = draw.permutation(np.linspace(0.1, 0.9, options))
            for trial in range(trials - 5 * animal):
                if draw.random() < 0.05:
                    rows.append(f"m{animal},{session},{trial},,")
                    continue
                p = 1 / (1 + np.exp(-0.75 * w))
                taken = draw.choice(options, p=p / p.sum())
                reward = float(draw.random() < pays[taken])
                rows.append(f"m{animal},{session},{trial},{'ABCD'[taken]},{reward:g}")
                x = 0.75 * (np.arange(options) == taken)
                r = reward - np.mean(rewards[-10:])
                t = THETA
                change = t["one"] + t["x"] * x + t["r"] * r + t["xr"] * x * r
                w = w + (change + t["w"] * w) / options
                rewards.append(reward)
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    file = write_animals(tmp_path_factory.mktemp("mine") / "mice.csv")
    mice = pt.read_choices(file, sessions="carry")
    return pt.report_choices(jr.key(0), mice, restarts=2)


@pytest.fixture(params=["report", "recorded"])
def either(request):
    return request.getfixturevalue(request.param)


def test_the_rule_of_the_animals_predicts_them(report):
    assert {values.shape for values in report.losses.values()} == {(1, 8)}
    assert not report.explained["does nothing"].any()
    left = report.losses["with forgetting + kernel"].sum() / report.total.sum()
    gain = report.comparisons["does nothing"].gain
    assert gain > 2 and gain == pytest.approx(100 * (1 - left))


def test_its_decay_is_found(report):
    low, high = (end[report.terms.index("w")] for end in report.interval)
    assert low < THETA["w"] < high and high - low < 1


def test_it_can_be_read(report):
    text = str(report)
    assert "8 animals" in text and "3 options (A, B, C)" in text
    for name in (*report.losses, *report.terms):
        assert name in text


def test_it_says_whether_an_interval_is_lopsided(report):
    assert report.ends.names == report.terms
    assert str(report.ends) in str(report)
    bad = report.ends._replace(low=np.full(len(report.terms), 1.0))
    assert "Lopsided, use the profile" in str(report._replace(ends=bad))


def test_it_says_whether_neurons_share_noise(recorded):
    found = recorded.details.correlation
    assert str(found) in str(recorded) and abs(found.mean) < 1
    assert recorded.ends.names == ()  # initial weights are drawn
    assert "Laplace interval" not in str(recorded)


def test_it_can_be_seen(report):
    figure = pt.plot.choice_report(report)
    check_page(figure)


def drawn(report):
    if isinstance(report.details, pt.reports.Matching):
        return pt.plot.choice_report(report)
    return pt.plot.activity_report(report)


def test_a_report_of_the_other_kind_has_another_page(report, recorded):
    with pytest.raises(ValueError, match="mice.csv is about choices among 3 .* other"):
        pt.plot.activity_report(report)
    with pytest.raises(ValueError, match="about activities of 5 neurons"):
        pt.plot.choice_report(recorded)


def check_page(figure):
    """Four panels with names, no wider than a phone shows."""
    assert len(figure.axes) == 4 and figure.get_figwidth() <= 5.5
    assert all(ax.get_xlabel() or ax.get_ylabel() for ax in figure.axes)
    figure.canvas.draw()
    plt.close(figure)


def test_without_intervals_it_says_so(report):
    none = np.full((2, len(report.terms)), np.nan)
    said = str(report._replace(interval=none))
    assert f"more than {len(report.terms)} animals" in said


def test_shares_choice_shares_and_rewards(report):
    for shares in (report.details.reward_shares, report.details.choice_shares):
        assert shares.shape == (8, 3)
        np.testing.assert_allclose(shares.sum(1), 1)


def test_a_punishment_is_no_share_of_the_rewards():
    data = pt.data.choice_experiments([[0, 1, 0]], [[1.0, -1.0, 1.0]])
    reward_shares, choice_shares = _shares(data)
    np.testing.assert_allclose(reward_shares, [[1, 0]])
    np.testing.assert_allclose(choice_shares, [[2 / 3, 1 / 3]])


def test_two_animals_are_too_few(tmp_path):
    two = write_animals(tmp_path / "two.csv", animals=2, options=2, trials=30)
    with pytest.raises(
        ValueError, match="two.csv has 2 animal.*m0, m1; expected at least 3"
    ):
        pt.report_choices(jr.key(0), pt.read_choices(two, sessions="carry"))


# --- recorded activity ----------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    mine = pt.read_activity(pt.data.example_file("activity"))
    return pt.report_activity(jr.key(0), mine, draws=2, restarts=2)


def test_the_rule_of_the_synapses_predicts_them(recorded):
    assert {values.shape for values in recorded.explained.values()} == {(2, 16)}
    middle = {name: np.median(values) for name, values in recorded.explained.items()}
    assert middle["rule"] > 90 and middle["fixed weights"] < 20
    assert middle["does nothing"] < 0 and middle["rule without w"] < 0
    assert recorded.comparisons["fixed weights"].verdict == "better"
    assert recorded.comparisons["all terms"].verdict == "no clear difference"


def test_its_coefficients_are_found(recorded):
    assert set(recorded.terms) == {"xy", "yyw", "w"}
    for k, term in enumerate(recorded.terms):
        low, high = recorded.interval[:, k]
        assert low < ACTIVITY_RULE.get(term, 0) < high and high - low < 0.2
        assert np.ptp(recorded.theta[:, k]) < 0.1  # whatever w0 was drawn


def test_the_score_is_that_of_the_example(recorded):
    one = recorded.details
    o, y = one.recorded[one.skip :], one.predicted[one.skip :]
    left, total = np.nansum((o - y) ** 2), np.nansum((o - np.nanmean(o, 0)) ** 2)
    place = recorded.names.index(one.example)
    found = recorded.explained["rule"][0, place]
    np.testing.assert_allclose(found, 100 * (1 - left / total))


def test_fits_are_counted(report, recorded):
    none = {"diverged": 0, "at the lowest loss": 64}
    assert recorded.fits["rule"] == {"fits": 64} | none
    assert recorded.fits["the rule, to all"]["fits"] == 4
    assert recorded.fits["all terms"] == {"fits": 32, "not converged": 0}
    assert set(report.fits) == {*report.losses, "the rule, to all"} - {"does nothing"}
    assert report.fits["with forgetting"]["fits"] == 8 * 2
    assert report.fits["Q-learning"]["fits"] == 8 * 6
    assert {counts["diverged"] for counts in report.fits.values()} == {0}


def test_fits_that_diverged_are_shown(either):
    name = "rule" if "rule" in either.losses else "with forgetting"
    shape = either.losses[name].shape
    losses = either.losses | {name: np.where(np.eye(*shape) > 0, np.inf, 1.0)}
    counts = {"fits": 9, "diverged": 3, "at the lowest loss": 2}
    bad = either._replace(losses=losses, fits=either.fits | {name: counts})
    found = re.sub(" +", " ", str(bad))
    assert f"diverged in {shape[0]} of {np.prod(shape)}" in found
    assert f"{name} 9 fits, 3 diverged, 2 at the lowest loss" in found
    check_page(drawn(bad))


def test_a_model_that_diverged_is_not_compared():
    """Fits of one model diverge; it has no gain, and the others have."""
    losses = {"does nothing": np.ones(4), "a": np.full(4, 0.5), "b": np.ones(4)}
    losses["b"][2] = np.inf
    data = pt.data.choice_experiments([[0, 1]] * 4, [[0.0, 1.0]] * 4)
    rest = (0,), np.ones((2, 1)), NO_ENDS, {}
    found = Found(data, losses, {}, np.ones((2, 1, 2, 2)), *rest)
    source = "file", "hash", tuple("1234")
    rest = "a", ["one"], losses["does nothing"], None
    made = put_together(jr.key(0), source, [found, found], *rest)
    assert [*made.comparisons] == ["does nothing"] and made.n_observations == 8


def test_a_recording_can_be_read_and_seen(recorded):
    for name in (
        *recorded.losses,
        *recorded.terms,
        "16 experiments",
        "1542 activities",
    ):
        assert name in str(recorded)
    check_page(pt.plot.activity_report(recorded))


def write_recording(path, experiments=3, steps=6):
    """One neuron with two inputs and weights that begin at zero."""
    draw, rows = np.random.default_rng(0), ["experiment,step,reward,x_1,x_2,y_1"]
    for e in range(experiments):
        w = np.zeros(2)
        for step in range(steps):
            x, reward = draw.normal(size=2), draw.integers(2)
            y = 1 / (1 + np.exp(-x @ w))
            rows.append(f"{e},{step},{reward},{x[0]},{x[1]},{y}")
            w += 0.5 * x * y
    path.write_text("\n".join(rows))
    return path


def test_known_weights_and_rewards(tmp_path):
    mine = pt.read_activity(write_recording(tmp_path / "few.csv"))
    found = pt.report_activity(
        jr.key(0), mine, terms=("xy", "xyr", "x"), w0_std=0, restarts=1
    )
    assert found.details.skip == 0 and found.theta.shape == (1, 3)
    assert "rule without w" not in found.losses  # it would be the rule
    assert np.isnan(found.interval).all() and "more than 3 exp" in str(found)
    assert found.ends.names == found.terms and "ends of the Laplace" in str(found)
    assert "No two neurons were recorded at once" in str(found)
    o = np.asarray(mine.experiment.activity)[..., 0]
    left = ((o - 0.5) ** 2).sum(1) / ((o - o.mean(1, keepdims=True)) ** 2).sum(1)
    np.testing.assert_allclose(found.explained["does nothing"][0], 100 * (1 - left))
    np.testing.assert_allclose(found.explained["rule"], 100, atol=1e-4)
    assert found.theta[0, found.terms.index("xy")] == pytest.approx(0.5, abs=1e-3)
    check_page(pt.plot.activity_report(found))


def test_too_little_of_a_recording(tmp_path):
    two = pt.read_activity(write_recording(tmp_path / "two.csv", experiments=2))
    with pytest.raises(
        ValueError, match="two.csv has 2 exp.*, 0, 1; expected at least 3"
    ):
        pt.report_activity(jr.key(0), two)
    three = pt.read_activity(write_recording(tmp_path / "three.csv"))
    with pytest.raises(ValueError, match="skip is 5, but experiment '0' of .* 6 steps"):
        pt.report_activity(jr.key(0), three, skip=5)
    with pytest.raises(ValueError, match="draws is 0"):
        pt.report_activity(jr.key(0), three, draws=0)
    for terms in ("xy", ()):
        with pytest.raises(ValueError, match=r"expected a sequence of terms"):
            pt.report_activity(jr.key(0), three, terms=terms)
    activity = three.experiment.activity.at[1, 3:].set(0.5)
    dull = three._replace(experiment=three.experiment._replace(activity=activity))
    with pytest.raises(ValueError, match="in experiment '1' no activity changes"):
        pt.report_activity(jr.key(0), dull)


# --- kept in a file -------------------------------------------------------------------


def test_what_is_loaded_is_what_was_saved(either, tmp_path):
    odd = either._replace(interval=either.interval.copy())
    odd.interval[:, 0] = np.nan, -np.inf  # JSON has no words of its own for these
    for one in (either, odd, either._replace(terms=("1",) * len(either.terms))):
        pt.reports.save_report(one, tmp_path / "report.json")
        found = pt.reports.load_report(tmp_path / "report.json")
        assert str(found) == str(one) and type(found) is type(one)
        assert jax.tree.structure(found) == jax.tree.structure(one)
        for new, old in zip(jax.tree.leaves(found), jax.tree.leaves(one), strict=True):
            np.testing.assert_array_equal(new, np.asarray(old))
    check_page(drawn(pt.reports.load_report(tmp_path / "report.json")))
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_a_saved_report_is_plain(either, tmp_path):
    pt.reports.save_report(either, tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    for name in ("plastutor", "jax", "numpy", "python"):
        assert content[name]
    results = content["results"]
    assert results["sha256"] == either.sha256 and results["terms"] == [*either.terms]
    np.testing.assert_array_equal(results["theta"], either.theta)


def test_a_file_that_is_no_saved_report(either, tmp_path):
    file = tmp_path / "report.json"
    pt.reports.save_report(either, file)
    text = file.read_text(encoding="utf-8")
    damage = {
        text[: len(text) // 2]: "does not hold a whole report .*again",
        "": "does not hold a whole report",
        "[1, 2]": "does not hold a whole report",
        text.replace('"check"', '"chek"'): "does not hold a whole report .*check",
        text.replace(
            '"form": 4', '"form": 3'
        ): "in form 3, .* or make the report again",
        text.replace('"form": 4', '"form": 7').replace("0.1.0", "9.9"): (
            "in form 7, written by plastutor 9.9; .* reads form 4.*Install plastu"
        ),
        text.replace('"kind": "', '"kind": "other '): "a report on other",
        text.replace("theta", "beta"): "is not as save_report left it",
        text.replace(
            str(either.theta.ravel()[0].item())[:6], "1.2345"
        ): "its numbers do",
    }
    assert text not in damage
    for changed, sentence in damage.items():
        file.write_text(changed, encoding="utf-8")
        with pytest.raises(ValueError, match=sentence):
            pt.reports.load_report(file)
    with pytest.raises(FileNotFoundError, match="no file .*none.json"):
        pt.reports.load_report(tmp_path / "none.json")
