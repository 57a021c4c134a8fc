"""Sweeps: nothing is lost, nothing is run twice, and a failure is a row."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cloudpickle
import jax
import jax.numpy as jnp
import pytest
from distributed import Client, LocalCluster

from plastutor.results import read_results
from plastutor.sweep import all_cores, code_hash, sweep

# Workers cannot import this file: its functions travel whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

SETTINGS = [{"noise": n, "seed": seed} for n in (0.0, 0.5) for seed in range(3)]


def double(batch):
    return [{"twice": 2 * one["seed"] + one["noise"]} for one in batch]


class Asked:
    """A run that remembers its batches."""

    def __init__(self, run=double):
        self.run, self.batches = run, []

    def __call__(self, batch):
        self.batches.append([(one["noise"], one["seed"]) for one in batch])
        return self.run(batch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results" / "small.csv"


def fill(path, run=double, settings=SETTINGS, **options):
    return sweep(run, settings, path, columns=["twice"], **options)


# --- batches --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [3, 3]),
        ({"batch_size": 2}, [2, 1, 2, 1]),
        ({"batch_size": 9}, [3, 3]),
        ({"batch_over": ("seed", "noise")}, [6]),
        ({"batch_over": ("noise",)}, [2, 2, 2]),
        ({"batch_over": ()}, [1] * 6),
    ],
)
def test_settings_that_agree_are_one_batch(options, sizes, path):
    asked = Asked()
    rows = fill(path, asked, **options)
    assert [len(batch) for batch in asked.batches] == sizes
    all_asked = [pair for batch in asked.batches for pair in batch]
    assert sorted(all_asked) == [(n, s) for n in (0.0, 0.5) for s in range(3)]
    for batch in asked.batches if "batch_over" not in options else []:
        assert len({noise for noise, _ in batch}) == 1
    assert rows == [
        {"noise": str(n), "seed": str(s), "twice": str(2 * s + n), "error": ""}
        for n in (0.0, 0.5)
        for s in range(3)
    ]


def test_the_rows_stand_in_the_order_of_the_settings(path):
    mixed = [SETTINGS[k] for k in (4, 0, 5, 2, 1, 3)]
    rows = fill(path, settings=mixed)
    assert [(float(r["noise"]), int(r["seed"])) for r in rows] == [
        (one["noise"], one["seed"]) for one in mixed
    ]
    assert read_results(path)[1] == rows


def spread(batch):
    """All seeds as one program."""
    seeds = jnp.array([one["seed"] for one in batch])
    draw = lambda seed: jax.random.normal(jax.random.key(seed), 50, "float32").std()
    return [{"twice": f"{value:.4f}"} for value in jax.vmap(draw)(seeds)]


def test_a_batch_gives_what_its_settings_give_alone(path):
    together = fill(path, spread)
    assert together == fill(path.with_name("alone.csv"), spread, batch_size=1)
    assert len({row["twice"] for row in together}) == 3


def test_run_cannot_change_the_settings(path):
    def careless(batch):
        return [{"twice": one.pop("seed")} for one in batch]

    assert [row["seed"] for row in fill(path, careless)] == list("012012")


def test_the_head_of_the_table(path, tmp_path):
    (tmp_path / "study.py").write_text("n = 1\n")
    header = {"made by": "make study-small"}
    fill(path, header=header, code=[tmp_path / "study.py"])
    head, _ = read_results(path)
    assert list(head) == ["made by", "code", "versions"]
    assert head["made by"] == "make study-small"
    assert head["code"] == code_hash([tmp_path / "study.py"])
    for word in ("Python 3.", "jax ", "jaxlib ", "optax ", "numpy ", "plastutor "):
        assert word in head["versions"]
    fill(path.with_name("bare.csv"))
    assert list(read_results(path.with_name("bare.csv"))[0]) == ["versions"]


def test_the_head_names_the_versions_of_every_run(path, monkeypatch):
    fill(path, settings=SETTINGS[:1])
    first = read_results(path)[0]["versions"]
    monkeypatch.setattr("platform.python_version", lambda: "9.9")
    for count in (2, 3, 3):
        fill(path, settings=SETTINGS[:count])
    assert read_results(path)[0]["versions"].split("; ") == [
        first,
        first.replace(first.split(",")[0], "Python 9.9"),
    ]


def test_a_bar_shows_how_far_it_is(path, capsys):
    fill(path)
    shown = capsys.readouterr().err.splitlines()[-1]
    assert f"{len(SETTINGS)}/{len(SETTINGS)}" in shown and "failed=0" in shown
    fill(path)
    assert capsys.readouterr().err == ""


def test_values_come_back_as_they_were(path):
    def awkward(batch):
        return [{"twice": "0,8 or so"}, {"twice": 'a "b"'}, {}]

    rows = fill(path, awkward, SETTINGS[:3])
    assert [row["twice"] for row in rows] == ["0,8 or so", 'a "b"', ""]
    assert read_results(path)[1] == rows == fill(path, None, SETTINGS[:3])


# --- going on -------------------------------------------------------------------------


def test_what_is_there_is_not_run_again(path):
    fill(path, settings=SETTINGS[:2])
    asked = Asked()
    rows = fill(path, asked)
    assert asked.batches == [[(0.0, 2)], [(0.5, 0), (0.5, 1), (0.5, 2)]]
    assert rows == fill(path.with_name("whole.csv"))
    assert fill(path, None) == rows, "nothing is left to run"


def test_what_is_no_longer_asked_for_is_kept(path):
    fill(path, settings=SETTINGS[:3])
    rows = fill(path, settings=SETTINGS[2:])
    assert [row["seed"] for row in rows] == list("2012")
    assert len(read_results(path)[1]) == 6
    assert [row["seed"] for row in fill(path, None)] == list("012012")


def test_other_code_is_refused(path, tmp_path):
    code = tmp_path / "study.py"
    code.write_text("n = 1\n")
    fill(path, code=[code], settings=SETTINGS[:1])
    code.write_text("# a remark\nn = 1\n")
    fill(path, code=[code], settings=SETTINGS[:2])
    before = path.read_bytes()
    code.write_text("n = 2\n")
    for options in ({"code": [code]}, {}):
        with pytest.raises(
            ValueError, match="small.csv was made by other code .* Move"
        ):
            fill(path, None, **options)
    assert path.read_bytes() == before


def test_other_columns_are_refused(path):
    fill(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="small.csv has the columns .* Move the file"):
        sweep(double, SETTINGS, path, columns=["twice", "thrice"])
    with pytest.raises(ValueError, match="small.csv has the columns"):
        fill(path, settings=[one | {"size": 1} for one in SETTINGS])
    assert path.read_bytes() == before


# --- failures -------------------------------------------------------------------------


def choosy(batch):
    if any(one["seed"] == 1 for one in batch):
        raise ValueError("seed 1 is unlucky.\nIt always was.")
    return double(batch)


def test_a_failure_is_a_row_with_its_reason(path):
    asked = Asked(choosy)
    rows = fill(path, asked, SETTINGS[:3])
    assert asked.batches == [
        [(0.0, 0), (0.0, 1), (0.0, 2)],
        *[[(0.0, s)] for s in (0, 1, 2)],
    ]
    assert [row["twice"] for row in rows] == ["0.0", "", "4.0"]
    assert [row["error"] for row in rows] == ["", "ValueError: seed 1 is unlucky.", ""]
    assert read_results(path)[1] == rows


def test_failed_settings_are_run_again_if_asked(path):
    before = fill(path, choosy)
    asked = Asked()
    assert fill(path, asked) == before and asked.batches == []
    rows = fill(path, asked, retry_failed=True)
    assert asked.batches == [[(0.0, 1)], [(0.5, 1)]]
    assert rows == read_results(path)[1] == fill(path.with_name("whole.csv"))


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda batch: [], "ValueError: run gave 0 results for 1 settings"),
        (lambda batch: [{"r2": 1.0}], "ValueError: run gave ['r2']; expected only"),
        (lambda batch: [{"twice": [1, 2]}], "ValueError: twice is a list; expected"),
        (lambda batch: [{"twice": "a\nb"}], "ValueError: twice is 'a\\nb'; expected"),
        (lambda batch: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda batch: [][0], "IndexError: list index out of range"),
        (lambda batch: next(iter([])), "StopIteration"),
    ],
)
def test_wrong_results_have_a_reason(run, reason, path):
    (row,) = fill(path, run, SETTINGS[:1])
    assert row["error"].startswith(reason) and row["twice"] == ""
    assert len(row["error"]) == len(reason) or " " in reason


BAD = {
    "twice": ({"settings": [*SETTINGS, SETTINGS[0]]}, "is there twice; expected each"),
    "keys": (
        {"settings": [{"a": 1}, {"b": 1}]},
        "has the keys .* the same keys in all",
    ),
    "none": ({"settings": []}, "settings is empty; expected"),
    "column": ({"settings": [{"twice": 1}]}, r"two columns \['twice'\]; expected"),
    "error": ({"settings": [{"error": 1}]}, r"two columns \['error'\]; expected"),
    "list": ({"settings": [{"size": [1, 2]}]}, "size is a list; expected one number"),
    "lines": ({"settings": [{"size": "a\n"}]}, "expected a text of one line"),
    "comment": ({"settings": [{"size": "# a"}]}, "does not begin with '# '"),
    "header": ({"header": {"made by": "a\nb"}}, "header 'made by' is .* one line"),
    "batch_over": ({"batch_over": "seed"}, r"'seed'; expected several, such as \['s"),
    "batch_size": ({"batch_size": 0}, "batch_size is 0; expected a whole number"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_is_refused_at_once(case, path):
    options, sentence = BAD[case]
    asked = Asked()
    with pytest.raises(ValueError, match=sentence):
        fill(path, asked, **options)
    assert not asked.batches and not path.exists()


# --- Ctrl-C and kills -----------------------------------------------------------------


def test_ctrl_c_keeps_what_is_finished(path):
    def stopped(batch):
        if batch[0]["noise"] == 0.5:
            raise KeyboardInterrupt
        return double(batch)

    with pytest.raises(KeyboardInterrupt):
        fill(path, stopped)
    assert [row["twice"] for row in read_results(path)[1]] == ["0.0", "2.0", "4.0"]
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
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 2
    assert len(fill(path)) == 6
    assert list(path.parent.iterdir()) == [path], "no part is left behind"


KILLED = """
import os, sys, time
from plastutor.sweep import sweep

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
        rows = read_results(table)[1] if table.exists() else []
        for row in rows:
            assert int(row["sum"]) == int(row["size"]) + int(row["seed"])
        pairs = [(row["size"], row["seed"]) for row in rows]
        assert len(pairs) == len(set(pairs)), "a setting has two rows"
        return set(pairs)

    seen = []  # at each kill: the length of the log, and what the table held
    for kill in range(6):
        begun = len(log.read_text())
        run = subprocess.Popen(
            [sys.executable, tmp_path / "study.py", tmp_path], stderr=subprocess.DEVNULL
        )
        if kill == 5:
            assert run.wait(timeout=60) == 0
            break
        while len(log.read_text()) == begun and run.poll() is None:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.3))
        assert run.poll() is None, "it should be killed before it has ended"
        run.kill()
        run.wait()
        seen.append((len(log.read_text()), there()))
    assert there() == {(str(n), str(seed)) for n in range(20) for seed in range(2)}
    assert 0 < len(seen[-1][1]) < 40
    for length, rows in seen:
        after = {tuple(line.split()) for line in log.read_text()[length:].splitlines()}
        assert not after & rows, "a setting in the table was run again"


