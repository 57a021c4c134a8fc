"""Pictures of theta and of what a rule does."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from numpy.typing import ArrayLike

from plastutor.plot._style import MODEL, NULL, TRUTH


def coefficients(
    theta: ArrayLike,
    names: Sequence[str],
    *,
    theta_true: ArrayLike | None = None,
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
    ax = ax or plt.gca()
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


def weights(true: ArrayLike, inferred: ArrayLike, *, ax: Axes | None = None) -> Axes:
    """Some weights over time: under the true rule, and under the inferred one.

    Args:
        true: steps x synapses; a handful of synapses.
        inferred: the same shape.
        ax: where to draw; default the current axes.

    >>> import matplotlib.pyplot as plt
    >>> len(weights(np.zeros((5, 2)), np.ones((5, 2)), ax=plt.subplots()[1]).lines)
    4
    """
    ax = ax or plt.gca()
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


def surface(
    x: ArrayLike,
    y: ArrayLike,
    dw: ArrayLike,
    *,
    visited: ArrayLike,
    limit: float | int,
    ax: Axes | None = None,
) -> QuadMesh:
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
    ax = ax or plt.gca()
    shown = np.ma.masked_where(~np.asarray(visited), np.asarray(dw))
    ax.set_facecolor(NULL)
    image = ax.pcolormesh(x, y, shown, cmap="PuOr", vmin=-limit, vmax=limit)
    ax.set(xlabel="stimulus x", ylabel="activity y")
    return image


def heat_map(
    values: ArrayLike,
    rows: Sequence[str | int | float],
    columns: Sequence[str | int | float],
    *,
    title: str = "",
    limits: tuple[float | int, float | int] = (0.0, 1.0),
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

    >>> import matplotlib.pyplot as plt
    >>> _, ax = plt.subplots()
    >>> heat_map(np.eye(2), ["a", "b"], ["c", "d"], ax=ax).texts[0].get_text()
    '1.00'
    """
    ax, values = ax or plt.gca(), np.asarray(values, float)
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
