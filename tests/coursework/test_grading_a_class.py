"""Coursework, as a class would do it: handed out, handed in, run shut in, marked."""

import ast
import csv
import inspect
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import assignments
import cage
import grade
import handouts
import marks
import nbformat
import numpy as np
import pytest
import sandbox
import shielding
import test_book
from assignments import recover_a_hidden_rule as recover
from assignments import simulate_a_rule as simulating
from hidden import Draw, make_salt, read_class, read_salt

from plastutor import checks
from plastutor.rules import OJA, OJA_ORDERS, Orders, term_names, terms

ROOT = Path(__file__).parent.parent
COURSEWORK = ROOT / "coursework"
SALT = b"a salt that only this test knows"
NOTEBOOKS = sorted((ROOT / "book" / "assignments").glob("*.ipynb"))
each_assignment = pytest.mark.parametrize("name", assignments.NAMES)


def notebook(*cells: str) -> str:
    """An .ipynb file with these code cells."""
    made = [nbformat.v4.new_code_cell(source) for source in cells]
    return nbformat.writes(nbformat.v4.new_notebook(cells=made))


def hold(path: Path, content: str | bytes) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture(scope="module")
def shield():
    """What this system can do; skips where it cannot run submissions at all."""
    try:
        return shielding.measure([])
    except SystemExit as reason:
        pytest.skip(str(reason))


# --- hand-outs ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """A class of two, and again one of them: (folder of hand-outs, salt)."""
    folder = tmp_path_factory.mktemp("class")
    hold(folder / "class.csv", "student,name\nada,Ada\nbob,Bob\n")
    hold(folder / "one.csv", "student\nada\n")
    hold(folder / "salt.txt", SALT)
    # One process for both: what is compiled serves twice.
    code = "import sys; sys.path.insert(0, sys.argv[1]); import handouts; "
    code += "handouts.main(['class.csv', 'salt.txt', 'out']); "
    code += "handouts.main(['one.csv', 'salt.txt', 'again'])"
    command = [sys.executable, "-c", code, COURSEWORK]
    subprocess.run(command, check=True, env=environment(), cwd=folder)
    return folder / "out", read_salt(folder / "salt.txt")


