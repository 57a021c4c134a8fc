"""Files: where those of the book lie, and how a file is written whole."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
# An installed package holds these folders of the book; in a checkout it lies beside it.
BOOKS = (HERE / "book", HERE.parent / "book")


def book_table(folder: str, what: str, name: str, otherwise: str) -> Path:
    """Where a CSV file that comes with the book lies.

    Args:
        folder: of the book.
        what: the file is, for the sentence if it is not there.
        name: of the file, without its ending.
        otherwise: what to do if it is not there.

    Raises:
        FileNotFoundError: there is no such file; says which there are.
    """
    places = [book / folder for book in reversed(BOOKS)]
    there = {path.stem: path for place in places for path in place.glob("*.csv")}
    if name not in there:
        names = ", ".join(sorted(there)) or "none"
        raise FileNotFoundError(
            f"There is no {what} {name!r}. There are: {names}. {otherwise}"
        )
    return there[name]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all; an old one is replaced.

    Not even a cut in power leaves a part of it under its name.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "mine.txt")
    >>> write_whole(file, b"all")
    >>> file.read_text(), len(list(file.parent.iterdir()))
    ('all', 1)
    """
    # A name of its own: others may write the same file at the same time.
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
