"""Data to try, which come with the book."""

from __future__ import annotations

from pathlib import Path

from plastutor._files import book_table


def example_file(name: str) -> Path:
    """Where a data set to try lies: choices or activity, simulated.

    Args:
        name: "choices" or "activity".

    Raises:
        FileNotFoundError: there is no such data set; says which there are.

    >>> example_file("choices").name
    'choices.csv'
    """
    own = "A file of your own needs no example_file: pass its path as it is."
    return book_table("data", "example", name, own)
