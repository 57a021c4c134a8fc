"""Colours by meaning, and an axes to draw into."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

TRUTH, MODEL, NULL, DATA = "black", "#0072B2", "#8C8C8C", "#D55E00"


def _axes(ax: Axes | None) -> Axes:
    return plt.gca() if ax is None else ax
