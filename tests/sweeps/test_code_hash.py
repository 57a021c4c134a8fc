"""The hash of code: it sees what runs, and nothing else."""

from pathlib import Path

import pytest

import plastutor as pt

SOURCE = '''"""About."""

def area(r):
    """Of a disc."""
    # to two digits
    return 3.14 * r**2
'''


def hash_of(text, path):
    path.write_text(text)
    return pt.sweeps.code_hash([path])


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ('"""About."""', '"""About\n\nmuch more."""', True),
        ("Of a disc.", "Of a circle, strictly speaking.", True),
        ("    # to two digits\n", "", True),
        ("# to two digits", "# too few\n    # digits", True),
        ("return 3.14 * r**2", "return (\n        3.14 * r ** 2\n    )", True),
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
    before = hash_of("one = 1\n", two), pt.sweeps.code_hash([one, two])
    two.write_text("one = 2\n")
    assert pt.sweeps.code_hash([one, two]) not in before
    monkeypatch.chdir(tmp_path)
    assert pt.sweeps.code_hash(["a.py", Path("b.py")]) == pt.sweeps.code_hash(
        [one, two]
    )
