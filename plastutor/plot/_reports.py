"""A report on one page."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    free = list(report.population.free)
    thetas = np.asarray(report.population.thetas)
    each = thetas.reshape(len(thetas), -1)[:, free]
    labels = "all animals", "each, in a population", DATA
    rows = [["matching", "rule"], ["scores"] * 2, ["gains"] * 2]
    axes = _page(rows, report, each, labels)
    matching = axes["matching"]
    for k, name in enumerate(report.options):
        shares = report.reward_shares[:, k], report.choice_shares[:, k]
        matching.plot(*shares, "os^vD"[k % 5], color=DATA, ms=4, label=name)
    matching.plot([0, 1], [0, 1], "--", color=NULL, label="equal")
    matching.set(xlabel="share of rewards", ylabel="share of choices")
    _legend_above(matching, 2)
    null = report.losses["does nothing"]
    explained = {name: 100 * (1 - v / null) for name, v in report.losses.items()}
    _scores(explained, "percent deviance\nexplained, unseen", axes["scores"])
    axes["gains"].set_xlabel("gain of the rule with forgetting, points")
    return matching.figure


def activity_report(report: ActivityReport) -> Figure:
    """The analysis of recorded activity on one page.

    Args:
        report: from `report_activity`, or from `load_report`.

    Returns:
        A figure with four panels: what the rule gains on other models, its
        coefficients, how well each experiment is predicted from the others, and a
        neuron of one of them over time.
    """
    labels = "first draw of w0", "other draws", MODEL
    rows = [["gains", "rule"], ["scores"] * 2, ["trace"] * 2]
    axes = _page(rows, report, report.theta[1:], labels)
    trace = axes["trace"]
    example = report.example
    neuron = int((~np.isnan(example.recorded)).sum(0).argmax())
    steps = np.arange(len(example.recorded))
    trace.plot(steps, example.recorded[:, neuron], ".", color=DATA, label="recorded")
    trace.plot(steps, example.predicted[:, neuron], color=MODEL, lw=1.2, label="rule")
    if report.skip:
        ends = -0.5, report.skip - 0.5
        trace.axvspan(*ends, color=NULL, alpha=0.2, label="not scored")
    trace.set(xlabel=f"step of {example.experiment}, unseen")
    trace.set_ylabel(f"activity {report.neurons[neuron]}")
    _legend_above(trace, 3)
    r2 = {name: np.median(v, axis=0) for name, v in report.r2.items()}
    _scores(r2, "R2 of activity,\nunseen experiments", axes["scores"])
    low = min(v[np.isfinite(v)].min(initial=0) for v in r2.values())
    axes["scores"].set_ylim(max(low - 0.1, -2.5), 1.05)
    axes["gains"].set_xlabel("gain of the rule, hundredths of R2")
    return trace.figure


def _page(rows: list[list[str]], report, each, labels) -> dict[str, Axes]:
    """A page for a report, no wider than a phone shows, with what both kinds show.

    Args:
        rows: the names of its panels, with "rule" and "gains" among them.
        report: of either kind.
        each: coefficients to be shown beside those of the report.
        labels: of the report's and of these; and the colour of these.
    """
    _, axes = plt.subplot_mosaic(rows, figsize=(5.5, 7.4), layout="constrained")
    rule, gains, (*labels, color) = axes["rule"], axes["gains"], labels
    place = np.arange(len(report.terms))
    dots = rule.plot(place - 0.2, np.transpose(each), ".", color=color, alpha=0.5)
    rule.vlines(place, *report.interval, color=MODEL)
    theta = np.atleast_2d(report.theta)[0]
    (together,) = rule.plot(place, theta, "o", color=MODEL, ms=5)
    for drawn, label in zip((together, *dots[:1]), labels, strict=False):
        drawn.set_label(label)
    _legend_above(rule, 1)
    rule.axhline(0, color=NULL)
    rule.set_xticks(place, report.terms)
    rule.set(xlabel="term", ylabel="coefficient")
    rule.margins(x=0.1)

    compared = report.comparisons.values()
    ends = np.array([one.interval for one in compared]).reshape(-1, 2)
    place = np.arange(len(ends))
    gains.hlines(place, *ends.T, color=MODEL)
    gains.plot([one.gain for one in compared], place, "o", color=MODEL, ms=5)
    gains.axvline(0, color=NULL)
    gains.set_yticks(place, list(report.comparisons))
    gains.invert_yaxis()
    return axes


def _scores(scores: dict[str, np.ndarray], unit: str, ax: Axes) -> None:
    """The score of each animal under each model, as far as it is finite."""
    shown = {name: np.where(np.isfinite(v), v, np.nan) for name, v in scores.items()}
    per_animal(shown, unit=unit, ax=ax)
    ax.set_xticks(range(len(shown)), list(shown), rotation=20, ha="right")
    ax.margins(x=0.1)


def _legend_above(ax: Axes, columns: int) -> None:
    """A legend that hides nothing."""
    how = {"handletextpad": 0.4, "columnspacing": 1, "fontsize": 8}
    ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1), ncols=columns, **how)
