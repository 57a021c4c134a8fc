"""Thirty submissions of one class: right ones, broken ones, and attacks."""

import inspect
from pathlib import Path

import nbformat
import numpy as np
from classroom import NOTEBOOKS, SALT, hold

import plastutor as pt
from coursework.assignments.recover_a_hidden_rule import assignment as recover
from coursework.grader.salt import Draw

FUNCTIONS = "\n\n".join(map(inspect.getsource, (recover.loss, recover.explained)))
IMPORT = "import os, sys, time\nimport numpy as np\n"


def notebook(*cells: str) -> str:
    """An .ipynb file with these code cells."""
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=made))


def result(student: str, theta=None) -> str:
    """A cell that defines what a right submission of this student found."""
    true = recover.rule(Draw(SALT, "recover_a_hidden_rule", student))
    names = [
        n for n, c in zip(pt.term_names(pt.OJA_ORDERS), true.ravel(), strict=True) if c
    ]
    theta = true if theta is None else np.asarray(theta)
    numbers = theta.ravel().tolist()
    return f"theta = np.array({numbers}).reshape(3, 3, 3, 1)\nterms_found = {names}"


def right(student: str, *more: str) -> str:
    """A right notebook, with cells before its own."""
    return notebook(IMPORT, *more, FUNCTIONS, result(student))


FORKS = """
children = 0
for _ in range(3000):
    try:
        if os.fork() == 0:
            time.sleep(100)
            os._exit(0)
        children += 1
    except OSError:
        break
print("forked", children)
"""
BACKGROUND = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sleep = "import time; time.sleep(99)"
        os.execv(sys.executable, ["python", "-c", sleep, {mark!r}])
    os._exit(0)
time.sleep(0.3)
"""
WRITES = """
for place in ["/", "/tmp", "..", "../..", "/dev/shm", "/var/tmp", {folder!r}]:
    for path in [os.path.join(place, {mark!r}), {marks!r}]:
        try:
            open(path, "a").write("student,points\\n")
        except OSError:
            pass
"""
READS = """
import glob
for path in [*{secrets!r}, *glob.glob("/proc/[0-9]*/environ"),
             *glob.glob("/proc/[0-9]*/cmdline"), *glob.glob("/tmp/*/*"),
             "/proc/self/root/..", "/proc/1/root" + {secrets!r}[0]]:
    try:
        content = open(path, "rb").read()
    except OSError:
        continue
    if {needle!r} in content:
        print("FOUND", path)
"""
CALLS_OUT = """
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    try:
        line = socket.socket(type=kind)
        line.settimeout(1)
        line.connect(("127.0.0.1", {port}))
        line.send(b"the data")
    except OSError:
        pass
"""
FORGES = """
for line in [b'{"call": 0, "value": true}', b'[' * 100000, b'\\xff\\xfe', b'{}',
             b'{"result": "theta", "value": {"shape": [99999, 99999], "numbers": []}}',
             b'{"result": "theta", "points": 6, "value": {"points": 6}}',
             b'{"finished": true, "marks": 20}']:
    os.write(3, line + b"\\n")
for name in filter(os.path.isfile, os.listdir(".")):
    open(name, "w").write('{"calls": [], "results": []}')
os._exit(0)
"""
PATCHES = """
class Same:
    def __eq__(self, other): return True
    def __array__(self, *_, **__): return np.array(Same(), dtype=object)
    def __reduce__(self): return (os.system, ("true",))
def loss(*_, **__): return Same()
def explained(*_, **__): return "100"
theta = Same()
terms_found = [Same(), Same()]
np.allclose = np.isclose = lambda *_, **__: np.bool_(True)
import json
json.dumps = lambda *_: '{"call": 0, "value": {"shape": [], "numbers": [0.0]}}'
"""
HUGE = """
def loss(*_, **__): return np.zeros(10**7)
def explained(*_, **__): return ["x" * 10**6] * 1000
theta, terms_found = np.zeros(10**7), ["qq"] * 10**6
"""
NAN = """
def loss(*_, **__): return np.nan
def explained(*_, **__): return None
theta, terms_found = np.full((3, 3, 3, 1), np.nan), "xy"
"""
STUBBORN = """
while True:
    try:
        while True: sum(range(1000))
    except BaseException:
        pass
