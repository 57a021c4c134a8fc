"""Sweeps that are stopped: Ctrl-C and kills lose nothing that was finished."""

import os
import random
import subprocess
import sys
import time

import pytest
from small_sweep import SETTINGS, Asked, double, fill

import plastutor as pt


def test_ctrl_c_keeps_what_is_finished(path):
    def stopped(batch):
        if batch[0]["noise"] == 0.5:
            raise KeyboardInterrupt
        return double(batch)

    with pytest.raises(KeyboardInterrupt):
        fill(path, stopped)
    assert [row["twice"] for row in pt.sweeps.read_results(path)[1]] == [
        "0.0",
        "2.0",
        "4.0",
    ]
    asked = Asked()
    fill(path, asked)
    assert [len(batch) for batch in asked.batches] == [3]


def test_an_interrupted_write_leaves_the_old_table(path, monkeypatch):
    fill(path, settings=SETTINGS[:3])
    before = path.read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            fill(path)
    assert path.read_bytes() == before
    assert len(fill(path)) == 6
    assert list(path.parent.iterdir()) == [path], "no part is left behind"


KILLED = """
import os, sys, time
from plastutor.sweeps import sweep

def run(batch):
    for one in batch:
        time.sleep(0.025)
        with open(sys.argv[1] + "/log", "a") as log:
            log.write(f"{one['size']} {one['seed']}\\n")
    return [{"sum": one["size"] + one["seed"]} for one in batch]

settings = [{"size": n, "seed": seed} for n in range(20) for seed in range(2)]
sweep(run, settings, sys.argv[1] + "/table.csv", columns=["sum"])
"""


def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_was(tmp_path):
    (tmp_path / "study.py").write_text(KILLED)
    log, table, draw = tmp_path / "log", tmp_path / "table.csv", random.Random(0)
    log.touch()

    def there():
        rows = pt.sweeps.read_results(table)[1] if table.exists() else []
        for row in rows:
            assert int(row["sum"]) == int(row["size"]) + int(row["seed"])
        pairs = [(row["size"], row["seed"]) for row in rows]
        assert len(pairs) == len(set(pairs)), "a setting has two rows"
        return set(pairs)

    seen = []  # at each kill: the length of the log, and what the table held
    command = [sys.executable, tmp_path / "study.py", tmp_path]
    for _ in range(5):
        begun = len(log.read_text())
        run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while len(log.read_text()) == begun and run.poll() is None:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.3))
        if run.poll() is not None:  # on a busy machine it can end before it is killed
            break
        run.kill()
        run.wait()
        seen.append((len(log.read_text()), there()))
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert there() == {(str(n), str(seed)) for n in range(20) for seed in range(2)}
    assert seen and len(seen[-1][1]) < 40
    for length, rows in seen:
        after = {tuple(line.split()) for line in log.read_text()[length:].splitlines()}
        assert not after & rows, "a setting in the table was run again"
