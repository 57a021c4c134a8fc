"""The recurring figures of the book.

Each draws into an axes and returns it; a report fills a page.
Colours have one meaning in the whole book: truth black, model blue, the model that
does nothing grey, data orange. They can be told apart without colour vision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plastutor.activity_report import ActivityReport
from plastutor.paired import Paired
from plastutor.report import Report
from plastutor.selection import Selection
from plastutor.types import Fit

__all__ = [
    "DATA",
    "MODEL",
    "NULL",
    "TRUTH",
    "activity_report",
    "choice_report",
    "coefficients",
    "coefficients_over_training",
    "heat_map",
    "loss_over_training",
    "per_animal",
    "selection_path",
    "surface",
    "weights",
]

TRUTH, MODEL, NULL, DATA = "black", "#0072B2", "#8C8C8C", "#D55E00"


def _axes(ax: Axes | None) -> Axes:
    return plt.gca() if ax is None else ax


def loss_over_training(
    found: Fit, *, true_loss: float | None = None, ax: Axes | None = None
) -> Axes:
    """The loss after each step, and that of the true theta as a dashed line.

    Args:
        found: what `fit` returned.
        true_loss: the loss of the true theta on the same data.
        ax: where to draw; default the current axes.

    >>> ax = loss_over_training(Fit(None, np.array([1.0, 0.1]), None, "finished", ""))
    >>> ax.get_xlabel()
    'step of the optimiser'
    """
    ax = _axes(ax)
    ax.plot(found.losses, color=MODEL, label="inferred rule")
    if true_loss is not None:
        ax.axhline(true_loss, color=TRUTH, ls="--", lw=1, label="true rule")
    ax.set(xlabel="step of the optimiser", ylabel="loss", yscale="log")
    ax.legend()
    return ax


def coefficients_over_training(
    thetas: Any,
    names: Sequence[str],
    *,
    theta_true: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Every coefficient of a Taylor rule at every step; true terms are labelled.

    Args:
        thetas: `Fit.thetas`, a step axis and then the axes of theta.
        names: one name for each coefficient, from `term_names`.
        theta_true: the truth, drawn dashed; its non-zero terms get a colour.
        ax: where to draw; default the current axes.

    >>> _, ax = plt.subplots()
    >>> _ = coefficients_over_training(np.zeros((4, 2)), ["one", "x"], ax=ax)
    >>> len(ax.lines)
    2
    """
    ax = _axes(ax)
    paths = np.asarray(thetas).reshape(len(thetas), -1)
    true = np.zeros(paths.shape[1]) if theta_true is None else np.ravel(theta_true)
    for path, value, name in zip(paths.T, true, names, strict=True):
        if value:
            ax.axhline(value, color=TRUTH, ls="--", lw=1)
            ax.annotate(
                name,
                (len(paths) - 1, path[-1]),
                xytext=(4, 4),
                textcoords="offset points",
            )
        ax.plot(path, color=MODEL if value else NULL, lw=1.8 if value else 0.8)
    ax.set(xlabel="step of the optimiser", ylabel="coefficient")
    return ax