def environment() -> dict[str, str]:
    """The commands as a teacher runs them, with this checkout's plastutor."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def arrays(path: Path) -> dict:
    return dict(np.load(path, allow_pickle=False))


@each_assignment
def test_each_student_gets_other_data(handed_out, name):
    ada, bob = (arrays(handed_out[0] / s / name / "data.npz") for s in ("ada", "bob"))
    assert all(not np.array_equal(ada[k], bob[k], equal_nan=True) for k in ada)
    files = sorted(p.name for p in (handed_out[0] / "ada" / name).iterdir())
    assert files == ["data.npz", f"{name}.ipynb"]


@each_assignment
def test_the_same_student_and_salt_give_the_same_again(handed_out, name):
    first, again = (
        arrays(folder / "ada" / name / "data.npz")
        for folder in (handed_out[0], handed_out[0].with_name("again"))
    )
    assert first.keys() == again.keys()
    for key in first:
        np.testing.assert_array_equal(first[key], again[key])


@each_assignment
def test_nothing_secret_is_handed_out(handed_out, name):
    module, salt = assignments.load(name), handed_out[1]
    allowed = {"x", "w0", "activity", "odour", "accept", "reward", "choice"}
    for student in ("ada", "bob"):
        folder = handed_out[0] / student / name
        data, rule = arrays(folder / "data.npz"), module.rule(Draw(salt, name, student))
        assert set(data) <= allowed
        secret = np.float32(rule[np.nonzero(rule)])
        for array in data.values():
            assert not np.isin(np.float32(array), secret).any()
        for path in folder.iterdir():
            assert salt not in path.read_bytes()
            for number in secret:
                assert f"{number:.4f}".encode() not in path.read_bytes()


def test_a_new_salt_is_for_its_owner_alone(tmp_path):
    salt = tmp_path / "secret" / "salt.txt"
    make_salt(salt)
    assert stat.S_IMODE(salt.stat().st_mode) == 0o600 and len(read_salt(salt)) == 64


def test_draws_depend_on_all_that_names_them():
    draws = [Draw(SALT, "a", "s"), Draw(SALT, "b", "s"), Draw(SALT, "a", "t")]
    draws.append(Draw(SALT + b"!", "a", "s"))
    values = [draw.uniform(purpose, 0, 1) for draw in draws for purpose in ("p", "q")]
    assert len(set(values)) == 8 and 0 <= min(values) and max(values) < 1
    assert Draw(SALT, "a", "s").uniform("p", 0, 1) == values[0]
    # The coefficients that were handed out must not move with a new version of JAX.
    assert Draw(b"0" * 16, "a", "s").uniform("p", 0, 1) == pytest.approx(PINNED)


PINNED = 0.652948600888


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name\nada\n", "expected one named `student`"),
        ("student\n../ada\n", "line 2: '../ada' cannot name a folder"),
        ("student\nada\nAda\n", "somebody twice"),
        ("student\n", "names nobody"),
    ],
)
def test_a_bad_class_list_gets_a_sentence(content, says, tmp_path):
    with pytest.raises(SystemExit, match=re.escape(says)):
        read_class(hold(tmp_path / "class.csv", content))


def test_no_second_salt_beside_hand_outs(tmp_path):
    students = hold(tmp_path / "class.csv", "student\nada\n")
    (tmp_path / "out" / "ada").mkdir(parents=True)
    salt = tmp_path / "Salt.txt"
    with pytest.raises(SystemExit, match="holds hand-outs that were made with one"):
        handouts.main([str(students), str(salt), str(tmp_path / "out")])
    assert not salt.exists()


def test_a_bad_salt_gets_a_sentence(tmp_path):
    with pytest.raises(SystemExit, match="the hidden rules are lost"):
        read_salt(tmp_path / "none.txt")
    with pytest.raises(SystemExit, match="expected 16 or more"):
        read_salt(hold(tmp_path / "salt.txt", "short"))


# --- the notebooks --------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_keep_the_form_of_the_book(path):
    test_book.test_stored_bare(path)
    test_book.test_first_code_cell_installs_this_version_in_colab(path)
    test_book.test_short(path)
    test_book.test_readable_in_colab(path)


@each_assignment
def test_notebook_and_marks_ask_for_the_same(name):
    tasks = assignments.load(name).TASKS
    assert sum(task.points for task in tasks) == 20
    read = test_book.read(ROOT / "book" / "assignments" / f"{name}.ipynb")
    text = "\n".join(c.source for c in read.cells if c.cell_type == "markdown")
    stubs = [c for c in read.cells if "exercise" in test_book.tags(c)]
    for cell in read.cells:
        if test_book.tags(cell) & {"exercise", "check"}:
            assert test_book.tags(cell) >= test_book.SKIPPED
    asked = [task for task in tasks if task.kind != "text"]
    assert [defined(stub.source) for stub in stubs] == [task.name for task in asked]
    for task in tasks:
        row = rf"\| (`{task.name}`|\*\*{task.name}\*\*) \| {task.points} \|"
        assert re.search(row, text), f"the scheme has no {task}"


def defined(source: str) -> str:
    """What a stub defines: a function or a variable."""
    (node,) = ast.parse(source).body
    return node.name if isinstance(node, ast.FunctionDef) else node.targets[0].id


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_the_limits(path, tmp_path, monkeypatch):
    for name in ("data.npz", "work.json", "submission.py"):
        hold(tmp_path / name, "{}")

    def asked(folder, *_):
        return (folder / "work.json").read_text()

    monkeypatch.setattr(sandbox, "run", asked)
    submission, limits = tmp_path / "submission.py", sandbox.Limits()
    work = json.loads(grade.run_one(submission, tmp_path, limits, "nothing", 0))
    cell, cells = work["seconds"], work["seconds_of_cells"]
    says = f"No cell may take longer than {cell:.0f} seconds, and all together "
    assert f"{says}{cells / 60:.0f} minutes;" in test_book.prose(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_solution_stands_in_a_notebook(path):
    for cell in test_book.code_cells(test_book.read(path))[1:]:  # less the Colab cell
        kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        if "exercise" not in test_book.tags(cell):
            assert not kinds & {ast.FunctionDef, ast.Lambda}, cell.source
        if "check" in test_book.tags(cell):
            assert len(cell.source.splitlines()) <= 2


def solution(name: str) -> tuple[str, list[str]]:
    """The imports of a solution, and a part for each empty cell."""
    head, *parts = (COURSEWORK / "solutions" / f"{name}.py").read_text().split("# %%\n")
    return head, parts


@each_assignment
def test_checks_take_the_solution_and_tell_the_stub_what_to_try(
    name, handed_out, single_precision, capsys
):
    folder, salt = handed_out
    given = {"__name__": "__main__", "checks": checks, "np": np}  # as in a notebook
    given["data"] = arrays(folder / "ada" / name / "data.npz")
    true, (head, parts) = (
        assignments.load(name).rule(Draw(salt, name, "ada")),
        solution(name),
    )
    solved, unsolved = given | {}, given | {}
    exec(head, solved)

    def said(check, names) -> str:
        capsys.readouterr()
        exec(check.source, names)
        return capsys.readouterr().out

    read = test_book.read(ROOT / "book" / "assignments" / f"{name}.ipynb")
    cells = [c for c in read.cells if test_book.tags(c) & {"exercise", "check"}]
    for stub, part, check in zip(cells[::2], parts, cells[1::2], strict=True):
        exec(stub.source, unsolved)
        if stub.source.startswith("def "):
            exec(part, solved)
            told = said(check, unsolved)
            _, hint = told.split("returned nothing; ")[1].split("`return`? ")
            assert said(check, solved).startswith("Correct")
        elif defined(stub.source) == "theta":
            told = said(check, unsolved)
            hint = told.split("with the model that does nothing. ")[1]
            assert said(check, solved | {"theta": true}).startswith("Better than")
            bad = {"theta": np.zeros(5)}, {"theta": None}, {"theta": true * np.nan}
            assert all(said(check, given | b).startswith("Not yet: ") for b in bad)
        else:
            assert "checks." not in check.source  # it says what was written, no more
            continue
        assert told.startswith("Not yet: ") and len(hint.split()) >= 5


def mean_of_means(theta, x, w0, activity):
    one = zip(x[:, None], w0[:, None], activity[:, None], strict=True)
    return np.mean([recover.loss(theta, *given) for given in one])


def holes_as_zeros(theta, x, w0, activity):
    return simulating.misfit(theta, x, w0, np.nan_to_num(activity))


def weights_before(theta, x, w0):
    y, w = simulating.live(theta, x, w0)
    return y, np.concatenate([w0[None], w[:-1]])


def activity_after(theta, x, w0):
    _, w = simulating.live(theta, x, w0)
    return 1 / (1 + np.exp(-np.einsum("ti,tij->tj", x, w))), w


def remembers_rejected(reward, accept):
    kept = np.concatenate([np.zeros(10), reward])
    return reward - np.array([kept[n : n + 10].mean() for n in range(len(reward))])


def without_the_half(theta):
    return -1 / theta[0, 0, 1, 0]


@pytest.mark.parametrize(
    ("check", "mistake"),
    [
        ("misfit_on_records", holes_as_zeros),
        ("life_of_a_network", weights_before),
        ("life_of_a_network", activity_after),
        ("life_of_a_network", lambda theta, x, w0: 1.0),
        ("loss_on_records", mean_of_means),
        ("reward_less_expected", remembers_rejected),
        ("trials_of_memory", without_the_half),
    ],
)
def test_checks_see_what_students_do_wrong(check, mistake):
    assert not getattr(checks, check)(mistake)


# --- from hand-out to mark, all four assignments -------------------------------------


def filled(name: str) -> str:
    """The notebook as handed out, with the solution in its empty cells."""
    head, parts = solution(name)
    path = ROOT / "book" / "assignments" / f"{name}.ipynb"
    solved = nbformat.reads(path.read_text(), as_version=4)
    stubs = [c for c in solved.cells if "exercise" in c.metadata.get("tags", [])]
    for stub, part in zip(stubs, parts, strict=True):
        stub.source = part
    stubs[0].source = head + stubs[0].source
    return nbformat.writes(solved)


@each_assignment
def test_the_solution_earns_nearly_all(name, handed_out, shield, tmp_path):
    folder, salt = handed_out
    module, found = assignments.load(name), {}
    found["ada"] = hold(tmp_path / "ada.ipynb", filled(name))
    if name == "simulate_a_rule":  # the one that runs fastest, as a script too
        found["bob"] = COURSEWORK / "solutions" / f"{name}.py"
    for student in found:
        (tmp_path / "prepared" / student).mkdir(parents=True)
        place = tmp_path / "prepared" / student
        shutil.copy(folder / student / name / "data.npz", place)
        handouts.write_work(module, Draw(salt, name, student), place)
    limits = sandbox.Limits(seconds=240)
    ended = grade.run_all(found, tmp_path / "prepared", limits, shield.method, 2)
    for graded in grade.mark_all(list(found), name, salt, {}, ended):
        assert not graded.note and not graded.answers.cells, graded
        lost = [m for m in graded.marks if m.points is not None]
        assert all(m.points >= 0.9 * m.task.points for m in lost), lost


@each_assignment
def test_doing_nothing_earns_nothing(name):
    module, draw = assignments.load(name), Draw(SALT, name, "ada")
    true = module.rule(draw)
    assert module.score("theta", 0 * true, draw)[0] == 0
    assert module.score("theta", true, draw)[0] == 1
    with pytest.raises(ValueError, match="expected"):
        module.score("theta", np.zeros(5), draw)
    with pytest.raises(ValueError, match="NaN"):
        module.score("theta", true * np.nan, draw)
    with pytest.raises(ValueError, match="without bound"):
        module.score("theta", 1e30 + 0 * true, draw)


@pytest.mark.parametrize("empty", [[], np.zeros(0)])  # as written, as it comes out
def test_naming_no_terms_is_called_that(empty):
    draw = Draw(SALT, "recover_a_hidden_rule", "ada")
    with pytest.raises(ValueError, match="no terms were named"):
        recover.score("terms_found", empty, draw)
    with pytest.raises(ValueError, match="is not a list of names"):
        recover.score("terms_found", "xy", draw)
    assert recover.score("terms_found", ["xy"], draw)[0] == 0
    true = [
        n
        for n, c in zip(term_names(OJA_ORDERS), recover.rule(draw).ravel(), strict=True)
        if c
    ]
    assert recover.score("terms_found", true, draw)[0] == 1


@pytest.mark.parametrize("guess", [["xy", "yyw"], ["w"], ["x", "yyw"]])
def test_a_guess_of_terms_earns_a_third_at_most(guess):
    draws = [Draw(SALT, "recover_a_hidden_rule", f"s{k}") for k in range(200)]
    earned = np.mean([recover.score("terms_found", guess, one)[0] for one in draws])
    assert earned < 0.4  # on average; the guide says about a third


@each_assignment
def test_the_public_example_earns_next_to_nothing(name):
    text = (ROOT / "book" / "assignments" / f"{name}.ipynb").read_text()
    (example,) = re.findall(r"terms\((?:OJA_)?ORDERS, ([^)]*)\)", text)[:1]
    named = {k: float(v) for k, v in re.findall(r"(\w+)=([-\d.]+)", example)}
    module, earned = assignments.load(name), []
    for student in range(8):
        draw = Draw(SALT, name, f"s{student}")
        shape = module.rule(draw).shape
        if shape == (3,):  # dw = a x y - b y^2 w - c w
            theta = [named.get("xy", 0), -named.get("yyw", 0), -named.get("w", 0)]
        else:
            theta = terms(Orders(*(n - 1 for n in shape)), **named)
        earned.append(module.score("theta", np.asarray(theta), draw)[0])
    assert np.mean(earned) < 0.2, earned


# --- thirty submissions in one run ----------------------------------------------------

FUNCTIONS = "\n\n".join(map(inspect.getsource, (recover.loss, recover.explained)))
IMPORT = "import os, sys, time\nimport numpy as np\n"


def result(student: str, theta=None) -> str:
    """A cell that defines what a right submission of this student found."""
    true = recover.rule(Draw(SALT, "recover_a_hidden_rule", student))
    names = [n for n, c in zip(term_names(OJA_ORDERS), true.ravel(), strict=True) if c]
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
    moved = [
        result("moved"),
        FUNCTIONS,
        "%pip install x\n" + IMPORT,
        "!ls",
        "%%bash\nls",
    ]
    moved += ["raise ValueError('a cell')", "print(undefined)", "%time theta"]
    given = (ROOT / "book" / "assignments" / "recover_a_hidden_rule.ipynb").read_text()
    reads = READS.format(secrets=secrets, needle=SALT)
    writes = WRITES.format(folder=str(folder), mark=mark, marks=out)
    other = recover.rule(Draw(SALT, "recover_a_hidden_rule", "right1"))
    crash = "import ctypes\nctypes.string_at(0)"
    made = {
        **{f"right{k}": (right(f"right{k}"), 14) for k in range(4)},
        "script": (f"{IMPORT}{FUNCTIONS}\n{result('script')}", 14),
        "moved": (notebook(*moved), 14),
        "exits": (right("exits", "sys.exit(1)", "raise KeyboardInterrupt"), 14),
        "endless_cell": (right("endless_cell", "while True: pass"), 14),
        "slow_cells": (
            notebook(IMPORT, FUNCTIONS, result("slow_cells"), *["time.sleep(2)"] * 8),
            14,
        ),
        "other": (notebook(IMPORT, "def live(rule): pass"), 0),
        "memory": (right("memory", MEMORY), 14),
        "network": (right("network", CALLS_OUT.format(port=port)), 14),
        "writes": (right("writes", writes), 14),
        "background": (right("background", BACKGROUND.format(mark=mark)), 14),
        "forks": (right("forks", FORKS), None),
        "oja": (notebook(IMPORT, FUNCTIONS, result("oja", OJA)), None),
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


class Class:
    """A class that was graded by the command, and what was left behind."""

    def __init__(self, folder: Path):
        self.folder, self.out = folder, folder / "marks"
        salt, handed_in = hold(folder / "salt.txt", SALT), folder / "handed-in"
        salt.chmod(0o600)
        self.listener, datagrams = (
            socket.socket(),
            socket.socket(type=socket.SOCK_DGRAM),
        )
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        port = self.listener.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        self.lines = [self.listener, datagrams]
        secrets = [str(salt), str(handed_in / "right0.ipynb")]
        self.points = submissions(handed_in, secrets, port)
        rows = "".join(f"{student}\n" for student in self.points)
        students = hold(folder / "class.csv", "student\n" + rows)
        command = [sys.executable, COURSEWORK / "grade.py", "recover_a_hidden_rule"]
        command += [students, salt, handed_in, self.out]
        command += ["--seconds", "12", "--memory", "2"]
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stderr
        self.report = (self.out / "report.md").read_text()
        with (self.out / "marks.csv").open(newline="") as file:
            self.rows = {row["student"]: row for row in csv.DictReader(file)}

    def page(self, student: str) -> str:
        return (self.out / f"{student}.html").read_text()


@pytest.fixture(scope="module")
def graded(tmp_path_factory, shield):
    folder = tmp_path_factory.mktemp("graded")
    made = Class(folder)
    yield made
    for line in made.lines:
        line.close()


def test_every_submission_earns_what_it_should(graded):
    assert len(graded.rows) >= 30
    earned = {s: float(row["automatic"]) for s, row in graded.rows.items()}
    wrong = {
        student: (earned[student], points, graded.rows[student])
        for student, points in graded.points.items()
        if points is not None and earned[student] != points
    }
    assert not wrong


@pytest.mark.parametrize("student", ["oja", "copies"])
def test_a_wrong_rule_earns_what_it_explains(graded, student):
    draw = Draw(SALT, "recover_a_hidden_rule", student)
    other = Draw(SALT, "recover_a_hidden_rule", "right1")
    theta = OJA if student == "oja" else recover.rule(other)
    share, _ = recover.score("theta", theta, draw)
    row = graded.rows[student]
    assert float(row["loss (3)"]) == 3 and share < 0.5
    assert abs(float(row["theta (6)"]) - 6 * share) < 0.02


@pytest.mark.parametrize(
    ("student", "says"),
    [
        ("stubborn", "stopped after 12 s"),
        ("dies", "it ended before all was answered"),
        ("crashes", "its process died with status"),
        ("prints", "it printed or answered far too much"),
        ("broken", "the file cannot be read: JSONDecodeError"),
        ("empty", "the file cannot be read: JSONDecodeError"),
        ("linked", "it is a link"),
        ("absent", "nothing was submitted"),
        ("other", "none of the names asked for"),
    ],
)
def test_a_zero_has_its_reason(graded, student, says):
    assert says in graded.rows[student]["note"] and says in graded.page(student)


def test_a_fork_bomb_ends(graded):
    found = re.search(r"forked (\d+)", graded.page("forks"))
    assert found is None or int(found.group(1)) < 1000
    assert 0 <= float(graded.rows["forks"]["automatic"]) <= 14


def test_nothing_is_left_running(graded):
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"left-by-a-submission" not in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            pass


def test_nobody_reads_or_writes_what_is_not_theirs(graded):
    if "FILES NOT SHIELDED" in graded.report:
        pytest.skip("this system shields no files, and the report says so")
    assert "FOUND" not in graded.page("reads")
    places = [Path(p) for p in ("/", "/tmp", "/dev/shm", "/var/tmp")]
    for place in [*places, graded.folder, graded.folder / "handed-in"]:
        assert not (place / "left-by-a-submission").exists()
    assert "student,points" not in (graded.out / "marks.csv").read_text()


def test_the_report_says_whether_the_network_was_cut(graded):
    reached = False
    for line in graded.lines:
        line.setblocking(False)
        receive = line.accept if line is graded.listener else lambda o=line: o.recv(9)
        try:
            receive()
            reached = True
        except BlockingIOError:
            pass
    assert ("NETWORK NOT CUT" in graded.report) == reached


def test_the_guide_quotes_the_report(graded):
    guide = (ROOT / "book" / "teaching.md").read_text()
    best = shielding.Shield("namespaces", True, []).sentences()
    assert all(f"\n- {sentence}\n" in guide for sentence in best)
    worst = shielding.Shield("nothing", False, ["/a"]).sentences()
    assert worst[1] in guide and worst[2].split(":")[0] in guide
    quoted = guide.split("Not in the class list, and not read:")[0].split("```text\n")
    for line in ("- method: ", "students; points from the tests, of 14:"):
        assert line in quoted[-1] and line in graded.report


def test_what_is_not_in_the_class_list_is_named(graded):
    assert "stranger.ipynb" in graded.report and "stranger" not in graded.rows


def test_points_by_hand_have_their_place(graded):
    row = graded.rows["right0"]
    assert [row[f"{name} (2)"] for name in ("held_out", "noise", "alike")] == [""] * 3
    assert "____ / 2" in graded.page("right0")


def test_marks_are_not_overwritten(graded):
    given = (graded.folder / n for n in ("class.csv", "salt.txt", "handed-in", "marks"))
    with pytest.raises(SystemExit, match="holds marks already"):
        grade.grade("recover_a_hidden_rule", *given)


# --- what comes out of a run is not believed -----------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        b'{"call": 0, "value": {"shape": [-1], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [1000000, 1000000], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [2], "numbers": [1.0]}}',
        b'{"call": 0, "value": {"shape": [1], "numbers": ["a"]}}',
        b'{"call": 0, "value": {"shape": [1], "numbers": [' + b"9" * 5000 + b"]}}",
        b'{"call": 0, "value": {"shape": "ab", "numbers": [1, 2]}}',
        b'{"call": 0, "value": null}',
        b'{"call": [], "value": true}',
        b'{"call": 0}',
        b"[" * 100_000,
        b"7",
        b"\xff",
    ],
    ids=lambda line: line[:50].decode(errors="replace"),
)
def test_lines_that_are_no_answers_are_passed_over(line):
    good = b'{"call": 1, "value": {"shape": [], "numbers": [2.0]}}'
    answers = marks.read_answers(line + b"\n" + good)
    assert list(answers.calls) == [1] and answers.calls[1] == 2.0


def test_the_first_difference_is_shown():
    assert marks.difference(np.array(1.0), 1.0004) == ""
    assert marks.difference(np.ones(2), np.array([1, 2])) == (
        "gives 1 at index (1,); expected 2"
    )
    assert marks.difference(np.ones(2), np.ones(3)).endswith("expected (3,)")
    assert marks.difference(np.array(np.nan), 1.0) == "gives nan; expected 1"
    assert marks.difference("1", 1.0) == "gives '1'; expected numbers"
    assert marks.difference([np.ones(1)], (1, 2)).startswith("expected 2 things")


def test_pages_show_a_students_text_as_text(shield, tmp_path):
    text = "<script>alert(1)</script>"
    hold(tmp_path / "in" / "ada.py", f"print({text!r})\nraise ValueError({text!r})")
    students = hold(tmp_path / "class.csv", "student\nada\n")
    ended = sandbox.Ended(b"", text, text)
    answers = marks.read_answers(json.dumps({"cell": 1, "error": text}).encode())
    one = grade.Graded("ada", ended.problem, [], answers, ended.printed)
    page = grade.feedback.page("recover_a_hidden_rule", one)
    assert read_class(students) == ["ada"] and text not in page
    assert page.count("&lt;script&gt;") == 3


# --- other ways to shut in ------------------------------------------------------------

MEASURE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import sandbox, shielding
sandbox.adopt_orphans()
shield = shielding.measure([sys.argv[2]], (sys.argv[3],))
print(json.dumps([shield.network_cut, shield.opened, shield.sentences()]))
"""


