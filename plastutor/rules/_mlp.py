"""A small network as a plasticity rule, for rules whose form nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

import jax
import jax.numpy as jnp

from plastutor._types import Rule, Theta
from plastutor.rules._taylor import plain_update


def mlp(hidden: Sequence[int] = (10,), *, scale: float = 0.01) -> Rule:
    """A small network as a rule: (x, y, w, r) -> hidden -> dw.

    Leaky ReLU inside, tanh at the output (so |dw| <= 1), all weights and biases drawn
    with standard deviation `scale`. The paper's size is 4-10-1: 61 parameters.

    Args:
        hidden: the number of units in each hidden layer.
        scale: standard deviation of the initial parameters.

    Raises:
        ValueError: a layer without units.

    >>> theta = mlp((10,)).init(jax.random.key(0))
    >>> sum(leaf.size for leaf in jax.tree.leaves(theta))
    61
    """
    if not isinstance(hidden, Sequence) or not all(
        isinstance(units, int) and units > 0 for units in hidden
    ):
        raise ValueError(
            f"hidden is {hidden!r}; expected the units of each layer, such as (10,)."
        )
    return _mlp(tuple(hidden), scale)


@lru_cache  # the same arguments give the same Rule, so JAX compiles it once
def _mlp(hidden: tuple[int, ...], scale: float) -> Rule:
    import flax.linen as nn  # takes half a second, and few rules are networks

    draw = nn.initializers.normal(scale)
    # param_dtype float: whatever precision JAX runs in, as for a Taylor rule
    dense = partial(nn.Dense, kernel_init=draw, bias_init=draw, param_dtype=float)

    class Perceptron(nn.Module):
        @nn.compact
        def __call__(self, v):
            for units in hidden:
                v = nn.leaky_relu(dense(units)(v))
            return jnp.tanh(dense(1)(v))[..., 0]

    network = Perceptron()

    def init(key) -> Theta:
        return network.init(key, jnp.zeros(4))

    def apply(theta, x, y, w, r):
        return network.apply(theta, jnp.stack([x, y, w, r]))

    return Rule(init, apply, jax.checkpoint(plain_update(apply)))
