"""A report: the same fields, text and order for every kind of data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from plastutor.evaluate import ModelComparison, Population
from plastutor.evaluate.uncertainty import EndDeviance, ResidualCorrelation

NOTHING, TO_ALL = "does nothing", "the rule, to all"
BEYOND, HABIT = "forgetting, kernel in both", "kernel, no forgetting"
KERNEL = " + kernel"


class Matching(NamedTuple):
    """What only choices have.

    Attributes:
        options: their names.
        rule: the name of the rule to which the coefficients belong.
        added: what forgetting adds to the rule, with a choice kernel on both sides or
            on none, and what the kernel adds, with forgetting on both sides or on none.
            Without those of which a fit diverged.
        reward_shares: the share of each option in the rewards of each experiment; NaN
            where none was rewarded.
        choice_shares: its share in the choices.
        population: how much the animals differ.
    """

    options: tuple[str, ...]
    rule: str
    added: dict[str, ModelComparison]
    reward_shares: Float[np.ndarray, "exp option"]
    choice_shares: Float[np.ndarray, "exp option"]
    population: Population

    unit, of = "animal", "deviance"
    full, noise = "The rule with both", []

    def __str__(self) -> str:
        return f"choices among {len(self.options)} options ({', '.join(self.options)})"

    @property
    def found(self) -> str:
        """What is claimed of forgetting and of a habit, in a sentence.

        A claim is an interval over animals that lies above zero: of forgetting, of what
        it adds where both rules have a choice kernel. Without one a habit would pass
        for forgetting.
        """
        if not {BEYOND, HABIT} <= {*self.added}:
            return "No claim: a prediction by one of the four rules diverged."
        if self.added[BEYOND].interval[0] > 0:
            return "Forgetting beyond a habit is claimed."
        if self.added[HABIT].interval[0] > 0:
            return (
                "A habit, and no forgetting claimed: a fading memory of choices "
                "predicts."
            )
        return "Neither a habit nor forgetting beyond one is claimed."

    @property
    def of_which(self) -> str:
        """Whose coefficients are reported, and why."""
        if self.rule.endswith(KERNEL):
            return (
                "A kernel adds to the rule with forgetting.\n"
                "Coefficients of the rule with both"
            )
        return (
            "No kernel is claimed to add to the rule with forgetting.\n"
            "Coefficients of the rule without one"
        )

    @property
    def about(self) -> list[str]:
        """What is said before the comparison of models."""
        lines = [
            "What forgetting and a choice kernel add, in points (95 % over animals):"
        ]
        return lines + [
            f"  {name:27s} {_gain(one)}" for name, one in self.added.items()
        ]

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
        correlation: of the residuals of two neurons, for the first draw.
    """

    inputs: tuple[str, ...]
    neurons: tuple[str, ...]
    skip: int
    example: str
    recorded: Float[np.ndarray, "time post"]
    predicted: Float[np.ndarray, "time post"]
    correlation: ResidualCorrelation

    unit, of = "experiment", "variance, 100 R2"

    full, found, of_which, about = "The rule", "", "Its coefficients", ()

    def __str__(self) -> str:
        return (
            f"activities of {len(self.neurons)} neurons with {len(self.inputs)} "
            f"inputs,\nin each without the first {self.skip} steps"
        )

    @property
    def noise(self) -> list[str]:
        """Whether neurons share what the rule leaves unexplained, and what follows."""
        return [str(self.correlation)]

    def beside(self, theta: np.ndarray) -> tuple[str, Float[np.ndarray, "_ term"]]:
        """What stands beside the coefficients."""
        return "and for other draws of w0", theta[1:]


Details = Matching | Recorded


def _within(low, high) -> str:
    return f"({low:.2f} to {high:.2f})"


def _gain(one: ModelComparison) -> str:
    return f"{one.gain:6.2f} {_within(*one.interval)}, {one.verdict}"


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
        ends: the deviance at the ends of their Laplace intervals, which take trials and
            not animals as chance; of no coefficient where the initial weights are
            drawn, for then the likelihood is that of a draw.
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
    ends: EndDeviance
    fits: dict[str, dict[str, int]]
    details: Details

    @property
    def explained(self) -> dict[str, np.ndarray]:
        """For each model, percent explained of each animal's total, (draw, animal)."""
        return {name: 100 * (1 - v / self.total) for name, v in self.losses.items()}

    def __str__(self) -> str:
        unit, of = self.details.unit, self.details.of
        lines = [self.details.found] * bool(self.details.found)
        lines += [
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
                f"  {name:27s} {over_all:6.2f}; {np.median(each):.2f} "
                + _within(each.min(), each.max())
                + f"; diverged in {diverged} of {values.size}" * (diverged > 0)
            ]
        lines += self.details.about
        lines += [f"{self.details.full} gains on them, in points (95 % over {unit}s):"]
        lines += [
            f"  {name:27s} {_gain(one)}" for name, one in self.comparisons.items()
        ]
        beside, columns = self.details.beside(self.theta)
        lines += [f"{self.details.of_which} (95 % over {unit}s), {beside}:"]
        rows = self.terms, self.theta[0], self.interval.T, columns.T
        for term, value, ends, others in zip(*rows, strict=True):
            more = " ".join(f"{other:.2f}" for other in others) or "none"
            lines += [f"  {term:8s} {value:6.2f} {_within(*ends)}; {more}"]
        if np.isnan(self.interval).any():
            lines += [f"  No intervals: they need more than {len(self.terms)} {unit}s."]
        lines += [str(self.ends)] * bool(self.ends.names) + self.details.noise
        lines += ["Fits, and how they ended:"]
        for name, counts in self.fits.items():
            said = ", ".join(f"{count} {how}" for how, count in counts.items())
            lines += [f"  {name:27s} {said}"]
        return "\n".join(lines)
