"""Files of flies: three layouts, which one is read, and what is wrong with others."""

import os
import subprocess
import sys
from pathlib import Path

import fly_archive as made
import numpy as np
import pytest
from fly_archive import assert_same, by_hand
from scipy.io import loadmat, savemat

import plastutor as pt

REAL = os.environ.get("PLASTUTOR_FLY_DATA")
real_data = pytest.mark.skipif(
    not REAL, reason="PLASTUTOR_FLY_DATA is not set: no real fly data to read"
)

# --- three layouts ----------------------------------------------------------------


def test_zenodo_folders_give_the_flies(cohort, zenodo):
    assert_same(pt.data.flies.load(zenodo), cohort)


def test_zenodo_folders_are_found_below_the_archives_folder(cohort, zenodo):
    assert_same(pt.data.flies.load(zenodo.parent), cohort)


def test_authors_files_give_the_flies(cohort, tmp_path):
    assert_same(pt.data.flies.load(made.write_authors(tmp_path / "a", cohort)), cohort)


def test_csv_gives_the_flies(cohort, tmp_path):
    file = made.write_csv(tmp_path / "some.csv", cohort)
    assert_same(pt.data.flies.load(file), cohort, sequence=False)
    assert_same(pt.data.flies.load(str(tmp_path)), cohort, sequence=False)


def test_csv_rows_may_come_in_any_order_and_with_gaps(tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(
        "\ufeffreward, trial,fly,choice\r\n1,9,2,B\r\n0,3,2,A\r\n1,1,1,A\r\n"
    )
    one, two = pt.data.flies.load(file)
    assert (one.fly, two.fly) == (1, 2)
    assert two.choice.tolist() == [0, 1] and two.reward.tolist() == [0, 1]


def test_importing_is_light():
    code = (
        "import sys, plastutor.data.flies;"
        "print([m for m in ('requests', 'remotezip') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


# --- bad files --------------------------------------------------------------------

HEAD = "fly,trial,choice,reward\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; expected the names of the columns"),
        (HEAD, "has no rows below line 1; expected one for each trial"),
        (
            "fly,trial,choice\n1,1,A\n",
            "no column reward; found fly, trial, choice; expected fly, trial",
        ),
        (HEAD + "1,1,C,0\n", "line 2: choice is 'C'; expected A or B"),
        (HEAD + "1,1,A,0\n1,2,A,2\n", "line 3: reward is '2'; expected 0 or 1"),
        (HEAD + "1,1,A\n", "line 2: 3 fields; expected the 4 of line 1"),
        (HEAD + "1.5,1,A,0\n", "line 2: fly is '1.5'; expected a whole number"),
        (HEAD + "1,x,A,0\n", "line 2: trial is 'x'; expected a whole number"),
        (HEAD + "1,1,A,0\n1,1,B,0\n", "line 3: fly '1' has trial 1 already in line 2"),
    ],
)
def test_bad_csv(text, sentence, tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        pt.data.flies.load(file)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(choice_order=np.ones((79, 3))), r"shape \(79, 3\); expected \(80, 3\)"),
        (dict(choice_order=np.zeros((80, 3))), "has no choice; check the file"),
        (dict(choice_order=np.full((80, 3), 3)), "other values than 0, 1, 2"),
        (dict(reward_order=np.full((80, 3), np.nan)), "other values than 0, 1, 2"),
        (dict(reward_order="text"), "other values than 0, 1, 2"),
        (dict(reward_order=None), "reward_order.mat is missing"),
        (dict(choice_order=None), "choice_order.mat is missing"),
    ],
)
def test_bad_zenodo_folder(change, sentence, tmp_path):
    source = by_hand(tmp_path / "f" / "1", [], [[1]])
    for name, values in change.items():
        file = source / "1" / f"{name}.mat"
        if values is None:
            file.unlink()
        else:
            savemat(file, {name: values})
    with pytest.raises((ValueError, FileNotFoundError), match=sentence):
        pt.data.flies.load(source)


def test_two_unknown_variables_or_a_damaged_file(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [], [[1]])
    file = source / "1" / "choice_order.mat"
    savemat(file, {"a": 1, "b": 2})
    with pytest.raises(ValueError, match="variables a, b; expected choice_order, or"):
        pt.data.flies.load(source)
    file.write_bytes(b"not a MATLAB file" * 50)
    with pytest.raises(ValueError, match="cannot be read .* version 7 or older"):
        pt.data.flies.load(source)


