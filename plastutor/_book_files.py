"""Files of the book that an installed package holds as well."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
# An installed package holds these folders of the book; in a checkout it lies beside it.
BOOKS = (HERE / "book", HERE.parent / "book")
