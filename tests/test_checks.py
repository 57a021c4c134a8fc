"""Checks: one module a chapter, and an answer in words to whatever a reader writes."""

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest

from plastutor import checks

BOOK = Path(__file__).parent.parent / "book"
CHAPTERS = [
    module.name
    for module in pkgutil.iter_modules(checks.__path__)
    if module.name != "agreement"
]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_module_belongs_to_a_chapter_and_is_exported(name):
    assert (BOOK / f"{name}.ipynb").exists()
    module = importlib.import_module(f"plastutor.checks.{name}")
    assert set(module.__all__) <= set(checks.__all__)


def test_every_check_is_named_once():
    names = [
        name
        for module in [*CHAPTERS, "agreement"]
        for name in importlib.import_module(f"plastutor.checks.{module}").__all__
    ]
    assert sorted(names) == sorted(checks.__all__)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: 2 * x, "Correct: agrees with the reference in 2 cases."),
        (lambda x: x, "Not yet: with x = 1."),
        (lambda x: None, "returned nothing"),
        (lambda x: np.ones(3), "returned shape (3,); expected ()"),
        (lambda x: 1 / 0, "raised ZeroDivisionError"),
        (lambda x: np.nan, "Not yet"),
        (lambda x: "two", "Not yet"),
    ],
)
def test_agrees_says_what_is_wrong(answer, said, capsys):
    passed = checks.agrees(answer, lambda x: 2 * x, [{"x": 1.0}, {"x": 2.0}], "A hint.")
    out = capsys.readouterr().out
    assert said in out
    assert passed == out.startswith("Correct") and passed != out.endswith("A hint.\n")


@pytest.mark.parametrize(("answer", "right"), [("xr", True), ("rx", False), (1, False)])
def test_text_is_compared_as_text(answer, right):
    assert checks.agrees(lambda: answer, lambda: "xr", [{}], "A hint.") == right
