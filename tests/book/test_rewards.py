"""The study of reward rules: the paper's tables, its labels, and one small cell."""

import jax
import numpy as np
import pytest
from rewards import methods, settings
from rewards.animals import data_of
from rewards.fits import as_the_paper
from rewards.labels import as_printed, as_simulated, parse, text, theta_of, true_rules
from rewards.methods import status
from rewards.settings import TAYLOR, Setting

import plastutor as pt

PUBLISHED = pt.load_results("mehta_2024_rewards")[1]

# What the paper's code simulated in each row of the table, found by hand.
SIMULATED = """
xywr - 0.05 x, xywr - 0.05 x, xxyr - 0.05 x, xxywr - 0.05 x, xxr - 0.05 x,
xywrr - 0.05 one, xxwwrr - 0.05 one, xr - 0.05 xwr, xr - 0.05 xyr, xr - 0.05 wr, xr,
xr - 0.05 x, xr - 0.05 xywr, xr - 0.05 yr, xr - 0.05 ywr, xr - 0.05 r, xxr - 0.05 yr,
xxr - 0.05 wr, xxr, xr - 0.05 y, xxr - 0.05 xwr, xxr - 0.05 ywr, xxr - 0.05 xyr,
xxr - 0.05 xywr, xxr - 0.05 r, xxr - 0.05 xr, xr - 0.05 xyw, xr - 0.05 xw, xr - 0.05 xy,
xr - 0.05 yw, xxyw - 0.05 one, xxr - 0.05 y, xxr - 0.05 xyw, xxr - 0.05 xw,
xxr - 0.05 y, xxywrr - 0.05 x, xxr - 0.05 xw, xyw - 0.05 one, xxww - 0.05 one,
xxr - 0.05 w, xxwwrr - 0.05 x, xywrr - 0.05 x, xyw - 0.05 xr, xwwrr - 0.05 x,
xxyw - 0.05 xr, xxyw - 0.05 x, xxww - 0.05 x, xywwrr - 0.05 xr, xxywwrr - 0.05 xr,
-0.05 xr, xxywwr - 0.05 xr, xywr - 0.05 xr, xwwr - 0.05 xr
"""


# --- the paper's table ----------------------------------------------------------------


def test_the_published_table_is_complete():
    assert [int(row["row"]) for row in PUBLISHED] == list(range(1, 54))
    assert len({row["rule"] for row in PUBLISHED}) == 50
    in_table_1 = [int(row["row"]) for row in PUBLISHED if row["table_1"] == "yes"]
    assert in_table_1 == [1, 11, 20, 23, 40]
    for row in PUBLISHED:
        assert all(float(v) > -1 for v in list(row.values())[3:]), row
    assert [r["taylor_deviance"] for r in PUBLISHED if r["rule"] == "xr"] == ["61.91"]


def test_the_rules_really_simulated_follow_from_the_labels():
    known = [rule.strip() for rule in SIMULATED.replace("\n", " ").split(",")]
    assert [text(as_simulated(row["rule"])) for row in PUBLISHED] == known


def test_a_repeated_term_adds_up_as_printed_and_is_overwritten_as_simulated():
    assert as_printed("xr - 0.05 xr") == {"xr": pytest.approx(0.95)}
    assert as_simulated("xr - 0.05 xr") == {"xr": -0.05}


def test_labels_are_read_and_written():
    assert parse("xxyr - 0.05 one") == [("xxyr", 1.0), ("one", -0.05)]
    for row in PUBLISHED:
        if row["rule"] != "xr - 0.05 xr":
            assert text(as_printed(row["rule"])) == row["rule"]
    assert text({"xr": -0.05, "w": 1.0}) == "-0.05 xr + w"
    theta = theta_of("xr - 0.05 yyw")
    assert theta[1, 0, 0, 1] == 1 and theta[0, 2, 1, 0] == np.float32(-0.05)
    assert (theta != 0).sum() == 2


def test_every_rule_of_both_readings_is_studied_once():
    rules = true_rules()
    assert len(rules) == len(set(rules)) == 86
    both = {
        text(f(row["rule"])) for row in PUBLISHED for f in (as_printed, as_simulated)
    }
    assert both == set(rules)


def test_settings_are_distinct():
    every = list(settings.settings())
    tables = [s for s in every if s.method in settings.METHODS_OF_TABLES]
    assert {s.rule for s in tables} == set(true_rules())
    assert len({*every}) > 700


