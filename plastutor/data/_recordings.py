"""Recordings of your own: from a table of stimuli and activity to experiments."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from plastutor._experiments import make_experiment
from plastutor._tables import Line, Table, read_table
from plastutor._types import Experiment

NOISE = 0.1  # how far noise may lead out of the limits, as a share of their distance


class Recording(NamedTuple):
    """Recorded activity of several experiments, ready for a fit.

    Attributes:
        experiment: a batch, padded to the longest. The initial weights are unknown and
            stand as 0.
        experiments: their names, in the order of the file.
        inputs: the names of the stimulus columns.
        neurons: the names of the activity columns.
        ignored: columns of the file that were not read.
        file: the name of the file.
        sha256: the hash of its bytes, to know it again.
    """

    experiment: Experiment
    experiments: tuple[str, ...]
    inputs: tuple[str, ...]
    neurons: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    file: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        valid = np.asarray(self.experiment.valid)
        steps, activity = valid.sum(1), np.asarray(self.experiment.activity)[valid]
        missing = 100 * np.isnan(activity).mean()
        return (
            f"{self.file}: {len(self.experiments)} experiments of {steps.min()} to "
            f"{steps.max()} steps.\n"
            f"{len(self.inputs)} inputs: {', '.join(self.inputs)}.\n"
            f"{len(self.neurons)} neurons: {', '.join(self.neurons)}.\n"
            f"Activity {np.nanmin(activity):.2f} to {np.nanmax(activity):.2f}, "
            f"{missing:.1f} % of it missing.\n"
            f"Reward: {'yes' if np.any(self.experiment.reward) else 'none'}. "
            f"Columns not read: {', '.join(self.ignored) or 'none'}."
        )


def read_activity(
    path: str | os.PathLike[str],
    *,
    inputs: Sequence[str | int] | None = None,
    neurons: Sequence[str | int] | None = None,
    limits: tuple[float | int, float | int] | None = (0.0, 1.0),
) -> Recording:
    """Read a table of recorded activity: a CSV file with one row a time step.

    Columns: experiment (any name or number), step (whole numbers, one more in each
    row of an experiment), stimuli, activity, and reward if there is one. This is the
    matrix of steps and neurons that recordings come in, with the stimuli beside it; a
    row for each neuron and step would repeat every stimulus for every neuron.

    Activity that was not recorded is empty (or NA). Stimuli must be complete, and no
    step may be left out: the model has to simulate every step. An input that was not
    recorded is left out; it acts as noise.

    Args:
        path: the file.
        inputs: the columns of the stimuli; default those that begin with "x_".
        neurons: the columns of the activity; default those that begin with "y_".
        limits: what the file says of a silent neuron and of one as active as can be,
            such as (0, 120) for spikes a second. They become 0 and 1, by one straight
            line for all neurons. Take them from what is known of the recording, not
            from the largest value in it: no neuron need have come so far. Noise may
            lead out by a tenth. None keeps numbers as they are, for a network whose
            activation has no limits.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a sentence that names the line and what was expected there.

    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "mine.csv")
    >>> rows = ["experiment,step,x_a,y_1", "mon,1,0.5,0.2", "mon,2,1,", "tue,1,0,0.6"]
    >>> _ = file.write_text(chr(10).join([*rows, "tue,2,1,0.4"]))
    >>> mine = read_activity(file)
    >>> mine.neurons, mine.experiment.activity.shape
    (('y_1',), (2, 2, 1))
    """
    if limits is not None and not _are_limits(limits):
        raise ValueError(
            f"limits is {limits!r}; expected two numbers, the lower one first: what a "
            "silent neuron reads, and one as active as can be. They hold for all "
            "neurons; bring neurons with limits of their own to 0 ... 1 in the file."
        )
    inputs, neurons = _names(inputs), _names(neurons)
    named = [*(inputs or ()), *(neurons or ())]
    table = read_table(path, ["experiment", "step", *named], rows="one for each step")
    stimuli = _columns(table, "inputs", inputs, "x_")
    cells = _columns(table, "neurons", neurons, "y_")
    if len({*stimuli, *cells}) < len(stimuli) + len(cells):
        raise ValueError(
            f"inputs are {', '.join(stimuli)} and neurons {', '.join(cells)}; expected "
            "each column once."
        )
    experiments = _experiments_of(table)
    shape = len(experiments), max(map(len, experiments.values()))
    x, y = np.zeros((*shape, len(stimuli))), np.full((*shape, len(cells)), np.nan)
    reward, valid = np.zeros(shape), np.zeros(shape, bool)
    for e, lines in enumerate(experiments.values()):
        for t, line in enumerate(lines):
            wanted = "a number, and 0 where there was no stimulus"
            x[e, t] = [line.value(name, wanted) for name in stimuli]
            y[e, t] = [_activity(line, name, limits) for name in cells]
            if "reward" in table.columns:
                wanted = "a number, and 0 where there was no reward"
                reward[e, t] = line.value("reward", wanted)
            valid[e, t] = True
    _check_columns(table, stimuli, x[valid], cells, y[valid])
    w0 = np.zeros((len(stimuli), len(cells)))
    made = make_experiment(x, w0=w0, reward=reward, valid=valid, activity=y)
    used = {"experiment", "step", "reward", *stimuli, *cells}
    ignored = tuple(c for c in table.columns if c and c not in used)
    return Recording(
        made, tuple(experiments), stimuli, cells, ignored, table.file, table.sha256
    )


def _are_limits(limits) -> bool:
    try:
        low, high = limits
        return bool(low < high) and math.isfinite(high - low)
    except (TypeError, ValueError):
        return False


def _names(given) -> tuple[str, ...] | None:
    """Names of columns in small letters; a single one may come without a list."""
    if given is None:
        return None
    given = (given,) if isinstance(given, str | int) else given
    return tuple(str(name).lower() for name in given)


def _columns(table: Table, what: str, given, prefix: str) -> tuple[str, ...]:
    """The columns of one kind: those given, or those that begin alike."""
    names = tuple(c for c in table.columns if c.startswith(prefix))
    names = names if given is None else given
    if not names:
        raise ValueError(
            f"{table.file}, line 1: no column begins with {prefix!r}; found "
            f"{', '.join(table.columns)}. Rename columns, or name them by "
            f"{what}=[...]."
        )
    return names


def _experiments_of(table: Table) -> dict[str, list[Line]]:
    """The lines of each experiment, whose steps must follow one another."""
    experiments = {}
    for (name,), lines in table.numbered(["experiment"], "step").items():
        first, *_ = experiments[name] = list(lines.values())
        before = None
        for step, line in lines.items():
            expected = step if before is None else before + 1
            if step < expected:
                raise ValueError(
                    f"{line.where}: step is {step:g}, after {before:g}; expected "
                    f"{expected:g}: the rows of an experiment in the order of time."
                )
            if step > expected:
                raise ValueError(
                    f"{line.where}: step is {step:g}, after {before:g}; expected "
                    f"{expected:g}, since weights change in every step. A step that "
                    "was not recorded has a row with its stimulus and empty activity; "
                    "one without a stimulus has zeros. If nothing is known of it, "
                    "begin a new experiment here."
                )
            before = step
        if len(lines) < 2:
            raise ValueError(
                f"{first.where}: experiment {name!r} has one step; expected at least "
                "two. Leave it out, or look for a misspelt name."
            )
    return experiments


def _activity(line: Line, name: str, limits) -> float:
    """Activity in units of the limits; NaN where nothing was recorded."""
    if line.missing(name):
        return np.nan
    value = line.value(name, "a number, or nothing where it was not recorded")
    if limits is None:
        return value
    low, high = limits
    scaled = (value - low) / (high - low)
    if not -NOISE <= scaled <= 1 + NOISE:
        raise line.fail(
            name,
            f"{low:g} to {high:g}, or a tenth of that beyond by noise. For spikes a "
            "second or fluorescence pass limits=(a, b): what a silent neuron reads, "
            "and one as active as can be",
        )
    return scaled


def _check_columns(table: Table, stimuli, x, cells, y) -> None:
    """Refuse columns that say nothing."""
    lines = f"lines {table.lines[0].number} to {table.lines[-1].number}"
    for name, values in zip(stimuli, x.T, strict=True):
        if not values.any():
            raise ValueError(
                f"{table.file}, {lines}: {name} is 0 throughout; expected a stimulus "
                "that was on at some time. Leave the column out."
            )
    for name, values in zip(cells, y.T, strict=True):
        there = values[~np.isnan(values)]
        if not len(there) or there.min() == there.max():
            texts = [n.text[name] for n in table.lines if not n.missing(name)]
            raise ValueError(
                f"{table.file}, {lines}: {name} is {texts[0] if texts else 'empty'} "
                "throughout; expected a neuron whose activity changes. Leave the "
                "column out."
            )