def measured(method: str, secret: Path, user: int | None) -> list:
    """What a program can reach that another user of this system runs shut in."""
    python = (
        sys.executable if user is None else shutil.which("python3", path="/usr/bin")
    )
    command = [python, "-c", MEASURE, str(COURSEWORK), str(secret), method]
    who = {} if user is None else dict(user=user, group=user, extra_groups=[])
    try:
        done = subprocess.run(
            command,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            **who,
        )
    except (OSError, TypeError) as error:
        pytest.skip(f"no Python that another user can run: {error}")
    if done.returncode:
        pytest.skip(f"not on this system: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


@pytest.mark.parametrize("method", shielding.METHODS)
def test_an_ordinary_user_is_told_what_is_shielded(method, tmp_path_factory):
    user = 65534 if os.getuid() == 0 else None
    folder = Path("/tmp") / f"plastutor-test-{os.getpid()}-{method}"
    secret = hold(folder / "salt.txt", SALT)
    if user is not None:
        os.chown(secret, user, user)
    try:
        network_cut, opened, sentences = measured(method, secret, user)
    finally:
        shutil.rmtree(folder)
    assert bool(opened) == (method == "nothing")
    assert network_cut == (method == "namespaces")
    loud = "FILES NOT SHIELDED" in " ".join(sentences)
    assert loud == (method == "nothing")


def test_landlock_leaves_what_a_submission_needs(tmp_path, monkeypatch):
    # Root would have to become somebody else, who may not be able to read this Python.
    monkeypatch.setattr(sandbox.os, "getuid", lambda: 12345)
    secret = hold(tmp_path / "salt.txt", SALT)
    code = "import plastutor.rules\nhebb = plastutor.rules.HEBB.sum()\n"
    code += f"print(open({str(secret)!r}).read())"
    (tmp_path / "run").mkdir()
    work = {"submission": "submission.py", "seconds": 60, "results": ["hebb"]}
    work |= {"seconds_of_cells": 60}
    hold(tmp_path / "run" / "submission.py", code)
    hold(tmp_path / "run" / "work.json", json.dumps(work | {"calls": []}))
    shutil.copy(COURSEWORK / "inside.py", tmp_path / "run")
    ended = sandbox.run(tmp_path / "run", sandbox.Limits(), "landlock")
    if "The cage could not be made" in ended.printed:
        pytest.skip(ended.printed)
    answers = marks.read_answers(ended.answers)
    assert answers.results == {"hebb": 1.0} and not ended.problem
    assert "PermissionError" in answers.cells[0][1] and SALT.decode() not in str(ended)


def test_a_mistake_of_ours_in_the_cage_is_not_hidden(capfd):
    command = [sys.executable, "-I", COURSEWORK / "cage.py", '{"folder": "/nowhere"}']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode not in (0, cage.FAILED)
