"""Report: one call from a table to an answer, for any species."""

import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np
import pytest

from plastutor import plots
from plastutor.choices import read_choices
from plastutor.report import report_choices

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
    mice = read_choices(file, sessions="carry")
    return report_choices(jr.key(0), mice, restarts=2)


def test_the_rule_that_the_animals_live_by_predicts_them(report):
    assert report.losses["does nothing"].shape == (8,)
    assert report.deviance("does nothing") == 0
    assert report.deviance("with forgetting") > 2
    np.testing.assert_allclose(
        report.against["does nothing"].gain, report.deviance("with forgetting")
    )


def test_its_decay_is_found(report):
    low, high = (end[report.terms.index("w")] for end in report.interval)
    assert low < THETA["w"] < high and high - low < 1


def test_it_can_be_read(report):
    text = str(report)
    assert "8 animals" in text and "3 options (A, B, C)" in text
    for name in (*report.losses, *report.terms):
        assert name in text


def test_it_can_be_seen(report):
    figure = plots.choice_report(report)
    assert len(figure.axes) == 4 and all(
        ax.get_xlabel() or k == 1 for k, ax in enumerate(figure.axes)
    )
    plt.close(figure)


def test_without_intervals_it_says_so(report):
    none = np.full(len(report.terms), np.nan)
    assert "more than 5 animals" in str(report._replace(interval=(none, none)))


def test_two_animals_are_too_few(tmp_path):
    two = write_animals(tmp_path / "two.csv", animals=2, options=2, trials=30)
    with pytest.raises(ValueError, match="needs at least 3"):
        report_choices(jr.key(0), read_choices(two, sessions="carry"))
