"""Storage: what a rule for two activities writes into the weights, pattern by pattern.

    w_ij = sum over patterns of Omega(x_i, x_j), and no neuron drives itself

(Lengyel and Dayan 2004). A storage rule is any function of the two activities.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jax.tree_util import Partial
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from plastutor._types import Rule, Theta
from plastutor.memory._priors import Gaussian, VonMises


class Covariance(NamedTuple):
    """strength * (x_i - mean) (x_j - mean), for activities on a line.

    >>> float(Covariance(mean=1.0)(3.0, 2.0))
    2.0
    """

    strength: Float[ArrayLike, ""] = 1.0
    mean: Float[ArrayLike, ""] = 0.0

    def __call__(self, x_i: ArrayLike, x_j: ArrayLike) -> Array:
        """The change of a weight by one pattern."""
        mean = jnp.asarray(self.mean)
        product = (jnp.asarray(x_i) - mean) * (jnp.asarray(x_j) - mean)
        return jnp.asarray(self.strength) * product


class Gabor(NamedTuple):
    """strength * exp(sharpness * cos d) * sin(d - phase), with d = x_i - x_j.

    Plasticity that depends on the timing of two spikes in an oscillation: a circular
    Gabor function. With phase 0 what one order gains the other loses.

    >>> float(Gabor()(jnp.array(1.0), jnp.array(1.0)))
    0.0
    """

    strength: Float[ArrayLike, ""] = 1.0
    sharpness: Float[ArrayLike, ""] = 4.0
    phase: Float[ArrayLike, ""] = 0.0

    def __call__(self, x_i: ArrayLike, x_j: ArrayLike) -> Array:
        """The change of a weight by one pattern."""
        d = jnp.asarray(x_i) - x_j
        # The largest value of exp is 1, so that strength means the same for any one.
        shape = jnp.exp(self.sharpness * (jnp.cos(d) - 1))
        return jnp.asarray(self.strength) * shape * jnp.sin(d - self.phase)


class Fourier(NamedTuple):
    """Any smooth function of the difference of two phases, as a Fourier series.

    sum_k cosines[k - 1] cos(k d) + sines[k - 1] sin(k d), with d = x_i - x_j.

    >>> rule = Fourier(jnp.zeros(2), jnp.array([1.0, 0.0]))
    >>> round(float(rule(jnp.pi / 2, 0.0)), 6)
    1.0
    """

    cosines: Float[Array, " order"]
    sines: Float[Array, " order"]

    def __call__(self, x_i: ArrayLike, x_j: ArrayLike) -> Array:
        """The change of a weight by one pattern."""
        at = jnp.arange(1, len(self.sines) + 1) * (jnp.asarray(x_i) - x_j)
        return self.cosines @ jnp.cos(at) + self.sines @ jnp.sin(at)


@lru_cache  # equal rules give the same function: nothing is compiled again
def _between(rule: Rule) -> Callable:
    def omega(theta, x_i, x_j):
        return rule.apply(theta, x_i, x_j, jnp.zeros_like(x_i), jnp.zeros_like(x_i))

    return omega


def storage_of(rule: Rule, theta: Theta) -> Callable:
    """A rule of the book as a storage rule: x is the sender's activity, y the other's.

    Args:
        rule: a rule whose change depends on neither w nor r.
        theta: its parameters.

    Raises:
        ValueError: the change depends on the weight or on reward: then what is stored
            depends on the order of the patterns, and is no sum over them.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> float(storage_of(rule, pt.HEBB)(2.0, 3.0))
    6.0
    """
    at = jnp.array([0.3, 0.7, 0.2, 0.4])
    derivatives = jax.grad(lambda at: rule.apply(theta, *at))(at)[2:]
    if not isinstance(derivatives, Tracer) and jnp.abs(derivatives).max() > 0:
        raise ValueError(
            "The rule changes a weight by an amount that depends on the weight or on "
            "reward; expected one of the two activities alone, such as "
            "pt.taylor(pt.Orders(x=1, y=1, w=0))."
        )
    return Partial(_between(rule), theta)


def as_function(rule: Any) -> Callable:
    """A storage rule as JAX can take it for an argument."""
    if not callable(rule) or isinstance(rule, Rule):
        raise ValueError(
            f"The storage rule is {type(rule).__name__}; expected a function of two "
            "activities, such as Gabor() or Covariance(); storage_of makes one of a "
            "rule of the book."
        )
    known: Any = rule  # a tuple that can be called, or a Partial, has its parameters
    return known if isinstance(rule, tuple | Partial) else Partial(rule)


def between_all(rule: Callable, x: Float[Array, " unit"]) -> Float[Array, "unit unit"]:
    """Omega(x_i, x_j) for each pair."""
    return jax.vmap(jax.vmap(rule, (None, 0)), (0, None))(x, x)


def store(
    rule: Callable, patterns: Float[ArrayLike, ...]
) -> Float[Array, "*net unit unit"]:
    """The weights after all patterns, in one pass over them.

    Args:
        rule: Omega: a function of the activities of sender and receiver.
        patterns: activities or phases of all neurons; with a leading axis of networks
            each gets weights of its own.

    Returns:
        w[i, j], the sum over patterns of Omega(x_i, x_j); 0 where i = j.

    Raises:
        ValueError: patterns of another shape, or not finite; no function.

    >>> store(Covariance(), jnp.array([[1.0, 2.0], [1.0, -1.0]])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    patterns = jnp.asarray(patterns, float)
    if patterns.ndim not in (2, 3) or 0 in patterns.shape:
        raise ValueError(
            f"patterns has shape {patterns.shape}; expected (pattern, unit), or (net, "
            "pattern, unit) for several networks, with one pattern or more."
        )
    known = not isinstance(patterns, Tracer)
    if known and not jnp.isfinite(patterns).all():
        raise ValueError("patterns hold numbers that are not finite.")
    return _store(as_function(rule), patterns)


@jax.jit
def _store(rule, patterns):
    def of_one(patterns):
        n = patterns.shape[-1]
        zeros = jnp.zeros((n, n), patterns.dtype)
        w, _ = jax.lax.scan(
            lambda w, x: (w + between_all(rule, x), None), zeros, patterns
        )
        return jnp.where(jnp.eye(n, dtype=bool), 0, w)

    return jax.vmap(of_one)(patterns) if patterns.ndim == 3 else of_one(patterns)


def weight_moments(
    rule: Callable, prior: Gaussian | VonMises, n_patterns: ArrayLike
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean and variance of what patterns that are drawn from the prior add to a weight.

    By quadrature over both activities; no stored pattern enters.

    Args:
        rule: Omega.
        prior: of the patterns.
        n_patterns: how many.

    >>> mean, variance = weight_moments(Covariance(), Gaussian(std=2.0), 3)
    >>> round(float(mean), 5), round(float(variance), 3)
    (0.0, 48.0)
    """
    nodes, weights = prior.nodes()
    values = between_all(as_function(rule), nodes)
    mean = weights @ values @ weights
    variance = weights @ (values - mean) ** 2 @ weights
    times = jnp.asarray(n_patterns, mean.dtype)
    return times * mean, times * variance
