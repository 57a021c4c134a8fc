"""Flies: three layouts, the way to them, and everything that can go wrong with both."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import fly_archive as made
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from plastutor import flies, fly_download, fly_members
from plastutor.fly_files import FOLDER, FlyChoices

REAL = os.environ.get("PLASTUTOR_FLY_DATA")
real_data = pytest.mark.skipif(
    not REAL, reason="PLASTUTOR_FLY_DATA is not set: no real fly data to read"
)
FAST = dict(backoff=0.01, timeout=5.0)


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch, tmp_path):
    """No test sees the user's variable or cache."""
    monkeypatch.delenv("PLASTUTOR_FLY_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def cohort():
    return made.cohort()


@pytest.fixture(scope="module")
def zenodo(cohort, tmp_path_factory):
    return made.write_zenodo(tmp_path_factory.mktemp("zenodo"), cohort)


@pytest.fixture(scope="module")
def content(zenodo):
    return made.pack(zenodo)


@pytest.fixture
def serve():
    """Start servers; stop them when the test ends."""
    servers = []

    def start(content):
        servers.append(made.Server(content))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def assert_same(found, expected, sequence=True):
    assert [fly.fly for fly in found] == [fly.fly for fly in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.choice, b.choice)
        np.testing.assert_array_equal(a.reward, b.reward)
        assert a.choice.dtype.kind == "i" and a.reward.dtype.kind == "f"
        if sequence:
            assert a.note == ""
            np.testing.assert_array_equal(a.odour, b.odour)
            np.testing.assert_array_equal(a.accept, b.accept)
            assert a.accept.dtype == bool
        else:
            assert a.odour is None and a.accept is None and a.note


# --- three layouts ----------------------------------------------------------------


def test_zenodo_folders_give_the_flies(cohort, zenodo):
    assert_same(flies.load(zenodo), cohort)


def test_zenodo_folders_are_found_below_the_archives_folder(cohort, zenodo):
    assert_same(flies.load(zenodo.parent), cohort)


def test_authors_files_give_the_flies(cohort, tmp_path):
    assert_same(flies.load(made.write_authors(tmp_path / "a", cohort)), cohort)


def test_csv_gives_the_flies(cohort, tmp_path):
    file = made.write_csv(tmp_path / "some.csv", cohort)
    assert_same(flies.load(file), cohort, sequence=False)
    assert_same(flies.load(str(tmp_path)), cohort, sequence=False)


def test_csv_rows_may_come_in_any_order_and_with_gaps(tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(
        "\ufeffreward, trial,fly,choice\r\n1,9,2,B\r\n0,3,2,A\r\n1,1,1,A\r\n"
    )
    one, two = flies.load(file)
    assert (one.fly, two.fly) == (1, 2)
    assert two.choice.tolist() == [0, 1] and two.reward.tolist() == [0, 1]


def test_importing_is_light():
    code = (
        "import sys, plastutor.flies;"
        "print([m for m in ('requests', 'remotezip') if m in sys.modules])"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


# --- accepts and rejects from choice points ---------------------------------------


def by_hand(folder, blocks, choices):
    """A fly's folder from per-block crossings and choice points."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.zeros((80, 3))
    for block, chosen in enumerate(choices):
        order[: len(chosen), block] = chosen
    savemat(folder / "choice_order.mat", {"c": order})
    savemat(folder / "reward_order.mat", {"r": order * (order == 1)})
    for block, (crossings, cps) in enumerate(blocks, start=1):
        file = folder / f"odor_crossing_{block}.mat"
        savemat(file, {"odor_crossing": made.struct(crossings)})
        savemat(folder / f"cps_{block}.mat", {"cps": np.array(cps, float)})
    return folder.parent


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
    (fly,) = flies.load(source)
    assert fly.note == ""
    assert "".join("MO"[o] for o in fly.odour) == "MOMOOMO"
    assert fly.accept.tolist() == [False] * 3 + [True, True, False, True]
    assert fly.choice.tolist() == [1, 1, 1] and fly.reward.tolist() == [0, 0, 0]


def test_an_entry_at_the_choice_point_is_not_before_it(tmp_path):
    source = by_hand(
        tmp_path / "f" / "1", [([(5, "AtoM"), (9, "AtoO")], [1, 9])], [[1]]
    )
    assert flies.load(source)[0].accept.tolist() == [True]


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
    (fly,) = flies.load(by_hand(tmp_path / "f" / "1", [(crossings, cps)], [[2]]))
    assert fly.choice.tolist() == [1]
    assert fly.odour is None and fly.accept is None
    with pytest.raises(ValueError, match=f"Fly 1 has no accept/reject .*{why}"):
        flies.experiments([fly], accept_reject=True)


def test_absent_crossings_leave_the_choices(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [], [[1, 2]])
    (fly,) = flies.load(source)
    assert fly.choice.tolist() == [0, 1] and fly.reward.tolist() == [1, 0]
    assert "cps_1.mat is missing" in fly.note


def test_a_struct_of_arrays_is_read_too(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [(FIRST, [1, 16])], [[2]])
    cells = np.array([[kind for _, kind in FIRST]], dtype=object)
    frames = np.array([[frame for frame, _ in FIRST]], float)
    columns = {"type": cells, "time_pt_in_vector": frames, "time": frames / 30}
    savemat(source / "1" / "odor_crossing_1.mat", {"crossings": columns})
    assert flies.load(source)[0].accept.tolist() == [False, False, False, True]


# --- bad files --------------------------------------------------------------------

HEAD = "fly,trial,choice,reward\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"has the columns \(none: it is empty\); expected fly, trial, choice"),
        (HEAD, "has no trials; expected one row per trial"),
        (
            "fly,trial,choice\n1,1,A\n",
            "columns fly, trial, choice; expected fly, trial",
        ),
        (HEAD + "1,1,C,0\n", "line 2: choice is 'C'; expected A or B"),
        (HEAD + "1,1,A,0\n1,2,A,2\n", "line 3: reward is '2'; expected 0 or 1"),
        (HEAD + "1,1,A\n", "line 2: reward is None; expected 0 or 1"),
        (HEAD + "1.5,1,A,0\n", "line 2: fly is '1.5'; expected a whole number"),
        (HEAD + "1,x,A,0\n", "line 2: trial is 'x'; expected a whole number"),
        (HEAD + "1,1,A,0\n1,1,B,0\n", "line 3: fly 1 has trial 1 twice"),
    ],
)
def test_bad_csv(text, sentence, tmp_path):
    file = tmp_path / "c.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        flies.load(file)


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
        flies.load(source)


def test_two_unknown_variables_or_a_damaged_file(tmp_path):
    source = by_hand(tmp_path / "f" / "1", [], [[1]])
    file = source / "1" / "choice_order.mat"
    savemat(file, {"a": 1, "b": 2})
    with pytest.raises(ValueError, match="variables a, b; expected choice_order, or"):
        flies.load(source)
    file.write_bytes(b"not a MATLAB file" * 50)
    with pytest.raises(ValueError, match="cannot be read .* version 7 or older"):
        flies.load(source)


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
        flies.load(tmp_path)


def test_authors_files_of_any_orientation(tmp_path):
    savemat(tmp_path / "Fly1.mat", GOOD)
    savemat(tmp_path / "Fly2.mat", {**GOOD, "Y": np.array([[0.0], [1.0]])})
    one, two = flies.load(tmp_path)
    assert one.choice.tolist() == two.choice.tolist() == [1]


def test_what_is_no_fly_data(tmp_path):
    with pytest.raises(ValueError, match="holds no fly data. Expected a CSV file"):
        flies.load(tmp_path)
    (tmp_path / "a.csv").touch(), (tmp_path / "b.csv").touch()
    with pytest.raises(ValueError, match="2 CSV files; name the one to read"):
        flies.load(tmp_path)
    (tmp_path / "data.zip").touch()
    with pytest.raises(ValueError, match="not a CSV file.* Unpack"):
        flies.load(tmp_path / "data.zip")


# --- the order of finding ---------------------------------------------------------


def put(folder, letters):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"1,{t},{letter},0" for t, letter in enumerate(letters, 1)]
    (folder / "choices.csv").write_text(HEAD + "\n".join(rows))
    return folder


def test_order_of_finding(tmp_path, monkeypatch):
    def fake_download(**options):
        return put(tmp_path / "downloaded", "B")

    monkeypatch.setattr(flies, "download", fake_download)
    assert flies.load()[0].choice.tolist() == [1]
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(put(tmp_path / "named", "AB")))
    assert flies.load()[0].choice.tolist() == [0, 1]
    assert flies.load(put(tmp_path / "argument", "AAA"))[0].choice.tolist() == [0] * 3
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", "")  # as good as unset
    assert flies.load()[0].choice.tolist() == [1]


def test_what_does_not_exist_says_who_named_it(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="argument `source` names .*nowhere"):
        flies.load(tmp_path / "nowhere")
    monkeypatch.setenv("PLASTUTOR_FLY_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="variable PLASTUTOR_FLY_DATA names"):
        flies.load()


def test_the_cache_is_used_before_the_network(content, cohort, serve, monkeypatch):
    server = serve(content)
    flies.download(api=server.api, **FAST)
    seen = len(server.requests)

    def no_network(*args):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(fly_download, "_session", no_network)
    assert_same(flies.load(), cohort)
    assert len(server.requests) == seen


def test_cache_folder_without_xdg(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    found = fly_download.cache_folder()
    assert found.is_relative_to(Path.home()) and found.parent.name == "plastutor"


# --- the download -----------------------------------------------------------------

NUM_FILES = 18 * 8


@pytest.mark.parametrize("style", ["list", "entries"])
def test_download_reads_only_what_is_needed(style, content, cohort, serve, tmp_path):
    server = serve(content)
    server.style = style
    calls = []
    found = flies.download(
        tmp_path / "d", api=server.api, progress=lambda *a: calls.append(a), **FAST
    )
    assert_same(flies.load(found), cohort)
    assert server.sent < len(content) / 4
    assert calls[0][:2] == (0, NUM_FILES)
    assert calls[-1] == (NUM_FILES, NUM_FILES, "done")
    assert [done for done, _, _ in calls] == list(range(NUM_FILES + 1))
    files = [f.name for f in (tmp_path / "d").rglob("*") if f.is_file()]
    assert len(files) == NUM_FILES + 1  # and members.json; no temporary files
    assert "all_variables.mat" not in files


def test_an_archive_of_more_than_4_gb(zenodo, cohort, serve, tmp_path, monkeypatch):
    # As in the real archive, sizes and offsets stand in the wider "zip64" records.
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 1_000_000)
        content = made.pack(zenodo)
    assert b"PK\6\6" in content[-200:]
    server = serve(content)
    found = flies.download(tmp_path, api=server.api, **FAST)
    assert_same(flies.load(found), cohort)
    assert server.sent < len(content) / 4


def test_a_second_download_fetches_only_what_is_missing(content, serve, tmp_path):
    server = serve(content)
    found = flies.download(tmp_path, api=server.api, **FAST)
    first = len(server.requests)
    flies.download(tmp_path, api=server.api, **FAST)
    assert len(server.requests) == first, "all is there: nothing to ask"

    (found / "fly_3" / "cps_2.mat").unlink()  # one missing, one damaged, one cut
    damaged = found / "fly_5" / "choice_order.mat"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    cut = found / "fly_9" / "odor_crossing_1.mat"
    cut.write_bytes(cut.read_bytes()[:100])
    kept = found / "fly_1" / "choice_order.mat"
    before = kept.stat().st_mtime_ns
    flies.download(tmp_path, api=server.api, **FAST)
    # The record, the size, the end and the start of the directory, and three files.
    assert first - NUM_FILES + 3 == len(server.requests) - first
    assert damaged.read_bytes() == whole and kept.stat().st_mtime_ns == before


def test_an_interrupted_download_goes_on(content, cohort, serve, tmp_path):
    def stop(done, total, what):
        if done == 50:
            raise KeyboardInterrupt

    server = serve(content)
    with pytest.raises(KeyboardInterrupt):
        flies.download(tmp_path, api=server.api, progress=stop, **FAST)
    assert len(list(tmp_path.rglob("*.mat"))) == 50
    seen = len(server.requests)
    found = flies.download(tmp_path, api=server.api, **FAST)
    again = [r for r in server.requests[seen:] if r[0] != "/api"]
    assert NUM_FILES - 50 < len(again) < NUM_FILES - 50 + 6
    assert_same(flies.load(found), cohort)


def test_a_server_that_ignores_ranges_is_refused(content, serve, tmp_path):
    server = serve(content * 8)
    server.always = "whole"
    with pytest.raises(OSError, match="sends only whole files.*refused"):
        flies.download(tmp_path, api=server.api, **FAST)
    assert server.sent < len(server.content) / 3, "it hung up early"
    assert len(server.requests) == 2 and not list(tmp_path.rglob("*.mat"))


def test_a_server_that_hides_the_size_is_refused(content, serve, tmp_path):
    server = serve(content)
    server.always = "unknown size"
    with pytest.raises(OSError, match="sends only whole files.*refused"):
        flies.download(tmp_path, api=server.api, **FAST)


def test_a_server_that_forgets_ranges_later_is_refused(content, serve, tmp_path):
    server = serve(content)
    server.faults = [None] * 10 + ["whole"]
    with pytest.raises(OSError, match="sends only whole files"):
        flies.download(tmp_path, api=server.api, **FAST)
    assert len(server.requests) == 11


def test_a_busy_server_is_asked_again(content, cohort, serve, tmp_path):
    server = serve(content)
    server.faults = ["busy", "busy", None, "busy", "busy", None, "busy", "busy"]
    found = flies.download(tmp_path, api=server.api, **FAST)
    assert_same(flies.load(found), cohort)


@pytest.mark.parametrize("fault", ["cut", "short", "damaged"])
def test_a_cut_or_damaged_answer_is_asked_for_again(
    fault, content, cohort, serve, tmp_path
):
    server = serve(content)
    # In the directory, and later in two files.
    server.faults = [None, None, fault, *[None] * 20, fault, *[None] * 20, fault]
    calls = []
    found = flies.download(
        tmp_path, api=server.api, progress=lambda *a: calls.append(a[0]), **FAST
    )
    assert not server.faults
    assert calls == sorted(calls), "progress never goes back"
    assert_same(flies.load(found), cohort)


def test_the_bar_counts_the_files_and_ends_full(tmp_path, serve, content, capsys):
    server = serve(content)
    flies.download(tmp_path, api=server.api, progress=flies.progress_bar(), **FAST)
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.startswith("100%") and "done" in last


def test_only_a_file_that_never_comes_uses_up_the_retries(content, serve, tmp_path):
    server = serve(content)
    server.faults = [None, None, *["cut", *[None] * 6] * 5]
    flies.download(tmp_path, api=server.api, retries=1, **FAST)
    assert not server.faults


@pytest.mark.parametrize("error", [zlib.error, struct.error, EOFError])
def test_whatever_damage_raises_is_tried_again(
    error, content, serve, tmp_path, monkeypatch
):
    real, calls = fly_download._fetch, []

    def fetch_second_time(*args):
        calls.append(args)
        if len(calls) == 1:
            raise error("damaged")
        real(*args)

    monkeypatch.setattr(fly_download, "_fetch", fetch_second_time)
    flies.download(tmp_path, api=serve(content).api, **FAST)
    assert len(calls) == 2


@pytest.mark.parametrize("fault", ["cut", "short", "damaged"])
def test_answers_that_stay_cut_or_damaged_are_reported(fault, content, serve, tmp_path):
    server = serve(content)
    server.faults = [None] * 20
    server.always = fault
    with pytest.raises(ConnectionError, match="cut short or damaged.*after 2 retries"):
        flies.download(tmp_path, api=server.api, retries=2, **FAST)
    arrived = list(tmp_path.rglob("*.mat"))
    assert 0 < len(arrived) < 20  # whole ones only, kept for the next time
    assert not list(tmp_path.rglob("*.part"))
    assert len(server.requests) < 40
    server.always = None
    flies.download(tmp_path, api=server.api, **FAST)


def test_missing_members_are_named(zenodo, serve, tmp_path):
    gone = [f"{FOLDER}/fly_2/choice_order.mat", f"{FOLDER}/fly_7/reward_order.mat"]
    server = serve(made.pack(zenodo, leave_out=gone))
    names = "lacks fly_2/choice_order.mat, fly_7/reward_order.mat"
    with pytest.raises(ValueError, match=names):
        flies.download(tmp_path, api=server.api, **FAST)
    assert not list(tmp_path.rglob("*.mat"))


def test_flies_without_crossings_still_come(zenodo, cohort, serve, tmp_path):
    gone = [f"{FOLDER}/fly_{n}/cps_2.mat" for n in range(1, 19)]
    server = serve(made.pack(zenodo, leave_out=gone))
    found = flies.download(tmp_path, api=server.api, **FAST)
    assert_same(flies.load(found), cohort, sequence=False)


def test_another_number_of_flies_is_refused(zenodo, serve, tmp_path):
    gone = [f"{FOLDER}/fly_4/{f.name}" for f in (zenodo / "fly_4").iterdir()]
    server = serve(made.pack(zenodo, leave_out=gone))
    with pytest.raises(ValueError, match="has 17 flies; expected 18"):
        flies.download(tmp_path, api=server.api, **FAST)


def test_an_archive_of_something_else_is_refused(serve, tmp_path):
    server = serve(made.pack(tmp_path / "empty"))
    with pytest.raises(ValueError, match="has 1 flies|has 0 flies"):
        flies.download(tmp_path / "d", api=server.api, **FAST)


def test_too_few_choices_are_refused(cohort, serve, tmp_path):
    short = cohort[3]
    few = FlyChoices(4, short.choice[:100], short.reward[:100])
    end = np.flatnonzero(short.accept)[99] + 1
    few = few._replace(odour=short.odour[:end], accept=short.accept[:end])
    flies_ = [*cohort[:3], few, *cohort[4:]]
    server = serve(made.pack(made.write_zenodo(tmp_path / "z", flies_)))
    with pytest.raises(ValueError, match=r"outside 200 to 240: \{4: 100\}"):
        flies.download(tmp_path / "d", api=server.api, **FAST)


@pytest.mark.parametrize(
    "name",
    [
        f"Data/{FOLDER}/../../../evil/choice_order.mat",
        f"Data/{FOLDER}/../choice_order.mat",
        f"Data/{FOLDER}/.././cps_1.mat",
        f"/{FOLDER}/x/cps_1.mat",
        f"C:/{FOLDER}/x/cps_1.mat",
        f"Data/{FOLDER}/..\\..\\evil/cps_1.mat",
        f"Data\\{FOLDER}\\fly_1\\cps_1.mat",
    ],
)
def test_members_that_climb_out_are_refused(name, zenodo, serve, tmp_path):
    server = serve(made.pack(zenodo, extra=[name]))
    with pytest.raises(ValueError, match="leaves its folder: refused"):
        flies.download(tmp_path / "a" / "b", api=server.api, **FAST)
    assert not [f for f in tmp_path.rglob("*") if f.is_file()]


def test_a_member_that_comes_twice_is_refused(zenodo, serve, tmp_path):
    server = serve(made.pack(zenodo, extra=[f"Old/{FOLDER}/fly_1/choice_order.mat"]))
    with pytest.raises(ValueError, match="has fly_1/choice_order.mat twice"):
        flies.download(tmp_path, api=server.api, **FAST)


def test_too_large_members_are_refused(content, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(fly_members, "MAX_BYTES", 1000)
    server = serve(content)
    with pytest.raises(ValueError, match="expected at most 1,000. Refused"):
        flies.download(tmp_path, api=server.api, **FAST)


def test_offline_says_how_to_get_the_data(tmp_path, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    with pytest.raises(ConnectionError) as caught:
        flies.download(tmp_path, api=closed, retries=1, **FAST)
    for part in ("could not be reached", fly_members.RECORD, FOLDER, "PLASTUTOR_FLY"):
        assert part in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_server_that_stays_busy_is_out_of_reach(content, serve, tmp_path):
    server = serve(content)
    server.faults = ["busy"] * 9
    with pytest.raises(ConnectionError, match="could not be reached.*status 503"):
        flies.download(tmp_path, api=server.api, retries=1, **FAST)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("style", "kind", "sentence"),
    [
        ("login page", ConnectionError, "is not JSON.*login page"),
        ("no zip", ValueError, "lists 0 usable zip archives; expected one"),
    ],
)
def test_a_record_that_is_none(style, kind, sentence, content, serve, tmp_path):
    server = serve(content)
    server.style = style
    with pytest.raises(kind, match=sentence):
        flies.download(tmp_path, api=server.api, **FAST)


# --- experiments ------------------------------------------------------------------


def test_choice_experiments(cohort):
    batch = flies.experiments(cohort)
    assert isinstance(batch.x, jax.Array)
    assert batch.x.shape == (18, 240, 2) and batch.w0.shape == (18, 2, 1)
    assert batch.x.dtype == jnp.zeros(1).dtype == batch.reward.dtype
    assert batch.options.shape == (18, 2, 2) and batch.accept is None
    np.testing.assert_array_equal(batch.options[7], 0.75 * np.eye(2))
    np.testing.assert_array_equal(batch.valid, batch.plastic)
    np.testing.assert_array_equal(batch.valid.sum(1), [len(f.choice) for f in cohort])
    assert float(jnp.abs(batch.w0).max()) == 0
    batch = jax.tree.map(np.asarray, batch)
    for i in (0, 10, 16):
        n = len(cohort[i].choice)
        np.testing.assert_array_equal(batch.choice[i, :n], cohort[i].choice)
        np.testing.assert_array_equal(
            batch.x[i, :n], 0.75 * np.eye(2)[cohort[i].choice]
        )
        np.testing.assert_array_equal(batch.reward[i, :n], cohort[i].reward)
        assert (batch.choice[i, n:] == -1).all() and not batch.valid[i, n:].any()
        assert not batch.x[i, n:].any() and not batch.reward[i, n:].any()


def test_accept_reject_experiments(cohort):
    batch = flies.experiments(cohort, accept_reject=True, stimulus=1.0)
    batch = jax.tree.map(np.asarray, batch)
    assert batch.options is None and batch.choice is None
    assert batch.x.shape[1] == max(len(fly.odour) for fly in cohort)
    for i, fly in enumerate(cohort):
        n = len(fly.odour)
        np.testing.assert_array_equal(batch.x[i, :n], np.eye(2)[fly.odour])
        np.testing.assert_array_equal(batch.accept[i, :n], fly.accept)
        np.testing.assert_array_equal(batch.plastic[i, :n], fly.accept)
        np.testing.assert_array_equal(batch.reward[i, :n][fly.accept], fly.reward)
        assert not batch.reward[i, :n][~fly.accept].any()
        assert np.isnan(batch.accept[i, n:]).all() and not batch.valid[i, n:].any()
        assert batch.valid[i, :n].all() and not batch.plastic[i, n:].any()


@pytest.mark.parametrize(
    ("fly", "options", "sentence"),
    [
        (None, {}, "No flies were given"),
        (made.cohort(0, 1)[0], dict(stimulus=0), "stimulus is 0; expected"),
        (made.cohort(0, 1)[0], dict(stimulus=float("nan")), "stimulus is nan"),
        (
            FlyChoices(3, np.zeros(2, int), np.zeros(1)),
            {},
            "Fly 3 has 2 choices, 1 rew",
        ),
        (FlyChoices(3, np.zeros(0, int), np.zeros(0)), {}, "at least one choice"),
        (
            FlyChoices(3, np.zeros(1, int), np.zeros(1)),
            dict(accept_reject=True),
            "Fly 3 has no accept/reject sequence. Its source holds choices only",
        ),
    ],
)
def test_bad_experiments(fly, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        flies.experiments([] if fly is None else [fly], **options)


def test_the_authors_are_named():
    for part in ("Rajagopalan", "PNAS", "e2221415120", "7449214", "CC BY 4.0"):
        assert part in flies.CITATION and part in (flies.__doc__ or "")


# --- real data --------------------------------------------------------------------


@real_data
def test_real_flies():
    found = flies.load(REAL)
    counts = {fly.fly: len(fly.choice) for fly in found}
    assert len(found) == 18 and sum(counts.values()) == 4283
    assert sorted(counts.values()) == [216, 227] + [240] * 16
    assert {fly for fly, n in counts.items() if n < 240} == {11, 17}
    assert counts[11] == 227 and counts[17] == 216
    assert sum(fly.reward.sum() for fly in found) == 2498
    assert flies.experiments(found).x.shape == (18, 240, 2)


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
    assert_same(flies.load(table), flies.load(files), sequence=False)
    for fly in flies.load(files):
        assert fly.odour is not None and fly.accept is not None
        raw = loadmat(files / f"Fly{fly.fly}.mat")
        np.testing.assert_array_equal(np.eye(2)[fly.odour], raw["X"])
        np.testing.assert_array_equal(fly.accept, raw["Y"].ravel())