def test_the_numbers_read_off_the_figures_are_those_of_the_tables():
    figures = pt.load_results("mehta_2024_figures")[1]
    for figure, family, count, median in (
        ("3C", "taylor", 9, 0.750),
        ("3C", "mlp", 10, 0.854),
        ("3F", "taylor", 9, 59.9),
        ("3F", "mlp", 10, 63.2),
        ("3E", "taylor", 9, 0.646),
    ):
        values = pt.select_rows(figures, "value", figure=figure, family=family)
        assert len(values) == count
        assert np.median(values) == pytest.approx(median, rel=2e-3)
    # The usual setting is a point of figures 6 and 7, and its mean stands in the table.
    usual = [
        pt.select_rows(figures, "value", figure=number, setting=value, family="taylor")
        for number, value in (("6", 10), ("7", 0.75))
    ]
    np.testing.assert_array_equal(*usual)
    (row,) = (row for row in PUBLISHED if row["rule"] == "xr")
    assert usual[0].mean() == pytest.approx(float(row["taylor_r2_weights"]), abs=5e-3)


# --- a small cell ---------------------------------------------------------------------

SMALL = Setting(method="all terms", trials=30, hidden=3)


@pytest.fixture(scope="module")
def rows():
    return methods.run([SMALL._replace(seed=k)._asdict() for k in (0, 1)])


@pytest.mark.weekly
def test_a_cell_alone_is_as_with_others(rows):
    (alone,) = methods.run([SMALL._replace(seed=1)._asdict()])
    for name in ("loss", "r2_weights", "r2_activity", "deviance", "ceiling"):
        assert float(alone[name]) == pytest.approx(float(rows[1][name]), abs=2e-2), name
    assert alone["status"] == rows[1]["status"] == "finished"
    assert rows[0]["ceiling"] != rows[1]["ceiling"]
    assert set(alone) <= set(settings.COLUMNS)


def test_the_scores_are_those_of_the_package():
    theta_true, theta = theta_of("xr"), theta_of("0.9 xr - 0.1 w")
    key = jax.random.key(0)
    data, unfinished, largest = data_of(SMALL, key[None], theta_true[None])
    assert unfinished == [0] and largest.max() < 3
    animal = jax.tree.map(lambda leaf: leaf[0, 3], data)
    found = methods.scores(SMALL, TAYLOR, theta, theta_true, animal)
    same = pt.score(TAYLOR, theta, animal, theta_true=theta_true, network=pt.BEHAVIOUR)
    # In the study, as in the paper, R2 of the weights has a row for each trial.
    weights = pt.weight_r2(
        TAYLOR,
        theta,
        theta_true,
        pt.gradients.completed_trials(animal, 30),
        network=pt.BEHAVIOUR,
    )
    assert found[0] == pytest.approx(float(weights.mean()), abs=1e-4)
    assert found[1] == pytest.approx(same.r2_activity, abs=1e-4)
    assert found[2] == pytest.approx(same.percent_deviance, abs=1e-3)


def test_r2_is_that_of_the_package_over_what_was_seen():
    true, predicted = jax.random.normal(jax.random.key(0), (2, 9, 4))
    seen = np.arange(9) < 6
    expected = pt.r2(true[:6], predicted[:6])
    assert methods.r2(true, predicted, seen) == pytest.approx(expected, abs=1e-6)


def test_a_row_says_what_went_wrong():
    fine, each = np.ones(25), np.full((7, 6), 50.0)
    assert status(0, fine, 0.5, each) == "finished"
    assert "the true rule diverges" in status(0, 1e9 * fine, 0.5, each)
    assert "true rule" in status(0, np.nan * fine, 0.5, each)
    assert "3 animals did not complete" in status(3, fine, 0.5, each)
    assert status(0, fine, np.inf, each) == "the fit diverged"
    assert "in 4 steps" in status(0, fine, 0.5, each, 4)
    each[2, 2] = -np.inf
    assert "in 1 of 7 held-out" in status(0, fine, 0.5, each)


def test_the_fit_of_the_paper_goes_on_where_a_simulation_diverged():
    setting = SMALL._replace(method="l1 and Adam", l1=1e-2)
    theta_true = theta_of("xr")
    data, _, _ = data_of(setting, jax.random.key(0)[None], theta_true[None])
    train = jax.tree.map(lambda leaf: leaf[0, :18], data)
    bad = train._replace(reward=train.reward.at[3].set(np.inf))
    theta, _, left_out = jax.jit(
        lambda key, data: as_the_paper(setting, key, data, epochs=2)
    )(jax.random.key(1), bad)
    assert left_out == 2 and np.isfinite(theta).all() and (abs(theta) > 1e-3).any()


# --- our table ------------------------------------------------------------------------


@pytest.mark.weekly
def test_a_row_can_be_made_again(single_precision):
    rows = pt.load_results("rewards")[1]
    setting = Setting("xr - 0.05 yw")
    wanted = {name: str(value) for name, value in setting._asdict().items()}
    (old,) = [row for row in rows if wanted.items() <= row.items()]
    (new,) = methods.run([setting._asdict()])
    for name, off in (("deviance", 0.5), ("ceiling", 0.01), ("r2_activity", 0.01)):
        assert float(new[name]) == pytest.approx(float(old[name]), abs=off), name
