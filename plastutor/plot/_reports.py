"""A report on one page."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plastutor.evaluate import ModelComparison
from plastutor.plot._curves import per_animal
from plastutor.plot._style import DATA, MODEL, NULL
from plastutor.reports import ActivityReport, ChoiceReport


def choice_report(report: ChoiceReport) -> Figure:
    """The analysis of choices on one page.

    Args:
        report: from `report_choices`, or from `load_report`.

    Returns:
        A figure with four panels: matching, the rule's coefficients, animals predicted
        from the others, and what the rule with forgetting gains.
    """
    figure, (matching, rule, scores, gains) = _page()
    for k, name in enumerate(report.options):
        shares = report.reward_shares[:, k], report.choice_shares[:, k]
        matching.plot(*shares, "os^vD"[k % 5], color=DATA, ms=4, label=name)
    matching.plot([0, 1], [0, 1], "--", color=NULL, label="equal")
    matching.set(xlabel="share of rewards", ylabel="share of choices")
    _legend_above(matching, 2)

    free = list(report.population.free)
    thetas = np.asarray(report.population.thetas)
    each = thetas.reshape(len(thetas), -1)[:, free]
    labels = "all animals", "each, in a population"
    _intervals(report.terms, report.theta, report.interval, each, labels, DATA, rule)

    null = report.losses["does nothing"]
    each = {name: 100 * (1 - v / null) for name, v in report.losses.items()}
    per_animal(each, unit="percent deviance\nexplained, unseen", ax=scores)
    scores.set_xticks(range(len(each)), list(each), rotation=20, ha="right")
    scores.margins(x=0.1)

    _gains(report.comparisons, 1, gains)
    gains.set_xlabel("gain of the rule with forgetting, points")
    return figure


def activity_report(report: ActivityReport) -> Figure:
    """The analysis of recorded activity on one page.

    Args:
        report: from `report_activity`, or from `load_report`.

    Returns:
        A figure with four panels: what the rule gains on other models, its
        coefficients, how well each experiment is predicted from the others, and a
        neuron of one of them over time.
    """
    figure, (gains, rule, scores, trace) = _page()
    example = report.example
    neuron = int((~np.isnan(example.recorded)).sum(0).argmax())
    steps = np.arange(len(example.recorded))
    trace.plot(steps, example.recorded[:, neuron], ".", color=DATA, label="recorded")
    trace.plot(steps, example.predicted[:, neuron], color=MODEL, lw=1.2, label="rule")
    if report.skip:
        trace.axvspan(
            -0.5, report.skip - 0.5, color=NULL, alpha=0.2, label="not scored"
        )
    trace.set(xlabel=f"step of {example.experiment}, unseen")
    trace.set_ylabel(f"activity {report.neurons[neuron]}")
    _legend_above(trace, 3)

    r2 = {name: np.median(v, axis=0) for name, v in report.r2.items()}
    r2 = {name: np.where(np.isfinite(v), v, np.nan) for name, v in r2.items()}
    per_animal(r2, unit="R2 of activity,\nunseen experiments", ax=scores)
    scores.set_xticks(range(len(r2)), list(r2), rotation=20, ha="right")
    low = min(np.nanmin(v) for v in r2.values())
    scores.set_ylim(max(low - 0.1, -2.5), 1.05)

    labels = "first draw of w0", "other draws"
    theta = report.theta
    _intervals(report.terms, theta[0], report.interval, theta[1:], labels, MODEL, rule)
    _gains(report.comparisons, 100, gains)
    gains.set_xlabel("gain of the rule, R2")
    return figure


def _page() -> tuple[Figure, list[Axes]]:
    """A page for a report, no wider than a phone shows: two panels above two."""
    figure, axes = plt.subplot_mosaic(
        [["a", "b"], ["c", "c"], ["d", "d"]], figsize=(5.5, 7.4), layout="constrained"
    )
    return figure, list(axes.values())


def _legend_above(ax: Axes, columns: int) -> None:
    """A legend that hides nothing."""
    how = {"handletextpad": 0.4, "columnspacing": 1, "fontsize": 8}
    ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1), ncols=columns, **how)


def _intervals(terms, theta, interval, each, labels, color, ax: Axes) -> None:
    """Coefficients with their intervals, and beside them those of each part."""
    place = np.arange(len(terms))
    dots = ax.plot(place - 0.2, np.transpose(each), ".", color=color, alpha=0.5)
    ax.vlines(place, *interval, color=MODEL)
    (together,) = ax.plot(place, theta, "o", color=MODEL, ms=5)
    for drawn, label in zip((together, *dots[:1]), labels, strict=False):
        drawn.set_label(label)
    _legend_above(ax, 1)
    ax.axhline(0, color=NULL)
    ax.set_xticks(place, terms)
    ax.set(xlabel="term", ylabel="coefficient")
    ax.margins(x=0.1)


def _gains(comparisons: dict[str, ModelComparison], unit: int, ax: Axes) -> None:
    """What one model gains on each other, with intervals."""
    place = np.arange(len(comparisons))
    gain = np.array([one.gain for one in comparisons.values()]) / unit
    ends = np.array([one.interval for one in comparisons.values()]).reshape(-1, 2)
    ax.hlines(place, *ends.T / unit, color=MODEL)
    ax.plot(gain, place, "o", color=MODEL, ms=5)
    ax.axvline(0, color=NULL)
    ax.set_yticks(place, list(comparisons))
    ax.invert_yaxis()
