"""The four assignments: for each, what is hidden, handed out, asked and scored.

A folder has the name of its notebook in book/teaching/assignments. Its `solution.py`
has a part for each empty cell of the notebook, and its `assignment.py` has

- `TASKS`: what earns points, in the order of the notebook;
- `rule(draw)`: the student's hidden rule;
- `handout(draw)`: the arrays that the student gets;
- `calls(draw)`: the arguments with which submitted functions are called; no secret;
- `REFERENCE`: these functions, done right;
- `score(name, value, draw)`: how good a submitted result is, from 0 to 1, in words too.
"""

import importlib
from typing import NamedTuple

import numpy as np

NAMES = (
    "simulate_a_rule",
    "recover_a_hidden_rule",
    "reward_rules_from_choices",
    "forgetting_in_simulated_flies",
)


class Task(NamedTuple):
    """Something that earns points.

    Attributes:
        name: of the function or of the variable that a submission defines; of the
            question, where the answer is text.
        points: for a right answer.
        kind: "function", "result" or "text"; text is marked by hand.
    """

    name: str
    points: int
    kind: str


def load(name: str):
    """What `assignment.py` of an assignment has."""
    if name not in NAMES:
        raise SystemExit(f"{name!r} is no assignment; expected {', '.join(NAMES)}.")
    return importlib.import_module(f"coursework.assignments.{name}.assignment")


def as_theta(value, shape) -> np.ndarray:
    """A submitted theta in the shape of the rule, or a sentence on what is wrong."""
    theta = np.asarray(value, float)
    if theta.size != np.prod(shape):
        raise ValueError(f"theta has shape {theta.shape}; expected {shape}.")
    if not np.isfinite(theta).all():
        raise ValueError("theta holds NaN or infinity.")
    return theta.reshape(shape)


def between(score: float, none: float, full: float) -> float:
    """The share of the points: nothing up to `none`, all from `full` on."""
    return float(np.clip((score - none) / (full - none), 0, 1))
