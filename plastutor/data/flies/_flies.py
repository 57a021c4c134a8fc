"""Real fly choices: find, download, read, check, turn into experiments.

In each trial a fly in a Y-shaped arena met odours until it accepted one, and was
rewarded or not. The data are from Rajagopalan, Darshan, Hibbard, Fitzgerald and Turner,
PNAS 120(39) e2221415120 (2023), Zenodo record 7449214, licence CC BY 4.0. The package
does not ship them; `load` finds or downloads them.

Numbers of flies follow the order of the names in the source. They need not be the
paper's, and the same fly can have another number in another source.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Float, PRNGKeyArray

from plastutor._experiments import make_experiment
from plastutor._types import Experiment
from plastutor.data._choices import choice_experiments, one_hot, padded
from plastutor.data.flies._archive import BY_HAND, VARIABLE
from plastutor.data.flies._download import Progress, download
from plastutor.data.flies._files import LAYOUTS, FlyChoices, read
from plastutor.data.flies._simulation import simulate_flies
from plastutor.rules import Orders, terms

CITATION = (
    "Fly data: Rajagopalan, Darshan, Hibbard, Fitzgerald and Turner, Reward "
    "expectations direct learning and drive operant matching in Drosophila, PNAS "
    "120(39) e2221415120 (2023); Zenodo record 7449214, CC BY 4.0."
)

REQUIRED = "PLASTUTOR_REQUIRE_FLY_DATA"  # 1: no flies, no page


def load(
    source: str | os.PathLike[str] | None = None, *, progress: Progress | None = None
) -> list[FlyChoices]:
    """Find and read the flies: argument, PLASTUTOR_FLY_DATA, cache, Zenodo.

    Three layouts are recognised by their content:

    1. The Zenodo folders, one per fly, with `choice_order.mat` and `reward_order.mat`,
       each 80 trials x 3 blocks. Choices are 1 = MCH, 2 = OCT, 0 = no choice (trial
       dropped); any reward code above 0 is a reward (the authors write the number of
       the rewarded odour). Accepts and rejects are rebuilt from `odor_crossing_*.mat`
       and `cps_*.mat`, see `accepts_from_choice_points`; where
       these files are absent or disagree with the choices, `odour` and `accept` are
       None and `note` says why.
    2. `Fly{n}.mat` as read by the plasticity paper's code: X (presentation, 2) one-hot
       odour, Y (presentation,) 1 = accepted, R one reward per accept. In the files of
       the public replication the choices and rewards are sound but the *rejected*
       presentations are not: do not fit accept/reject behaviour to those.
    3. A CSV file with columns fly, trial, choice (A or B), reward (0 or 1). Trial
       numbers give the order only; they may have gaps.

    Args:
        source: file or folder; by default the environment variable PLASTUTOR_FLY_DATA,
            then the user's cache, then the Zenodo record (about a hundred small files).
        progress: called as `progress(done, total, what)` during a download.

    Returns:
        The flies in the order of their numbers.

    Raises:
        FileNotFoundError: the source does not exist.
        ValueError: the content is not one of the layouts, or is inconsistent.
        OSError: nothing was found and Zenodo cannot be read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp(), "choices.csv")
        >>> lines = ["fly,trial,choice,reward", "1,1,A,0", "1,2,B,1"]
        >>> _ = file.write_text(chr(10).join(lines))
        >>> load(file)[0].choice.tolist()
        [0, 1]
    """
    if source is not None:
        return _read(Path(source), "The argument `source`")
    if named := os.environ.get(VARIABLE):
        return _read(Path(named), f"The environment variable {VARIABLE}")
    return _read(download(progress=progress), "The cache")


class Flies(NamedTuple):
    """Flies, and whether they are real; a notebook shows it as a box.

    Attributes:
        flies: what `load` or `simulate_flies` returned.
        real: False for simulated flies.
        note: where they come from, in a sentence or two.
    """

    flies: list[FlyChoices]
    real: bool
    note: str

    def _repr_html_(self) -> str:
        # No class of the page's theme: outputs have colours of their own in the dark.
        title, color = ("Real", "#0072B2") if self.real else ("Simulated", "#D55E00")
        return (
            f'<div style="border-left: 4px solid {color}; padding-left: 1em">'
            f"<b>{title} flies.</b> {self.note}</div>"
        )


def load_or_simulate(
    key: PRNGKeyArray,
    theta: Float[ArrayLike, "x y w r"] | None = None,
    *,
    progress: Progress | None = None,
) -> Flies:
    """The real flies; where they cannot be had, simulated ones, which say so.

    With the environment variable PLASTUTOR_REQUIRE_FLY_DATA=1 there is no second best.

    Args:
        key: a JAX random key, for the simulated flies.
        theta: the rule of the simulated flies, as for `simulate_flies`; by default one
            that forgets, with w = -0.2.
        progress: as in `load`.

    Example:
        >>> import jax
        >>> load_or_simulate(jax.random.key(0)).real  # doctest: +SKIP
        True
    """
    try:
        flies = load(progress=progress)
        return Flies(flies, True, f"{len(flies)} flies. {CITATION}")
    except OSError as problem:
        if os.environ.get(REQUIRED) == "1":
            raise
        if theta is None:
            orders = Orders(x=1, w=1, r=1)
            theta = terms(orders, one=-0.5, r=-1.0, w=-0.2, x=2.5, xr=2.0)
        note = (
            "All flies on this page are SIMULATED: they learn by a rule that we know. "
            "The page shows the method; of real flies it says only what it reads from "
            f"the stored tables of the long studies. {problem}"
        )
        return Flies(simulate_flies(key, theta), False, note)


def progress_bar() -> Progress:
    """A `progress` for `load` and `download`: a bar that appears with the first file.

    Example:
        >>> load(progress=progress_bar())  # doctest: +SKIP
    """
    from tqdm import tqdm

    bars = []

    def show(done: int, total: int, what: str) -> None:
        if not bars:
            bars.append(tqdm(total=total, unit="file"))
        bars[0].set_postfix_str(what, refresh=False)
        bars[0].update(done - bars[0].n)
        if done == total:
            bars[0].close()

    return show


def experiments(
    flies: Sequence[FlyChoices],
    *,
    stimulus: float | int = 0.75,
    accept_reject: bool = False,
) -> Experiment:
    """Turn flies into one batch of experiments, padded to the longest.

    Args:
        flies: what `load` returns, or some of it.
        stimulus: activity of the input that stands for the odour met; the other is 0.
        accept_reject: False: a step is a trial, x is the odour chosen and `options` are
            the two odours. True: a step is a presentation, x is the odour met and
            `accept` what the fly did with it; needs `odour` and `accept` of every fly.

    Returns:
        An Experiment with leading axis exp (one per fly), two inputs and one output
        neuron whose weights start at 0. In the padding `valid` and `plastic` are False,
        `choice` is -1, `accept` is NaN, x and reward are 0.

    Raises:
        ValueError: no flies, a bad stimulus, a fly whose fields do not fit together, or
            a fly without the accept/reject sequence that was asked for.

    Example:
        >>> fly = FlyChoices(1, np.array([0, 1]), np.array([0.0, 1.0]))
        >>> experiments([fly]).x[0].tolist()
        [[0.75, 0.0], [0.0, 0.75]]
    """
    if not flies:
        raise ValueError("No flies were given; expected at least one, as from `load`.")
    rows = [_row(fly, accept_reject) for fly in flies]
    odours, accepts, rewards = zip(*rows, strict=True)
    if not accept_reject:
        return choice_experiments(odours, rewards, stimulus=stimulus)
    odour, accept = padded(odours, -1), padded(accepts, np.nan)
    reward = np.zeros(odour.shape)
    reward[accept == 1] = np.concatenate(rewards)
    return make_experiment(
        np.where(odour[..., None] >= 0, one_hot(2, stimulus)[odour], 0),
        w0=np.zeros((2, 1)),
        reward=reward,
        valid=odour >= 0,
        accept=accept,
    )


def _row(fly: FlyChoices, accept_reject: bool) -> tuple[Any, Any, Any]:
    """Odours and accepts per step and rewards per accept, checked."""
    odour, accept = fly.choice, np.ones(len(fly.choice), bool)
    if accept_reject:
        if fly.odour is None or fly.accept is None:
            raise ValueError(
                f"Fly {fly.fly} has no accept/reject sequence. "
                f"{fly.note or 'Its source holds choices only.'} Use its choices "
                "(accept_reject=False), or leave it out."
            )
        odour, accept = np.asarray(fly.odour), np.asarray(fly.accept, bool)
    same = len(odour) == len(accept) and accept.sum() == len(fly.choice)
    if not same or len(fly.reward) != len(fly.choice) or not len(fly.choice):
        raise ValueError(
            f"Fly {fly.fly} has {len(fly.choice)} choices, {len(fly.reward)} rewards, "
            f"{len(odour)} odours and {int(accept.sum())} accepts; expected one reward "
            "and one accept per choice, and at least one choice."
        )
    return odour, accept, fly.reward


def _read(path: Path, origin: str) -> list[FlyChoices]:
    path = path.expanduser()
    if not path.exists():
        raise FileNotFoundError(
            f"{origin} names {path}, which does not exist. Expected {LAYOUTS}. "
            f"{BY_HAND}"
        )
    return read(path)
