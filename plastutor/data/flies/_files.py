"""Read fly choices from files in any of three layouts.

Nothing is guessed: what does not fit the layout is an error in a sentence, and an
accept/reject sequence that disagrees with the choices is left out with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from plastutor._tables import Line, read_table
from plastutor.data.flies._crossings import (
    accepts_from_choice_points,
    load_mat,
    variable,
)

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
        choice: odour accepted in each trial: 0 = A (MCH), 1 = B (OCT).
        reward: 1.0 where the choice was rewarded, else 0.0.
        odour: odour met in each presentation; None where not known.
        accept: True where that odour was accepted; there are as many True as trials.
            None where not known.
        note: why `odour` and `accept` are None; empty where they are known.
    """

    fly: int
    choice: Int[np.ndarray, " trial"]
    reward: Float[np.ndarray, " trial"]
    odour: Int[np.ndarray, " presentation"] | None = None
    accept: Bool[np.ndarray, " presentation"] | None = None
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
    flies, note = [], f"{file.name} holds choices and rewards only."
    table = read_table(file, COLUMNS, rows="one for each trial")
    for (fly,), lines in table.numbered(["fly"], "trial").items():
        in_order = [lines[trial] for trial in sorted(lines)]
        if not fly.isdecimal():
            raise in_order[0].fail("fly", "a whole number")
        choice = [_one_of(line, "choice", ("A", "B")) for line in in_order]
        reward = [_one_of(line, "reward", ("0", "1")) for line in in_order]
        made = np.array(choice), np.array(reward, float)
        flies.append(FlyChoices(int(fly), *made, note=note))
    return sorted(flies, key=lambda one: one.fly)


def _one_of(line: Line, name: str, legal: tuple[str, ...]) -> int:
    if line.text[name] not in legal:
        raise line.fail(name, " or ".join(legal))
    return legal.index(line.text[name])


# --- MATLAB files -----------------------------------------------------------------


def _check_values(values: Any, legal: Sequence[int], what: str) -> np.ndarray:
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
    content = load_mat(file)
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
        order = variable(folder / name, Path(name).stem)
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
