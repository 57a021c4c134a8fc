"""Forgetting or habit: the tables, and what pages say of them."""

import os
from functools import partial

import jax.random as jr
import pytest
from flies import habits
from flies.settings import COHORT_COLUMNS, ORDERS
from test_studies import kept

import plastutor as pt


def habit_of(model, kind="unseen flies", seed="0"):
    """The row of a model in the table on habits."""
    rows = [
        row
        for row in kept("flies_habit")[1]
        if (row["kind"], row["model"], row["seed"]) == (kind, model, seed)
    ]
    (row,) = rows
    return row


def test_the_table_on_habits_and_that_on_flies_agree():
    both = {"4 terms", "5 terms", "x, r, x r, w", "Q-learning"}
    for row in kept("flies")[1]:
        if row["kind"] == "unseen flies" and row["model"] in both:
            same = habit_of(row["model"].replace("x r", "xr"))
            assert float(same["deviance"]) == pytest.approx(
                float(row["deviance"]), abs=0.1
            )


@pytest.mark.weekly
def test_a_cohort_with_a_habit_goes_through_both_tests(monkeypatch):
    """Few flies, of few trials, and few starts."""
    small = {"n_experiments": 4, "trials_per_block": 15}
    task = partial(pt.tasks.choice_task, **small)
    monkeypatch.setattr(pt.tasks, "choice_task", task)
    kernel = pt.terms(pt.Orders(x=1, w=1), x=1.5, w=-0.4)
    truth = {"ff": pt.terms(ORDERS, xr=1.0), "kernel": kernel}
    setting = habits.Habit("cohort", "4 terms + kernel", "", 1)
    row = habits.run_cohort(setting, truth)
    assert {*row} | {"seconds"} == {*COHORT_COLUMNS}
    assert float(row["gain_low"]) <= float(row["gain"]) <= float(row["gain_high"])


@pytest.mark.weekly
@pytest.mark.skipif(
    "PLASTUTOR_FLY_DATA" not in os.environ, reason="there are no real flies to fit"
)
@pytest.mark.parametrize("seed", [119, 124])
def test_a_false_alarm_is_a_fit_of_the_smaller_rule_that_missed_its_best(seed):
    """As the chapter says of both: the fit that starts at the truth is far better."""
    name, found = "4 terms + kernel", {}
    loss, truth = habits.model_of(name).loss, habits.real_theta(name)
    data = pt.tasks.choice_task(jr.key(seed), loss.predict, truth)
    for one in ("4 terms", name):
        more = habits.nested_starts(one, found)
        found[one] = habits.optima_of(one, data, seed, more, **habits.HABIT_FITS)
    how = {"optimizer": pt.GaussNewton(), "max_steps": 25}
    best = pt.fit(loss, truth, data, **how).theta
    losses = [loss(theta, data) for theta in (found[name][0][0].theta, best)]
    assert (losses[0] - losses[1]) * data.valid.sum() > 10  # nats


def test_the_claims_of_the_cohorts_with_a_habit():
    """Without a kernel on both sides nearly every habit passes for forgetting."""
    rows = [row for row in kept("flies_habit_cohorts")[1] if row["kind"] == "cohort"]
    habit = [row for row in rows if row["model"] == "4 terms + kernel"]
    assert len({row["seed"] for row in habit}) == len(habit) == 200
    old, new = (
        sum(float(row[f"{test}gain_low"]) > 0 for row in habit) for test in ("old_", "")
    )
    assert old > 0.9 * len(habit) and new <= 0.05 * len(habit)


def test_what_the_page_on_other_work_says_of_the_table():
    def deviance(model, seed="0"):
        return float(habit_of(model, seed=seed)["deviance"])

    best = deviance("Q-learning, no-reward value + kernel")
    every = [row for row in kept("flies_habit")[1] if row["kind"] == "unseen flies"]
    assert best == max(float(row["deviance"]) for row in every)
    assert deviance("Q-learning") > deviance("Q-learning, no forgetting")
    assert float(habit_of("Q-learning + kernel")["gain_low"]) < 0
    tiny = [deviance("recurrent network", str(seed)) for seed in range(5)]
    assert best - 0.5 < min(tiny) and max(tiny) < best
    assert deviance("no reward") > 0.8 * deviance("5 terms")
    nats = habit_of("5 terms + kernel", "pooled")["optima"].split()
    assert 3.5 < float(nats[1]) < 4
