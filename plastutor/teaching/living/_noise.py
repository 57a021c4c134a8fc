"""Noise -> coefficients: what was found at each level, data set by data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jax.typing import ArrayLike

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
    levels: Sequence[float | int],
    fits: Mapping[str, tuple[ArrayLike, ArrayLike]],
    names: Sequence[str],
    theta_true: Sequence[float | int],
    *,
    level: float | int | None = None,
) -> Living:
    """Coefficients that were found at several levels of noise, one dot a data set.

    Args:
        levels: standard deviations of the noise, with equal steps.
        fits: for each way of fitting, the coefficients (level, data set, name) and the
            held-out R2 (level, data set); the first is shown first.
        names: of the coefficients, or of sums of them.
        theta_true: the true value of each.
        level: the noise that is shown first; default the second level.

    Raises:
        ValueError: the levels have no equal steps, or the shapes do not fit.

    >>> fitted = (np.ones((2, 3, 1)), np.ones((2, 3)))
    >>> noise([0.0, 0.5], {"plain": fitted}, ["xy"], [1.0]).status
    'Noise 0.5, plain: in 3 data sets the median R2 on new experiments is 1.00.'
    """
    frames = {
        name: (np.round(np.asarray(theta, float), 3), np.asarray(r2, float))
        for name, (theta, r2) in fits.items()
    }
    _check_frames(levels, frames, names, theta_true)
    shown = list(levels).index(levels[1] if level is None else level)
    first = next(iter(frames))
    theta, r2 = (values[shown] for values in frames[first])
    axes = Axes(x=(-0.6, len(names) - 0.4), y=(-2, 2))
    step, n_sets = levels[1] - levels[0], len(theta)
    at = {float(k): name for k, name in enumerate(names)}
    return Living(
        data={
            "kind": "noise",
            "axes": axes.spec(),
            "levels": list(levels),
            "step": step,
            "frames": {
                name: {"theta": theta.tolist(), "r2": np.round(r2, 4).tolist()}
                for name, (theta, r2) in frames.items()
            },
        },
        alt="Coefficients found at one level of noise, a dot for each data set, with "
        f"their median and the true value: {', '.join(names)}.",
        svg=frame(axes, "term", "coefficient", at, ticks(-2, -1, 0, 1, 2)),
        series=_series(axes, theta, theta_true),
        controls=[
            Slider("noise", "noise", levels[0], levels[-1], step, levels[shown]),
            Slider("sets", "data sets", 1, n_sets, 1, n_sets),
            Choice("fit", "fitted by", list(frames)),
        ],
        status=_status(f"Noise {levels[shown]:g}, {first}", theta, r2, axes),
    )


def _series(axes: Axes, theta, theta_true) -> list[Series]:
    """A dot for each coefficient and data set, beside bars for median and truth."""
    n_sets = len(theta)
    shift = np.linspace(-0.25, 0.25, n_sets) if n_sets > 1 else np.zeros(1)
    dots = [
        (k + s, np.clip(v, *axes.y))
        for s, row in zip(shift, theta, strict=True)
        for k, v in enumerate(row)
    ]

    def bars(values):
        values = np.clip(values, *axes.y)
        ends = [[(k - 0.36, v), (k + 0.36, v)] for k, v in enumerate(values)]
        return "".join(map(axes.line, ends))

    return [
        Series("zero", "null", axes.line([(x, 0) for x in axes.x]), "does nothing"),
        Series("found", "model dot", axes.marks(dots), "found, one data set"),
        Series("median", "model", bars(np.median(theta, 0)), "median"),
        Series("truth", "truth dashed", bars(theta_true), "truth"),
    ]


def _status(what: str, theta, r2, axes: Axes) -> str:
    sets = "1 data set" if len(theta) == 1 else f"{len(theta)} data sets"
    status = f"{what}: in {sets} the median R2 on new experiments is "
    status += f"{np.median(r2):.2f}."
    outside = int((np.abs(theta) > axes.y[1]).sum())
    if outside:
        status += f" {outside} dots lie beyond the axis, and stand at its end."
    return status


def _check_frames(levels, frames, names, theta_true) -> None:
    steps = np.diff(levels)
    if len(levels) < 2 or not np.allclose(steps, steps[0]) or steps[0] <= 0:
        raise ValueError(
            f"The levels of noise are {list(levels)}; expected at least two, ascending "
            "with equal steps, such as [0.0, 0.2, 0.4]."
        )
    shapes = {(theta.shape, r2.shape) for theta, r2 in frames.values()}
    sets = next(iter(shapes))[1][1:]
    wanted = ((len(levels), *sets, len(names)), (len(levels), *sets))
    if shapes != {wanted} or len(sets) != 1 or len(theta_true) != len(names):
        raise ValueError(
            f"The fits have shapes {sorted(shapes)} for {len(levels)} levels, "
            f"{len(names)} names and {len(theta_true)} true values; expected, for each "
            "fit, coefficients (level, data set, name) and R2 (level, data set)."
        )
