"""Checks: one module a notebook, and an answer in words to whatever a reader writes."""

import importlib
import inspect
import os
import pkgutil
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from public_names import public_names

import plastutor as pt
from plastutor.teaching.checks._caller import _running, close

BOOK = Path(__file__).parent.parent.parent / "book"
EXERCISES = {
    module.name.rpartition(".")[2]: importlib.import_module(module.name)
    for module in pkgutil.walk_packages(
        pt.checks.__path__, "plastutor.teaching.checks."
    )
    if not module.ispkg and not module.name.rpartition(".")[2].startswith("_")
}


def checks_of(module) -> list[str]:
    found = inspect.getmembers(module, inspect.isfunction)
    own = [name for name, check in found if check.__module__ == module.__name__]
    return [name for name in own if not name.startswith("_")]


@pytest.mark.parametrize("name", EXERCISES)
def test_a_module_belongs_to_a_notebook_which_calls_its_checks(name):
    (path,) = BOOK.rglob(f"{name}.ipynb")
    called = re.findall(r"checks\.(\w+)\(", path.read_text(encoding="utf-8"))
    assert sorted(called) == sorted(checks_of(EXERCISES[name]))


def test_every_check_is_named_once():
    names = [name for module in EXERCISES.values() for name in checks_of(module)]
    assert sorted([*names, "agrees"]) == [
        n for n in public_names(pt.checks) if inspect.isfunction(getattr(pt.checks, n))
    ]


@pytest.fixture
def says(capsys):
    """What is printed when a function should have doubled x; it must fail politely."""

    def run(function, limit=20.0, x=1.0):
        cases = [{"x": x}, {"x": 2.0}]
        passed = pt.checks.agrees(
            function, lambda x: 2 * x, cases, "A hint.", limit=limit
        )
        said = capsys.readouterr().out
        assert passed == ("Correct" in said) and passed != said.endswith("A hint.\n")
        return said

    return run


# --- answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda x: 2 * x, "Correct: agrees with the reference in 2 cases."),
        (lambda x: jnp.bfloat16(2 * x), "Correct"),
        (lambda x: [2, 4][int(x) - 1], "Correct"),
        (lambda x: x, "Not yet: with x = 1, <lambda> gives 1; expected 2."),
        (
            lambda x: 2.0,
            "(right in the first of 2 cases): with x = 2, <lambda> gives 2",
        ),
        (lambda x: -2 * x, "wrong sign"),
        (lambda x: np.nan, "gives nan; expected 2. There is NaN in it."),
        (lambda x: np.inf, "gives inf; expected 2. There is an infinity in it."),
        (lambda x: 1e300, "gives 1.e+300; expected 2."),
        (lambda x: 10**400, "something (int)"),
        (lambda x: None, "returned nothing; expected 2. Did you forget `return`?"),
        (
            lambda x: np.ones(3),
            "returned shape (3,), [1. 1. 1.]; expected 2 of shape ()",
        ),
        (lambda x: np.zeros(2 * 10**6), "returned shape (2000000,); expected 2"),
        (lambda x: "two", "gives 'two'; expected 2"),
        (lambda x: 2j, "something (complex) that is no array of numbers"),
        (lambda x: [[1], [2, 3]], "something (list)"),
        (lambda x: (x for _ in range(2)), "something (generator)"),
        (lambda x: jax.random.key(0), "something (PRNGKeyArray)"),
        (lambda x: print, "something (builtin_function_or_method)"),
        (lambda y: 2 * y, "raised TypeError: "),
        (lambda x: 1 / 0, "raised ZeroDivisionError: division by zero."),
        (lambda x: sys.exit(3), "raised SystemExit: 3."),
        (lambda x: input("?"), "raised EOFError"),
        (lambda x: 10**6 * "two", " ...; expected 2."),
        pytest.param(
            lambda x: np.ones(10**11),
            "raised MemoryError",
            marks=pytest.mark.skipif(
                sys.platform == "darwin", reason="macOS does not limit memory"
            ),
        ),
        (2.0, "takes the function itself, not its answer"),
    ],
)
def test_agrees_says_what_is_wrong(answer, said, says):
    assert said in says(answer)


class Unspeakable(Exception):
    """Neither an exception nor an answer that can be looked at."""

    def __str__(self):
        raise ValueError

    __repr__ = __eq__ = __array__ = __str__


def test_what_cannot_be_written_or_compared(says):
    def interrupts(x):
        raise KeyboardInterrupt

    assert "raised KeyboardInterrupt." in says(interrupts)

    def raises(x):
        raise Unspeakable

    assert "raised Unspeakable." in says(raises)
    assert "something (Unspeakable)" in says(lambda x: Unspeakable())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.T, "transposed"),
        (lambda a: 1e300 * a, "That is 1e+300 times the right answer"),
        (lambda a: a[::-1], "reverse order"),
        (lambda a: 3 * a, "That is 3 times the right answer"),
        (lambda a: a + 0.5, "That is the right answer plus 0.5"),
    ],
)
def test_what_a_wrong_array_looks_like_is_said(change, said, capsys):
    a = np.array([[1.0, 2.0, 4.0], [0.0, 3.0, -1.0]])
    pt.checks.agrees(change, lambda a: a, [{"a": a}], "")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shift", "said"), [(slice(1, 5), "too early"), (slice(0, 4), "one place too late")]
)
def test_a_step_too_early_or_too_late_is_said(shift, said, capsys):
    padded = np.array([0.0, 1.0, 3.0, 2.0, 5.0, 4.0])
    answer = lambda: padded[shift.start : shift.stop]
    wanted = padded[:4] if shift.start else padded[1:5]
    assert not pt.checks.agrees(answer, lambda: wanted, [{}], "")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "right"), [("xr", True), ("rx", False), (1, False)])
