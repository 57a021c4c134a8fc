"""Execute the chapters that changed, or whose results may have, on all cores.

`make book` calls this first, for two reasons. Jupyter Book's cache looks only at the
notebook, but results also depend on the package, the tables of the studies, the
installed versions, the Python, and whether real fly data was there: the cache is
removed unless all of them are as they were. And Jupyter Book executes one chapter after
the other. Chapters that `make test` has just run are not run again.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor

from plastutor.data.flies._download import cache_folder

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / ".jupyter_cache"
KEY = ROOT / "_build" / "cache-key"
EXECUTED = ROOT / "_build" / "executed"  # by book/conftest.py, a folder a fingerprint


def fingerprint() -> str:
    """A hash of everything but the notebooks that decides what a chapter shows."""
    parts = hashlib.sha256(sys.version.encode())
    sources = sorted(p for p in (ROOT / "plastutor").rglob("*") if p.is_file())
    sources = [p for p in sources if "__pycache__" not in p.parts]
    # Tables only: an interrupted study may leave a part of one behind.
    for folder in ("results", "data"):
        sources += sorted((ROOT / "book" / folder).glob("*.csv"))
    for path in [*sources, ROOT / "requirements.lock", *fly_data()]:
        parts.update(f"{path}\n".encode())
        parts.update(path.read_bytes())
    return parts.hexdigest()


def fly_data() -> list[Path]:
    """The files of real fly data: those named by the environment, and those cached."""
    places = [cache_folder(), Path(os.environ.get("PLASTUTOR_FLY_DATA", os.devnull))]
    found = [p for place in places for p in [place, *place.rglob("*")]]
    return sorted(p for p in found if p.is_file())


def execute(already: Path) -> None:
    """Run what neither the cache nor the folder of chapters already run holds.

    A chapter that fails is left to Jupyter Book, which runs it again and shows where.
    """
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())["execute"]
    cache = get_cache(CACHE)
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        cache.add_nb_to_project(str(path))
        if (already / path.name).exists():
            # Not "valid" only because exercises are not run, and have no count.
            cache.cache_notebook_file(
                already / path.name, str(path), check_validity=False, overwrite=True
            )
    executor = load_executor("local-parallel", cache)
    executor.run_and_cache(timeout=settings["timeout"])


if __name__ == "__main__":
    now = fingerprint()
    if not KEY.exists() or KEY.read_text() != now:
        shutil.rmtree(CACHE, ignore_errors=True)
        KEY.parent.mkdir(exist_ok=True)
        KEY.write_text(now)
    execute(EXECUTED / now)