"""
MEMORY = "kept = []\nwhile True: kept.append(np.ones(10**7))"
PRINTS = "while True: print('x' * 10**6)"
SLOW = FUNCTIONS.replace("def loss(theta", "def loss_(theta")
ENDLESS = "def loss(theta, x, w0, activity):\n    while True: pass"


def submissions(folder: Path, secrets: list[str], port: int) -> dict[str, float | None]:
    """Write a class's submissions; what each must earn, None: see the tests."""
    mark, out = "left-by-a-submission", str(folder.parent / "marks" / "marks.csv")
    moved = [result("moved"), FUNCTIONS, "%pip install x\n" + IMPORT, "!ls"]
    moved += ["%%bash\nls", "raise ValueError('a cell')"]
    moved += ["print(undefined)", "%time theta"]
    given = (NOTEBOOKS / "recover_a_hidden_rule.ipynb").read_text(encoding="utf-8")
    reads = READS.format(secrets=secrets, needle=SALT)
    writes = WRITES.format(folder=str(folder), mark=mark, marks=out)
    other = recover.rule(Draw(SALT, "recover_a_hidden_rule", "right1"))
    crash = "import ctypes\nctypes.string_at(0)"
    slow = [IMPORT, FUNCTIONS, result("slow_cells"), *["time.sleep(2)"] * 8]
    made = {
        **{f"right{k}": (right(f"right{k}"), 14) for k in range(4)},
        "script": (f"{IMPORT}{FUNCTIONS}\n{result('script')}", 14),
        "moved": (notebook(*moved), 14),
        "exits": (right("exits", "sys.exit(1)", "raise KeyboardInterrupt"), 14),
        "endless_cell": (right("endless_cell", "while True: pass"), 14),
        "slow_cells": (notebook(*slow), 14),
        "other": (notebook(IMPORT, "def live(rule): pass"), 0),
        "memory": (right("memory", MEMORY), 14),
        "network": (right("network", CALLS_OUT.format(port=port)), 14),
        "writes": (right("writes", writes), 14),
        "background": (right("background", BACKGROUND.format(mark=mark)), 14),
        "forks": (right("forks", FORKS), None),
        "oja": (notebook(IMPORT, FUNCTIONS, result("oja", pt.OJA)), None),
        "copies": (notebook(IMPORT, FUNCTIONS, result("copies", other)), None),
        "endless_call": (notebook(IMPORT, SLOW, result("endless_call"), ENDLESS), 9),
        "reads": (notebook(IMPORT, reads, FUNCTIONS), 5),
        "unsolved": (given, 0),
        "stubborn": (right("stubborn", STUBBORN), 0),
        "dies": (right("dies", "os._exit(0)"), 0),
        "crashes": (right("crashes", crash), 0),
        "prints": (right("prints", PRINTS), 0),
        "forges": (right("forges", FORGES), 0),
        "patches": (notebook(IMPORT, PATCHES), 0),
        "huge": (notebook(IMPORT, HUGE), 0),
        "nan": (notebook(IMPORT, NAN), 0),
        "broken": (right("broken")[:300], 0),
        "empty": ("", 0),
    }
    for student, (content, _) in made.items():
        kind = "py" if student == "script" else "ipynb"
        hold(folder / f"{student}.{kind}", content)
    (folder / "in_folder").mkdir()
    hold(folder / "in_folder" / "recover_a_hidden_rule.ipynb", right("in_folder"))
    hold(folder / "in_folder" / "draft.ipynb", notebook("raise SystemExit"))
    (folder / "linked.ipynb").symlink_to(folder / "right0.ipynb")
    hold(folder / "stranger.ipynb", right("right0"))
    points = {student: points for student, (_, points) in made.items()}
    return points | {"in_folder": 14, "linked": 0, "absent": 0}
