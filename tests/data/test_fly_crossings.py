"""Accepts and rejects of flies, from crossings and choice points."""

import numpy as np
import pytest
from fly_archive import by_hand
from scipy.io import savemat

import plastutor as pt

FIRST = [(5, "AtoM"), (8, "MtoA"), (9, "AtoO"), (12, "OtoM"), (15, "MtoO")]
LATE = [(25, "AtoM"), (30, "MtoA")]  # after the last choice point of its block


def test_choice_points_by_hand(tmp_path):
    # M O M O: the first trial rejects O and then chooses it. The M at frame 25 belongs
    # to the first trial of the next block; the O at frame 50 there to no trial at all.
    blocks = [
        ([*FIRST, (20, "AtoO"), *LATE], [1, 16, 21]),
        ([(3, ""), (4, "AtoO"), (50, "AtoO")], [1, 40]),
    ]
    source = by_hand(tmp_path / "flies" / "1", blocks, [[2, 2], [2]])
    (fly,) = pt.data.flies.load(source)
    assert fly.note == ""
    assert "".join("MO"[o] for o in fly.odour) == "MOMOOMO"
    assert fly.accept.tolist() == [False] * 3 + [True, True, False, True]
    assert fly.choice.tolist() == [1, 1, 1] and fly.reward.tolist() == [0, 0, 0]


def test_an_entry_at_the_choice_point_is_not_before_it(tmp_path):
    source = by_hand(
        tmp_path / "f" / "1", [([(5, "AtoM"), (9, "AtoO")], [1, 9])], [[1]]
    )
    assert pt.data.flies.load(source)[0].accept.tolist() == [True]


@pytest.mark.parametrize(
    ("crossings", "cps", "why"),
    [
        (FIRST, [1, 13], "choice 1 of block 1 is B but .* is A"),
        (FIRST, [1, 4], "choice 1 of block 1 is B but .* is none"),
        (FIRST, [1, 10, 16], "3 choice points for 1 choices"),
        (FIRST, [16, 10], "do not increase"),
        (FIRST, [[1, 2], [3, 4]], "not a vector of numbers"),
        ([(5, "AtoX")], [1, 10], "crossing of unknown type 'AtoX'"),
        ([(9, "AtoO"), (5, "AtoM")], [1, 10], "do not increase in time_pt_in_vector"),
        ([(float("nan"), "AtoO")], [1, 10], "without a time_pt_in_vector"),
    ],
)
def test_what_is_inconsistent_is_left_out_with_the_reason(
    crossings, cps, why, tmp_path
):
    (fly,) = pt.data.flies.load(
        by_hand(tmp_path / "f" / "1", [(crossings, cps)], [[2]])
    )
    assert fly.choice.tolist() == [1]
    assert fly.odour is None and fly.accept is None
    with pytest.raises(ValueError, match=f"Fly 1 has no accept/reject .*{why}"):
        pt.data.flies.experiments([fly], accept_reject=True)


def test_absent_crossings_leave_the_choices(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [], [[1, 2]])
    (fly,) = pt.data.flies.load(source)
    assert fly.choice.tolist() == [0, 1] and fly.reward.tolist() == [1, 0]
    assert "cps_1.mat is missing" in fly.note


def test_a_struct_of_arrays_is_read_too(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [(FIRST, [1, 16])], [[2]])
    cells = np.array([[kind for _, kind in FIRST]], dtype=object)
    frames = np.array([[frame for frame, _ in FIRST]], float)
    columns = {"type": cells, "time_pt_in_vector": frames, "time": frames / 30}
    savemat(source / "1" / "odor_crossing_1.mat", {"crossings": columns})
    assert pt.data.flies.load(source)[0].accept.tolist() == [False, False, False, True]
