"""Studies: tables that are whole, belong to their code, and can be made again."""

import os
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import jax
import jax.random as jr
import numpy as np
import pytest
import rewards.methods
import run
import verify
from flies import methods as flies
from flies.settings import FIVE
from imports import files_behind
from robustness import methods as robustness
from robustness.methods import held_out, stacked, student
from robustness.settings import EPOCHS, ORDER_3, Setting
from trust import methods as trust

import plastutor as pt

RESULTS = Path(__file__).parent.parent.parent / "book" / "results"
TABLES = {
    table.name: table
    for study in run.STUDIES
    for table in import_module(f"{study}.settings").TABLES
}
PUBLISHED = {
    "mehta_2024_rewards",
    "mehta_2024_figures",
    "mehta_2024_flies",
}  # the paper's numbers
MEASURED = {"scaling", "loop_speed"}  # by make bench


def kept(name):
    return pt.sweeps.read_results(RESULTS / f"{name}.csv")


def rules_of_simulated_flies():
    """As the table has them: those fitted to the real flies."""
    return {
        row["kind"].partition(", ")[2]: {
            name: float(row[name])
            for name in FIVE
            if name != "w" or row["kind"] == "cohort, forgetting"
        }
        for row in kept("flies")[1]
        if row["kind"].startswith("cohort")
    }


@pytest.fixture
def without_real_flies(monkeypatch):
    monkeypatch.setattr(flies, "rules_of_the_flies", rules_of_simulated_flies)


def test_every_table_has_its_study():
    assert {path.stem for path in RESULTS.glob("*.csv")} == {
        *TABLES
    } | PUBLISHED | MEASURED


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_made_it(name):
    header, _ = kept(name)
    assert header["made by"] == f"make study-{name.partition('_')[0]}"
    assert len(header["code"]) == 16 and "plastutor" in header["versions"]


@pytest.mark.weekly  # until then the tests that make rows again watch the numbers
@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_under_the_code_of_today(name):
    code = pt.sweeps.code_hash(run.code_of(name.partition("_")[0]))
    assert kept(name)[0]["code"] == code, f"python studies/run.py verify {name}"


def test_the_code_of_a_study_is_what_it_imports():
    root = RESULTS.parent.parent
    behind = {str(path.relative_to(root)) for path in run.code_of("trust")}
    assert behind > {
        "studies/trust/methods.py",
        "studies/table.py",
        "plastutor/_simulate.py",
        "plastutor/rules/_fast_taylor.py",
        "plastutor/evaluate/uncertainty/_profile.py",
    }
    rooms = {name.split("/")[1] for name in behind}
    assert not rooms & {"plot", "reports", "teaching", "sweeps", "data"}
    assert "plastutor/evaluate/_recurrent.py" not in behind


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("import plastutor as pt\npt.evaluate.r2(1)", "_scores"),
        ("import plastutor as pt\npt.r2.__doc__", "_scores"),
        ("from plastutor.evaluate import r2 as mine\nmine()", "_scores"),
        ("def f():\n    from plastutor import evaluate as e\n    e.r2()", "_scores"),
        ("import plastutor.evaluate\nplastutor.evaluate.r2().x", "_scores"),
        ("from plastutor import evaluate\nf(evaluate)", "_comparison _held_out"),
        ("import jax\njax.evaluate.r2", ""),
        ("'plastutor.evaluate.r2'", ""),
    ],
)
def test_imports_are_followed_to_the_file_that_defines_a_name(source, files, tmp_path):
    (tmp_path / "a.py").write_text(source)
    found = {path.stem for path in files_behind([tmp_path / "a.py"])}
    assert found >= {"a", *files.split()}
    assert ("_scores" in found) == bool(files) and "_curves" not in found
    assert ("_population" in found) == ("_held_out" in files)


@pytest.mark.parametrize("off", [0.0, 0.1])
def test_a_table_is_verified_if_its_rows_come_out_the_same(off, tmp_path, monkeypatch):
    path = tmp_path / "trust.csv"
    path.write_bytes((RESULTS / "trust.csv").read_bytes())
    before, rows = pt.sweeps.read_results(path)

    def made(batch):
        key = {name: str(value) for name, value in batch[0].items() if name != "row"}
        same = [row for row in rows if key.items() <= row.items()]
        return [{"truth": float(row["truth"]) + off, "std": row["std"]} for row in same]

    monkeypatch.setattr(trust, "run", made)
    if off:
        with pytest.raises(SystemExit, match=r"differ: {'truth': '0.1'}; expected"):
            verify.verify("trust", TABLES["trust"], path, "now")
        assert pt.sweeps.read_results(path) == (before, rows)
        return
    for code in ("now", "later"):
        verify.verify("trust", TABLES["trust"], path, code)
        head, after = pt.sweeps.read_results(path)
        assert after == rows and head["code"] == code
        assert {"code", "verified"} >= {n for n in head if head[n] != before.get(n)}
        made_by = before.get("verified", before["code"]).split()[-1]
        assert head["verified"].endswith(f"of code {made_by}")
        assert "99 rows, largest difference 0" in head["verified"]