# --- a cluster ------------------------------------------------------------------------


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
        client.wait_for_workers(2, timeout=30)
        yield client


def test_a_client_gives_the_same_table(path, client, monkeypatch):
    monkeypatch.setattr("plastutor.sweep.LOOK_AGAIN", 0.05)
    here = fill(path, choosy, batch_size=2)
    there = fill(path.with_name("b.csv"), choosy, batch_size=2, client=client)
    assert there == here
    assert path.with_name("b.csv").read_bytes() == path.read_bytes()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="not on Linux")
def test_all_cores_of_this_machine_each_with_a_process(path):
    with all_cores() as client:
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
    assert read_results(path)[1] == rows


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
    rows = read_results(path)[1]
    assert 0 < len(rows) < 50 and not any(row["error"] for row in rows)
    end = time.monotonic() + 10
    # Where the signal fell into a submission, its future is known to nobody.
    while len(cluster.scheduler.tasks) > 1 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(cluster.scheduler.tasks) <= 1


def test_what_is_not_the_fault_of_a_setting_stops_the_sweep(path, client):
    class Stranger:
        """Can be sent, but not received."""

        def __reduce__(self):
            return __import__, ("no_such_module",)

    with pytest.raises(Exception, match="deserialization"):
        fill(path, Stranger(), client=client)
    assert not path.exists()


