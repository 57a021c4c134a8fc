"""Reports on choices: forgetting is claimed where a habit would not do as well."""

import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.networks import Parallel
from plastutor.reports._analysis import ABSENT, some_of

ORDERS = pt.Orders(x=1, w=1, r=1)
BEYOND, HABIT = "forgetting, kernel in both", "kernel, no forgetting"


def report_of(seed, values, habit):
    """A report on animals with such rules; as many as in the file of the others."""
    rules = {"ff": pt.taylor(ORDERS), "kernel": pt.taylor(ORDERS)}
    loss = pt.objective(rules, pt.choice, network=Parallel(("ff", "kernel")))
    theta = {"ff": pt.terms(ORDERS, **values), "kernel": pt.terms(ORDERS, **habit)}
    made = pt.tasks.choice_task(
        jr.key(seed),
        loss.predict,
        theta,
        n_experiments=8,
        reward_probabilities=((0.1, 0.5, 0.9), (0.9, 0.1, 0.5), (0.5, 0.9, 0.1)),
        trials_per_block=40,
    )
    mine = pt.data.Choices(pt.Cohort(made), tuple("abcdefgh"), tuple("ABC"), "made")
    return pt.report_choices(jr.key(0), mine, restarts=2)


@pytest.fixture(scope="module")
def habitual():
    """Of animals that repeat their choices, and keep what they learned."""
    return report_of(1, {"xr": 2.0, "one": -0.1}, {"x": 3.0, "w": -0.6})


@pytest.fixture(scope="module")
def forgetful():
    """Of animals that forget, and have no habit."""
    return report_of(0, {"xr": 6.0, "one": -1.0, "w": -0.6}, {})


def test_animals_with_a_habit_that_never_forget_are_not_said_to_forget(habitual):
    made = habitual
    first = str(made).splitlines()[0]
    assert first.startswith("A habit, and no forgetting claimed")
    assert made.details.added[BEYOND].interval[0] < 0
    assert made.details.added[HABIT].interval[0] > 0


def test_animals_that_forget_are_said_to(forgetful):
    made = forgetful
    assert str(made).startswith("Forgetting beyond a habit is claimed.")
    assert made.comparisons["without forgetting + kernel"].interval[0] > 0
    assert made.comparisons["kernel alone"].verdict == "better"


@pytest.mark.parametrize(
    ("beyond", "habit", "says"),
    [
        ((0.1, 2), (-1, 1), "Forgetting beyond a habit is claimed"),
        ((0.1, 2), (1, 2), "Forgetting beyond a habit is claimed"),
        ((-0.1, 2), (0.1, 1), "A habit, and no forgetting claimed"),
        ((-0.1, 2), (-0.1, 1), "Neither a habit nor forgetting beyond one is claimed"),
        ((-2, -1), (-2, -1), "Neither a habit nor forgetting beyond one is claimed"),
    ],
)
def test_a_claim_is_an_interval_above_zero(habitual, beyond, habit, says):
    added = habitual.details.added | {
        name: habitual.details.added[BEYOND]._replace(interval=ends)
        for name, ends in ((BEYOND, beyond), (HABIT, habit))
    }
    changed = habitual._replace(details=habitual.details._replace(added=added))
    assert str(changed).startswith(says)


def test_what_diverged_claims_nothing(habitual):
    for missing in (BEYOND, HABIT):
        added = {k: one for k, one in habitual.details.added.items() if k != missing}
        changed = habitual._replace(details=habitual.details._replace(added=added))
        assert str(changed).startswith("No claim: a prediction by one of the four")


def test_what_is_added_is_what_the_models_differ_by(habitual):
    assert len(habitual.details.added) == 4
    losses = {name: values.sum() for name, values in habitual.losses.items()}
    forgets, total = losses["with forgetting"], habitual.total.sum()
    gain = 100 * (losses["without forgetting"] - forgets) / total
    assert habitual.details.added["forgetting, no kernel"].gain == pytest.approx(gain)
    both = habitual.comparisons["without forgetting + kernel"].gain
    assert habitual.details.added[BEYOND].gain == pytest.approx(both)


@pytest.mark.parametrize("which", ["habitual", "forgetful"])
def test_the_coefficients_belong_to_the_rule_that_is_named(which, request):
    report = request.getfixturevalue(which)
    kernel = report.details.added["kernel, forgetting in both"].verdict == "better"
    assert report.details.rule == "with forgetting" + " + kernel" * kernel
    assert ("kernel x" in report.terms) == kernel == (len(report.terms) == 7)
    assert ("A kernel adds to the rule with forgetting." in str(report)) == kernel


def test_which_terms_a_model_has_is_its_start():
    """A coefficient that is absent counts as 0, and no fit brings it back."""
    rule = pt.taylor(ORDERS, ("x", "xr", "w"), scale=0.1)
    whole = pt.objective(rule, pt.choice, network=pt.FLY)
    loss, bare = (
        some_of(whole),
        pt.objective(pt.taylor(ORDERS, ("x", "xr")), pt.choice, network=pt.FLY),
    )
    draw = np.random.default_rng(0)
    choice, reward = draw.integers(0, 2, (2, 3, 40))
    data = pt.data.choice_experiments(choice, reward * 1.0)
    here, start = pt.terms(ORDERS, x=0.2, xr=0.4), pt.terms(ORDERS, x=0.2, xr=0.4, w=1)
    absent = np.where(np.asarray(start) == 1, ABSENT, start)
    np.testing.assert_allclose(loss(absent, data), bare(here, data), rtol=1e-5)
    how = {"optimizer": pt.GaussNewton(), "max_steps": 5}
    found = pt.fit(loss, absent, data, **how)
    expected = pt.fit(bare, here, data, **how)
    np.testing.assert_allclose(found.losses[-1], expected.losses[-1], rtol=1e-4)
    assert pt.fit(whole, here, data, **how).losses[-1] < expected.losses[-1] - 1e-3
