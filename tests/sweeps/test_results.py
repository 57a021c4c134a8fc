"""Results: the tables of studies as a chapter reads them."""

import tomllib
from pathlib import Path

import make_examples
import numpy as np
import pytest

import plastutor as pt
from plastutor._files import BOOKS, HERE

TABLE = (
    "# made by: make study-x\n# settings: {}\nmethod,noise,r2\na,0.0,1\na,0.5,-inf\n"
)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A folder with one table, in the place of the book's."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "x.csv").write_text(TABLE)
    monkeypatch.setattr("plastutor._files.BOOKS", (tmp_path / "none", tmp_path))
    return tmp_path / "results" / "x.csv"


def test_a_table_is_header_and_rows(table):
    header, rows = pt.load_results("x")
    assert header == {"made by": "make study-x", "settings": "{}"}
    assert rows[0] == {"method": "a", "noise": "0.0", "r2": "1"}
    assert (header, rows) == pt.sweeps.read_results(table)


def test_rows_are_selected_by_text_and_by_number(table):
    rows = pt.load_results("x")[1]
    np.testing.assert_array_equal(pt.select_rows(rows, "r2", method="a"), [1, -np.inf])
    np.testing.assert_array_equal(pt.select_rows(rows, "r2", noise=0), [1])
    assert len(pt.select_rows(rows, "r2", method="b")) == 0


def test_a_missing_table_says_which_there_are(table):
    with pytest.raises(
        FileNotFoundError, match="no table 'y'. There are: x. .*study-y"
    ):
        pt.load_results("y")


@pytest.mark.parametrize("name", make_examples.FILES)
def test_examples_are_as_their_script_makes_them(name):
    file = pt.data.example_file(Path(name).stem)
    assert file.read_bytes() == make_examples.FILES[name]().encode()
    assert file.stat().st_size < 100_000


def test_examples_go_into_the_package():
    pyproject = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
    build = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside, checkout = (book / "data" for book in BOOKS)
    root = HERE.parent
    assert build["force-include"][str(checkout.relative_to(root))] == str(
        inside.relative_to(root)
    )


def test_a_missing_example_says_which_there_are():
    with pytest.raises(FileNotFoundError, match="are: activity, choices. A file of"):
        pt.data.example_file("mine")
