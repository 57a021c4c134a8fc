"""Checks of A synapse that learns."""

import numpy as np

from plastutor.teaching.checks._agreement import check

DRAWS = np.random.default_rng(0)
SHAPES = ((2, 1), (3, 2), (4, 3))  # one neuron, several, more inputs than neurons
DRAWN = [(DRAWS.normal(size=shape[0]), DRAWS.normal(size=shape)) for shape in SHAPES]
LAYERS = [{"x": x, "y": x @ w, "w": w} for x, w in DRAWN]


@check(
    [{"alpha": alpha} for alpha in (1.0, 4.0, 0.25)],
    "Where the mean change is zero, alpha |w|^2 is one.",
)
def settled_length(alpha):
    """Is `function(alpha)` the final length of weights under dw = xy - alpha y^2 w?"""
    return alpha**-0.5


@check(LAYERS, "dw has the shape of w: x_i y_j - y_j^2 w_ij in row i and column j.")
def oja_layer(x, y, w):
    """Does `function(x, y, w)` give Oja's dw for a layer, of shape (pre, post)?"""
    return x[:, None] * y - y**2 * w


@check(
    LAYERS, "Neuron j subtracts what neurons 0 to j, itself included, have explained."
)
def sanger_layer(x, y, w):
    """Does `function(x, y, w)` give Sanger's dw for a layer, of shape (pre, post)?"""
    columns = [y[j] * (x - w[:, : j + 1] @ y[: j + 1]) for j in range(len(y))]
    return np.stack(columns, axis=1)
