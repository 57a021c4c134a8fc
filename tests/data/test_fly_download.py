"""The download of flies: only what is needed, whatever the server does."""

import socket
import struct
import zipfile
import zlib
from pathlib import Path

import fly_archive as made
import numpy as np
import pytest
from fly_archive import assert_same

import plastutor as pt
from plastutor.data.flies._archive import RECORD
from plastutor.data.flies._download import _fetch, cache_folder
from plastutor.data.flies._files import FOLDER

FAST = dict(backoff=0.01, timeout=5.0)
N_FILES = 18 * 8


@pytest.mark.parametrize("style", ["list", "entries"])
def test_download_reads_only_what_is_needed(style, content, cohort, serve, tmp_path):
    server = serve(content)
    server.style = style
    calls = []
    found = pt.data.flies.download(
        tmp_path / "d", api=server.api, progress=lambda *a: calls.append(a), **FAST
    )
    assert_same(pt.data.flies.load(found), cohort)
    assert server.sent < len(content) / 4
    assert calls[0][:2] == (0, N_FILES)
    assert calls[-1] == (N_FILES, N_FILES, "done")
    assert [done for done, _, _ in calls] == list(range(N_FILES + 1))
    files = [f.name for f in (tmp_path / "d").rglob("*") if f.is_file()]
    assert len(files) == N_FILES + 1  # and members.json; no temporary files
    assert "all_variables.mat" not in files


def test_an_archive_of_more_than_4_gb(zenodo, cohort, serve, tmp_path, monkeypatch):
    # As in the real archive, sizes and offsets stand in the wider "zip64" records.
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 1_000_000)
        content = made.pack(zenodo)
    assert b"PK\6\6" in content[-200:]
    server = serve(content)
    found = pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert_same(pt.data.flies.load(found), cohort)
    assert server.sent < len(content) / 4


def test_a_second_download_fetches_only_what_is_missing(content, serve, tmp_path):
    server = serve(content)
    found = pt.data.flies.download(tmp_path, api=server.api, **FAST)
    first = len(server.requests)
    pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert len(server.requests) == first, "all is there: nothing to ask"

    (found / "fly_3" / "cps_2.mat").unlink()  # one missing, one damaged, one cut
    damaged = found / "fly_5" / "choice_order.mat"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    cut = found / "fly_9" / "odor_crossing_1.mat"
    cut.write_bytes(cut.read_bytes()[:100])
    kept = found / "fly_1" / "choice_order.mat"
    before = kept.stat().st_mtime_ns
    pt.data.flies.download(tmp_path, api=server.api, **FAST)
    # The record, the size, the end and the start of the directory, and three files.
    assert first - N_FILES + 3 == len(server.requests) - first
    assert damaged.read_bytes() == whole and kept.stat().st_mtime_ns == before


def test_an_interrupted_download_goes_on(content, cohort, serve, tmp_path):
    def stop(done, total, what):
        if done == 50:
            raise KeyboardInterrupt

    server = serve(content)
    with pytest.raises(KeyboardInterrupt):
        pt.data.flies.download(tmp_path, api=server.api, progress=stop, **FAST)
    assert len(list(tmp_path.rglob("*.mat"))) == 50
    seen = len(server.requests)
    found = pt.data.flies.download(tmp_path, api=server.api, **FAST)
    again = [r for r in server.requests[seen:] if r[0] != "/api"]
    assert N_FILES - 50 < len(again) < N_FILES - 50 + 6
    assert_same(pt.data.flies.load(found), cohort)


