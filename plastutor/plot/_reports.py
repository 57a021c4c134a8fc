"""A report on one page."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plastutor.plot._curves import per_animal
from plastutor.plot._style import DATA, MODEL, NULL
from plastutor.reports import Matching, Recorded, Report

LOWEST = -250  # percent: what is worse is cut off


def choice_report(report: Report) -> Figure:
    """The analysis of choices on one page.

    Args:
        report: from `report_choices`, or from `load_report`.

    Returns:
        A figure with four panels: matching, the rule's coefficients, animals predicted
        from the others, and what the rule with forgetting and a choice kernel gains.
        Its title says what is claimed of forgetting and of a habit.
    """
    own = _details(report, Matching)
    each = np.asarray(own.population.thetas)
    each = each.reshape(len(each), -1)[:, list(own.population.free)]
    labels = "all animals", "each, in a population", DATA
    figure, matching = _page(["own", "gains"], report, each, labels)
    for k, name in enumerate(own.options):
        shares = own.reward_shares[:, k], own.choice_shares[:, k]
        matching.plot(*shares, "os^vD"[k % 5], color=DATA, ms=4, label=name)
    matching.plot([0, 1], [0, 1], "--", color=NULL, label="equal")
    matching.set(xlabel="share of rewards", ylabel="share of choices")
    _legend_above(matching, 2)
    figure.suptitle(own.found, fontsize=9)
    return figure


def activity_report(report: Report) -> Figure:
    """The analysis of recorded activity on one page.

    Args:
        report: from `report_activity`, or from `load_report`.

    Returns:
        A figure with four panels: what the rule gains on other models, its
        coefficients, how well each experiment is predicted from the others, and a
        neuron of one of them over time.
    """
    own = _details(report, Recorded)
    labels = "first draw of w0", "other draws", MODEL
    figure, trace = _page(["gains", "own"], report, report.theta[1:], labels)
    neuron = int((~np.isnan(own.recorded)).sum(0).argmax())
    trace.plot(own.recorded[:, neuron], ".", color=DATA, label="recorded")
    trace.plot(own.predicted[:, neuron], color=MODEL, lw=1.2, label="rule")
    if own.skip:
        ends = -0.5, own.skip - 0.5
        trace.axvspan(*ends, color=NULL, alpha=0.2, label="not scored")
    trace.set(xlabel=f"step of {own.example}, unseen")
    trace.set_ylabel(f"activity {own.neurons[neuron]}")
    _legend_above(trace, 3)
    return figure


def _details(report: Report, kind: type) -> Any:
    """What only data of this kind have."""
    if not isinstance(report.details, kind):
        raise ValueError(
            f"The report on {report.file} is about {report.details}; expected one on "
            "the other kind of data. Try choice_report or activity_report."
        )
    return report.details


def _page(places, report: Report, each, labels) -> tuple[Figure, Axes]:
    """A page, no wider than a phone shows, with what reports of both kinds show.

    Args:
        places: of the panels "own" and "gains": which is at the top, and the other one.
        report: of either kind.
        each: coefficients to be shown beside those of the report.
        labels: of the report's and of these; and the colour of these.

    Returns:
        The page, and its own panel, which is empty.
    """
    (top, bottom), (*labels, color) = places, labels
    figure, axes = plt.subplot_mosaic(
        [[top, "rule"], ["scores"] * 2, [bottom] * 2],
        figsize=(5.5, 7.4),
        layout="constrained",
    )
    rule, gains, scores = axes["rule"], axes["gains"], axes["scores"]
    place = np.arange(len(report.terms))
    dots = rule.plot(place - 0.2, np.transpose(each), ".", color=color, alpha=0.5)
    rule.vlines(place, *report.interval, color=MODEL)
    (together,) = rule.plot(place, report.theta[0], "o", color=MODEL, ms=5)
    for drawn, label in zip((together, *dots[:1]), labels, strict=False):
        drawn.set_label(label)
    _legend_above(rule, 1)
    rule.axhline(0, color=NULL)
    rule.set_xticks(place, [term.replace(" ", "\n") for term in report.terms])
    rule.set(xlabel="term", ylabel="coefficient")
    rule.margins(x=0.1)

    each = {name: np.median(v, axis=0) for name, v in report.explained.items()}
    each = {name: np.where(np.isfinite(v), v, np.nan) for name, v in each.items()}
    per_animal(each, unit="percent explained,\nunseen", ax=scores)
    scores.set_xticks(range(len(each)), list(each), rotation=35, ha="right", fontsize=7)
    scores.margins(x=0.1)
    scores.set_ylim(bottom=max(scores.get_ylim()[0], LOWEST))

    compared = report.comparisons.values()
    ends = np.array([one.interval for one in compared]).reshape(-1, 2)
    place = np.arange(len(ends))
    gains.hlines(place, ends[:, 0], ends[:, 1], color=MODEL)
    gains.plot([one.gain for one in compared], place, "o", color=MODEL, ms=5)
    gains.axvline(0, color=NULL)
    gains.set_yticks(place, list(report.comparisons), fontsize=7)
    gains.invert_yaxis()
    gains.set_xlabel("gain of the rule, points")
    return figure, axes["own"]


def _legend_above(ax: Axes, columns: int) -> None:
    """A legend that hides nothing."""
    how = {"handletextpad": 0.4, "columnspacing": 1, "fontsize": 8}
    ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1), ncols=columns, **how)
