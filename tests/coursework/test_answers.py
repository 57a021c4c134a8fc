"""What comes out of a run is not believed."""

import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")

import json

import numpy as np

from coursework.grader import feedback, grade, marks


@pytest.mark.parametrize(
    "line",
    [
        b'{"call": 0, "value": {"shape": [-1], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [1000000, 1000000], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [2], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [1], "numbers": ["a"]}}',
        b'{"call": 0, "value": {"shape": [1], "numbers": [' + b"9" * 5000 + b"]}}",
        b'{"call": 0, "value": {"shape": "ab", "numbers": [1, 2]}}',
        b'{"call": 0, "value": null}',
        b'{"call": [], "value": true}',
        b'{"call": 0}',
        b"[" * 100_000,
        b"7",
        b"\xff",
    ],
    ids=lambda line: line[:50].decode(errors="replace"),
)
def test_lines_that_are_no_answers_are_passed_over(line):
    good = b'{"call": 1, "value": {"shape": [], "numbers": [2.0]}}'
    answers = marks.read_answers(line + b"\n" + good)
    assert list(answers.calls) == [1] and answers.calls[1] == 2.0


def test_the_first_difference_is_shown():
    assert marks.difference(np.array(1.0), 1.0004) == ""
    assert marks.difference(np.ones(2), np.array([1, 2])) == (
        "gives 1 at index (1,); expected 2"
    )
    assert marks.difference(np.ones(2), np.ones(3)).endswith("expected (3,)")
    assert marks.difference(np.array(np.nan), 1.0) == "gives nan; expected 1"
    assert marks.difference("1", 1.0) == "gives '1'; expected numbers"
    assert marks.difference([np.ones(1)], (1, 2)).startswith("expected 2 things")


def test_pages_show_a_students_text_as_text():
    text = "<script>alert(1)</script>"
    answers = marks.read_answers(json.dumps({"cell": 1, "error": text}).encode())
    one = grade.Graded("ada", text, [], answers, text)
    page = feedback.page("recover_a_hidden_rule", one)
    assert text not in page
    assert page.count("&lt;script&gt;") == 3
