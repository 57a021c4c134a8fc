"""Sweeps on a cluster: the same tables, whatever becomes of the workers."""

import os
import signal
import subprocess
import sys
import threading
import time

import cloudpickle
import pytest
from distributed import Client, LocalCluster
from small_sweep import SETTINGS, choosy, double, fill

import plastutor as pt

# Workers cannot import this file: its functions travel whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


def test_a_client_gives_the_same_table(path, client, monkeypatch):
    monkeypatch.setattr("plastutor.sweeps._attempts.CLUSTER_POLL_SECONDS", 0.05)
    here = fill(path, choosy, batch_size=2)
    there = fill(path.with_name("b.csv"), choosy, batch_size=2, client=client)
    assert there == here
    assert path.with_name("b.csv").read_bytes() == path.read_bytes()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="not on Linux")
def test_all_cores_of_this_machine_each_with_a_process(path):
    with pt.sweeps.all_cores() as client:
        kept = client.run(os.sched_getaffinity, 0)
        rows = fill(path, client=client)
    assert sorted(kept.values(), key=min) == [
        {k} for k in sorted(os.sched_getaffinity(0))
    ]
    expected = [one["twice"] for one in double(SETTINGS)]
    assert [float(row["twice"]) for row in rows] == expected


def test_both_workers_have_work(path, client):
    def slow(batch):
        time.sleep(0.05)
        return [{"twice": os.getpid()} for _ in batch]

    rows = fill(path, slow, client=client, batch_size=1)
    assert len({row["twice"] for row in rows}) == 2
    assert str(os.getpid()) not in {row["twice"] for row in rows}


def test_a_worker_that_is_killed_loses_nothing(path, client, tmp_path):
    before = {pid for pid in client.run(os.getpid).values()}

    def fatal_once(batch):
        time.sleep(0.02)
        marker = tmp_path / "killed"
        if batch[0]["seed"] == 5 and not marker.exists():
            marker.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return double(batch)

    settings = [{"noise": 0.0, "seed": seed} for seed in range(16)]
    rows = fill(path, fatal_once, settings, client=client, batch_size=1)
    assert int((tmp_path / "killed").read_text()) in before
    assert [row["twice"] for row in rows] == [str(2.0 * seed) for seed in range(16)]
    assert pt.sweeps.read_results(path)[1] == rows


def test_a_setting_that_kills_its_workers_is_a_row(path, client, cluster, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)

    def fatal(batch):
        if any(one["seed"] == 1 for one in batch):
            os.kill(os.getpid(), signal.SIGKILL)
        return double(batch)

    rows = fill(path, fatal, SETTINGS[:3], client=client)
    assert [row["twice"] for row in rows] == ["0.0", "", "4.0"]
    assert rows[1]["error"].startswith("KilledWorker: Attempted to run")


def test_ctrl_c_calls_off_what_the_workers_would_do(path, client, cluster):
    def slow(batch):
        time.sleep(0.1)
        return double(batch)

    def stop():
        while not path.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    settings = [{"noise": 0.0, "seed": seed} for seed in range(100)]
    # In a shell's background job Python starts with this signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=stop).start()
    with pytest.raises(KeyboardInterrupt) as _kept:  # with all that it refers to
        fill(path, slow, settings, client=client, batch_size=1)
    signal.signal(signal.SIGINT, before)
    rows = pt.sweeps.read_results(path)[1]
    assert 0 < len(rows) < 100 and not any(row["error"] for row in rows)
    # Where the signal fell into a submission, its future is known to nobody.
    while len(cluster.scheduler.tasks) > 1:
        time.sleep(0.05)


def test_what_is_not_the_fault_of_a_setting_stops_the_sweep(path, client):
    class Stranger:
        """Can be sent, but not received."""

        def __reduce__(self):
            return __import__, ("no_such_module",)

        def __call__(self, batch):
            raise AssertionError("it was received")

    with pytest.raises(Exception, match="deserialization"):
        fill(path, Stranger(), client=client)
    assert not path.exists()


def test_without_a_client_dask_is_not_imported():
    code = "import sys, plastutor.sweeps; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
