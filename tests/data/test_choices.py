"""Choices: tables of other animals, read without guessing."""

import numpy as np
import pytest

import plastutor as pt

HEADER = "animal,session,trial,choice,reward"


def table(tmp_path, *rows, header=HEADER):
    file = tmp_path / "mine.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


ROWS = (
    "mouse,mon,2,left,0",
    "mouse,mon,1,right,1",
    "rat,a,1,left,0.5",
    "mouse,tue,1,,",
    "mouse,tue,5,middle,1",
)


def test_sessions_carry_on(tmp_path):
    found = pt.read_choices(table(tmp_path, *ROWS), sessions="carry")
    assert found.animals == ("mouse", "rat")
    assert found.options == ("left", "middle", "right")
    assert found.cohort.animal.tolist() == [0, 1]
    made = found.experiment
    assert made.choice.tolist() == [[2, 0, -1, 1], [0, -1, -1, -1]]
    assert made.reward.tolist() == [[1, 0, 0, 1], [0.5, 0, 0, 0]]
    assert made.valid.tolist() == [[True] * 4, [True, False, False, False]]
    assert made.plastic.tolist() == [[True, True, False, True], [True] + [False] * 3]
    np.testing.assert_array_equal(made.x[0, 0], [0, 0, 0.75])
    assert not made.x[0, 2].any() and made.w0.shape == (2, 3, 1)


def test_sessions_begin_anew(tmp_path):
    found = pt.read_choices(table(tmp_path, *ROWS), sessions="reset", stimulus=1.0)
    assert found.cohort.animal.tolist() == [0, 1, 0]
    assert found.experiment.choice.tolist() == [[2, 0], [0, -1], [-1, 1]]
    assert found.experiment.x.max() == 1


def test_carrying_and_resetting_predict_differently(tmp_path):
    """The first choice after a reset is a coin's; carried on, it knows of the past."""
    rows = [f"1,{s},{t},{'AB'[t % 2]},{t % 2}" for s in (1, 2) for t in range(6)]
    file, rule = table(tmp_path, *rows), pt.taylor(pt.Orders(x=1, w=1, r=1))
    loss = pt.objective(rule, pt.choice, network=pt.FLY)
    theta = pt.terms(pt.Orders(x=1, w=1, r=1), xr=1.0)
    carried, reset = (
        loss.predict(theta, pt.read_choices(file, sessions=how).experiment).option_logit
        for how in ("carry", "reset")
    )
    np.testing.assert_allclose(carried[0, :6], reset[0])
    np.testing.assert_allclose(reset[1], reset[0])
    assert np.abs(carried[0, 6]).max() > 0.1 and not np.any(reset[1, 0])


def test_without_sessions_and_with_numbers(tmp_path):
    rows = ["1,10,2,False", "1,9,10,True", "1,11,NA,NA"]
    found = pt.read_choices(
        table(tmp_path, *rows, header="Animal, Trial,choice,reward")
    )
    assert found.options == ("2", "10")  # in the order of the numbers
    assert found.experiment.choice.tolist() == [[1, 0, -1]]
    assert found.experiment.reward.tolist() == [[1, 0, 0]]


def test_a_trial_without_a_choice_changes_nothing():
    rule, theta = (
        pt.taylor(pt.Orders(x=1, w=1, r=1)),
        pt.terms(pt.Orders(x=1, w=1, r=1), one=1.0),
    )
    loss = pt.objective(rule, pt.choice, network=pt.FLY)
    whole = pt.data.choice_experiments([[0, 1, 0]], [[0, 1, 1]])
    gap = pt.data.choice_experiments([[0, -1, 1, 0]], [[0, 0, 1, 1]])
    np.testing.assert_allclose(
        loss.predict(theta, whole).option_logit,
        np.delete(loss.predict(theta, gap).option_logit, 1, axis=1),
    )
    assert float(loss(theta, whole)) == pytest.approx(float(loss(theta, gap)))


@pytest.mark.parametrize(
    "rows, header, message",
    [
        (["1,,1,A,0", "1,,2,B,x"], HEADER, "line 3: reward is 'x'; expected a number"),
        (["1,,1,A,0", "1,,2,B,"], HEADER, "line 3: reward is ''; expected a number"),
        (["1,,one,A,0"], HEADER, "line 2: trial is 'one'; expected a number"),
        (["1,,1,A,inf"], HEADER, "line 2: reward is 'inf'"),
        (["1,,1,A,0", "1,,1,B,0"], HEADER, "line 3: animal '1' has trial 1 already"),
        ([",,1,A,0"], HEADER, "line 2: animal is ''; expected a name"),
        (["1,,1,,1"], HEADER, "line 2: reward is '1'; expected 0, or nothing, where"),
        (["1,,1,A,0"], HEADER, "holds 1 option.*, A, in lines 2 to 2"),
        ([], HEADER, "no rows"),
        (["1,1"], "animal,trial", "line 1: no column choice, reward; found animal"),
        (
            ["1,,1,A,0", "1,,2,a,0"],
            HEADER,
            "line 3: the option is 'a', and elsewhere 'A'",
        ),
        (
            ["1,,1,1,0", "1,,2,1.0,0", "1,,3,2,0"],
            HEADER,
            "line 3: the option is '1.0', and",
        ),
        (
            ["1,,1,A,0", "1,,2,B,0", "2,,1,,"],
            HEADER,
            "line 4: animal '2' begins here and never",
        ),
        (ROWS, HEADER, "line 5: animal 'mouse' has a second session"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, header, message):
    with pytest.raises(ValueError, match=message):
        pt.read_choices(table(tmp_path, *rows, header=header))


def test_other_errors(tmp_path):
    with pytest.raises(ValueError, match="expected 'carry' or 'reset'"):
        pt.read_choices(table(tmp_path, *ROWS), sessions="forget")
    with pytest.raises(ValueError, match="one reward for each choice"):
        pt.data.choice_experiments([[0, 1]], [[0]])
    with pytest.raises(ValueError, match="stimulus is 0"):
        pt.data.one_hot(2, 0)
