"""Fetch the few small files of real fly choices out of a 6.5 GB archive on Zenodo.

The archive is one zip. Only its directory and the members that are needed are read, by
HTTP range requests, through `remotezip`. It was chosen over `fsspec[http]` because it
is one file of MIT-licensed Python on top of `requests` (which Colab ships), made for
exactly this and maintained, where fsspec needs aiohttp and a background event loop.

Every member is written to a temporary file, checked against the zip's own size and
checksum and only then renamed, so that an interrupted download goes on where it
stopped. `plastutor.data.flies.download` is the way in.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from plastutor._files import write_whole
from plastutor.data.flies._archive import (
    BY_HAND,
    N_FLIES,
    complete,
    intact,
    wanted_members,
)
from plastutor.data.flies._files import FOLDER, read

API = "https://zenodo.org/api/records/7449214"
Progress = Callable[[int, int, str], Any]


def cache_folder() -> Path:
    """The folder in the user's cache where the fly data are kept.

    `XDG_CACHE_HOME` is honoured everywhere; else the platform's own place is used.

    Example:
        >>> cache_folder().parts[-2:]
        ('plastutor', 'zenodo-7449214')
    """
    base = os.environ.get("XDG_CACHE_HOME")
    if not base and sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    elif not base:
        base = "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    return Path(base).expanduser() / "plastutor" / "zenodo-7449214"


def download(
    folder: str | os.PathLike[str] | None = None,
    *,
    progress: Progress | None = None,
    api: str = API,
    retries: int = 4,
    backoff: float | int = 0.5,
    timeout: float | int = 30.0,
) -> Path:
    """Download the flies' small files from the Zenodo record and check them.

    Only the needed members of the 6.5 GB archive travel. Files that are already there
    and intact are not fetched again; if all are, the network is not touched.

    Args:
        folder: where to keep them; by default the user's cache.
        progress: called as `progress(done, total, what)`, counted in files.
        api: address of the record in Zenodo's API.
        retries: how often a failed request is repeated.
        backoff: seconds before the first repetition; doubled for each further one.
        timeout: seconds to wait for an answer.

    Returns:
        The folder that holds one folder per fly; `load` reads it.

    Raises:
        ConnectionError: Zenodo cannot be reached, or its answers stay damaged.
        OSError: the server ignores range requests and would send the whole archive.
        ValueError: what came is not 18 flies with about 240 choices each.

    Example:
        >>> download()  # doctest: +SKIP
    """
    target = cache_folder() if folder is None else Path(folder).expanduser()
    if not complete(target):
        with _session(retries, backoff) as session:
            address = _address(session, api, timeout)
            size = _size(session, address, timeout)
            source = session, address, size, timeout, target
            _fetch_patiently(source, progress, retries, backoff)
    counts = {fly.fly: len(fly.choice) for fly in read(target / FOLDER)}
    odd = {fly: n for fly, n in counts.items() if not 200 <= n <= 240}
    if len(counts) != N_FLIES or odd:
        raise ValueError(
            f"The data in {target / FOLDER} are not those expected: {len(counts)} "
            f"flies (expected {N_FLIES}); numbers of choices outside 200 to 240: "
            f"{odd or 'none'}. Delete {target} to download them again. {BY_HAND}"
        )
    return target / FOLDER


def _fetch_patiently(source: tuple, progress, retries, backoff) -> None:
    """Fetch all files, and again after answers that were cut short or damaged."""
    import remotezip

    _, address, *_, folder = source
    done: set[str] = set()
    failures = 0
    while True:
        before = len(done)
        try:
            return _fetch(source, done, progress)
        except remotezip.RangeNotSupported as error:
            raise _no_ranges(address) from error
        except _passing_errors() as error:
            # A retry only counts against a file that does not come at all.
            failures = 1 if len(done) > before else failures + 1
            if failures > retries:
                raise ConnectionError(
                    f"The archive at {address} could not be read: its answers were cut "
                    f"short or damaged ({_why(error)}), also after {retries} retries. "
                    f"The {len(done)} files that arrived whole are kept in {folder}; "
                    f"try again later to go on from there. {BY_HAND}"
                ) from error
        time.sleep(backoff * 2 ** (failures - 1))


def _session(retries: int, backoff: float) -> Any:
    """A session that waits and repeats when the server is busy or out of reach."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    # Zenodo allows guests about as many requests a minute as there are files here,
    # so 429 is to be expected; its Retry-After is respected.
    retry = Retry(
        total=retries,
        backoff_factor=backoff,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
    )
    session = requests.Session()
    session.headers.update({"User-Agent": "plastutor", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _passing_errors() -> tuple[type[Exception], ...]:
    """What a cut or damaged answer can raise on its way through four libraries."""
    import remotezip
    import requests
    import urllib3

    return (
        requests.RequestException,
        remotezip.RemoteZipError,
        remotezip.RemoteIOError,
        urllib3.exceptions.HTTPError,
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        struct.error,
    )


def _why(error: Exception) -> str:
    # The texts of connection errors are pages long; the traceback has them.
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"status {status}" if status else type(error).__name__


@contextmanager
def _asked(session: Any, address: str, what: str, **how: Any) -> Iterator[Any]:
    """An answer from an address, or a sentence."""
    import requests

    try:
        with session.get(address, **how) as answer:
            answer.raise_for_status()
            yield answer
    except requests.RequestException as error:
        why, advice = _why(error), ""
        if isinstance(error, requests.JSONDecodeError):
            why = "its answer is not JSON"
            advice = "Try again later, or on a network without a login page. "
        raise ConnectionError(
            f"{what} could not be reached at {address} ({why}). {advice}{BY_HAND}"
        ) from error


def _no_ranges(address: str) -> OSError:
    return OSError(
        f"The server at {address} sends only whole files, and this one has 6.5 GB: "
        "refused. Expected an answer to a range request (status 206). A proxy in "
        f"between can cause this; try another network. {BY_HAND}"
    )


def _address(session: Any, api: str, timeout: float) -> str:
    """Ask Zenodo's API where the archive is."""
    with _asked(session, api, "Zenodo", timeout=timeout) as answer:
        record = answer.json()
    links = [urljoin(api, link) for link in _zip_links(record)]
    if len(links) != 1 or urlsplit(links[0]).scheme not in ("http", "https"):
        raise ValueError(
            f"Zenodo's record at {api} lists {len(links)} usable zip archives; "
            f"expected one. {BY_HAND}"
        )
    return links[0]


def _zip_links(record: Any) -> list[str]:
    """Addresses of the zip files of a record, in both shapes that Zenodo has used."""
    files = record.get("files") if isinstance(record, dict) else None
    if isinstance(files, dict):
        files = list(files.get("entries", {}).values())
    links = []
    for file in files or []:
        named = file.get("links", {})
        link = named.get("content") or named.get("download") or named.get("self")
        if link and str(file.get("key", "")).lower().endswith(".zip"):
            links.append(link)
    return links


def _size(session: Any, address: str, timeout: float) -> int:
    """Size of the archive in bytes; refuse a server that ignores ranges.

    The body of the answer is never read: it might be the whole archive.
    """
    how = {"headers": {"Range": "bytes=0-3"}, "stream": True, "timeout": timeout}
    with _asked(session, address, "The archive", **how) as answer:
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    if answer.status_code != 206 or not total.isdecimal():
        raise _no_ranges(address)
    return int(total)


def _fetch(source: tuple, done: set[str], progress: Progress | None) -> None:
    """Read the archive's directory and every wanted member that is not there yet."""
    from remotezip import RemoteFetcher, RemoteZip

    session, address, size, timeout, folder = source

    def sized(url, session, **options):
        # Not every server knows "the last n bytes"; the size is known, so count.
        fetcher = RemoteFetcher(url, session, **options)
        fetcher.get_file_size = lambda: size
        return fetcher

    with RemoteZip(
        address,
        session=session,
        fetcher=sized,  # pyright: ignore[reportArgumentType]
        support_suffix_range=False,
        timeout=timeout,
    ) as archive:
        members = wanted_members(archive.infolist())
        for n_before, (key, info) in enumerate(members.items()):
            if key in done:
                continue
            if progress:
                progress(n_before, len(members), key)
            target = folder / FOLDER / key
            if not intact(target, info.file_size, info.CRC):
                target.parent.mkdir(parents=True, exist_ok=True)
                write_whole(target, archive.read(info))
            done.add(key)
    manifest = {key: [info.file_size, info.CRC] for key, info in members.items()}
    write_whole(folder / "members.json", json.dumps(manifest).encode())
    if progress:
        progress(len(members), len(members), "done")
