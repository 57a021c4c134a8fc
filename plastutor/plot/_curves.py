"""Curves: over training, over animals, over the sizes of a selection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from plastutor._types import Fit
from plastutor.infer import Selection
from plastutor.plot._style import MODEL, NULL, TRUTH


def loss_over_training(
    fit: Fit, *, true_loss: float | int | None = None, ax: Axes | None = None
) -> Axes:
    """The loss after each step, and that of the true theta as a dashed line.

    Args:
        fit: what `pt.fit` returned.
        true_loss: the loss of the true theta on the same data.
        ax: where to draw; default the current axes.

    >>> ax = loss_over_training(Fit(None, np.array([1.0, 0.1]), None, "finished", ""))
    >>> ax.get_xlabel()
    'step of the optimiser'
    """
    ax = ax or plt.gca()
    ax.plot(fit.losses, color=MODEL, label="inferred rule")
    if true_loss is not None:
        ax.axhline(true_loss, color=TRUTH, ls="--", lw=1, label="true rule")
    ax.set(xlabel="step of the optimiser", ylabel="loss", yscale="log")
    ax.legend()
    return ax


def coefficients_over_training(
    thetas: ArrayLike,
    names: Sequence[str],
    *,
    theta_true: ArrayLike | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Every coefficient of a Taylor rule at every step; true terms are labelled.

    Args:
        thetas: `Fit.thetas`, a step axis and then the axes of theta.
        names: one name for each coefficient, from `term_names`.
        theta_true: the truth, drawn dashed; its non-zero terms get a colour.
        ax: where to draw; default the current axes.

    >>> import matplotlib.pyplot as plt
    >>> _, ax = plt.subplots()
    >>> _ = coefficients_over_training(np.zeros((4, 2)), ["one", "x"], ax=ax)
    >>> len(ax.lines)
    2
    """
    ax = ax or plt.gca()
    paths = np.asarray(thetas)
    paths = paths.reshape(len(paths), -1)
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


def per_animal(
    scores: Mapping[str, ArrayLike],
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
    ax = ax or plt.gca()
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
    selection: Selection, names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """The held-out loss of every set of terms that a search visited, in its order.

    A circle marks the set that was selected; a grey line the loss without any term.
    A second search starts where a number of terms stands, and not a change.

    Args:
        selection: from `select_terms`, for one data set.
        names: one name for each coefficient, from `term_names`.
        ax: where to draw; default the current axes.

    >>> import plastutor as pt
    >>> free, loss = np.zeros((2, 2, 1, 1, 1), bool), np.array([2.0, 1.0])
    >>> free[1, 1] = True
    >>> term, none = np.array([-1, 1]), np.array([-1, -1])
    >>> losses = loss, loss[:, None]
    >>> path = pt.infer.SelectionPath(term, none, none, 1.0 * free, free, *losses)
    >>> ax = selection_path(Selection(1.0 * free[1], free[1], 1, path), ["one", "x"])
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['+x']
    """
    ax = ax or plt.gca()
    path, chosen = selection.path, int(selection.chosen)
    size = np.asarray(path.free).sum((1, 2, 3, 4))
    second = (np.diff(size, prepend=size[0]) > 0) & (path.added < 0)
    moved = np.flatnonzero((path.added >= 0) | (path.dropped >= 0) | second)
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
    if chosen in moved:
        ring = {"mfc": "none", "mec": TRUTH, "ms": 12, "mew": 1.5}
        ax.plot(place[moved == chosen], losses[chosen], "o", **ring, label="selected")
    ax.set_xticks(place, changes, rotation=90)
    ax.set(xlabel="change of the set of terms", ylabel="loss", yscale="log")
    ax.legend()
    return ax
