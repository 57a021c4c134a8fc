"""Data to try, which come with the book."""

from __future__ import annotations

from pathlib import Path

from plastutor._book_files import BOOKS

EXAMPLES = tuple(book / "data" for book in BOOKS)


def example_file(name: str) -> Path:
    """Where a data set to try lies: choices or activity, simulated.

    Args:
        name: "choices" or "activity".

    Raises:
        FileNotFoundError: there is no such data set; says which there are.

    >>> example_file("choices").name
    'choices.csv'
    """
    for place in EXAMPLES:
        if (place / f"{name}.csv").exists():
            return place / f"{name}.csv"
    there = sorted(path.stem for place in EXAMPLES for path in place.glob("*.csv"))
    raise FileNotFoundError(
        f"There is no example {name!r}. There are: {', '.join(there) or 'none'}. A "
        "file of your own needs no example_file: pass its path as it is."
    )