@pytest.mark.parametrize(
    ("old", "new", "off"),
    [
        ("1.28 xyyr - 0.06 xx", "1.28 xyyr - 0.06 xx", 0.0),
        ("1.28 xyyr - 0.06 xx", "1.28 xyyr - 0.06 x", np.inf),
        ("1.28 xyyr", "1.28 xyyr - 0.06 x", np.inf),
        ("-inf", "-inf", 0.0),
        ("200", "201", 0.005),
        ("0.02", "0.03", 0.01),
        ("", "", 0.0),
    ],
)
def test_how_far_two_texts_are_apart(old, new, off):
    assert verify.distance(old, new) == pytest.approx(off)


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_whole_and_nothing_failed(name, without_real_flies):
    _, rows = kept(name)
    wanted = [{k: str(v) for k, v in one.items()} for one in TABLES[name].rows()]
    there = [{k: row[k] for k in wanted[0]} for row in rows]
    # Chapters take the first three rows of a setting: they must be in order, too.
    assert there == wanted, f"run {kept(name)[0]['made by']}: it goes on where it was"
    assert not any(row["error"] for row in rows)


def test_the_runner_makes_the_rows_that_are_asked_for(monkeypatch, without_real_flies):
    made = []
    monkeypatch.setattr(pt.sweeps, "all_cores", nullcontext)
    monkeypatch.setattr(pt.sweeps, "sweep", lambda *args, **k: made.append((*args, k)))
    run.main("rewards", "mlp", "l1 and Adam")
    ((make, rows, path, more),) = made
    assert make is rewards.methods.run and path == RESULTS / "rewards.csv"
    assert {row["method"] for row in rows} == {"mlp", "l1 and Adam"}
    for study in run.STUDIES:
        run.main(study)
    assert [path.stem for _, _, path, _ in made[1:]] == list(TABLES)
    assert all(len(pt.sweeps.code_hash(more["code"])) == 16 for *_, more in made)


def test_the_runner_says_what_it_did_not_find():
    with pytest.raises(
        SystemExit,
        match="one of eprop, flies, form, function, loop, recall, rewards, robustness, "
        "trust",
    ):
        run.main("fly")
    with pytest.raises(SystemExit, match="No row of the study trust has mice or"):
        run.main("trust", "mice", "rats")
    with pytest.raises(SystemExit, match="No study makes the table 'scaling'"):
        run.main("verify", "scaling")


@pytest.mark.parametrize(
    "cell",
    [
        ("main", "evidence", 1.0, 1.0),
        pytest.param(("100 to 1000", "evidence", 0.0, 1.0), marks=pytest.mark.weekly),
    ],
    ids=lambda cell: cell[0],
)
def test_a_cell_can_be_made_again(cell):
    setting = dict(
        zip(("variant", "method", "noise", "recorded"), cell, strict=True), seed=0
    )
    key = {name: str(value) for name, value in setting.items()}.items()
    (old,) = [row for row in kept("robustness")[1] if key <= row.items()]
    (new,) = robustness.run([setting])
    for name in ("r2", "noise_found"):
        assert float(new[name]) == pytest.approx(float(old[name]), abs=0.01)


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        ("cohort, forgetting", 150),
        pytest.param("cohort, no forgetting", 7, marks=pytest.mark.weekly),
    ],
)
def test_a_cohort_of_flies_can_be_made_again(kind, seed):
    key = kind, str(seed)
    (old,) = [row for row in kept("flies")[1] if (row["kind"], row["seed"]) == key]
    names = flies.Setting._fields
    setting = {name: old[name] for name in ("kind", "model")}
    setting |= {name: float(old[name]) for name in names if name not in setting}
    (new,) = flies.run([setting | {"seed": seed}])
    for name in set(new) & {"deviance", "gain", "found_w", "low_w", "high_w"}:
        assert float(new[name]) == pytest.approx(float(old[name]), abs=0.02)


@pytest.mark.skipif(
    "PLASTUTOR_FLY_DATA" not in os.environ, reason="there are no real flies to fit"
)
def test_the_simulated_flies_have_the_rules_of_the_real_ones():
    fitted, kept = flies.rules_of_the_flies(), rules_of_simulated_flies()
    assert fitted.keys() == kept.keys()
    for kind, terms in fitted.items():
        assert terms == pytest.approx(kept[kind], abs=0.01)


@pytest.mark.weekly
@pytest.mark.parametrize(
    ("table", "made_by", "of"),
    [
        ("trust", trust.rows_of, {"setting": "fly"}),
        (
            "trust_sizes",
            trust.rows_of_size,
            {"rule": "weak", "animals": 4, "trials": 120},
        ),
        ("trust_shared", trust.rows_of_share, {"noise": "shared"}),
    ],
)
def test_a_data_set_of_the_study_of_trust_can_be_made_again(table, made_by, of):
    of |= {"seed": 3}
    new, key = made_by(**of), {name: str(value) for name, value in of.items()}
    there = [row for row in kept(table)[1] if key.items() <= row.items()]
    assert len(there) == len(new)
    for row in there:
        values = dict(new[row["row"]])
        assert row["status"] == values.pop("status")
        for name, value in values.items():
            assert float(row[name]) == pytest.approx(value, rel=0.01, abs=1e-3)


