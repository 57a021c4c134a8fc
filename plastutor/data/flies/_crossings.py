"""Rebuild which odours a fly met, and which it accepted, from MATLAB files.

Nothing is guessed: files that cannot be understood are an error in a sentence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np


def load_mat(file: Path) -> dict[str, Any]:
    """The variables of a .mat file."""
    from scipy.io import loadmat

    if not file.is_file():
        raise FileNotFoundError(
            f"{file} is missing; expected it beside the other files of this fly. "
            "Copy or download it again."
        )
    try:
        content = loadmat(file)
    except Exception as error:  # a damaged file can raise nearly anything in scipy
        raise ValueError(
            f"{file} cannot be read ({type(error).__name__}: {error}); expected a "
            "MATLAB file of version 7 or older. Download it again, or save it again "
            "with -v7."
        ) from error
    return {name: value for name, value in content.items() if name[0] != "_"}


def variable(file: Path, name: str) -> Any:
    """The variable with the authors' name, else the only one, whatever its name."""
    variables = load_mat(file)
    if name not in variables and len(variables) != 1:
        raise ValueError(
            f"{file} holds the variables {', '.join(variables) or '(none)'}; expected "
            f"{name}, or a single variable of any name."
        )
    return variables.get(name, next(iter(variables.values())))


def accepts_from_choice_points(
    folder: Path, choice_order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rebuild which odours a fly met, and which it accepted, from its crossings.

    The blocks are put one after the other. Each entry into an odour (`type` ends in M
    or O) is a presentation. For each choice point the last presentation before it is
    the accept; the others since the choice point before it are rejects. Presentations
    after the last choice point are left out: whether they were accepted is not known.

    What is assumed about the files, from the MATLAB code that reads them:
    `odor_crossing` is a struct array with `type` ('AtoM', 'OtoM', 'AtoO', 'MtoO',
    'MtoA', 'OtoA'; empty where the tracker was unsure: skipped), `time` (seconds) and
    `time_pt_in_vector` (video frame), both counted within the block. `cps` is a vector
    of whole numbers, then they are frames, or else of seconds. Where it has one entry
    more than the block has choices, the first is the start of the block.

    Args:
        folder: the fly's folder.
        choice_order: shape (80, 3), 1 = MCH, 2 = OCT, 0 = no choice.

    Returns:
        The odours met, shape (presentation,), 0 = MCH, 1 = OCT; and whether each was
        accepted.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: the files cannot be understood or disagree with `choice_order`.
    """
    odour: list[int] = []
    accept: list[bool] = []
    waiting: list[int] = []  # presentations since the last choice point
    for block, column in enumerate(choice_order.T, start=1):
        choice = column[column > 0] - 1
        if not len(choice):
            continue
        points = _choice_points(folder / f"cps_{block}.mat", len(choice))
        clock = "time" if (points % 1).any() else "time_pt_in_vector"
        entries = _entries(folder / f"odor_crossing_{block}.mat", clock)
        for n, (point, chosen) in enumerate(zip(points, choice, strict=True), start=1):
            while entries and entries[0][0] < point:
                waiting.append(entries.pop(0)[1])
            if not waiting or waiting[-1] != chosen:
                last = "none" if not waiting else "AB"[waiting[-1]]
                raise ValueError(
                    f"in {folder}, choice {n} of block {block} is {'AB'[chosen]} but "
                    f"the odour entered last before its choice point is {last}."
                )
            odour += waiting
            accept += [False] * (len(waiting) - 1) + [True]
            waiting = []
        waiting += [entered for _, entered in entries]
    return np.array(odour), np.array(accept)


def _choice_points(file: Path, n_choices: int) -> np.ndarray:
    """One choice point per choice of the block, in frames or seconds."""
    points = np.asarray(variable(file, "cps"))
    if points.dtype.kind not in "iuf" or points.size != max(points.shape, default=0):
        raise ValueError(f"{file} is not a vector of numbers (shape {points.shape}).")
    points = points.ravel().astype(float)
    if len(points) - n_choices not in (0, 1):
        raise ValueError(
            f"{file} has {len(points)} choice points for {n_choices} choices; "
            "expected as many, or one more (the start)."
        )
    if not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        raise ValueError(f"{file} has choice points that do not increase.")
    return points[len(points) - n_choices :]


def _entries(file: Path, clock: str) -> list[tuple[float, int]]:
    """When the fly entered an odour, and which (0 = MCH, 1 = OCT), in order."""
    crossings = variable(file, "odor_crossing")
    names = getattr(getattr(crossings, "dtype", None), "names", None) or ()
    if not {"type", clock} <= set(names):
        raise ValueError(f"{file} is not a struct with the fields type and {clock}.")
    types, times = _field(crossings, "type"), _field(crossings, clock)
    if len(types) != len(times):
        raise ValueError(f"{file} has {len(types)} types but {len(times)} of {clock}.")
    entries = []
    for value, when in zip(types, times, strict=True):
        kind = "" if value is None else str(value).strip()
        if kind and not re.fullmatch("[AMO]to[AMO]", kind):
            raise ValueError(f"{file} has a crossing of unknown type {kind!r}.")
        if not kind or kind[3] == "A":
            continue
        if not isinstance(when, (int, float, np.number)) or not np.isfinite(when):
            raise ValueError(f"{file} has an odour entry without a {clock}.")
        entries.append((float(when), "MO".index(kind[3])))
    if (np.diff([when for when, _ in entries]) <= 0).any():
        raise ValueError(f"{file} has odour entries that do not increase in {clock}.")
    return entries


def _field(struct: np.ndarray, name: str) -> list[Any]:
    """One field of a struct array as a list, also where it is a struct of arrays."""
    values = struct[name].ravel()
    if len(values) == 1 and isinstance(values[0], np.ndarray) and values[0].size > 1:
        values = values[0].ravel()
    return [_unwrap(value) for value in values]


def _unwrap(value: Any) -> Any:
    """The single string or number in a cell, array or nest of both; None if empty."""
    while isinstance(value, np.ndarray):
        if value.size > 1:
            raise ValueError(f"a crossing has {value.size} values where one belongs.")
        value = value.ravel()[0] if value.size else None
    return value
