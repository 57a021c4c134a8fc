"""Studies: tables that belong to their code, survive Ctrl-C, and can be made again."""

import json
import os

import jax
import jax.random as jr
import numpy as np
import pytest
import robustness
import table

from plastutor.results import read_results

STUDIES = {"robustness": robustness, "robustness_training": robustness}
CHAPTER = table.ROOT / "book" / "noise_and_missing_neurons.ipynb"


def kept(name):
    """Header and rows of a table in the book; it may be missing before its chapter."""
    path = table.ROOT / "book" / "results" / f"{name}.csv"
    if not path.exists() and not CHAPTER.exists():
        pytest.skip(f"there is no {path.name} yet, and no chapter that shows it")
    assert path.exists(), f"{CHAPTER.name} shows {path.name}: run make study-robustness"
    return read_results(path)


# --- the tables in the book -----------------------------------------------------------


def test_every_table_has_its_study():
    found = {p.stem for p in (table.ROOT / "book" / "results").glob("*.csv")}
    assert found <= {*STUDIES}, "name the study of the new table in STUDIES"


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_is_as_old_as_its_code(name):
    header, _ = kept(name)
    now = table.code_hash(STUDIES[name].SOURCES)
    assert header["code"] == now, (
        f"the code that made book/results/{name}.csv has changed; "
        f"run {header['made by']} and look at the chapter's numbers"
    )


def quoted(noise, recorded, seeds):
    """Whether the chapter leans on a cell: the edges and the corners of the grid."""
    edge = noise == 0 or recorded == 1 or (noise, recorded) in robustness.CORNERS
    return edge and seeds[0] == 0


def test_the_table_holds_what_the_chapter_quotes():
    _, rows = kept("robustness")
    if not CHAPTER.exists():
        pytest.skip("the study may still be running: no chapter shows its table yet")
    there = [tuple(row[c] for c in robustness.COLUMNS[:5]) for row in rows]
    wanted = {
        (*map(str, cell), str(seed))
        for *cell, seeds in robustness.jobs()
        for seed in seeds
        if quoted(*cell[2:], seeds)
    }
    assert len(there) == len(set(there)), "a cell was written twice"
    assert wanted <= set(there), "run make study-robustness, it goes on where it was"


@pytest.mark.parametrize(
    "job",
    [("main", "evidence", 1.0, 1.0), ("100 to 1000", "evidence", 0.0, 1.0)],
    ids=lambda job: job[0],
)
def test_a_cell_can_be_made_again(job):
    _, rows = kept("robustness")
    key = dict(zip(robustness.COLUMNS, map(str, (*job, 0)), strict=False))
    old = [row for row in rows if key.items() <= row.items()]
    assert old, "a cell is missing: run make study-robustness, it goes on where it was"
    (new,), _ = robustness.cell(*job, range(1))
    assert float(new["r2"]) == pytest.approx(float(old[0]["r2"]), abs=0.01)
    assert float(new["noise_found"]) == pytest.approx(
        float(old[0]["noise_found"]), abs=0.01
    )


# --- the hash -------------------------------------------------------------------------

SOURCE = '''"""About."""

def area(r):
    """Of a disc."""
    # to two digits
    return 3.14 * r**2
'''


def hash_of(text, tmp_path):
    (tmp_path / "a.py").write_text(text)
    return table.code_hash(["a.py"])


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
def test_the_hash_sees_code_and_nothing_else(old, new, same, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "ROOT", tmp_path)
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert (hash_of(changed, tmp_path) == hash_of(SOURCE, tmp_path)) == same


def test_the_hash_sees_every_file(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "ROOT", tmp_path)
    (tmp_path / "b.py").write_text("one = 1\n")
    hash_of(SOURCE, tmp_path)
    before = table.code_hash(["a.py", "b.py"])
    (tmp_path / "b.py").write_text("one = 2\n")
    assert table.code_hash(["a.py", "b.py"]) != before


# --- the table on disk ----------------------------------------------------------------


