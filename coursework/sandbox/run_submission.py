"""Run one submission, shut in, and end all that it started.

Nothing here reads a salt or an answer. A run gets a folder of its own, and gives back
bytes that it wrote: they come from the submission and are not to be believed.
"""

import importlib.util
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

SANDBOX = Path(__file__).resolve().parent
FIRST_USER = 64200  # users who own nothing, one for each run at a time; root only
MOST_ANSWERS, MOST_PRINTED, KEPT_PRINTED = 4 << 20, 16 << 20, 4000  # bytes


class Limits(NamedTuple):
    """What one submission may use.

    Attributes:
        seconds: on the clock, in all; a cell or a call may take a quarter, and all
            cells together 60 %.
        memory: bytes of address space of each process.
        processes: processes and threads.
        file: bytes in one file; in namespaces also all files together.
    """

    seconds: float = 300
    memory: int = 4 << 30
    processes: int = 256
    file: int = 256 << 20


class Ended(NamedTuple):
    """What came out of a run.

    Attributes:
        answers: lines of JSON, as the submission's process wrote them.
        printed: the beginning of what it printed.
        problem: why it was stopped, or how it died; empty if neither.
    """

    answers: bytes
    printed: str
    problem: str


def visible() -> list[str]:
    """What a submission may read: Python and the libraries."""
    wanted = [sys.prefix, sys.base_prefix]
    wanted += [str(Path(path).resolve()) for path in wanted]
    wanted += ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime"]
    wanted += ["/etc/fonts"]
    return sorted({path for path in wanted if Path(path).exists()})


def run(folder: Path, limits: Limits, method: str, slot: int = 0) -> Ended:
    """Run the inside.py of a folder, shut in, and kill all that it started.

    Args:
        folder: holds inside.py and what that needs; it is changed.
        limits: what it may use.
        method: see isolation.py.
        slot: runs at the same time need different ones.
    """
    # A copy: where a checkout is, there may be more that is nobody's business.
    spec = importlib.util.find_spec("plastutor")
    assert spec is not None and spec.origin is not None
    shutil.copytree(Path(spec.origin).parent, folder / "library" / "plastutor")
    user = FIRST_USER + slot if os.getuid() == 0 else None
    if user is not None and method != "namespaces":
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, user, user)
    reading, writing = os.pipe()
    how = {
        "method": method,
        "folder": str(folder),
        "visible": visible(),
        "user": user,
        "megabytes": limits.file >> 20,
        "processors": processors(slot),
        "limits": resource_limits(limits, user, method),
        "answers": writing,
        "program": [sys.executable, "-P", "-s", "-B", "-u", "inside.py"],
        "environment": environment(folder if method != "namespaces" else None),
    }
    command = [sys.executable, "-I", str(SANDBOX / "isolation.py"), json.dumps(how)]
    with STARTING:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writing,),
            start_new_session=True,
        )
        OURS.add(process.pid)
    os.close(writing)
    assert process.stdout is not None
    try:
        return listen(process, process.stdout.fileno(), reading, limits.seconds)
    finally:
        end(process)
        process.stdout.close()
        os.close(reading)


def environment(home: Path | None) -> dict[str, str]:
    """Nothing of the grader's environment."""
    place = "/submission" if home is None else str(home)
    return {
        "HOME": place,
        "TMPDIR": place,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{place}/library",
        "MPLBACKEND": "Agg",
        "JAX_PLATFORMS": "cpu",
        "OPENBLAS_NUM_THREADS": "2",
    }


def processors(slot: int) -> list[int]:
    """Two processors for each run: XLA starts threads for each that it sees."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    there = sorted(os.sched_getaffinity(0))
    return [there[(2 * slot + k) % len(there)] for k in range(2)]


def resource_limits(limits: Limits, user: int | None, method: str) -> dict[str, int]:
    """The limits in the words of `resource`."""
    processes = limits.processes
    if user is None:
        processes += threads_of(os.getuid())  # counted for the whole user
    found = {
        "RLIMIT_CPU": int(2 * limits.seconds) + 1,
        "RLIMIT_FSIZE": limits.file,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": processes,
    }
    if sys.platform == "linux":  # macOS does not know it
        found["RLIMIT_AS"] = limits.memory
    return found


def threads_of(user: int) -> int:
    """Threads that a user has at present."""
    count = 0
    for task in Path("/proc").glob("[0-9]*/task/*"):
        try:
            count += task.stat().st_uid == user
        except OSError:
            pass  # it has just ended
    return count or 1000  # no /proc: more than anybody has


def listen(process, printing: int, reading: int, seconds: float) -> Ended:
    """Read what a run prints and answers, until it ends or goes beyond a limit."""
    heard, problem = {printing: bytearray(), reading: bytearray()}, ""
    most, printed = {printing: MOST_PRINTED, reading: MOST_ANSWERS}, 0
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as ready:
        for file in heard:
            os.set_blocking(file, False)
            ready.register(file, selectors.EVENT_READ)
        while not problem:
            over = process.poll() is not None
            found = ready.select(0 if over else 0.1) if ready.get_map() else []
            if not ready.get_map() and not over:
                time.sleep(0.02)
            for key, _ in found:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    ready.unregister(key.fd)
                if key.fd == printing:
                    printed += len(chunk)
                    chunk = chunk[: KEPT_PRINTED - len(heard[printing])]
                heard[key.fd] += chunk
                size = printed if key.fd == printing else len(heard[reading])
                if size > most[key.fd]:
                    problem = "stopped: it printed or answered far too much"
            if over and not found:
                break
            if time.monotonic() > deadline:
                problem = f"stopped after {seconds:g} s"
    if not problem and process.returncode:
        problem = f"its process died with status {process.returncode}"
    text = heard[printing].decode(errors="replace")
    return Ended(bytes(heard[reading]), text, problem)


# --- ending all that a run has started ------------------------------------------------

STARTING = threading.Lock()
OURS: set[int] = set()  # what we have started ourselves
adopting = threading.Event()


def adopt_orphans() -> None:
    """From now on, what a submission leaves behind becomes a child of this process.

    And all children that `run` did not start are killed, so call this only in a process
    that does nothing else.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(36, *map(ctypes.c_ulong, (1, 0, 0, 0)))
        adopting.set()


def end(process: subprocess.Popen) -> None:
    """Kill a run: its group, and what has left the group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    with STARTING:
        give_up = time.monotonic() + 10
        while adopting.is_set() and time.monotonic() < give_up:
            for orphan in (orphans := children() - OURS):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
            if not orphans:
                break
        OURS.discard(process.pid)


def children() -> set[int]:
    """The processes whose parent is this one."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(after_name[1]) == os.getpid():
            found.add(int(path.parent.name))
    return found
