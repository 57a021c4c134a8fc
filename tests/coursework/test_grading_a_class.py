"""Thirty submissions graded in one run: marks, reasons, and what is left behind."""

import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")

import csv
import re
import socket
import subprocess
import sys
from pathlib import Path

from classroom import ROOT, SALT, hold
from hostile_submissions import submissions

import plastutor as pt
from coursework.assignments.recover_a_hidden_rule import assignment as recover
from coursework.grader import grade
from coursework.grader.salt import Draw
from coursework.sandbox.measure_isolation import Shield

# Some submissions leave processes behind, which only Linux gives to the grader.
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


class Class:
    """A class that was graded by the command, and what was left behind."""

    def __init__(self, folder: Path):
        self.folder, self.out = folder, folder / "marks"
        salt, handed_in = hold(folder / "salt.txt", SALT), folder / "handed-in"
        salt.chmod(0o600)
        self.listener = socket.socket()
        datagrams = socket.socket(type=socket.SOCK_DGRAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        port = self.listener.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        self.lines = [self.listener, datagrams]
        secrets = [str(salt), str(handed_in / "right0.ipynb")]
        self.points = submissions(handed_in, secrets, port)
        rows = "".join(f"{student}\n" for student in self.points)
        students = hold(folder / "class.csv", "student\n" + rows)
        command = [sys.executable, "-m", "coursework.grader.grade"]
        command += ["recover_a_hidden_rule", students, salt, handed_in, self.out]
        command += ["--seconds", "12", "--memory", "2"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.report = (self.out / "report.md").read_text(encoding="utf-8")
        with (self.out / "marks.csv").open(newline="", encoding="utf-8") as file:
            self.rows = {row["student"]: row for row in csv.DictReader(file)}

    def page(self, student: str) -> str:
        return (self.out / f"{student}.html").read_text(encoding="utf-8")


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
    theta = pt.OJA if student == "oja" else recover.rule(other)
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
    guide = (ROOT / "book" / "teaching" / "guide.md").read_text(encoding="utf-8")
    best = Shield("namespaces", True, []).sentences()
    assert all(f"\n- {sentence}\n" in guide for sentence in best)
    worst = Shield("nothing", False, ["/a"]).sentences()
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
