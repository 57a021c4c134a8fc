"""How well can this system shut a program in? Measured from inside, not believed."""

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import NamedTuple

from coursework.sandbox.run_submission import Limits, run

METHODS = ("namespaces", "landlock", "nothing")  # the best first; see isolation.py


class Shield(NamedTuple):
    """What was measured from inside, before any submission ran.

    Attributes:
        method: one of METHODS.
        network_cut: nothing reached this machine, by TCP or UDP.
        opened: files of the grader that could be opened.
    """

    method: str
    network_cut: bool
    opened: list[str]

    def sentences(self) -> list[str]:
        """For the report."""
        network = "network cut" if self.network_cut else "NETWORK NOT CUT"
        files = "files shielded: the salt and other submissions cannot be opened"
        if self.opened:
            files = (
                "FILES NOT SHIELDED: a submission can open "
                + ", ".join(self.opened[:3])
                + ". Do not grade code of people you do not trust on this system."
            )
        return [f"method: {self.method}", network, files]


PROBE = """
import json, os, socket
with open("work.json", encoding="utf-8") as file:
    work = json.load(file)
try:
    socket.create_connection(("127.0.0.1", work["tcp"]), timeout=2).close()
except OSError:
    pass
try:
    socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", work["udp"]))
except OSError:
    pass
opened = []
for path in work["secrets"]:
    try:
        os.close(os.open(path, os.O_RDONLY))
        opened.append(path)
    except OSError:
        pass
os.write(3, json.dumps(opened).encode())
"""


def check_system() -> None:
    """End where no submission can be shut in."""
    if not hasattr(os, "fork"):
        raise SystemExit(
            "Grading runs submissions shut in, which needs Linux, or macOS with limits "
            "alone; on Windows use WSL."
        )


def measure(secrets: list[str], methods: tuple[str, ...] = METHODS) -> Shield:
    """The best method that works here, and what a program inside it can reach.

    Args:
        secrets: files of the grader that nobody inside should be able to open.
        methods: what may be used, the best first.
    """
    check_system()
    problems = []
    for method in methods:
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        with tempfile.TemporaryDirectory() as name, tcp, udp:
            for one in (tcp, udp):
                one.bind(("127.0.0.1", 0))
                one.setblocking(False)
            tcp.listen()
            ports = {"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1]}
            folder = Path(name).resolve()
            (folder / "inside.py").write_text(PROBE, encoding="utf-8")
            work = json.dumps(ports | {"secrets": secrets})
            (folder / "work.json").write_text(work, encoding="utf-8")
            ended = run(folder, Limits(seconds=20), method)
            if ended.problem:
                problems.append(f"{method}: {ended.printed.strip() or ended.problem}")
                continue
            reached = arrived(tcp.accept) or arrived(udp.recv, 1)
            return Shield(method, not reached, json.loads(ended.answers))
    raise SystemExit(
        "Submissions cannot be run here. As root they need namespaces, or a Python "
        "that other users can read; or grade as an ordinary user. What was tried: "
        + "; ".join(problems)
    )


def arrived(receive, *arguments) -> bool:
    """Whether something came in through a socket."""
    try:
        receive(*arguments)
    except BlockingIOError:
        return False
    return True
