"""Names: one for each thing, those of the field, and annotated."""

import ast
import importlib
from difflib import SequenceMatcher
from itertools import combinations

import pytest
from public_names import public_names
from test_house import FILES, ROOMS, ROOT, name

# Near-duplicates that are two things, by the reason why.
ALLOWED = {
    "the plural is several of the singular, each of which is the same thing": [
        ("column", "columns"),
        ("fit", "fits"),
        ("level", "levels"),
        ("name", "names"),
        ("path", "paths"),
        ("rho", "rhos"),
        ("tau", "taus"),
        ("term", "terms"),
        ("theta", "thetas"),
    ],
    "the other is a thing, or several; n_... is how many": [
        ("cue", "n_cue"),
        ("experiment", "n_experiments"),
        ("flies", "n_flies"),
        ("goals", "n_goals"),
        ("n_options", "options"),
        ("n_patterns", "patterns"),
    ],
    "choice is an array, choices are all that a table holds": [("choice", "choices")],
    "the one is the end of a scale, the others its two ends": [("limit", "limits")],
    "loss is the function, losses are its values": [("loss", "losses")],
    "predict is the function, predicted are its values": [("predict", "predicted")],
    "a unit is that of an axis, units are those of a network": [("unit", "units")],
    "step is the function of one step, n_steps is how many": [("n_steps", "step")],
    "state is that of a network, states are the (x, y, w, r) of synapses": [
        ("state", "states"),
    ],
    "choice is an array, choices are those of a class, as a file holds them": [
        ("choice", "choices"),
    ],
    "flies are the animals themselves, options the things on offer; n_ is how many": [
        ("flies", "n_flies"),
        ("n_options", "options"),
    ],
    "fit is what finds a theta, fits are several results": [("fit", "fits")],
    "theta0 is where an optimiser starts": [("theta", "theta0")],
    "w_std is of the weights that are drawn, w0_std of what is known of w0": [
        ("w0_std", "w_std"),
    ],
    "a current goes into a neuron; recurrent synapses are between neurons": [
        ("current", "recurrent"),
    ],
}

# What the field calls otherwise: trajectory or session, gradient or sensitivity,
# identifiable, neg_log_posterior, variance, precision, cotangent, derivative, vjp,
# forward mode, observed, loss, and for a bound what it bounds, with a unit.
OLD = set(
    "life lives lived live slope slopes told surprise doubt firm owe owed bend pull "
    "ahead rested follow begin see seen lost falls AT_ONCE MOST CAUTION".split()
)


def public_functions():
    """(where, function) of all faces, with the public methods of their classes."""
    for room in ROOMS:
        listed = public_names(importlib.import_module(room))
        folder = ROOT.joinpath(*room.split("."))
        for path in sorted(folder.glob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if getattr(node, "name", None) not in listed:
                    continue
                inside = node.body if isinstance(node, ast.ClassDef) else [node]
                for function in inside:
                    if isinstance(function, ast.FunctionDef) and (
                        not function.name.startswith("_")
                        or function.name in ("__init__", "__call__")
                    ):
                        yield f"{name(path)}: {function.name}", function


def arguments(function: ast.FunctionDef) -> list[ast.arg]:
    """All arguments but self and cls."""
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    every += [one for one in (given.vararg, given.kwarg) if one is not None]
    return [one for one in every if one.arg not in ("self", "cls")]


def stem(parameter: str) -> str:
    """What is counted: n_steps, num_steps, step_count and steps are all of a step."""
    for form in ("n_", "num_", "number_of_"):
        parameter = parameter.removeprefix(form)
    return parameter.removesuffix("_count").removesuffix("s")


def alike(one: str, other: str) -> bool:
    """Whether a reader may take one name for the other."""
    near = SequenceMatcher(None, one, other).ratio() >= 0.85
    return near or stem(one) == stem(other) or {one, other} == {f"{one}es", one}


def identifiers(source: str):
    """All names of variables, functions, classes, arguments and attributes."""
    for node in ast.walk(ast.parse(source)):
        for field in ("id", "name", "arg", "attr", "asname"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


def test_one_thing_has_one_name():
    every = {
        arg.arg for _, function in public_functions() for arg in arguments(function)
    }
    pairs = {pair for pair in combinations(sorted(every), 2) if alike(*pair)}
    allowed = {pair for those in ALLOWED.values() for pair in those}
    assert pairs - allowed == set(), "rename one, or say above why they are two"
    assert allowed - pairs == set(), "no longer there"


def test_every_public_argument_is_annotated():
    assert [
        f"{where}({arg.arg})"
        for where, function in public_functions()
        for arg in arguments(function)
        if arg.annotation is None
    ] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_names_are_words_of_the_field(path):
    found = {*identifiers(path.read_text())}
    assert {one for one in found if OLD & {one, *one.lower().split("_")}} == set()


def test_near_names_are_noticed():
    assert alike("reward", "rewards") and alike("num_steps", "n_steps")
    assert alike("step_count", "steps") and alike("loss", "losses")
    assert not alike("loss", "rule") and not alike("x_std", "data")


def test_identifiers_are_all_kinds_of_names():
    source = "import a as b\ndef c(d=0, *e): f.g = h(i=1)\nclass j: pass\n"
    assert {*identifiers(source)} == set("abcdefghij")
