"""Calls a reader's function in a process of its own, which can be stopped.

The process is started with the first check and then kept, because it takes seconds to
import JAX. Where no process can be had, or the function cannot be sent to it, the
function runs here, without a time limit.
"""

from __future__ import annotations

import atexit
import copy
import inspect
import io
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import cloudpickle
import jax

from plastutor.teaching.checks._child import answer, serve, with_vjp

START_LIMIT = 120  # seconds to import JAX; a slow disk is nobody's mistake


class _Child:
    """The process, and a thread that reads its replies."""

    def __init__(self):
        path = os.pathsep.join(folder for folder in sys.path if folder)
        # On the CPU: the notebook's JAX has taken the memory of the GPU.
        settings = {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}
        self.owner = os.getpid()
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"from {serve.__module__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | settings,
            start_new_session=True,
        )
        self.replies: queue.Queue = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if self.reply(time.monotonic() + START_LIMIT)["kind"] != "ready":
            self.close()
            raise OSError("the process for checks does not start")

    def _read(self) -> None:
        assert self.process.stdout is not None
        with suppress(ValueError):  # cut off, or not ours
            for line in self.process.stdout:
                self.replies.put(json.loads(line))
        self.replies.put({"kind": "ended"})

    def ask(self, request: tuple, deadline: float | int) -> dict:
        try:
            pickle.dump(request, self.process.stdin)  # pyright: ignore
            self.process.stdin.flush()  # pyright: ignore
        except OSError:
            return {"kind": "ended"}
        return self.reply(deadline)

    def reply(self, deadline: float | int) -> dict:
        """The next reply; what is printed meanwhile is shown."""
        while True:
            try:
                reply = self.replies.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                return {"kind": "late"}
            if reply["kind"] != "printed":
                return reply
            print(reply["value"], end="")

    def close(self) -> None:
        if self.owner == os.getpid():
            try:
                os.killpg(self.process.pid, signal.SIGKILL)  # and what it has started
            except (AttributeError, OSError):  # Windows; nothing left to stop
                self.process.kill()
            self.process.wait()
            self.reader.join(5)  # what a function left running may hold the pipe
        for pipe in (self.process.stdin, self.process.stdout):
            # Closing what the reader still holds would wait for it.
            if pipe is self.process.stdin or not self.reader.is_alive():
                with suppress(OSError):
                    pipe.close()  # pyright: ignore[reportOptionalMemberAccess]


_child: _Child | None = None


def _running() -> _Child:
    """The child, started if there is none."""
    global _child
    if _child is not None and _child.owner != os.getpid():
        _child = None  # a fork's copy: the process belongs to another
    if _child is None or _child.process.poll() is not None:
        close()
        _child = _Child()
    return _child


@atexit.register
def close() -> None:
    """End the child, if there is one."""
    global _child
    child, _child = _child, None
    if child is not None:
        child.close()


def _in_readers_file(module) -> bool:
    """Whether a module is a file of the reader's, which may change between checks."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__.split(".")[0] == "plastutor":
        return False
    paths = sysconfig.get_paths()
    installed = [paths[kind] for kind in ("stdlib", "purelib", "platlib")]
    return not any(os.path.abspath(file).startswith(path) for path in installed)


class _Pickler(cloudpickle.Pickler):
    """Packs rules too, whose derivative is written by hand; JAX alone does not."""

    def reducer_override(self, obj):
        if isinstance(obj, jax.custom_vjp):
            options = obj.nondiff_argnums, obj.symbolic_zeros
            return with_vjp, (obj.fun, obj.fwd, obj.bwd, *options)
        return super().reducer_override(obj)


def _dumps(value) -> bytes:
    packed = io.BytesIO()
    _Pickler(packed).dump(value)
    return packed.getvalue()


def _packed(function) -> bytes:
    """A function as bytes; its code too, unless it comes from an installed package."""
    module = sys.modules.get(str(getattr(function, "__module__", None)))
    if not _in_readers_file(module):
        return _dumps(function)
    cloudpickle.register_pickle_by_value(module)
    try:
        return _dumps(function)
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _cannot_be_sent(function: Callable) -> str | None:
    """The name of something that a function uses and that cannot be packed."""
    try:
        used = inspect.getclosurevars(inspect.unwrap(function))
    except (TypeError, ValueError):
        return None
    for name, value in {**used.globals, **used.nonlocals}.items():
        try:
            _packed(value)
        except Exception:
            deeper = _cannot_be_sent(value) if inspect.isfunction(value) else None
            return deeper or name
    return None


class Caller:
    """Calls a reader's function, in the child if possible, and tells what it answers.

    All calls together may take `limit` seconds. An answer is a dictionary with a
    `kind`: numbers, text, nothing, thing, raised, late or ended.

    >>> Caller(lambda x: 2 * x, limit=20.0)({"x": [1]})["value"]
    [1, 1]
    """

    def __init__(self, function: Callable, limit: float | int):
        self.function, self.limit, self.here = function, limit, False
        try:
            # What the function needs is imported now: that time is not the reader's.
            reply = self._ask((_packed(function), None), START_LIMIT, START_LIMIT)
        except OSError:
            self._stay_here("no other process can be started")
        except Exception:  # packing may fail in any way
            name = _cannot_be_sent(function)
            what = f"it uses `{name}`, which" if name else "it"
            self._stay_here(f"{what} cannot be sent to another process")
        else:
            if reply["kind"] != "ready":
                self._stay_here("another process cannot read it")
        self.deadline = time.monotonic() + limit

    def __call__(self, case: dict) -> dict:
        """What the function answers to the arguments in `case`, by name."""
        if self.here:
            return answer(self.function, copy.deepcopy(case))
        left = self.deadline - time.monotonic()
        return self._ask((None, _dumps(case)), left, self.limit)

    def _stay_here(self, why: str) -> None:
        name = getattr(self.function, "__name__", "your function")
        print(f"This is no error: {name} has no time limit here, because {why}.")
        self.here = True

    def _ask(self, what: tuple, left: float | int, limit: float | int) -> dict:
        """Ask the child; close one that is late or gone, the next check has another."""
        child, x64 = _running(), bool(jax.config.read("jax_enable_x64"))
        reply: dict = {"kind": "late"}
        try:
            reply = child.ask((*what, x64, limit), time.monotonic() + left)
        finally:  # an interrupt ends the child too
            if reply["kind"] in ("late", "ended"):
                close()
        return reply
