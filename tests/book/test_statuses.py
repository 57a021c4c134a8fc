"""Every row of a study says how its fits ended: runaway fits are not results."""

import numpy as np
import pytest
import verify
from flies import endings, methods as flies
from flies.models import CHOICES
from robustness import methods as robustness
from test_studies import TABLES, kept

import plastutor as pt

# Kinds of rows that were made before rows had a status. Rows made again have one.
WITHOUT_STATUS = {
    "flies": {
        "unseen flies",
        "hierarchical",
        "rewards shuffled",
        "later trials",
        "later trials, reset",
        "later trials, each fly",
        "later trials, hierarchical",
        "cohort, forgetting",
        "cohort, no forgetting",
    },
    "flies_habit": {"unseen flies"},
    "robustness_tuning": {"main", "another rule"},
    "trust": {"activity", "27 terms", "behaviour", "fly"},
}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_says_how_its_fits_ended(name):
    _, rows = kept(name)
    kind = next(iter(rows[0]))
    without = {row[kind] for row in rows if not row["status"]}
    assert without == WITHOUT_STATUS.get(name, set())
    for row in rows:
        if name == "flies" and not row["status"]:
            assert row["reached"] == "", "it was counted in another way"


@pytest.mark.parametrize("name", ["flies", "flies_habit"])
def test_no_row_of_flies_not_yet_met_ran_away(name):
    for row in kept(name)[1]:
        if row["kind"] == "unseen flies" and row["status"]:
            assert "diverge" not in row["status"]
            assert row["largest"] == "" or float(row["largest"]) < 100


def test_a_status_is_what_the_numbers_of_its_row_say():
    for row in kept("robustness")[1]:
        converged = {"True": True, "False": False}.get(row["converged"])
        fitted = row["noise_found"] != "inf"
        found = row["tau"] != "0"
        score = float(row["r2"])
        assert row["status"] == robustness.status(score, converged, fitted, found)


def test_no_fit_that_never_happened_is_stored_as_a_result():
    """It would be the row of the model that does nothing, to the last digit."""
    rows, cell = kept("robustness")[1], ("variant", "noise", "recorded", "seed")
    nothing = {
        tuple(row[name] for name in cell): row["r2"]
        for row in rows
        if row["method"] == "nothing"
    }
    for row in rows:
        if row["noise_found"] and row["status"] != "nothing found":
            assert row["r2"] != nothing.get(tuple(row[name] for name in cell))
            assert float(row["noise_found"]) > 0 or row["noise"] == "0.0"


@pytest.mark.parametrize(
    ("score", "converged", "status"),
    [
        (0.5, None, "finished"),
        (0.5, True, "converged"),
        (-3.0, False, "not converged"),
        (-np.inf, True, "diverged"),
        (np.nan, None, "diverged"),
    ],
)
def test_a_fit_to_a_recording_has_a_status(score, converged, status):
    assert robustness.status(score, converged) == status
    assert robustness.status(score, converged, False) == "no step was accepted"
    assert robustness.status(score, converged, True, False) == "nothing found"


def test_a_column_that_an_earlier_row_lacks_is_no_difference():
    new = {"status": "finished", "deviance": "8.5"}
    for status, off in {"": 0, "finished": 0, "diverged": np.inf}.items():
        old = {"status": status, "deviance": "8.5"}
        expected = {"deviance": 0} | ({"status": off} if status else {})
        assert verify.differences([(old, new)]) == expected


def test_a_fit_to_flies_has_a_status():
    def fit(largest, status):
        theta = {"ff": np.array([0.5, -largest]), "none": np.zeros(0)}
        return pt.Fit(theta, np.zeros(1), theta, status, "")

    fits = [fit(2.0, "converged"), fit(8275.0, "finished"), fit(1.0, "converged")]
    assert endings.ending(fits[::2]) == {"status": "2 converged", "largest": "2.00"}
    assert endings.ending(fits) == {
        "status": "2 converged, 1 finished, 1 at a bound",
        "largest": "8275.00",
    }
    losses, null = np.array([1.0, np.inf, 12.0, np.nan]), np.ones(4)
    lost = endings.ending(fits[:1], losses, null)["status"]
    assert lost == "1 converged, 3 predictions diverge"


def test_a_weight_at_the_beginning_has_a_prior():
    """Without one the best fit to some flies lies at minus infinity."""
    plain, more = (flies.model_of(f"5 terms{name}") for name in ("", " + w0"))
    assert plain.loss.penalty is None
    theta = {"rule": np.zeros(flies.ORDERS.shape), "w0": np.array(-10.0)}
    one_std = 0.5 / CHOICES
    assert float(more.loss.penalty(theta)) == pytest.approx(one_std)
    theta["rule"][0] = 10.0
    assert float(more.loss.penalty(theta)) == pytest.approx(5 * one_std)
