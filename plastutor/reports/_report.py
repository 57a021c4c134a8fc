"""A report: the same fields, text and order for every kind of data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from plastutor.evaluate import ModelComparison, Population

NOTHING, TO_ALL = "does nothing", "the rule, to all"


class Matching(NamedTuple):
    """What only choices have.

    Attributes:
        options: their names.
        reward_shares: the share of each option in the rewards of each experiment; NaN
            where none was rewarded.
        choice_shares: its share in the choices.
        population: how much the animals differ.
    """

    options: tuple[str, ...]
    reward_shares: Float[np.ndarray, "exp option"]
    choice_shares: Float[np.ndarray, "exp option"]
    population: Population

    unit, of = "animal", "deviance"

    def __str__(self) -> str:
        return f"choices among {len(self.options)} options ({', '.join(self.options)})"

    def beside(self, theta: np.ndarray) -> tuple[str, Float[np.ndarray, "_ term"]]:
        """What stands beside the coefficients."""
        return "std between animals", self.population.spread[None]


class Recorded(NamedTuple):
    """What only recorded activity has: and one experiment, that of the median score.

    Attributes:
        inputs: names of the stimuli.
        neurons: names of the neurons.
        skip: steps at the beginning of each experiment that are not scored.
        example: the name of an experiment.
        recorded: its activity; NaN where it was not recorded.
        predicted: by the rule that was fitted to the others, for the first draw.
    """

    inputs: tuple[str, ...]
    neurons: tuple[str, ...]
    skip: int
    example: str
    recorded: Float[np.ndarray, "time post"]
    predicted: Float[np.ndarray, "time post"]

    unit, of = "experiment", "variance, 100 R2"

    def __str__(self) -> str:
        return (
            f"activities of {len(self.neurons)} neurons with {len(self.inputs)} "
            f"inputs,\nin each without the first {self.skip} steps"
        )

    def beside(self, theta: np.ndarray) -> tuple[str, Float[np.ndarray, "_ term"]]:
        """What stands beside the coefficients."""
        return "and for other draws of w0", theta[1:]


Details = Matching | Recorded


class Report(NamedTuple):
    """What data tell about the rule behind them.

    Initial weights that are not known are drawn several times, and all is done for each
    draw. Those of animals that choose are 0: one draw. Instead of animals there may be
    experiments.

    Attributes:
        file: the name of the file that was analysed.
        sha256: the hash of its bytes.
        names: of the animals.
        n_observations: how many choices or activities are scored.
        losses: for each model, the summed loss of each animal, predicted from the
            others, (draw, animal): in nats, or squared errors. Infinite where a fitted
            model diverged.
        total: for each animal, the loss of which a part is explained: of doing nothing,
            or about each neuron's own mean.
        comparisons: for each other model, what the rule gains on it, in points: percent
            of the total, over all animals.
        terms: the terms of the rule.
        theta: their coefficients, in a fit to all animals, (draw, term).
        interval: their 95 % intervals over animals for the first draw, the lower and
            the upper ends; NaN with too few animals.
        fits: for each model, how many fits there were; how many of them diverged, and
            how many came to the lowest loss of those to the same data. Of all terms,
            how many had not converged.
        details: what only data of this kind have.
    """

    file: str
    sha256: str
    names: tuple[str, ...]
    n_observations: int
    losses: dict[str, np.ndarray]
    total: Float[np.ndarray, " animal"]
    comparisons: dict[str, ModelComparison]
    terms: tuple[str, ...]
    theta: Float[np.ndarray, "draw term"]
    interval: Float[np.ndarray, "2 term"]
    fits: dict[str, dict[str, int]]
    details: Details

    @property
    def explained(self) -> dict[str, np.ndarray]:
        """For each model, percent explained of each animal's total, (draw, animal)."""
        return {name: 100 * (1 - v / self.total) for name, v in self.losses.items()}

    def __str__(self) -> str:
        unit, of = self.details.unit, self.details.of
        within = lambda low, high: f"({low:.2f} to {high:.2f})"
        lines = [
            f"{self.file}: {len(self.names)} {unit}s, {self.n_observations} "
            f"{self.details}.",
            f"Each {unit} predicted from the others, percent explained of {of},",
            f"over all; and the median {unit} (worst to best); {len(self.theta)} "
            "draw(s) of w0:",
        ]
        for name, values in self.explained.items():
            each, diverged = np.median(values, axis=0), int(np.isinf(values).sum())
            over_all = 100 * (1 - self.losses[name].mean(0).sum() / self.total.sum())
            lines += [
                f"  {name:20s} {over_all:7.2f}; {np.median(each):.2f} "
                + within(each.min(), each.max())
                + f"; diverged in {diverged} of {values.size}" * (diverged > 0)
            ]
        lines += [f"The rule gains on them, in points (95 % over {unit}s):"]
        for name, one in self.comparisons.items():
            ends = within(*one.interval)
            lines += [f"  {name:20s} {one.gain:7.2f} {ends}, {one.verdict}"]
        beside, columns = self.details.beside(self.theta)
        lines += [f"Its coefficients (95 % over {unit}s), {beside}:"]
        rows = self.terms, self.theta[0], self.interval.T, columns.T
        for term, value, ends, others in zip(*rows, strict=True):
            more = " ".join(f"{other:.2f}" for other in others) or "none"
            lines += [f"  {term:4s} {value:6.2f} {within(*ends)}; {more}"]
        if np.isnan(self.interval).any():
            lines += [f"  No intervals: they need more than {len(self.terms)} {unit}s."]
        lines += ["Fits, and how they ended:"]
        for name, counts in self.fits.items():
            said = ", ".join(f"{count} {how}" for how, count in counts.items())
            lines += [f"  {name:20s} {said}"]
        return "\n".join(lines)
