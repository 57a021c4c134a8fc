"""Made-up flies in all three layouts, and a small web server that can misbehave."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from scipy.io import savemat

import plastutor as pt
from plastutor.data.flies._files import FOLDER

N_FLIES = 18
NOISE = bytes(3_000_000)  # what nobody wants to download


def cohort(seed: int = 0, n_flies: int = N_FLIES) -> list[pt.data.flies.FlyChoices]:
    """Flies with rejects, two of them with trials without a choice."""
    rng = np.random.default_rng(seed)
    flies = []
    for fly in range(1, n_flies + 1):
        n_trials = {11: 227, 17: 216}.get(fly, 240)
        rejects = rng.geometric(0.6, n_trials) - 1
        accept = np.concatenate([np.arange(n + 1) == n for n in rejects])
        odour = rng.integers(0, 2, len(accept))
        reward = rng.integers(0, 2, n_trials).astype(float)
        flies.append(
            pt.data.flies.FlyChoices(fly, odour[accept], reward, odour, accept)
        )
    return flies


def struct(rows) -> np.ndarray:
    """A MATLAB struct array of crossings from (frame, type); strings and cells mix."""
    kinds = [("time", object), ("type", object), ("time_pt_in_vector", object)]
    out = np.empty((1, len(rows)), dtype=kinds)
    for i, (frame, kind) in enumerate(rows):
        cell = np.array([[kind]], dtype=object) if i % 2 and kind else kind
        out[0, i] = (frame / 30 + 0.01, cell, float(frame))
    return out


def blocks_of(fly: pt.data.flies.FlyChoices) -> tuple[np.ndarray, np.ndarray, list]:
    """`choice_order`, `reward_order`, and per block (crossings, choice points)."""
    choice, reward, blocks = np.zeros((80, 3)), np.zeros((80, 3)), []
    ends = np.flatnonzero(fly.accept)
    starts = np.concatenate([[0], ends[:-1] + 1])
    for block in range(3):
        # The trials without a choice lie in the middle of the last block.
        trials = range(block * 80, min(block * 80 + 80, len(fly.choice)))
        rows = np.arange(len(trials))
        rows[10:] += 80 - len(trials)
        frame, crossings, points = 1, [], [1]
        for row, t in zip(rows, trials, strict=True):
            choice[row, block] = fly.choice[t] + 1
            reward[row, block] = fly.reward[t] * choice[row, block]
            where = "A"
            for odour in fly.odour[starts[t] : ends[t] + 1]:
                name = "MO"[odour]
                if where == name:  # through clean air and back
                    crossings.append((frame := frame + 7, f"{where}toA"))
                    where = "A"
                crossings.append((frame := frame + 7, f"{where}to{name}"))
                where = name
            points.append(frame := frame + 7)
        blocks.append((crossings, points))
    return choice, reward, blocks


def write_fly(
    folder: Path, fly: pt.data.flies.FlyChoices, seconds: bool = False
) -> None:
    """One fly's folder in the layout of the Zenodo archive."""
    folder.mkdir(parents=True)
    choice, reward, blocks = blocks_of(fly)
    savemat(folder / "choice_order.mat", {"choice_order": choice})
    savemat(folder / "reward_order.mat", {"anything": reward})
    for block, (crossings, points) in enumerate(blocks, start=1):
        savemat(
            folder / f"odor_crossing_{block}.mat", {"odor_crossing": struct(crossings)}
        )
        cps = np.array(points, float)
        if seconds:  # and without the start of the block
            cps = cps[1:] / 30 + 0.01
        savemat(folder / f"cps_{block}.mat", {"cps": cps})


def write_zenodo(folder: Path, flies: list[pt.data.flies.FlyChoices]) -> Path:
    for fly in flies:
        write_fly(folder / FOLDER / f"fly_{fly.fly}", fly, seconds=fly.fly % 2 == 0)
    return folder / FOLDER


def write_authors(folder: Path, flies: list[pt.data.flies.FlyChoices]) -> Path:
    folder.mkdir(parents=True)
    for fly in flies:
        content = {"X": np.eye(2)[fly.odour], "Y": fly.accept * 1.0, "R": fly.reward}
        savemat(folder / f"Fly{fly.fly}.mat", content)
    return folder


def write_csv(file: Path, flies: list[pt.data.flies.FlyChoices]) -> Path:
    lines = ["fly,trial,choice,reward"]
    for fly in flies:
        for trial, (c, r) in enumerate(zip(fly.choice, fly.reward, strict=True), 1):
            lines.append(f"{fly.fly},{trial},{'AB'[c]},{int(r)}")
    file.write_text("\n".join(lines) + "\n")
    return file