@pytest.fixture
def a_table(tmp_path, monkeypatch):
    """A function that opens the same small table again."""
    monkeypatch.setattr(table, "ROOT", tmp_path)
    monkeypatch.setattr(table, "RESULTS", tmp_path / "results")
    (tmp_path / "study.py").write_text("n = 1\n")
    settings = {"size": 3, "name": "a, b: c"}
    return lambda settings=settings: table.Table(
        "small", ["noise", "seed", "r2"], ["study.py"], settings
    )


def test_rows_survive(a_table):
    a_table().add([{"noise": 0.0, "seed": 0, "r2": "0.9"}, {"noise": 0.0, "seed": 1}])
    a_table().add([{"noise": 0.5, "seed": 0, "r2": "0,8 or so"}])
    header, rows = read_results(a_table().path)
    assert rows == a_table().rows
    assert [row["r2"] for row in rows] == ["0.9", "", "0,8 or so"]
    assert header["made by"] == "make study-small"
    assert json.loads(header["settings"]) == {"size": 3, "name": "a, b: c"}
    assert all(word in header["versions"] for word in ("Python 3.", "jax ", "numpy "))


def test_it_knows_what_it_has(a_table):
    one = a_table()
    assert not one.has(noise=0.5)
    one.add([{"noise": 0.5, "seed": 0}])
    for again in (one, a_table()):
        assert again.has(noise=0.5, seed=0) and again.has(seed=0)
        assert not again.has(noise=0.5, seed=1) and not again.has(noise=0.0, seed=0)


def test_other_code_or_other_settings_start_anew(a_table, tmp_path):
    a_table().add([{"noise": 0.5, "seed": 0}])
    assert a_table(settings={"size": 4}).rows == []
    (tmp_path / "study.py").write_text("# a remark\nn = 1\n")
    assert a_table().has(noise=0.5)
    (tmp_path / "study.py").write_text("n = 2\n")
    new = a_table()
    assert new.rows == [] and not new.has(noise=0.5)
    new.add([{"noise": 1.0, "seed": 7}])
    assert [row["seed"] for row in read_results(new.path)[1]] == ["7"]


def test_an_interrupted_write_leaves_the_old_table(a_table, monkeypatch):
    a_table().add([{"noise": 0.5, "seed": 0}])
    before = a_table().path.read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            a_table().add([{"noise": 0.5, "seed": 1}])
    assert a_table().path.read_bytes() == before
    assert a_table().has(seed=0) and not a_table().has(seed=1)


# --- Ctrl-C ---------------------------------------------------------------------------

JOBS = [
    ("main", "evidence", 0.0, 1.0, range(2)),
    ("main", "plain", 1.0, 0.5, range(3)),
    ("main", "evidence", 1.0, 1.0, range(2)),
    ("main", "plain", 1.0, 0.5, range(20, 22)),
    ("13 terms", "evidence", 0.0, 1.0, range(2)),
]


def test_after_ctrl_c_the_study_goes_on_where_it_was(tmp_path, monkeypatch):
    asked, third = [], True

    def cell(*job):
        asked.append(job)
        if third and len(asked) == 3:
            raise KeyboardInterrupt
        names = robustness.COLUMNS[:4]
        rows = [dict(zip(names, job[:4], strict=True)) | {"seed": s} for s in job[4]]
        return rows, np.arange(len(rows) * 2 * 27.0).reshape(len(rows), 2, 3, 3, 3, 1)

    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(robustness, "jobs", lambda: iter(JOBS))
    monkeypatch.setattr(robustness, "cell", cell)
    monkeypatch.setattr(robustness, "POOREST", JOBS[1])
    with pytest.raises(KeyboardInterrupt):
        robustness.main(workers=1)

    def seeds():
        _, rows = read_results(tmp_path / "robustness.csv")
        return [int(row["seed"]) for row in rows]

    assert asked == JOBS[:3] and seeds() == [0, 1, 0, 1, 2]
    asked, third = [], False
    robustness.main(workers=1)
    assert asked == JOBS[2:] and seeds() == [s for *_, part in JOBS for s in part]
    robustness.main(workers=1)
    assert asked == JOBS[2:], "nothing is left to do"
    # Training curves are kept for three seeds of one cell.
    _, rows = read_results(tmp_path / "robustness_training.csv")
    assert [(row["seed"], row["epoch"]) for row in rows] == [
        (str(seed), str(epoch)) for seed in range(3) for epoch in (1, 2)
    ]
    assert [float(rows[1][name]) for name in ("one", "w", "xxy")] == [27, 28, 27 + 21]


