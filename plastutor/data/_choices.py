"""Choices of your own animals: from a table to experiments."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from plastutor._cohorts import Cohort
from plastutor._experiments import make_experiment
from plastutor._tables import Line, Table, read_table
from plastutor._types import Experiment

COLUMNS = ("animal", "trial", "choice", "reward")
BOOLEANS = {"true": 1.0, "false": 0.0}


class Choices(NamedTuple):
    """Choices of several animals, ready for a fit.

    Attributes:
        cohort: one experiment for each animal; where weights are reset between
            sessions, one for each session.
        animals: the animals' names, in the order of their numbers.
        options: the names of the options, in the order of `experiment.options`.
        file: the name of the file that they come from.
        sha256: the hash of its bytes, to know it again.
    """

    cohort: Cohort
    animals: tuple[str, ...]
    options: tuple[str, ...]
    file: str = ""
    sha256: str = ""

    @property
    def experiment(self) -> Experiment:
        """The batch of experiments, whoever made them."""
        return self.cohort.data


def one_hot(
    n_options: int, stimulus: float | int = 0.75
) -> Float[np.ndarray, "option pre"]:
    """The stimuli of the options, one row each: only its own input is active.

    >>> one_hot(2).tolist()
    [[0.75, 0.0], [0.0, 0.75]]
    """
    if not (np.isfinite(stimulus) and stimulus > 0):
        raise ValueError(f"stimulus is {stimulus}; expected a number above 0.")
    return stimulus * np.eye(n_options)


def choice_experiments(
    choice: Sequence[Any] | np.ndarray,
    reward: Sequence[Any] | np.ndarray,
    *,
    n_options: int = 2,
    stimulus: float | int = 0.75,
) -> Experiment:
    """One experiment for each sequence of choices, padded to the longest.

    Args:
        choice: for each sequence, the index of the option chosen in each trial; -1
            where none was. Such a trial changes no weight and is not predicted.
        reward: for each sequence, the reward in each trial.
        n_options: how many there are to choose from.
        stimulus: activity of the input that stands for the chosen option; the others
            are 0.

    Returns:
        A batch of choices for one output neuron, one input an option, w0 = 0.

    >>> made = choice_experiments([[0, 1]], [[0.0, 1.0]])
    >>> made.x[0].tolist()
    [[0.75, 0.0], [0.0, 0.75]]
    """
    for k, (chosen, paid) in enumerate(zip(choice, reward, strict=True)):
        if len(chosen) != len(paid) or not len(chosen):
            raise ValueError(
                f"Sequence {k} has {len(chosen)} choices and {len(paid)} rewards; "
                "expected one reward for each choice, and at least one choice."
            )
    chosen, options = padded(choice, -1), one_hot(n_options, stimulus)
    return make_experiment(
        np.where(chosen[..., None] >= 0, options[chosen], 0),
        w0=np.zeros((n_options, 1)),
        reward=padded(reward, 0.0),
        plastic=chosen >= 0,
        valid=padded([np.ones(len(one), bool) for one in choice], False),
        options=options,
        choice=chosen,
    )


def padded(sequences: Sequence[Any] | np.ndarray, value: float | int) -> np.ndarray:
    """Sequences of unequal length as rows of one array, filled up with a value."""
    table = np.full((len(sequences), max(map(len, sequences), default=0)), value)
    for row, sequence in zip(table, sequences, strict=True):
        row[: len(sequence)] = sequence
    return table


def read_choices(
    path: str | os.PathLike[str],
    *,
    sessions: str | None = None,
    stimulus: float | int = 0.75,
) -> Choices:
    """Read a table of choices: a CSV file with one row a trial.

    Columns: animal, trial, choice, reward, and session if there are several. Animals
    and options may have any names. A trial without a choice has an empty choice (or
    NA): it changes no weight and is not predicted. Sessions come in the order of the
    file, trials in that of their numbers, which may have gaps. Every option counts as
    on offer in every trial.

    Args:
        path: the file.
        sessions: "carry" if the weights of one session go on into the next, "reset" if
            every session starts from w0. Must be said if an animal has several.
        stimulus: as in `choice_experiments`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a sentence that names the line and what was expected there.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "mine.csv")
    >>> rows = ["animal,trial,choice,reward", "a,1,left,0", "a,2,right,1", "b,1,left,1"]
    >>> _ = file.write_text(chr(10).join(rows))
    >>> mine = read_choices(file)
    >>> mine.animals, mine.options, mine.experiment.choice.tolist()
    (('a', 'b'), ('left', 'right'), [[0, 1], [0, -1]])
    """
    if sessions not in ("carry", "reset", None):
        raise ValueError(f"sessions is {sessions!r}; expected 'carry' or 'reset'.")
    table = read_table(path, COLUMNS, rows="one for each trial")
    groups = table.numbered(("animal", "session"), "trial", "a number, such as 17")
    reward = {line.number: _reward(line) for line in table.lines}
    named = {line.text["choice"] for line in table.lines if not line.missing("choice")}
    options = tuple(sorted(named, key=_natural))
    if len(options) < 2:
        raise ValueError(
            f"{table.file} holds {len(options)} option(s), "
            f"{', '.join(options) or 'none'}, in lines {table.lines[0].number} to "
            f"{table.lines[-1].number}; expected at least two, since a choice needs an "
            "alternative."
        )
    animals = tuple(dict.fromkeys(animal for animal, _ in groups))
    _check_names(table, animals, options, sessions)
    parts: dict[tuple[str, str], list[Line]] = {}  # the trials of each experiment
    for (animal, session), lines in groups.items():
        part = (animal, session if sessions == "reset" else "")
        parts.setdefault(part, []).extend(lines[trial] for trial in sorted(lines))
    index = {option: k for k, option in enumerate(options)}
    data = choice_experiments(
        [[index.get(n.text["choice"], -1) for n in some] for some in parts.values()],
        [[reward[line.number] for line in some] for some in parts.values()],
        n_options=len(options),
        stimulus=stimulus,
    )
    return Choices(
        Cohort(data, np.array([animals.index(animal) for animal, _ in parts])),
        animals,
        options,
        table.file,
        table.sha256,
    )


def _check_names(table: Table, animals, options, sessions) -> None:
    """Refuse tables that can be read in two ways."""
    first: dict[Any, str] = {}  # where each option and each animal comes first
    session_of: dict[str, str] = {}
    for line in table.lines:
        animal, session = line.text["animal"], line.text.get("session", "")
        first.setdefault(("option", line.text["choice"]), line.where)
        first.setdefault(("animal", animal), line.where)
        if sessions is None and session_of.setdefault(animal, session) != session:
            raise ValueError(
                f"{line.where}: animal {animal!r} has a second session, {session!r}. "
                "Pass sessions='carry' if the weights of one go on into the next, or "
                "sessions='reset' if every session starts from w0."
            )
    for kind, names in (("option", options), ("animal", animals)):
        alike: dict[str | float, str] = {}
        for name in names:
            value, word = _natural(name.casefold())
            other = alike.setdefault(word if math.isinf(value) else value, name)
            if other != name:
                raise ValueError(
                    f"{first[kind, name]}: the {kind} is {name!r}, and elsewhere "
                    f"{other!r}; expected one spelling for each {kind}."
                )
    chose = {n.text["animal"] for n in table.lines if not n.missing("choice")}
    for animal in sorted({*animals} - chose):
        raise ValueError(
            f"{first['animal', animal]}: animal {animal!r} begins here and never makes "
            "a choice; expected at least one. Leave out animals that made none."
        )


def _natural(name: str) -> tuple[float, str]:
    """Options that are numbers, in the order of the numbers; then the others."""
    try:
        return float(name), name
    except ValueError:
        return math.inf, name


def _reward(line: Line) -> float:
    """The reward of a trial; without a choice it is 0, there or not."""
    chose, boolean = not line.missing("choice"), line.text["reward"].lower()
    if boolean in BOOLEANS:
        reward = BOOLEANS[boolean]
    elif not chose and line.missing("reward"):
        reward = 0.0
    else:
        reward = line.value("reward", "a number, such as 0 or 1")
    if reward and not chose:
        raise line.fail(
            "reward",
            "0, or nothing, where no choice was made: such a trial changes no weight",
        )
    return reward
