"""What a pattern looks like before it is seen: numbers on a line, phases on a circle.

The same two distributions serve as the noise of a cue.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Key
from numpy.polynomial.hermite_e import hermegauss

CIRCLE = 128  # nodes: the sum over them is exact to rounding up to concentration 50
GRID = 2049  # of the cumulative distribution from which phases are drawn


class Gaussian(NamedTuple):
    """Activities on a line: each drawn by itself around a mean.

    Attributes:
        mean: of every neuron; 0 for the noise of a cue.
        std: standard deviation, above 0.

    >>> prior = Gaussian(mean=1.0, std=2.0)
    >>> float(prior.best(jnp.array(3.0), Gaussian(std=2.0)))  # half way
    2.0
    """

    mean: Float[ArrayLike, ""] = 0.0
    std: Float[ArrayLike, ""] = 1.0

    @property
    def precision(self) -> Float[Array, ""]:
        """The curvature of the negative log-probability at the mean."""
        return 1 / jnp.asarray(self.std) ** 2

    def log_prob(self, x: ArrayLike) -> Array:
        """Log-density of each activity, without the constant."""
        return -(((jnp.asarray(x) - self.mean) / self.std) ** 2) / 2

    def sample(self, key: Key[Array, ""], shape: tuple[int, ...]) -> Array:
        """Independent draws."""
        drawn = jax.random.normal(key, shape)
        return jnp.asarray(self.mean) + jnp.asarray(self.std) * drawn

    def nodes(self) -> tuple[Array, np.ndarray]:
        """Where to evaluate a function, and the weights of its mean."""
        nodes, weights = hermegauss(32)
        mean, std = jnp.asarray(self.mean), jnp.asarray(self.std)
        return mean + std * jnp.asarray(nodes), weights / weights.sum()

    def difference(self, a: ArrayLike, b: ArrayLike) -> Array:
        """How far a is from b."""
        return jnp.asarray(a) - b

    def best(self, cue: ArrayLike, noise: Gaussian) -> Array:
        """The most probable activity, given a cue and no synapses."""
        both = self.precision + noise.precision
        return (self.precision * self.mean + noise.precision * cue) / both


class VonMises(NamedTuple):
    """Phases on a circle, in radians: each drawn by itself around a mean.

    The density is exp(concentration * cos(x - mean)) / 2 pi I_0(concentration); with a
    concentration of 0 all phases are as likely, and for large ones it is Gaussian with
    variance 1 / concentration.

    Attributes:
        mean: of every neuron; 0 for the noise of a cue.
        concentration: 0 or more.

    >>> prior = VonMises(concentration=1.0)
    >>> round(float(prior.best(jnp.array(1.0), VonMises(concentration=1.0))), 3)
    0.5
    """

    mean: Float[ArrayLike, ""] = 0.0
    concentration: Float[ArrayLike, ""] = 1.0

    @property
    def precision(self) -> Float[Array, ""]:
        """The curvature of the negative log-probability at the mean."""
        return jnp.asarray(self.concentration)

    def log_prob(self, x: ArrayLike) -> Array:
        """Log-density of each phase, without the constant."""
        return jnp.asarray(self.concentration) * jnp.cos(jnp.asarray(x) - self.mean)

    def sample(self, key: Key[Array, ""], shape: tuple[int, ...]) -> Array:
        """Independent draws between -pi and pi from the mean: by the quantiles."""
        grid = jnp.linspace(-jnp.pi, jnp.pi, GRID)
        density = jnp.exp(self.concentration * (jnp.cos(grid) - 1))
        steps = (density[1:] + density[:-1]) / 2
        below = jnp.concatenate([jnp.zeros(1), jnp.cumsum(steps)])
        drawn = jax.random.uniform(key, shape)
        return jnp.asarray(self.mean) + jnp.interp(drawn, below / below[-1], grid)

    def nodes(self) -> tuple[Array, Array]:
        """Where to evaluate a function, and the weights of its mean."""
        nodes = jnp.asarray(self.mean) + 2 * jnp.pi * jnp.arange(CIRCLE) / CIRCLE
        weights = jnp.exp(self.log_prob(nodes) - self.concentration)
        return nodes, weights / weights.sum()

    def difference(self, a: ArrayLike, b: ArrayLike) -> Array:
        """How far a is from b, the short way round: between -pi and pi."""
        off = jnp.asarray(a) - b
        return jnp.arctan2(jnp.sin(off), jnp.cos(off))

    def best(self, cue: ArrayLike, noise: VonMises) -> Array:
        """The most probable phase, given a cue and no synapses."""
        parts = (self.concentration, self.mean), (noise.concentration, cue)
        east = sum(k * jnp.cos(at) for k, at in parts)
        return jnp.arctan2(sum(k * jnp.sin(at) for k, at in parts), east)


def check_priors(**given: Gaussian | VonMises) -> None:
    """Raise a sentence where a spread is impossible, or line and circle are mixed."""
    kinds = {type(one) for one in given.values()}
    if len(kinds) != 1 or not kinds <= {Gaussian, VonMises}:
        found = " and ".join(f"{k} {type(v).__name__}" for k, v in given.items())
        raise ValueError(
            f"Got {found}; expected Gaussian for both, for activities on a line, or "
            "VonMises for both, for phases on a circle."
        )
    for name, one in given.items():
        what = "std" if isinstance(one, Gaussian) else "concentration"
        value, least = getattr(one, what), "above 0" if what == "std" else "0 or more"
        if isinstance(value, Tracer):
            continue
        if not np.isfinite(value) or value < 0 or (what == "std" and value == 0):
            raise ValueError(f"The {what} of {name} is {value}; expected {least}.")