def test_text_is_compared_as_text(answer, right):
    assert pt.checks.agrees(lambda: answer, lambda: "xr", [{}], "A hint.") == right


def test_large_arrays_are_compared_place_by_place(capsys):
    wanted = np.zeros((3, 3, 3))
    wanted[1, 2, 0] = 7.0
    assert not pt.checks.agrees(lambda: 0 * wanted, lambda: wanted, [{}], "")
    assert "gives 0 at [1, 2, 0]; expected 7." in capsys.readouterr().out


def test_numbers_are_as_precise_as_in_the_notebook(says):
    def digits(x):
        return 2 * x if jnp.ones(1).dtype == jnp.float64 else 0.0

    assert "Correct" in says(digits)
    jax.config.update("jax_enable_x64", False)
    try:
        assert "gives 0" in says(digits)
    finally:
        jax.config.update("jax_enable_x64", True)


# --- another process ------------------------------------------------------------------


def loop(x):
    while True:
        pass


def loop_in_compiled_code(x):
    return jax.lax.while_loop(lambda v: v >= 0, lambda v: v + x, x)


@pytest.mark.parametrize("function", [loop, loop_in_compiled_code])
def test_an_endless_loop_is_stopped(function, says):
    child = _running()
    said = says(function, limit=1.0)
    assert f"{function.__name__} had no answer after 1 seconds" in said
    assert child.process.returncode is not None and not child.reader.is_alive()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_process_that_ends_is_replaced(says):
    assert "ended the process" in says(lambda x: os.kill(os.getpid(), signal.SIGKILL))
    assert "Correct" in says(lambda x: 2 * x)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_copy_of_the_process_says_nothing(says):
    def forks(x):
        os.fork()
        return 2 * x

    assert "Correct" in says(forks)
    assert "gives 1" in says(lambda x: x)


def test_what_is_printed_is_shown_up_to_a_length(says):
    def prints(x):
        print("here", x)
        os.system("echo nothing of this")
        return 2 * x

    said = says(prints)
    assert said.startswith("here 1.0\nhere 2.0\nCorrect")

    def floods(x):
        print("long" * 10**5)
        return 2 * x

    assert 1000 < len(says(floods)) < 10_000


def test_inputs_may_be_changed_in_place(capsys):
    def in_place(a):
        a *= 2
        return a

    a = np.arange(3.0)
    assert pt.checks.agrees(in_place, lambda a: 2 * a, 2 * [{"a": a}], "")
    assert (a == np.arange(3.0)).all()


LOCK = threading.Lock()


def helper(x):
    with LOCK:
        return 2 * x


def test_what_cannot_be_sent_is_named_and_runs_here(says, capsys):
    said = says(lambda x: helper(x))
    assert "no time limit here, because it uses `LOCK`, which cannot be sent" in said
    assert "Correct" in said
    a, seen = np.arange(3.0), [LOCK]

    def in_place(a):
        seen.append(1)
        a *= 2
        return a

    assert pt.checks.agrees(in_place, lambda a: 2 * a, 2 * [{"a": a}], "")
    assert "`seen`" in capsys.readouterr().out and (a == np.arange(3.0)).all()
    assert len(seen) == 3


RULE = pt.taylor(pt.OJA_ORDERS)  # its derivative is written by hand
LOSS = pt.objective(RULE, pt.activity, gradient="forward")


def test_rules_and_losses_of_a_notebook_can_be_sent(says, pytestconfig):
    if pytestconfig.getoption("--jaxtyping-packages"):
        pytest.skip("functions that check their arguments cannot be sent")

    def doubled(x):
        arrays = {"w0": np.ones((2, 1)), "activity": np.full((4, 1), 0.5)}
        experiment = pt.make_experiment(np.ones((4, 2)), **arrays)
        gradient = jax.grad(LOSS)(pt.OJA, experiment)
        dw = RULE.update(pt.OJA, jnp.ones(2), jnp.ones(1), jnp.ones((2, 1)), 0.0)
        return 2 * x + 0 * (gradient.sum() + dw.sum())

    doubled.__module__ = "__main__"
    said = says(doubled)
    assert said.startswith("Correct")


def test_an_interrupt_ends_the_process(says, monkeypatch):
    child = _running()

    def interrupted(request, deadline):
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        says(lambda x: 2 * x)
    assert child.process.returncode is not None


def test_without_another_process_functions_run_here(says, monkeypatch):
    close()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    said = says(lambda x: 2 * x)
    assert "no other process can be started" in said and "Correct" in said
    assert "raised SystemExit" in says(lambda x: sys.exit())


SCRIPT = """
from helpers import double
from plastutor.teaching import checks
from plastutor.teaching.checks import _caller

case = [{"x": 1.0}]
assert checks.agrees(double, lambda x: 2 * x, case, "")
from pathlib import Path
Path("helpers.py").write_text("def double(x):\\n    return 3 * x\\n")
import importlib, helpers
importlib.reload(helpers)
assert not checks.agrees(helpers.double, lambda x: 2 * x, case, "")
print(_caller._child.process.pid)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows asks otherwise")
def test_a_script_checks_its_own_files_and_leaves_no_process(tmp_path):
    (tmp_path / "helpers.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-W", "error", "script.py"]
    settings = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    settings["PYTHONPATH"] = str(BOOK.parent)
    done = subprocess.run(
        command, cwd=tmp_path, env=settings, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout.split()[-1]), 0)