def test_some_variants_only(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(robustness, "jobs", lambda: iter(JOBS))
    monkeypatch.setattr(robustness, "cell", lambda *job: (asked.append(job), [])[::-1])
    robustness.main("13 terms", workers=1)
    assert asked == JOBS[-1:]


# --- what the student is given --------------------------------------------------------

SMALL = robustness.Setting(n_experiments=4, n_steps=3, n_pre=40, n_post=30)


def teacher(noise=0.0, recorded=1.0):
    key, dtype = jr.split(jr.key(0), 5)[0], "float32" if noise else "float64"
    return SMALL.experiments(key, noise=noise, recorded=recorded, dtype=dtype)


def test_the_student_gets_the_teachers_recording():
    data, made = teacher(0.5, 0.6), robustness.student(0, SMALL, 0.5, 0.6)
    assert made.x.shape == (4, 3, 40) and made.w0.shape == (4, 40, 30)
    np.testing.assert_array_equal(made.activity, data.activity)
    missing = np.isnan(made.activity)
    assert 0 < missing[0, 0].sum() < 30 and (missing == missing[0, 0]).all()
    whole = robustness.student(0, SMALL, 0.0, 1.0)
    np.testing.assert_array_equal(whole.x, teacher().x)
    np.testing.assert_array_equal(whole.activity, teacher().activity)


def test_initial_weights_are_drawn_anew_unless_shared():
    shared = robustness.student(0, SMALL._replace(redraw=False), 0.0, 1.0)
    np.testing.assert_array_equal(shared.w0, teacher().w0)
    made = robustness.student(0, SMALL, 0.0, 1.0)
    assert (made.w0 != teacher().w0).all()
    for w0 in (made.w0, shared.w0):
        assert np.std(w0) == pytest.approx(SMALL.w_std, rel=0.05)


def test_unrecorded_inputs_are_zero_or_noise():
    made = robustness.student(0, SMALL, 0.0, 0.6)
    hidden = np.asarray(made.x == 0)
    assert 0 < hidden[0, 0].sum() < 40 and (hidden == hidden[0, 0]).all()
    np.testing.assert_array_equal(made.x, np.where(hidden, 0, teacher().x))
    filled = robustness.student(0, SMALL, 0.0, 0.6, fill=1.0)
    np.testing.assert_array_equal(np.where(hidden, 0, filled.x), made.x)
    assert np.std(np.asarray(filled.x)[hidden]) == pytest.approx(SMALL.x_std, rel=0.2)
    assert (filled.x != teacher().x)[hidden].all()


def test_held_out_experiments_are_new_and_clean():
    new = robustness.held_out(0, SMALL)
    assert new.x.shape == (25, 3, 40) and not np.isnan(new.activity).any()
    assert (new.x[:4] != teacher().x).all() and (new.w0[:4] != teacher().w0).all()


def test_every_seed_has_its_own_data():
    both = robustness.stacked(
        range(2), lambda seed: robustness.student(seed, SMALL, 1.0, 0.6)
    )
    alone = robustness.student(1, SMALL, 1.0, 0.6)
    for stack, leaf in zip(jax.tree.leaves(both), jax.tree.leaves(alone), strict=True):
        np.testing.assert_array_equal(stack[1], leaf)
    assert (both.w0[0] != both.w0[1]).all()
