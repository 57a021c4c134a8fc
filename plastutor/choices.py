"""Choices of your own animals: from a table to experiments."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plastutor.experiments import make_experiment
from plastutor.types import Experiment

__all__ = ["Choices", "choice_experiments", "one_hot", "read_choices"]

COLUMNS = ("animal", "session", "trial", "choice", "reward")
NO_CHOICE = {"", "na", "nan", "none"}
TRUTH = {"true": "1", "false": "0"}


class Choices(NamedTuple):
    """Choices of several animals, ready for a fit.

    Attributes:
        experiment: a batch, one experiment for each life that begins at w0.
        animal: for each experiment, the number of its animal, from 0 up.
        animals: the animals' names, in the order of their numbers.
        options: the names of the options, in the order of `experiment.options`.
    """

    experiment: Experiment
    animal: np.ndarray
    animals: tuple[str, ...]
    options: tuple[str, ...]


def one_hot(options: int, stimulus: float = 0.75) -> np.ndarray:
    """The stimuli of the options, one row each: only its own input is active.

    >>> one_hot(2).tolist()
    [[0.75, 0.0], [0.0, 0.75]]
    """
    if not (np.isfinite(stimulus) and stimulus > 0):
        raise ValueError(f"stimulus is {stimulus}; expected a number above 0.")
    return stimulus * np.eye(options)


def choice_experiments(
    choices: Sequence[Any],
    rewards: Sequence[Any],
    *,
    options: int = 2,
    stimulus: float = 0.75,
) -> Experiment:
    """One experiment for each sequence of choices, padded to the longest.

    Args:
        choices: for each life, the index of the option chosen in each trial; -1 where
            none was. Such a trial changes no weight and is not predicted.
        rewards: for each life, the reward in each trial.
        options: how many there are to choose from.
        stimulus: activity of the input that stands for the chosen option; the others
            are 0.

    Returns:
        A batch of choices for one output neuron, one input an option, w0 = 0.

    >>> made = choice_experiments([[0, 1]], [[0.0, 1.0]])
    >>> made.x[0].tolist()
    [[0.75, 0.0], [0.0, 0.75]]
    """
    shape = (len(choices), max(map(len, choices), default=0))
    chosen, reward = np.full(shape, -1), np.zeros(shape)
    valid = np.zeros(shape, bool)
    for k, (choice, paid) in enumerate(zip(choices, rewards, strict=True)):
        if len(choice) != len(paid) or not len(choice):
            raise ValueError(
                f"Sequence {k} has {len(choice)} choices and {len(paid)} rewards; "
                "expected one reward for each choice, and at least one choice."
            )
        chosen[k, : len(choice)] = choice
        reward[k, : len(choice)] = paid
        valid[k, : len(choice)] = True
    on_offer, made = one_hot(options, stimulus), chosen >= 0
    return make_experiment(
        np.where(made[..., None], on_offer[chosen], 0),
        w0=np.zeros((options, 1)),
        reward=reward,
        plastic=made,
        valid=valid,
        options=on_offer,
        choice=chosen,
    )


def read_choices(
    path: str | os.PathLike[str],
    *,
    sessions: str | None = None,
    stimulus: float = 0.75,
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
            every session begins anew. Must be said if an animal has several.
        stimulus: as in `choice_experiments`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a sentence that names the line and what was expected there.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "mine.csv")
    >>> rows = ["animal,trial,choice,reward", "a,1,left,0", "a,2,right,1", "b,1,left,1"]
    >>> _ = file.write_text(chr(10).join(rows))
    >>> found = read_choices(file)
    >>> found.animals, found.options, found.experiment.choice.tolist()
    (('a', 'b'), ('left', 'right'), [[0, 1], [0, -1]])
    """
    if sessions not in ("carry", "reset", None):
        raise ValueError(f"sessions is {sessions!r}; expected 'carry' or 'reset'.")
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    rows = _rows(path)
    names = tuple(dict.fromkeys(animal for animal, *_ in rows))
    named = {choice for *_, choice, _ in rows if choice is not None}
    options = tuple(sorted(named, key=_natural))
    if len(options) < 2:
        raise ValueError(
            f"{path} holds {len(options)} option(s), {', '.join(options) or 'none'}; "
            "expected at least two, since a choice needs an alternative."
        )
    _check_names(path, rows, options, sessions)
    lives: dict[tuple[str, str], list] = {}
    for animal, session, trial, choice, reward in rows:
        life = (animal, session if sessions == "reset" else "")
        lives.setdefault(life, []).append((session, trial, choice, reward))
    order = {row[:2]: k for k, row in reversed(list(enumerate(rows)))}
    index = {option: k for k, option in enumerate(options)} | {None: -1}
    chosen, paid = [], []
    for (animal, _), life in lives.items():
        life.sort(key=lambda row, animal=animal: (order[animal, row[0]], row[1]))
        chosen.append([index[choice] for _, _, choice, _ in life])
        paid.append([reward for *_, reward in life])
    return Choices(
        choice_experiments(chosen, paid, options=len(options), stimulus=stimulus),
        np.array([names.index(animal) for animal, _ in lives]),
        names,
        options,
    )


