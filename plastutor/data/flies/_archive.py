"""Which members of the archive are wanted, and whether a file is there and whole.

A member whose path leaves its folder is refused, and so is an archive that lacks a
file or holds one twice.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from plastutor.data.flies._files import FOLDER, REQUIRED

RECORD = "https://zenodo.org/records/7449214"
N_FLIES = 18
VARIABLE = "PLASTUTOR_FLY_DATA"
OPTIONAL = tuple(
    f"{kind}_{block}.mat" for kind in ("odor_crossing", "cps") for block in (1, 2, 3)
)
MAX_BYTES = 200_000_000  # the members are small; more means a wrong archive
BY_HAND = (
    f"To get the data by hand, open {RECORD} in a browser, download the archive "
    f"(6.5 GB), unpack its folder {FOLDER} and set the environment variable "
    f"{VARIABLE} to that folder (or to a CSV file with the columns fly, trial, "
    "choice, reward)."
)


def wanted_members(infos: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """The members to fetch, as `fly/file` -> entry of the zip's directory.

    Args:
        infos: the zip's directory.

    Returns:
        The wanted members.

    Raises:
        ValueError: a path leaves its folder, a file is missing, twice or too large, or
            the number of flies is not 18.

    Example:
        >>> climbs = zipfile.ZipInfo(f"{FOLDER}/../1/cps_1.mat")
        >>> wanted_members([climbs])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: The archive has a member ... leaves its folder: refused. ...
    """
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename  # before zipfile tidies it
        if FOLDER not in name:
            continue
        _refuse_climbing(name)
        parts = name.split("/")
        if parts[-3:-2] != [FOLDER] or parts[-1] not in REQUIRED + OPTIONAL:
            continue
        key = "/".join(parts[-2:])
        if key in members:
            raise ValueError(
                f"The archive has {key} twice ({members[key].filename}, {name}); "
                f"expected it once. {BY_HAND}"
            )
        members[key] = info
    _check_members(members)
    return members


def _refuse_climbing(name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or set(name) & set("\\:\0"):
        raise ValueError(
            f"The archive has a member {name!r} whose path leaves its folder: refused. "
            "Expected plain relative paths. Check that the address is Zenodo's "
            f"({RECORD})."
        )


def _check_members(members: dict[str, zipfile.ZipInfo]) -> None:
    flies = sorted({key.split("/")[0] for key in members})
    names = [f"{fly}/{name}" for fly in flies for name in REQUIRED]
    missing = [name for name in names if name not in members]
    if missing or len(flies) != N_FLIES:
        lacks = f"lacks {', '.join(missing)}" if missing else "is not as expected"
        raise ValueError(
            f"The archive {lacks}: its folder {FOLDER} has {len(flies)} flies; "
            f"expected {N_FLIES}, each with {' and '.join(REQUIRED)}. {BY_HAND}"
        )
    total = sum(info.file_size for info in members.values())
    if total > MAX_BYTES:
        raise ValueError(
            f"The wanted files have {total:,} bytes; expected at most {MAX_BYTES:,}. "
            f"Refused. {BY_HAND}"
        )


def intact(file: Path, size: int, crc: int) -> bool:
    """Whether a file is there, with the size and checksum of the zip's directory."""
    return (
        file.is_file()
        and file.stat().st_size == size
        and zlib.crc32(file.read_bytes()) == crc
    )


def complete(folder: Path) -> bool:
    """Whether an earlier download finished and all of its files are still intact."""
    try:
        manifest = json.loads((folder / "members.json").read_text(encoding="utf-8"))
        return bool(manifest) and all(
            intact(folder / FOLDER / key, *expected)
            for key, expected in manifest.items()
        )
    except (OSError, ValueError, AttributeError, TypeError):
        return False  # none yet, or spoilt: the download sorts it out
