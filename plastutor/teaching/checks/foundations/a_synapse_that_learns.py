"""Checks of A synapse that learns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees


def settled_length(function: Callable) -> bool:
    """Is `function(alpha)` the final length of weights under dw = xy - alpha y^2 w?"""
    return agrees(
        function,
        lambda alpha: alpha**-0.5,
        [{"alpha": alpha} for alpha in (1.0, 4.0, 0.25)],
        "Where the mean change is zero, alpha |w|^2 is one.",
    )


def _layers() -> list[dict]:
    """A few small layers: one neuron, several, and more inputs than neurons."""
    rng = np.random.default_rng(0)
    sizes = [(2, 1), (3, 2), (4, 3)]
    return [
        {"x": x, "y": x @ w, "w": w}
        for x, w in (
            (rng.normal(size=pre), rng.normal(size=(pre, n))) for pre, n in sizes
        )
    ]


def oja_layer(function: Callable) -> bool:
    """Does `function(x, y, w)` give Oja's dw for a layer, of shape (pre, post)?"""
    return agrees(
        function,
        lambda x, y, w: x[:, None] * y - y**2 * w,
        _layers(),
        "dw has the shape of w: x_i y_j - y_j^2 w_ij in row i and column j.",
    )


def sanger_layer(function: Callable) -> bool:
    """Does `function(x, y, w)` give Sanger's dw for a layer, of shape (pre, post)?"""

    def reference(x, y, w):
        columns = [y[j] * (x - w[:, : j + 1] @ y[: j + 1]) for j in range(len(y))]
        return np.stack(columns, axis=1)

    return agrees(
        function,
        reference,
        _layers(),
        "Neuron j subtracts what neurons 0 to j, itself included, have explained.",
    )
