"""Noise -> coefficients: what was found at each level, data set by data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plastutor.teaching.living._figure import (
    Axes,
    Choice,
    Living,
    Series,
    Slider,
    frame,
    ticks,
)


def noise(
    levels: Sequence[float],
    fits: Mapping[str, tuple[Any, Any]],
    names: Sequence[str],
    truth: Sequence[float],
    *,
    level: float | None = None,
) -> Living:
    """Coefficients that were found at several levels of noise, one dot a data set.

    Args:
        levels: standard deviations of the noise, with equal steps.
        fits: for each way of fitting, the coefficients (level, data set, name) and the
            held-out R2 (level, data set); the first is shown first.
        names: of the coefficients, or of sums of them.
        truth: the true value of each.
        level: the noise that is shown first; default the second level.

    Raises:
        ValueError: the levels have no equal steps, or the shapes do not fit.

    >>> found = (np.ones((2, 3, 1)), np.ones((2, 3)))
    >>> noise([0.0, 0.5], {"plain": found}, ["xy"], [1.0]).status
    'Noise 0.5, plain: in 3 data sets the median R2 on new experiments is 1.00.'
    """
    fits = {
        name: (np.round(np.asarray(theta, float), 3), np.asarray(r2, float))
        for name, (theta, r2) in fits.items()
    }
    _check_frames(levels, fits, names, truth)
    shown = list(levels).index(levels[1] if level is None else level)
    first = next(iter(fits))
    theta, r2 = (values[shown] for values in fits[first])
    sets = len(theta)
    axes = Axes(x=(-0.6, len(names) - 0.4), y=(-2, 2))
    shift = np.linspace(-0.25, 0.25, sets) if sets > 1 else np.zeros(1)
    dots = [
        (k + s, np.clip(v, *axes.y))
        for s, row in zip(shift, theta, strict=True)
        for k, v in enumerate(row)
    ]

    def bars(values):
        values = np.clip(values, *axes.y)
        ends = [[(k - 0.36, v), (k + 0.36, v)] for k, v in enumerate(values)]
        return "".join(map(axes.line, ends))

    outside = int((np.abs(theta) > axes.y[1]).sum())
    counted = "1 data set" if sets == 1 else f"{sets} data sets"
    status = (
        f"Noise {levels[shown]:g}, {first}: in {counted} the median R2 on new "
        f"experiments is {np.median(r2):.2f}."
    )
    if outside:
        status += f" {outside} dots lie beyond the axis, and stand at its end."
    step = levels[1] - levels[0]
    data = {
        "kind": "noise",
        "axes": axes.spec(),
        "levels": list(levels),
        "step": step,
        "frames": {
            name: {"theta": theta.tolist(), "r2": np.round(r2, 4).tolist()}
            for name, (theta, r2) in fits.items()
        },
    }
    at = {float(k): name for k, name in enumerate(names)}
    return Living(
        data=data,
        alt="Coefficients found at one level of noise, a dot for each data set, with "
        f"their median and the true value: {', '.join(names)}.",
        svg=frame(axes, "term", "coefficient", at, ticks(-2, -1, 0, 1, 2)),
        series=[
            Series("zero", "null", axes.line([(x, 0) for x in axes.x]), "does nothing"),
            Series("found", "model dot", axes.marks(dots), "found, one data set"),
            Series("median", "model", bars(np.median(theta, 0)), "median"),
            Series("truth", "truth dashed", bars(truth), "truth"),
        ],
        controls=[
            Slider("noise", "noise", levels[0], levels[-1], step, levels[shown]),
            Slider("sets", "data sets", 1, sets, 1, sets),
            Choice("fit", "fitted by", list(fits)),
        ],
        status=status,
    )


def _check_frames(levels, fits, names, truth) -> None:
    steps = np.diff(levels)
    if len(levels) < 2 or not np.allclose(steps, steps[0]) or steps[0] <= 0:
        raise ValueError(
            f"The levels of noise are {list(levels)}; expected at least two, ascending "
            "with equal steps, such as [0.0, 0.2, 0.4]."
        )
    shapes = {(theta.shape, r2.shape) for theta, r2 in fits.values()}
    sets = next(iter(shapes))[1][1:]
    wanted = ((len(levels), *sets, len(names)), (len(levels), *sets))
    if shapes != {wanted} or len(sets) != 1 or len(truth) != len(names):
        raise ValueError(
            f"The fits have shapes {sorted(shapes)} for {len(levels)} levels, "
            f"{len(names)} names and {len(truth)} true values; expected, for each fit, "
            "coefficients (level, data set, name) and R2 (level, data set)."
        )