def test_a_server_that_ignores_ranges_is_refused(content, serve, tmp_path):
    server = serve(content * 8)
    server.always = "whole"
    with pytest.raises(OSError, match="sends only whole files.*refused"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert server.sent < len(server.content) / 3, "it hung up early"
    assert len(server.requests) == 2 and not list(tmp_path.rglob("*.mat"))


def test_a_server_that_hides_the_size_is_refused(content, serve, tmp_path):
    server = serve(content)
    server.always = "unknown size"
    with pytest.raises(OSError, match="sends only whole files.*refused"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_a_server_that_forgets_ranges_later_is_refused(content, serve, tmp_path):
    server = serve(content)
    server.faults = [None] * 10 + ["whole"]
    with pytest.raises(OSError, match="sends only whole files"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert len(server.requests) == 11


def test_a_busy_server_is_asked_again(content, cohort, serve, tmp_path):
    server = serve(content)
    server.faults = ["busy", "busy", None, "busy", "busy", None, "busy", "busy"]
    found = pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert_same(pt.data.flies.load(found), cohort)


@pytest.mark.parametrize("fault", ["cut", "short", "damaged"])
def test_a_cut_or_damaged_answer_is_asked_for_again(
    fault, content, cohort, serve, tmp_path
):
    server = serve(content)
    # In the directory, and later in two files.
    server.faults = [None, None, fault, *[None] * 20, fault, *[None] * 20, fault]
    calls = []
    found = pt.data.flies.download(
        tmp_path, api=server.api, progress=lambda *a: calls.append(a[0]), **FAST
    )
    assert not server.faults
    assert calls == sorted(calls), "progress never goes back"
    assert_same(pt.data.flies.load(found), cohort)


def test_the_bar_counts_the_files_and_ends_full(tmp_path, serve, content, capsys):
    server = serve(content)
    pt.data.flies.download(
        tmp_path, api=server.api, progress=pt.data.flies.progress_bar(), **FAST
    )
    last = capsys.readouterr().err.strip().split("\r")[-1]
    assert last.startswith("100%") and "done" in last


def test_only_a_file_that_never_comes_uses_up_the_retries(content, serve, tmp_path):
    server = serve(content)
    server.faults = [None, None, *["cut", *[None] * 6] * 5]
    pt.data.flies.download(tmp_path, api=server.api, retries=1, **FAST)
    assert not server.faults


@pytest.mark.parametrize("error", [zlib.error, struct.error, EOFError])
def test_whatever_damage_raises_is_tried_again(
    error, content, serve, tmp_path, monkeypatch
):
    real, calls = _fetch, []

    def fetch_second_time(*args):
        calls.append(args)
        if len(calls) == 1:
            raise error("damaged")
        real(*args)

    monkeypatch.setattr("plastutor.data.flies._download._fetch", fetch_second_time)
    pt.data.flies.download(tmp_path, api=serve(content).api, **FAST)
    assert len(calls) == 2


@pytest.mark.parametrize("fault", ["cut", "short", "damaged"])
def test_answers_that_stay_cut_or_damaged_are_reported(fault, content, serve, tmp_path):
    server = serve(content)
    server.faults = [None] * 20
    server.always = fault
    with pytest.raises(ConnectionError, match="cut short or damaged.*after 2 retries"):
        pt.data.flies.download(tmp_path, api=server.api, retries=2, **FAST)
    arrived = list(tmp_path.rglob("*.mat"))
    assert 0 < len(arrived) < 20  # whole ones only, kept for the next time
    assert not list(tmp_path.rglob("*.part"))
    assert len(server.requests) < 40
    server.always = None
    pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_missing_members_are_named(zenodo, serve, tmp_path):
    gone = [f"{FOLDER}/fly_2/choice_order.mat", f"{FOLDER}/fly_7/reward_order.mat"]
    server = serve(made.pack(zenodo, leave_out=gone))
    names = "lacks fly_2/choice_order.mat, fly_7/reward_order.mat"
    with pytest.raises(ValueError, match=names):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert not list(tmp_path.rglob("*.mat"))


def test_flies_without_crossings_still_come(zenodo, cohort, serve, tmp_path):
    gone = [f"{FOLDER}/fly_{n}/cps_2.mat" for n in range(1, 19)]
    server = serve(made.pack(zenodo, leave_out=gone))
    found = pt.data.flies.download(tmp_path, api=server.api, **FAST)
    assert_same(pt.data.flies.load(found), cohort, sequence=False)


def test_another_number_of_flies_is_refused(zenodo, serve, tmp_path):
    gone = [f"{FOLDER}/fly_4/{f.name}" for f in (zenodo / "fly_4").iterdir()]
    server = serve(made.pack(zenodo, leave_out=gone))
    with pytest.raises(ValueError, match="has 17 flies; expected 18"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_an_archive_of_something_else_is_refused(serve, tmp_path):
    server = serve(made.pack(tmp_path / "empty"))
    with pytest.raises(ValueError, match="has 1 flies|has 0 flies"):
        pt.data.flies.download(tmp_path / "d", api=server.api, **FAST)


def test_too_few_choices_are_refused(cohort, serve, tmp_path):
    short = cohort[3]
    few = pt.data.flies.FlyChoices(4, short.choice[:100], short.reward[:100])
    end = np.flatnonzero(short.accept)[99] + 1
    few = few._replace(odour=short.odour[:end], accept=short.accept[:end])
    flies_ = [*cohort[:3], few, *cohort[4:]]
    server = serve(made.pack(made.write_zenodo(tmp_path / "z", flies_)))
    with pytest.raises(ValueError, match=r"outside 200 to 240: \{4: 100\}"):
        pt.data.flies.download(tmp_path / "d", api=server.api, **FAST)


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
        pt.data.flies.download(tmp_path / "a" / "b", api=server.api, **FAST)
    assert not [f for f in tmp_path.rglob("*") if f.is_file()]


def test_a_member_that_comes_twice_is_refused(zenodo, serve, tmp_path):
    server = serve(made.pack(zenodo, extra=[f"Old/{FOLDER}/fly_1/choice_order.mat"]))
    with pytest.raises(ValueError, match="has fly_1/choice_order.mat twice"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_too_large_members_are_refused(content, serve, tmp_path, monkeypatch):
    monkeypatch.setattr("plastutor.data.flies._archive.MAX_BYTES", 1000)
    server = serve(content)
    with pytest.raises(ValueError, match="expected at most 1,000. Refused"):
        pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_offline_says_how_to_get_the_data(tmp_path, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    with pytest.raises(ConnectionError) as caught:
        pt.data.flies.download(tmp_path, api=closed, retries=1, **FAST)
    for part in ("could not be reached", RECORD, FOLDER, "PLASTUTOR_FLY"):
        assert part in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_server_that_stays_busy_is_out_of_reach(content, serve, tmp_path):
    server = serve(content)
    server.faults = ["busy"] * 9
    with pytest.raises(ConnectionError, match="could not be reached.*status 503"):
        pt.data.flies.download(tmp_path, api=server.api, retries=1, **FAST)
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
        pt.data.flies.download(tmp_path, api=server.api, **FAST)


def test_the_cache_is_used_before_the_network(content, cohort, serve, monkeypatch):
    server = serve(content)
    pt.data.flies.download(api=server.api, **FAST)
    seen = len(server.requests)

    def no_network(*args):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("plastutor.data.flies._download._session", no_network)
    assert_same(pt.data.flies.load(), cohort)
    assert len(server.requests) == seen


def test_cache_folder_without_xdg(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    found = cache_folder()
    assert found.is_relative_to(Path.home()) and found.parent.name == "plastutor"
