"""Networks: everything fixed about the learner, except the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike


class Network(NamedTuple):
    """What is fixed about the learner: everything except the rule.

    The weights w (pre, post) give the activity y = activation(x @ w). Where there is a
    read-out, the log-odds of accepting are readout * mean(y). A step changes the
    weights by rate * dw, divided by the number of inputs if `divide_by_pre`. The rule
    sees the reward prediction error r = R - E[R], where E[R] is the mean of the last
    `window` rewards; with `window=0` it sees the raw reward R.

    The four named networks below are those of Mehta et al. (2024) and its code: the
    read-out and the 1/n_pre are in the code only.
    """

    activation: Callable = jax.nn.sigmoid
    readout: float | None = None
    rate: float = 1.0
    divide_by_pre: bool = False
    window: int = 10


def identity(v: ArrayLike) -> ArrayLike:
    """The activation of a linear neuron."""
    return v


RECORDED = Network()
"""Recorded activity: sigmoid neurons, no read-out, the update is dw itself."""

BEHAVIOUR = Network(jnp.tanh, readout=5.0, divide_by_pre=True)
"""Choices through a hidden layer: tanh, fixed read-out 5/n_hidden, update dw/n_pre."""

FLY = Network(identity, readout=1.0, divide_by_pre=True)
"""The fly's network: odour weights give the log-odds of accepting, update dw/n_pre."""

LINEAR = Network(identity, rate=0.01)
"""A linear neuron that learns slowly: Oja's rule as principal component analysis."""