def _check_names(path, rows, options, sessions) -> None:
    """Refuse tables that can be read in two ways."""
    alike: dict[str | float, str] = {}
    for name in options:
        value, word = _natural(name.casefold())
        other = alike.setdefault(word if math.isinf(value) else value, name)
        if other != name:
            raise ValueError(
                f"{path} has the options {other!r} and {name!r}; expected one spelling "
                "for each option."
            )
    first = {}
    for animal, session, *_ in rows:
        if sessions is None and first.setdefault(animal, session) != session:
            raise ValueError(
                f"{path}: animal {animal!r} has several sessions. Pass "
                "sessions='carry' if the weights of one go on into the next, or "
                "sessions='reset' if every session begins anew."
            )
    silent = {row[0] for row in rows} - {row[0] for row in rows if row[3] is not None}
    if silent:
        raise ValueError(
            f"{path}: no choice of {', '.join(sorted(silent))}; expected at least one "
            "of each animal. Leave out those that made none."
        )


def _natural(name: str) -> tuple[float, str]:
    """Options that are numbers, in the order of the numbers; then the others."""
    try:
        return float(name), name
    except ValueError:
        return math.inf, name


def _rows(path: Path) -> list[tuple[str, str, float, str | None, float]]:
    """(animal, session, trial, choice, reward) of every line, checked."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} is no plain text in UTF-8; expected a CSV file. A spreadsheet "
            "writes one by 'save as', 'CSV UTF-8'."
        ) from None
    table = csv.DictReader(io.StringIO(text))
    table.fieldnames = heads = [h.strip().lower() for h in table.fieldnames or ()]
    missing = {*COLUMNS} - {"session", *heads}
    if missing or len(heads) > len({*heads}):
        wrong = (
            f"Missing: {', '.join(sorted(missing))}." if missing else "One is twice."
        )
        raise ValueError(
            f"{path} has the columns {', '.join(heads) or '(none)'}; expected "
            f"{', '.join(COLUMNS)} (session may be absent), each once, separated by "
            f"commas. {wrong}"
        )
    rows, seen = [], {}
    for values in table:
        line = table.line_num
        if None in values:
            raise ValueError(
                f"{path}, line {line}: more fields than the {len(heads)} columns; "
                "expected a point, and no comma, in numbers."
            )
        row = _row(values, f"{path}, line {line}")
        if row[:3] in seen:
            raise ValueError(
                f"{path}, line {line}: animal {row[0]!r} has trial {row[2]:g} already "
                f"in line {seen[row[:3]]}; expected each trial once. Several sessions "
                "need a column `session`."
            )
        seen[row[:3]] = line
        rows.append(row)
    if not rows:
        raise ValueError(f"{path} has no rows below its first line; expected trials.")
    return rows


def _row(values, where: str):
    text = {name: (values.get(name) or "").strip() for name in COLUMNS}
    if not text["animal"]:
        raise ValueError(f"{where}: animal is empty; expected a name or a number.")
    choice = None if text["choice"].lower() in NO_CHOICE else text["choice"]
    if choice is None and text["reward"].lower() in NO_CHOICE:
        text["reward"] = "0"
    text["reward"] = TRUTH.get(text["reward"].lower(), text["reward"])
    number = {}
    for name in ("trial", "reward"):
        try:
            number[name] = float(text[name])
        except ValueError:
            number[name] = math.nan
        if not math.isfinite(number[name]):
            raise ValueError(
                f"{where}: {name} is {text[name]!r}; expected a number, such as "
                f"{'17' if name == 'trial' else '0 or 1'}."
            )
    if choice is None and number["reward"] != 0:
        raise ValueError(
            f"{where}: a reward of {text['reward']} without a choice. Expected a "
            "reward of 0, or empty, where no choice was made."
        )
    return text["animal"], text["session"], number["trial"], choice, number["reward"]