GOOD = dict(X=np.eye(2), Y=np.array([0.0, 1.0]), R=np.array([1.0]))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (dict(X=np.ones((2, 2))), "a single 1 in each row"),
        (dict(X=np.eye(2)[:1]), r"X has shape \(1, 2\) and Y has 2 entries"),
        (dict(Y=np.array([0, 2])), "Y in .* has other values than 0, 1"),
        (dict(R=np.array([1.0, 0.0])), "Y has 1 accepts and R has 2 rewards"),
        (dict(R=np.array([0.5])), "R in .* has other values than 0, 1"),
        (dict(R=None), "variables X, Y; expected X"),
    ],
)
def test_bad_authors_file(change, sentence, tmp_path):
    content = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    savemat(tmp_path / "Fly1.mat", content)
    with pytest.raises(ValueError, match=sentence):
        pt.data.flies.load(tmp_path)


def test_authors_files_of_any_orientation(tmp_path):
    savemat(tmp_path / "Fly1.mat", GOOD)
    savemat(tmp_path / "Fly2.mat", {**GOOD, "Y": np.array([[0.0], [1.0]])})
    one, two = pt.data.flies.load(tmp_path)
    assert one.choice.tolist() == two.choice.tolist() == [1]


def test_what_is_no_fly_data(tmp_path):
    with pytest.raises(ValueError, match="holds no fly data. Expected a CSV file"):
        pt.data.flies.load(tmp_path)
    (tmp_path / "a.csv").touch(), (tmp_path / "b.csv").touch()
    with pytest.raises(ValueError, match="2 CSV files; name the one to read"):
        pt.data.flies.load(tmp_path)
    (tmp_path / "data.zip").touch()
    with pytest.raises(ValueError, match="not a CSV file.* Unpack"):
        pt.data.flies.load(tmp_path / "data.zip")


# --- the order of finding ---------------------------------------------------------


def put(folder, letters):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"1,{t},{letter},0" for t, letter in enumerate(letters, 1)]
    (folder / "choices.csv").write_text(HEAD + "\n".join(rows))
    return folder


def test_order_of_finding(tmp_path, monkeypatch):
    def fake_download(**options):
        return put(tmp_path / "downloaded", "B")

    monkeypatch.setattr("plastutor.data.flies._flies.download", fake_download)
    assert pt.data.flies.load()[0].choice.tolist() == [1]
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(put(tmp_path / "named", "AB")))
    assert pt.data.flies.load()[0].choice.tolist() == [0, 1]
    assert (
        pt.data.flies.load(put(tmp_path / "argument", "AAA"))[0].choice.tolist()
        == [0] * 3
    )
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", "")  # as good as unset
    assert pt.data.flies.load()[0].choice.tolist() == [1]


def test_what_does_not_exist_says_who_named_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="argument `source` names .*nowhere"):
        pt.data.flies.load(tmp_path / "nowhere")
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="variable PLASTUTOR_FLY_DATA names"):
        pt.data.flies.load()


# --- real data --------------------------------------------------------------------


@real_data
def test_real_flies():
    found = pt.data.flies.load(REAL)
    counts = {fly.fly: len(fly.choice) for fly in found}
    assert len(found) == 18 and sum(counts.values()) == 4283
    assert sorted(counts.values()) == [216, 227] + [240] * 16
    assert {fly for fly, n in counts.items() if n < 240} == {11, 17}
    assert counts[11] == 227 and counts[17] == 216
    assert sum(fly.reward.sum() for fly in found) == 2498
    assert pt.data.flies.experiments(found).x.shape == (18, 240, 2)


@real_data
def test_real_layouts_agree():
    here = Path(REAL or "")
    here = here if here.is_dir() else here.parent
    both = [
        (a / "choices.csv", a / "authors-format")
        for a in (here, here.parent)
        if (a / "choices.csv").is_file() and (a / "authors-format").is_dir()
    ]
    if not both:
        pytest.skip("PLASTUTOR_FLY_DATA has no second layout beside it to compare with")
    table, files = both[0]
    assert_same(pt.data.flies.load(table), pt.data.flies.load(files), sequence=False)
    for fly in pt.data.flies.load(files):
        assert fly.odour is not None and fly.accept is not None
        raw = loadmat(files / f"Fly{fly.fly}.mat")
        np.testing.assert_array_equal(np.eye(2)[fly.odour], raw["X"])
        np.testing.assert_array_equal(fly.accept, raw["Y"].ravel())
