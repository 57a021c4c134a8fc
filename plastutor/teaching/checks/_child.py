"""The process in which a reader's function runs, and how it tells what comes out.

It answers in JSON, so that nothing a reader's function returns is unpickled elsewhere.
"""

from __future__ import annotations

import builtins
import io
import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable

import cloudpickle
import jax
import numpy as np

MEMORY = 4 << 30  # bytes that a function may ask for, where the system can say no
SHOWN = 2000  # characters of what a function prints


def with_vjp(function, forward, backward, nondiff_argnums, symbolic_zeros):
    """A function of JAX with its own derivative, put together again."""
    made = jax.custom_vjp(function, nondiff_argnums=nondiff_argnums)
    made.defvjp(forward, backward, symbolic_zeros=symbolic_zeros)
    return made


def described(got) -> dict:
    """An answer in plain lists, or what kind of thing it is."""
    if got is None or isinstance(got, str):
        return {"kind": "nothing"} if got is None else {"kind": "text", "value": got}
    try:
        array = np.asarray(got)
        if array.dtype.kind not in "biuf":
            if array.dtype.kind in "cSU":
                raise TypeError("complex numbers or text")
            array = array.astype(float)
    except Exception:  # lists of unequal length, generators, tracers, any object
        return {"kind": "thing", "value": type(got).__name__}
    few = array.size <= 10**6  # no exercise asks for more
    value = array.tolist() if few else None
    return {"kind": "numbers", "value": value, "shape": array.shape}


def answer(function: Callable, case: dict) -> dict:
    """What a function answers, or what it raises."""
    try:
        return described(function(**case))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit is one too
        return {"kind": "raised", "value": type(error).__name__ + _message(error)}


def _message(error: BaseException) -> str:
    """The first line of what an exception says, if it says anything."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an exception that cannot be written
        lines = []
    return f": {lines[0][:300]}" if lines else ""


class _Printed(io.TextIOBase):
    """Takes what a function prints, and sends the beginning of it on."""

    def __init__(self, send: Callable):
        self.send, self.left = send, SHOWN

    def write(self, text: str) -> int:
        shown = text[: self.left]
        self.left -= len(shown)
        if shown:
            self.send({"kind": "printed", "value": shown})
        return len(text)


def serve() -> None:
    """Answer requests from standard input until it ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):  # input() and C code find neither requests nor replies
        os.dup2(nothing, descriptor)
    try:
        import resource  # not on Windows

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))
    except (ImportError, OSError, ValueError):
        pass
    lock = threading.Lock()

    def send(reply: dict) -> None:
        with lock:
            replies.write(json.dumps(reply).encode() + b"\n")
            replies.flush()

    builtins.display = print  # pyright: ignore  # notebooks have it
    send({"kind": "ready"})
    function, own = None, os.getpid()
    while True:
        try:
            sent, case, x64, limit = pickle.load(requests)
        except EOFError:
            return
        sys.stdout = sys.stderr = _Printed(send)
        # If the parent dies, nobody else stops an endless loop: by default this signal
        # ends the process, whatever it does.
        alarm = getattr(signal, "alarm", lambda seconds: None)
        alarm(int(limit) + 10)
        jax.config.update("jax_enable_x64", x64)
        try:
            if sent:
                function, reply = cloudpickle.loads(sent), {"kind": "ready"}
            else:
                reply = answer(function, cloudpickle.loads(case))  # pyright: ignore
        except BaseException as error:  # of the packing, not of the function
            reply = {"kind": "unread", "value": type(error).__name__ + _message(error)}
        alarm(0)
        if os.getpid() != own:  # the function has forked, and this is the copy
            os._exit(0)
        send(reply)
