"""Read fly choices from files in any of three layouts. `plastutor.flies` is the way in.

Nothing is guessed: what does not fit the layout is an error in a sentence, and an
accept/reject sequence that disagrees with the choices is left out with the reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FOLDER = "Fig2_Fig4_SuppFig2_SuppFig3_G_SuppFig7"  # the flies' folder in the archive
REQUIRED = ("choice_order.mat", "reward_order.mat")
LAYOUTS = (
    "a CSV file with the columns fly, trial, choice, reward; a folder with one folder "
    f"per fly that holds {' and '.join(REQUIRED)}; or a folder of Fly1.mat, Fly2.mat, "
    "and so on"
)
COLUMNS = ("fly", "trial", "choice", "reward")


class FlyChoices(NamedTuple):
    """What one fly chose and what it got.

    Attributes:
        fly: number of the fly.
        choice: shape (trial,), odour accepted: 0 = A (MCH), 1 = B (OCT).
        reward: shape (trial,), 1.0 where the choice was rewarded, else 0.0.
        odour: shape (presentation,), odour met, in order; None where not known.
        accept: shape (presentation,), True where that odour was accepted; there are as
            many True as trials. None where not known.
        note: why `odour` and `accept` are None; empty where they are known.
    """

    fly: int
    choice: np.ndarray
    reward: np.ndarray
    odour: np.ndarray | None = None
    accept: np.ndarray | None = None
    note: str = ""


def read(path: Path) -> list[FlyChoices]:
    """Read the flies of an existing file or folder, in the layout that it has.

    Where a folder holds several layouts, the Zenodo folders come before `Fly{n}.mat`
    and those before a CSV file.

    Raises:
        ValueError: no layout is recognised, or the content is inconsistent.

    Example:
        >>> import tempfile
        >>> read(Path(tempfile.mkdtemp()))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: ... holds no fly data. Expected ...
    """
    if path.is_file():
        if path.suffix.lower() != ".csv":
            raise ValueError(
                f"{path} is not a CSV file. Expected {LAYOUTS}. Unpack an archive "
                "first; give the folder of .mat files, not one of them."
            )
        return read_csv(path)
    for root in (path, path / FOLDER, *sorted(path.glob(f"*/{FOLDER}"))):
        homes = {file.parent for name in REQUIRED for file in root.glob(f"*/{name}")}
        if homes:
            ordered = sorted(homes, key=lambda home: _natural(home.name))
            return [read_fly_folder(home, n) for n, home in enumerate(ordered, 1)]
    if mats := [file for file in path.glob("*.mat") if _fly_number(file)]:
        return [read_fly_mat(file) for file in sorted(mats, key=_fly_number)]
    tables = sorted(path.glob("*.csv"))
    if len(tables) == 1:
        return read_csv(tables[0])
    many = f" ({len(tables)} CSV files; name the one to read)" if tables else ""
    raise ValueError(f"{path} holds no fly data{many}. Expected {LAYOUTS}.")


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts fly 2 before fly 10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


def _fly_number(file: Path) -> int:
    match = re.fullmatch(r"Fly(\d+)\.mat", file.name)
    return int(match[1]) if match else 0


# --- tidy CSV ---------------------------------------------------------------------


def read_csv(file: Path) -> list[FlyChoices]:
    """Read a CSV file with columns fly, trial, choice (A or B) and reward (0 or 1).

    Returns:
        The flies by number, their trials by trial number.

    Raises:
        ValueError: a column is missing, a value is wrong, a trial comes twice.
    """
    trials: dict[int, dict[int, tuple[int, int]]] = {}
    with file.open(newline="", encoding="utf-8-sig") as stream:
        table = csv.DictReader(stream)
        names = [name.strip() for name in table.fieldnames or ()]
        if not set(COLUMNS) <= set(names):
            raise ValueError(
                f"{file} has the columns {', '.join(names) or '(none: it is empty)'}; "
                f"expected {', '.join(COLUMNS)}, separated by commas."
            )
        table.fieldnames = names
        for row in table:
            where = f"{file}, line {table.line_num}"
            fly, trial = (_whole(row[name], name, where) for name in ("fly", "trial"))
            choice = _one_of(row["choice"], ("A", "B"), "choice", where)
            reward = _one_of(row["reward"], ("0", "1"), "reward", where)
            seen = trials.setdefault(fly, {})
            if trial in seen:
                raise ValueError(
                    f"{where}: fly {fly} has trial {trial} twice; expected every trial "
                    "of a fly once. Remove one of them."
                )
            seen[trial] = choice, reward
    if not trials:
        raise ValueError(f"{file} has no trials; expected one row per trial.")
    flies = []
    for fly, seen in sorted(trials.items()):
        values = np.array([seen[trial] for trial in sorted(seen)])
        note = f"{file.name} holds choices and rewards only."
        flies.append(FlyChoices(fly, values[:, 0], values[:, 1] * 1.0, note=note))
    return flies


def _whole(text: str | None, name: str, where: str) -> int:
    if not re.fullmatch(r"\s*\d+\s*", text or ""):
        raise ValueError(f"{where}: {name} is {text!r}; expected a whole number.")
    return int(text or "")


def _one_of(text: str | None, legal: tuple[str, ...], name: str, where: str) -> int:
    value = (text or "").strip()
    if value not in legal:
        raise ValueError(f"{where}: {name} is {text!r}; expected {' or '.join(legal)}.")
    return legal.index(value)


# --- MATLAB files -----------------------------------------------------------------


def _load_mat(file: Path) -> dict[str, Any]:
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
            "MATLAB file of version 7 or older. Download it again, or save it anew "
            "with -v7."
        ) from error
    return {name: value for name, value in content.items() if name[0] != "_"}


def _variable(file: Path, name: str) -> Any:
    """The variable with the authors' name, else the only one, whatever its name."""
    found = _load_mat(file)
    if name not in found and len(found) != 1:
        raise ValueError(
            f"{file} holds the variables {', '.join(found) or '(none)'}; expected "
            f"{name}, or a single variable of any name."
        )
    return found.get(name, next(iter(found.values())))


