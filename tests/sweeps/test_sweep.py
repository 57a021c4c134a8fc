"""Sweeps: nothing is run twice, and a failure is a row."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from small_sweep import SETTINGS, Asked, choosy, double, fill, never

import plastutor as pt

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
    assert pt.sweeps.read_results(path)[1] == rows


def spread(batch):
    """All seeds as one program."""
    seeds = jnp.array([one["seed"] for one in batch])
    draw = lambda seed: jax.random.normal(jax.random.key(seed), 50, "float32").std()
    return [{"twice": f"{value:.4f}"} for value in jax.vmap(draw)(seeds)]


def test_a_batch_gives_what_its_settings_give_alone(path):
    together = fill(path, spread)
    assert together == fill(path.with_name("alone.csv"), spread, batch_size=1)
    assert len({row["twice"] for row in together}) == 3


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="not on Linux")
@pytest.mark.parametrize(("most", "times"), [(10**6, 0), (0, 2)])
def test_programs_are_dropped_when_there_are_many(most, times, path, monkeypatch):
    dropped = []
    monkeypatch.setattr(jax, "clear_caches", lambda: dropped.append(True))
    monkeypatch.setattr("plastutor.sweeps._attempts.MOST_MAPS", most)
    fill(path)
    assert len(dropped) == times


def test_run_cannot_change_the_settings(path):
    def careless(batch):
        return [{"twice": one.pop("seed")} for one in batch]

    assert [row["seed"] for row in fill(path, careless)] == list("012012")


def test_the_head_of_the_table(path, tmp_path):
    (tmp_path / "study.py").write_text("n = 1\n")
    header = {"made by": "make study-small"}
    fill(path, header=header, code=[tmp_path / "study.py"])
    head, _ = pt.sweeps.read_results(path)
    assert list(head) == ["made by", "code", "versions"]
    assert head["made by"] == "make study-small"
    assert head["code"] == pt.sweeps.code_hash([tmp_path / "study.py"])
    for word in ("Python 3.", "jax ", "jaxlib ", "optax ", "numpy ", "plastutor "):
        assert word in head["versions"]
    fill(path.with_name("bare.csv"))
    assert list(pt.sweeps.read_results(path.with_name("bare.csv"))[0]) == ["versions"]


def test_the_head_names_the_versions_of_every_run(path, monkeypatch):
    fill(path, settings=SETTINGS[:1])
    first = pt.sweeps.read_results(path)[0]["versions"]
    monkeypatch.setattr("platform.python_version", lambda: "9.9")
    for count in (2, 3, 3):
        fill(path, settings=SETTINGS[:count])
    assert pt.sweeps.read_results(path)[0]["versions"].split("; ") == [
        first,
        first.replace(first.split(",")[0], "Python 9.9"),
    ]


def test_what_else_the_head_says_stays_there(path):
    fill(path, settings=SETTINGS[:1])
    path.write_text("# verified: today\n" + path.read_text())
    fill(path)
    head, rows = pt.sweeps.read_results(path)
    assert head["verified"] == "today" and len(rows) == len(SETTINGS)


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
    assert pt.sweeps.read_results(path)[1] == rows == fill(path, never, SETTINGS[:3])


# --- going on -------------------------------------------------------------------------


def test_what_is_there_is_not_run_again(path):
    fill(path, settings=SETTINGS[:2])
    asked = Asked()
    rows = fill(path, asked)
    assert asked.batches == [[(0.0, 2)], [(0.5, 0), (0.5, 1), (0.5, 2)]]
    assert rows == fill(path.with_name("whole.csv"))
    assert fill(path, never) == rows, "nothing is left to run"


def test_what_is_no_longer_asked_for_is_kept(path):
    fill(path, settings=SETTINGS[:3])
    rows = fill(path, settings=SETTINGS[2:])
    assert [row["seed"] for row in rows] == list("2012")
    assert len(pt.sweeps.read_results(path)[1]) == 6
    assert [row["seed"] for row in fill(path, never)] == list("012012")


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
            fill(path, never, **options)
    assert path.read_bytes() == before


def test_other_columns_are_refused(path):
    fill(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="small.csv has the columns .* Move the file"):
        pt.sweeps.sweep(double, SETTINGS, path, columns=["twice", "thrice"])
    with pytest.raises(ValueError, match="small.csv has the columns"):
        fill(path, settings=[one | {"size": 1} for one in SETTINGS])
    assert path.read_bytes() == before


# --- failures -------------------------------------------------------------------------


def test_a_failure_is_a_row_with_its_reason(path):
    asked = Asked(choosy)
    rows = fill(path, asked, SETTINGS[:3])
    assert asked.batches == [
        [(0.0, 0), (0.0, 1), (0.0, 2)],
        *[[(0.0, s)] for s in (0, 1, 2)],
    ]
    assert [row["twice"] for row in rows] == ["0.0", "", "4.0"]
    assert [row["error"] for row in rows] == ["", "ValueError: seed 1 is unlucky.", ""]
    assert pt.sweeps.read_results(path)[1] == rows


def test_failed_settings_are_run_again_if_asked(path):
    before = fill(path, choosy)
    asked = Asked()
    assert fill(path, asked) == before and asked.batches == []
    rows = fill(path, asked, retry_failed=True)
    assert asked.batches == [[(0.0, 1)], [(0.5, 1)]]
    assert rows == pt.sweeps.read_results(path)[1] == fill(path.with_name("whole.csv"))


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
