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

from plastutor.held_out import count_observations
from plastutor.report import Report
from plastutor.selection import Selection
from plastutor.types import Fit

__all__ = [
    "DATA",
    "MODEL",
    "NULL",
    "TRUTH",
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

    Args:
        found: from `select_terms`, for one data set.
        names: one name for each coefficient, from `term_names`.
        ax: where to draw; default the current axes.

    >>> from plastutor.selection import Path
    >>> free, loss = np.array([[False, False], [False, True]]), np.array([2.0, 1.0])
    >>> term, none = np.array([-1, 1]), np.array([-1, -1])
    >>> path = Path(term, none, none, 1.0 * free, free, loss, loss[:, None])
    >>> ax = selection_path(Selection(1.0 * free[1], free[1], 1, path), ["one", "x"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['+x']
    """
    ax = _axes(ax)
    path = found.path
    moved = np.flatnonzero((path.added >= 0) | (path.dropped >= 0))
    changes = [
        " ".join(
            sign + names[int(term)]
            for sign, term in (("\u2212", path.dropped[k]), ("+", path.added[k]))
            if term >= 0
        )
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
        report: from `report_choices`.

    Returns:
        A figure with four panels: matching, animals predicted from the others, what
        the rule with forgetting gains, and its coefficients.
    """
    figure, ((matching, unseen), (gains, rule)) = plt.subplots(
        2, 2, figsize=(8, 7), layout="constrained"
    )
    made = report.choices.experiment
    for k, name in enumerate(report.choices.options):
        took = np.asarray((made.choice == k) & made.valid)
        paid = np.asarray(made.reward)
        with np.errstate(invalid="ignore"):  # a life without any reward has no share
            of_rewards = (paid * took).sum(1) / paid.sum(1)
        of_choices = took.sum(1) / count_observations(made)
        mark = "os^vD"[k % 5]
        matching.plot(of_rewards, of_choices, mark, color=DATA, ms=4, label=name)
    matching.plot([0, 1], [0, 1], "--", color=NULL, label="equal shares")
    matching.set(xlabel="share of rewards", ylabel="share of choices")
    matching.legend()

    null = report.losses["does nothing"]
    each = {name: 100 * (1 - v / null) for name, v in report.losses.items()}
    per_animal(each, unit="percent deviance explained,\nunseen animals", ax=unseen)
    unseen.set_xticks(range(len(each)), list(each), rotation=30, ha="right")
    unseen.margins(x=0.1)

    names = list(report.against)
    gain = np.array([report.against[name].gain for name in names])
    ends = np.array([report.against[name].interval for name in names])
    place = np.arange(len(names))
    gains.hlines(place, *ends.T, color=MODEL)
    gains.plot(gain, place, "o", color=MODEL)
    gains.axvline(0, color=NULL)
    gains.set_yticks(place, names)
    gains.invert_yaxis()
    gains.set_xlabel("gain of the rule with forgetting, points")

    place = np.arange(len(report.terms))
    free = list(report.population.free)
    thetas = np.asarray(report.population.thetas)
    thetas = thetas.reshape(len(thetas), -1)[:, free]
    dots = rule.plot(place - 0.2, thetas.T, ".", color=DATA, alpha=0.5)
    rule.vlines(place, *report.interval, color=MODEL)
    (all_together,) = rule.plot(place, report.theta, "o", color=MODEL)
    rule.legend([all_together, dots[0]], ["all animals", "each, in a population"])
    rule.axhline(0, color=NULL)
    rule.set_xticks(place, report.terms)
    rule.set(xlabel="term", ylabel="coefficient")
    rule.margins(x=0.1)
    return figure