def test_without_a_client_dask_is_not_imported():
    code = "import sys, plastutor.sweep; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- the hash -------------------------------------------------------------------------

SOURCE = '''"""About."""

def area(r):
    """Of a disc."""
    # to two digits
    return 3.14 * r**2
'''


def hash_of(text, path):
    path.write_text(text)
    return code_hash([path])


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""About."""', '"""About\n\nmuch more."""', True),
        ("Of a disc.", "Of a circle, strictly speaking.", True),
        ("    # to two digits\n", "", True),
        ("# to two digits", "# too few\n    # digits", True),
        ("3.14", "3.15", False),
        ("area", "surface", False),
        ("    return", "    r = abs(r)\n    return", False),
    ],
)
def test_the_hash_sees_code_and_nothing_else(old, new, same, tmp_path):
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    before = hash_of(SOURCE, tmp_path / "a.py")
    assert (hash_of(changed, tmp_path / "a.py") == before) == same


def test_the_hash_sees_every_file(tmp_path, monkeypatch):
    one, two = tmp_path / "a.py", tmp_path / "b.py"
    one.write_text(SOURCE)
    before = hash_of("one = 1\n", two), code_hash([one, two])
    two.write_text("one = 2\n")
    assert code_hash([one, two]) not in before
    monkeypatch.chdir(tmp_path)
    assert code_hash(["a.py", Path("b.py")]) == code_hash([one, two])