def coefficients(
    theta: Any,
    names: Sequence[str],
    *,
    theta_true: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """One stem for each coefficient; the truth as black bars.

    Args:
        theta: the inferred coefficients, any shape.
        names: one name for each, from `term_names`.
        theta_true: the truth, the same shape.
        ax: where to draw; default the current axes.

    >>> ax = coefficients(np.ones(2), ["one", "x"], theta_true=np.zeros(2))
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['one', 'x']
    """
    ax = _axes(ax)
    place = np.arange(len(names))
    ax.vlines(place, 0, np.ravel(theta), color=MODEL, lw=1)
    ax.plot(place, np.ravel(theta), "o", color=MODEL, ms=5, label="inferred")
    if theta_true is not None:
        true = np.ravel(theta_true)
        ax.plot(place, true, "_", color=TRUTH, ms=9, mew=2, label="true")
        ax.legend()
    ax.axhline(0, color=NULL, lw=0.8, zorder=0)
    ax.set_xticks(place, names, rotation=90)
    ax.set(xlabel="term", ylabel="coefficient")
    return ax


def weights(true: Any, inferred: Any, *, ax: Axes | None = None) -> Axes:
    """Some weights over time: lived by the true rule, and by the inferred one.

    Args:
        true: steps x synapses; a handful of synapses.
        inferred: the same shape.
        ax: where to draw; default the current axes.

    >>> len(weights(np.zeros((5, 2)), np.ones((5, 2)), ax=plt.subplots()[1]).lines)
    4
    """
    ax = _axes(ax)
    for k, (line, guess) in enumerate(
        zip(np.transpose(true), np.transpose(inferred), strict=True)
    ):
        ax.plot(line, color=TRUTH, lw=3, alpha=0.35, label=None if k else "true rule")
        ax.plot(
            guess, color=MODEL, lw=1.2, ls="--", label=None if k else "inferred rule"
        )
    ax.set(xlabel="step", ylabel="weight")
    ax.legend()
    return ax


def per_animal(
    scores: dict[str, Any],
    *,
    unit: str = "percent deviance explained",
    ax: Axes | None = None,
) -> Axes:
    """One dot an animal for every model, joined by thin lines, with the median.

    A model named "does nothing" is grey.

    Args:
        scores: for each model's name, one score an animal.
        unit: what the score is.
        ax: where to draw; default the current axes.

    >>> len(per_animal({"a": [1.0, 2.0], "b": [2.0, 3.0]}).get_xticks())
    2
    """
    ax = _axes(ax)
    table = np.array([np.asarray(values) for values in scores.values()])
    place = np.arange(len(table))
    ax.plot(place, table, color=NULL, lw=0.5, alpha=0.6)
    for k, (name, values) in enumerate(zip(scores, table, strict=True)):
        color = NULL if name == "does nothing" else MODEL
        ax.plot(np.full(len(values), k), values, "o", color=color, ms=4, alpha=0.5)
        ax.plot(k, np.median(values), "_", color=color, ms=26, mew=3)
    ax.axhline(0, color=NULL, lw=0.8)
    ax.set_xticks(place, list(scores))
    ax.set_ylabel(unit)
    return ax


def selection_path(
    found: Selection, names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """The held-out loss of every set of terms that a search visited, in its order.

    A circle marks the set that was selected; a grey line the loss without any term.
    A second search begins where a number of terms stands, and not a change.

    Args:
        found: from `select_terms`, for one data set.
        names: one name for each coefficient, from `term_names`.
        ax: where to draw; default the current axes.

    >>> from plastutor.selection import Path
    >>> free, loss = np.zeros((2, 2, 1, 1, 1), bool), np.array([2.0, 1.0])
    >>> free[1, 1] = True
    >>> term, none = np.array([-1, 1]), np.array([-1, -1])
    >>> path = Path(term, none, none, 1.0 * free, free, loss, loss[:, None])
    >>> ax = selection_path(Selection(1.0 * free[1], free[1], 1, path), ["one", "x"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['+x']
    """
    ax = _axes(ax)
    path = found.path
    size = np.asarray(path.free).sum((1, 2, 3, 4))
    begun = (np.diff(size, prepend=size[0]) > 0) & (path.added < 0)
    moved = np.flatnonzero((path.added >= 0) | (path.dropped >= 0) | begun)
    changes = [
        " ".join(
            sign + names[int(term)]
            for sign, term in (("\u2212", path.dropped[k]), ("+", path.added[k]))
            if term >= 0
        )
        or f"{size[k]} terms"
        for k in moved
    ]
    losses = np.mean(path.held_out, axis=1)
    place = np.arange(1, len(moved) + 1)
    ax.plot(place, losses[moved], "o-", color=MODEL, ms=4, label="held-out loss")
    ax.axhline(losses[0], color=NULL, lw=1, label="no term")
    if (moved == int(found.chosen)).any():
        at = place[moved == int(found.chosen)]
        ring = {"mfc": "none", "mec": TRUTH, "ms": 12, "mew": 1.5}
        ax.plot(at, losses[int(found.chosen)], "o", **ring, label="selected")
    ax.set_xticks(place, changes, rotation=90)
    ax.set(xlabel="change of the set of terms", ylabel="loss", yscale="log")
    ax.legend()
    return ax


def surface(
    x: Any, y: Any, dw: Any, *, visited: Any, limit: float, ax: Axes | None = None
) -> Any:
    """The change of a weight over stimulus and activity, where the data have been.

    Args:
        x: stimuli, an increasing grid.
        y: activities, an increasing grid.
        dw: the rule's answers, (len(y), len(x)).
        visited: True where the data went, the same shape; the rest is shaded.
        limit: the colours run from -limit to limit.
        ax: where to draw; default the current axes.

    Returns:
        The image, for a colour bar.

    >>> image = surface([0, 1], [0, 1], np.eye(2), visited=np.eye(2) > 0, limit=1.0)
    >>> int(image.get_array().mask.sum())
    2
    """
    ax = _axes(ax)
    seen = np.ma.masked_where(~np.asarray(visited), np.asarray(dw))
    ax.set_facecolor(NULL)
    image = ax.pcolormesh(x, y, seen, cmap="PuOr", vmin=-limit, vmax=limit)
    ax.set(xlabel="stimulus x", ylabel="activity y")
    return image


def heat_map(
    values: Any,
    rows: Sequence[Any],
    columns: Sequence[Any],
    *,
    title: str = "",
    limits: tuple[float, float] = (0.0, 1.0),
    cmap: str = "cividis",
    ax: Axes | None = None,
) -> Axes:
    """A table of numbers as colours, with the numbers in it.

    Args:
        values: (rows, columns); NaN leaves a cell empty.
        rows: a label for each row.
        columns: a label for each column.
        title: of the axes.
        limits: the numbers at the two ends of the colours.
        cmap: a colour map of Matplotlib.
        ax: where to draw; default the current axes.

    >>> heat_map(np.eye(2), ["a", "b"], ["c", "d"]).texts[0].get_text()
    '1.00'
    """
    ax, values = _axes(ax), np.asarray(values, float)
    image = ax.imshow(
        values, cmap=cmap, vmin=limits[0], vmax=limits[1], origin="lower", aspect="auto"
    )
    ax.set_xticks(range(len(columns)), [str(label) for label in columns])
    ax.set_yticks(range(len(rows)), [str(label) for label in rows])
    ax.set(title=title)
    for (i, j), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = sum(image.to_rgba(value)[:3]) < 1.5  # then the text is white
            color = "white" if dark else "black"
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color=color, size=7)
    return ax


def choice_report(report: Report) -> Figure:
    """The analysis of choices on one page.

    Args:
        report: from `report_choices`, or from `load_report`.

    Returns:
        A figure with four panels: matching, the rule's coefficients, animals predicted
        from the others, and what the rule with forgetting gains.
    """
    figure, (matching, rule, unseen, gains) = _page()
    for k, name in enumerate(report.options):
        shares = report.of_rewards[:, k], report.of_choices[:, k]
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
    scores = {name: 100 * (1 - v / null) for name, v in report.losses.items()}
    per_animal(scores, unit="percent deviance\nexplained, unseen", ax=unseen)
    unseen.set_xticks(range(len(scores)), list(scores), rotation=20, ha="right")
    unseen.margins(x=0.1)

    _gains(report.against, 1, gains)
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
    figure, (gains, rule, scores, life) = _page()
    example = report.example
    neuron = int((~np.isnan(example.recorded)).sum(0).argmax())
    steps = np.arange(len(example.recorded))
    life.plot(steps, example.recorded[:, neuron], ".", color=DATA, label="recorded")
    life.plot(steps, example.predicted[:, neuron], color=MODEL, lw=1.2, label="rule")
    if report.skip:
        life.axvspan(-0.5, report.skip - 0.5, color=NULL, alpha=0.2, label="not scored")
    life.set(xlabel=f"step of {example.experiment}, unseen")
    life.set_ylabel(f"activity {report.neurons[neuron]}")
    _legend_above(life, 3)

    r2 = {name: np.median(v, axis=0) for name, v in report.r2.items()}
    r2 = {name: np.where(np.isfinite(v), v, np.nan) for name, v in r2.items()}
    per_animal(r2, unit="R2 of activity,\nunseen experiments", ax=scores)
    scores.set_xticks(range(len(r2)), list(r2), rotation=20, ha="right")
    low = min(np.nanmin(v) for v in r2.values())
    scores.set_ylim(max(low - 0.1, -2.5), 1.05)

    labels = "first draw of w0", "other draws"
    theta = report.theta
    _intervals(report.terms, theta[0], report.interval, theta[1:], labels, MODEL, rule)
    _gains(report.against, 100, gains)
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


def _gains(against: dict[str, Paired], unit: float, ax: Axes) -> None:
    """What one model gains on each other, with intervals."""
    place = np.arange(len(against))
    gain = np.array([one.gain for one in against.values()]) / unit
    ends = np.array([one.interval for one in against.values()]).reshape(-1, 2) / unit
    ax.hlines(place, *ends.T, color=MODEL)
    ax.plot(gain, place, "o", color=MODEL, ms=5)
    ax.axvline(0, color=NULL)
    ax.set_yticks(place, list(against))
    ax.invert_yaxis()