def of_trust(setting, name, start=""):
    """One number for each data set and row of a setting: (data set, row)."""
    rows = [row for row in kept("trust")[1] if row["setting"] == setting]
    names = dict.fromkeys(row["row"] for row in rows if row["row"].startswith(start))
    numbers = [float(row[name]) for row in rows if row["row"] in names]
    return np.reshape(numbers, (-1, len(names)))


@pytest.mark.parametrize("setting", ["activity", "behaviour", "fly"])
def test_error_bars_are_honest(setting):
    covered = of_trust(setting, "covered").mean(0)
    assert len(of_trust(setting, "covered")) == 200
    assert (covered >= 0.9).all() and (covered <= 0.995).all()
    off = of_trust(setting, "found", "dir") - of_trust(setting, "truth", "dir")
    predicted = np.sqrt((of_trust(setting, "std", "dir") ** 2).mean(0))
    assert (np.abs(off.std(0) / predicted - 1) <= 0.15).all()


def test_the_band_of_a_sloppy_rule_holds_the_truth():
    assert of_trust("27 terms", "covered", "band").mean() >= 0.9


def test_the_flies_are_attributed():
    assert "CC BY 4.0" in kept("flies")[0]["data"]


def test_training_ends_where_the_fit_does():
    _, rows = kept("robustness_training")
    assert len(rows) == 3 * EPOCHS
    poorest = {"variant": "main", "method": "plain", "noise": "1.0", "recorded": "0.5"}
    for fit in kept("robustness")[1]:
        if poorest.items() <= fit.items() and int(fit["seed"]) < 3:
            last = {"seed": fit["seed"], "epoch": str(EPOCHS)}
            (end,) = [row for row in rows if last.items() <= row.items()]
            for name in ORDER_3:
                assert float(end[name]) == pytest.approx(float(fit[name]), abs=0.01)


# --- what the student is given --------------------------------------------------------

SMALL = Setting(n_experiments=4, n_steps=3, n_pre=40, n_post=30)


def teacher(noise=0.0, recorded=1.0):
    key, dtype = jr.split(jr.key(0), 5)[0], "float32" if noise else "float64"
    return SMALL.experiments(key, noise=noise, recorded=recorded, dtype=dtype)


def test_the_student_gets_the_teachers_recording():
    data, made = teacher(0.5, 0.6), student(0, SMALL, 0.5, 0.6)
    assert made.x.shape == (4, 3, 40) and made.w0.shape == (4, 40, 30)
    np.testing.assert_array_equal(made.activity, data.activity)
    missing = np.isnan(made.activity)
    assert 0 < missing[0, 0].sum() < 30 and (missing == missing[0, 0]).all()
    whole = student(0, SMALL, 0.0, 1.0)
    np.testing.assert_array_equal(whole.x, teacher().x)
    np.testing.assert_array_equal(whole.activity, teacher().activity)


def test_initial_weights_are_drawn_anew_unless_shared():
    shared = student(0, SMALL._replace(redraw=False), 0.0, 1.0)
    np.testing.assert_array_equal(shared.w0, teacher().w0)
    made = student(0, SMALL, 0.0, 1.0)
    assert (made.w0 != teacher().w0).all()
    for w0 in (made.w0, shared.w0):
        assert np.std(w0) == pytest.approx(SMALL.w_std, rel=0.05)


def test_unrecorded_inputs_are_zero_or_noise():
    made = student(0, SMALL, 0.0, 0.6)
    hidden = np.asarray(made.x == 0)
    assert 0 < hidden[0, 0].sum() < 40 and (hidden == hidden[0, 0]).all()
    np.testing.assert_array_equal(made.x, np.where(hidden, 0, teacher().x))
    filled = student(0, SMALL, 0.0, 0.6, fill=1.0)
    np.testing.assert_array_equal(np.where(hidden, 0, filled.x), made.x)
    assert np.std(np.asarray(filled.x)[hidden]) == pytest.approx(SMALL.x_std, rel=0.2)
    assert (filled.x != teacher().x)[hidden].all()


def test_held_out_experiments_are_new_and_clean():
    new = held_out(0, SMALL)
    assert new.x.shape == (25, 3, 40) and not np.isnan(new.activity).any()
    assert (new.x[:4] != teacher().x).all() and (new.w0[:4] != teacher().w0).all()


def test_every_seed_has_its_own_data():
    both = stacked(range(2), lambda seed: student(seed, SMALL, 1.0, 0.6))
    alone = student(1, SMALL, 1.0, 0.6)
    for stack, leaf in zip(jax.tree.leaves(both), jax.tree.leaves(alone), strict=True):
        np.testing.assert_array_equal(stack[1], leaf)
    assert (both.w0[0] != both.w0[1]).all()