def pack(folder: Path, *, leave_out=(), extra=()) -> bytes:
    """A zip of the flies' folder below a top folder, amid much that is not wanted."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Data/Fig1/video.avi", NOISE, zipfile.ZIP_STORED)
        for i in range(1200):  # a directory that is larger than a first guess of it
            archive.writestr(f"Data/Fig3/{'long_name_' * 4}{i}/choice_order.mat", b"")
        for file in sorted(folder.rglob("*.mat")):
            name = file.relative_to(folder.parent).as_posix()
            if name not in leave_out:
                archive.writestr(f"Data/{name}", file.read_bytes())
        large = f"Data/{FOLDER}/fly_1/all_variables.mat"
        archive.writestr(large, NOISE, zipfile.ZIP_STORED)
        for name in extra:
            archive.writestr(zipfile.ZipInfo(name), b"?")
    return out.getvalue()


def by_hand(folder, blocks, choices):
    """A fly's folder from per-block crossings and choice points."""
    folder.mkdir(parents=True, exist_ok=True)
    order = np.zeros((80, 3))
    for block, chosen in enumerate(choices):
        order[: len(chosen), block] = chosen
    savemat(folder / "choice_order.mat", {"c": order})
    savemat(folder / "reward_order.mat", {"r": order * (order == 1)})
    for block, (crossings, cps) in enumerate(blocks, start=1):
        file = folder / f"odor_crossing_{block}.mat"
        savemat(file, {"odor_crossing": struct(crossings)})
        savemat(folder / f"cps_{block}.mat", {"cps": np.array(cps, float)})
    return folder.parent


def assert_same(found, expected, sequence=True):
    assert [fly.fly for fly in found] == [fly.fly for fly in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.choice, b.choice)
        np.testing.assert_array_equal(a.reward, b.reward)
        assert a.choice.dtype.kind == "i" and a.reward.dtype.kind == "f"
        if sequence:
            assert a.note == ""
            np.testing.assert_array_equal(a.odour, b.odour)
            np.testing.assert_array_equal(a.accept, b.accept)
            assert a.accept.dtype == bool
        else:
            assert a.odour is None and a.accept is None and a.note


class Archive(BaseHTTPRequestHandler):
    """Answers with the record and with ranges of the zip, or with a fault."""

    server: Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, *_):
        pass

    def do_GET(self):
        fault = self.server.next_fault(self.path)
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        if fault == "busy":
            return self.answer(503, b"")
        if self.path == "/api":
            return self.answer(200, self.server.record())
        if fault == "whole":
            return self.answer(200, self.server.content)
        content = self.server.content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        first, last = int(first), min(int(last), len(content) - 1)
        body = content[first : last + 1]
        total = "*" if fault == "unknown size" else len(content)
        span = f"bytes {first}-{last}/{total}"
        length = len(body)
        if fault in ("cut", "short"):
            body = body[: len(body) // 2]
        if fault == "short":  # and says so: only the zip can tell that it is
            length = len(body)
        if fault == "damaged":
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 255]) + body[middle + 1 :]
        self.answer(206, body, length=length, span=span)

    def answer(self, status, body, *, length=None, span=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if span:
            self.send_header("Content-Range", span)
        self.end_headers()
        for start in range(0, len(body), 65536):
            try:
                self.wfile.write(body[start : start + 65536])
            except OSError:  # the reader hung up
                return
            self.server.sent += len(body[start : start + 65536])


class Server(ThreadingHTTPServer):
    """Serves `content` on the loopback; `faults` are used up, `always` is not."""

    daemon_threads = True

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), Archive)
        self.content = content
        self.requests: list[tuple[str, str | None]] = []
        self.faults: list[str | None] = []
        self.always: str | None = None
        self.sent = 0
        self.style = "list"
        self.api = f"http://127.0.0.1:{self.server_port}/api"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next_fault(self, path: str) -> str | None:
        if self.faults:
            return self.faults.pop(0)
        return None if path == "/api" else self.always

    def record(self) -> bytes:
        """The record in the two shapes that Zenodo has used; or something else."""
        file = {"key": "Data.zip", "links": {"self": "/files/Data.zip/content"}}
        if self.style == "entries":
            links = {"self": "/api/meta", "content": "/files/Data.zip/content"}
            file = {"key": "Data.zip", "links": links}
            return json.dumps({"files": {"entries": {"Data.zip": file}}}).encode()
        if self.style == "login page":
            return b"<html>Please log in</html>"
        if self.style == "no zip":
            file["key"] = "Data.tar"
        return json.dumps({"files": [file]}).encode()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