def _check_values(values: Any, legal: Sequence[float], what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf" or not np.isin(array, legal).all():
        numbers = ", ".join(map(str, legal))
        raise ValueError(f"{what} has other values than {numbers}; check the file.")
    return array.astype(int)


def read_fly_mat(file: Path) -> FlyChoices:
    """Read one `Fly{n}.mat`: X (presentation, 2), Y (presentation,), R (trial,).

    Raises:
        ValueError: a variable is missing, has a wrong shape or a wrong value.
    """
    content = _load_mat(file)
    if not {"X", "Y", "R"} <= set(content):
        raise ValueError(
            f"{file} holds the variables {', '.join(content) or '(none)'}; expected "
            "X (presentations x 2), Y (presentations) and R (one reward per accept)."
        )
    x = _check_values(content["X"], (0, 1), f"X in {file}")
    accept = _check_values(content["Y"], (0, 1), f"Y in {file}").ravel() == 1
    reward = _check_values(content["R"], (0, 1), f"R in {file}").ravel()
    if x.shape != (len(accept), 2) or (x.sum(1) != 1).any():
        raise ValueError(
            f"{file}: X has shape {x.shape} and Y has {len(accept)} entries; expected "
            "X (presentations x 2) with a single 1 in each row, and one Y per row."
        )
    if accept.sum() != len(reward) or not len(reward):
        raise ValueError(
            f"{file}: Y has {accept.sum()} accepts and R has {len(reward)} rewards; "
            "expected one reward per accept, and at least one."
        )
    odour = x[:, 1]
    return FlyChoices(_fly_number(file), odour[accept], reward * 1.0, odour, accept)


def read_fly_folder(folder: Path, fly: int) -> FlyChoices:
    """Read one fly's folder of the Zenodo archive.

    Args:
        folder: holds `choice_order.mat` and `reward_order.mat`, 80 trials x 3 blocks;
            perhaps also `odor_crossing_{1,2,3}.mat` and `cps_{1,2,3}.mat`.
        fly: number to give to this fly.

    Raises:
        FileNotFoundError: one of the two files is missing.
        ValueError: a wrong shape or value.
    """
    orders = []
    for name in REQUIRED:
        order = _variable(folder / name, Path(name).stem)
        order = _check_values(order, (0, 1, 2), f"{folder / name}")
        if order.shape != (80, 3):
            raise ValueError(
                f"{folder / name} has shape {order.shape}; expected (80, 3): 80 trials "
                "in 3 blocks. Check that the file is complete."
            )
        orders.append(order)
    chosen, reward = (order.T.ravel() for order in orders)  # block after block
    kept = chosen > 0
    if not kept.any():
        raise ValueError(f"{folder / REQUIRED[0]} has no choice; check the file.")
    choice, reward = chosen[kept] - 1, (reward[kept] > 0) * 1.0
    try:
        odour, accept = accepts_from_choice_points(folder, orders[0])
    except (ValueError, FileNotFoundError) as error:
        note = f"No accepts and rejects could be rebuilt: {error}"
        return FlyChoices(fly, choice, reward, note=note)
    return FlyChoices(fly, choice, reward, odour, accept)


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
    odours: list[int] = []
    accepts: list[bool] = []
    waiting: list[int] = []  # presentations since the last choice point
    for block, column in enumerate(choice_order.T, start=1):
        chosen = column[column > 0] - 1
        if not len(chosen):
            continue
        points = _choice_points(folder / f"cps_{block}.mat", len(chosen))
        clock = "time" if (points % 1).any() else "time_pt_in_vector"
        entries = _entries(folder / f"odor_crossing_{block}.mat", clock)
        for n, (point, odour) in enumerate(zip(points, chosen, strict=True), start=1):
            while entries and entries[0][0] < point:
                waiting.append(entries.pop(0)[1])
            if not waiting or waiting[-1] != odour:
                last = "none" if not waiting else "AB"[waiting[-1]]
                raise ValueError(
                    f"in {folder}, choice {n} of block {block} is {'AB'[odour]} but "
                    f"the odour entered last before its choice point is {last}."
                )
            odours += waiting
            accepts += [False] * (len(waiting) - 1) + [True]
            waiting = []
        waiting += [odour for _, odour in entries]
    return np.array(odours), np.array(accepts)


def _choice_points(file: Path, num_choices: int) -> np.ndarray:
    """One choice point per choice of the block, in frames or seconds."""
    points = np.asarray(_variable(file, "cps"))
    if points.dtype.kind not in "iuf" or points.size != max(points.shape, default=0):
        raise ValueError(f"{file} is not a vector of numbers (shape {points.shape}).")
    points = points.ravel().astype(float)
    if len(points) - num_choices not in (0, 1):
        raise ValueError(
            f"{file} has {len(points)} choice points for {num_choices} choices; "
            "expected as many, or one more (the start)."
        )
    if not np.isfinite(points).all() or (np.diff(points) <= 0).any():
        raise ValueError(f"{file} has choice points that do not increase.")
    return points[len(points) - num_choices :]


def _entries(file: Path, clock: str) -> list[tuple[float, int]]:
    """When the fly entered an odour, and which (0 = MCH, 1 = OCT), in order."""
    crossings = _variable(file, "odor_crossing")
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
