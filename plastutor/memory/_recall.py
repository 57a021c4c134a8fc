"""Recall: which pattern was stored, given a noisy cue and the weights?

The log-posterior of a pattern is written once, and its gradient *is* the dynamics of
the network that recalls: JAX derives it from any storage rule (Lengyel and Dayan 2004).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.experimental.ode import odeint
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from plastutor.memory._priors import Gaussian, VonMises, check_priors
from plastutor.memory._storage import as_function, between_all, weight_moments

PROBES = 7  # activities at which a rule is asked whether its two orders are one number


class Recall(NamedTuple):
    """How a network walked from a cue to a memory.

    Attributes:
        x: where it ended.
        path: where it was, from the start on.
        log_posterior: there, without the constant.
    """

    x: Float[Array, "*cue unit"]
    path: Float[Array, "*cue step unit"]
    log_posterior: Float[Array, "*cue step"]


def _share(rule, prior):
    """1/2 where w_ij and w_ji are one number or its negative: they count once."""
    at = prior.nodes()[0][:: len(prior.nodes()[0]) // PROBES]
    values = between_all(rule, at)
    off = jnp.minimum(*(jnp.abs(values + s * values.T).max() for s in (1, -1)))
    return jnp.where(off <= 1e-5 * jnp.abs(values).max(), 0.5, 1.0)


def log_posterior(
    x: Float[Array, " unit"],
    cue: Float[ArrayLike, " unit"],
    w: Float[ArrayLike, "unit unit"],
    rule: Callable,
    prior: Gaussian | VonMises,
    noise: Gaussian | VonMises,
    *,
    n_patterns: ArrayLike,
    inflate: ArrayLike = 1.0,
    self_term: bool = True,
) -> Float[Array, ""]:
    """How probable it is that x was stored: log P(x) + log P(cue | x) + log P(w | x).

    Of a weight, Omega(x_i, x_j) is what x wrote, and the rest is taken for a Gaussian
    number with the mean and the variance of what n_patterns - 1 patterns from the prior
    write, each weight by itself. Where w_ij and w_ji are the same number, or one the
    negative of the other, each pair counts once; else both do.

    Args:
        x: the pattern in question.
        cue: the pattern with noise.
        w: the weights, as `store` made them.
        rule: Omega, by which the network reads.
        prior: of patterns.
        noise: of the cue, around 0.
        n_patterns: how many were stored; at least 2.
        inflate: by what the variance of a weight is multiplied. Weights are sums over
            the same patterns: they are not as many pieces of evidence as they are
            numbers.
        self_term: False leaves out Omega^2 / 2, with which a neuron takes back what its
            own activity would add; of the dynamics it is the term Omega dOmega.

    Returns:
        The log-posterior, without what does not depend on x.

    >>> from plastutor.memory import Gabor, store
    >>> rule, prior = Gabor(), VonMises(concentration=0.5)
    >>> patterns = prior.sample(jax.random.key(0), (2, 50))
    >>> true, other = (log_posterior(x, x, store(rule, patterns), rule, prior,
    ...                VonMises(concentration=9.0), n_patterns=2)
    ...                for x in (patterns[0], -patterns[0]))
    >>> bool(true > other)
    True
    """
    rule = as_function(rule)
    mean, variance = weight_moments(rule, prior, n_patterns - 1)
    written = between_all(rule, x)
    fits = (w - mean) * written - (written**2 / 2 if self_term else 0)
    others = ~jnp.eye(len(x), dtype=bool)
    evidence = jnp.where(others, fits, 0).sum() * _share(rule, prior)
    of_cue = noise.log_prob(noise.difference(cue, x)).sum()
    return prior.log_prob(x).sum() + of_cue + evidence / (inflate * variance)


def _curvature(n_units, rule, prior, noise, n_patterns, inflate):
    """That of the log-posterior along one neuron, on average over patterns.

    Time is measured in its inverse, so that one step serves every rule and size.
    """
    nodes, weights = prior.nodes()
    derivative = jax.vmap(jax.vmap(jax.grad(rule), (None, 0)), (0, None))(nodes, nodes)
    _, variance = weight_moments(rule, prior, n_patterns - 1)
    of_weights = (n_units - 1) * (weights @ derivative**2 @ weights)
    of_weights *= 2 * _share(rule, prior) / (inflate * variance)
    return prior.precision + noise.precision + of_weights


@partial(jax.jit, static_argnames=("self_term", "n_steps", "adaptive"))
def _recall(
    cue, w, rule, prior, noise, n_patterns, inflate, dt, *, self_term, n_steps, adaptive
):
    def density(x, cue, w):
        return log_posterior(
            x, cue, w, rule, prior, noise,
            n_patterns=n_patterns, inflate=inflate, self_term=self_term,
        )  # fmt: skip

    scale = _curvature(cue.shape[-1], rule, prior, noise, n_patterns, inflate)

    def velocity(x, _, cue, w):
        return jax.grad(density)(x, cue, w) / scale

    def of_one(cue):
        start = prior.best(cue, noise)
        if adaptive:
            times = dt * jnp.arange(n_steps + 1, dtype=cue.dtype)
            path = odeint(velocity, start, times, cue, w)
        else:

            def step(x, _):
                return x + dt * velocity(x, None, cue, w), x

            last, path = jax.lax.scan(step, start, None, length=n_steps)
            path = jnp.concatenate([path, last[None]])
        return Recall(path[-1], path, jax.lax.map(lambda x: density(x, cue, w), path))

    return jax.vmap(of_one)(cue) if cue.ndim == 2 else of_one(cue)


def recall(
    cue: Float[ArrayLike, "*cue unit"],
    w: Float[ArrayLike, ...],
    rule: Callable,
    prior: Gaussian | VonMises,
    noise: Gaussian | VonMises,
    *,
    n_patterns: int,
    inflate: ArrayLike = 1.0,
    self_term: bool = True,
    n_steps: int = 60,
    dt: float = 0.5,
    adaptive: bool = False,
) -> Recall:
    """Climb the log-posterior from the best guess without synapses.

    dx/dt is the gradient of `log_posterior`, with time in units of the inverse of its
    typical curvature: of each neuron a leak to the prior, an input from the cue, and
    what the synapses add.

    Args:
        cue: one cue, or several of the same network.
        w: its weights.
        rule: Omega, by which the network reads; the one that wrote, if it is right.
        prior: of patterns.
        noise: of the cue.
        n_patterns: how many were stored.
        inflate: as in `log_posterior`.
        self_term: as in `log_posterior`.
        n_steps: how many points of the path follow the start.
        dt: the time between two of them.
        adaptive: take steps as small as JAX's Runge-Kutta integrator finds necessary;
            else one plain step between two points.

    Raises:
        ValueError: a sentence on what does not fit.

    >>> from plastutor.memory import Gabor, store
    >>> rule, prior, noise = Gabor(), VonMises(concentration=0.5), VonMises(0.0, 10.0)
    >>> keys = jax.random.split(jax.random.key(0))
    >>> patterns = prior.sample(keys[0], (3, 100))
    >>> cue = patterns[0] + noise.sample(keys[1], (100,))
    >>> found = recall(cue, store(rule, patterns), rule, prior, noise, n_patterns=3)
    >>> errors = [recall_error(x, patterns[0], prior) for x in (found.path[0], found.x)]
    >>> bool(errors[1] < 0.5 * errors[0])
    True
    """
    cue, w = jnp.asarray(cue, float), jnp.asarray(w, float)
    _check(cue, w, prior, noise, n_patterns, inflate, n_steps, dt)
    with jax.numpy_dtype_promotion("standard"):  # parameters may be plain numbers
        rule, prior, noise = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, cue.dtype), (as_function(rule), prior, noise)
        )
    return _recall(
        cue,
        w,
        rule,
        prior,
        noise,
        jnp.asarray(n_patterns, cue.dtype),
        jnp.asarray(inflate, cue.dtype),
        jnp.asarray(dt, cue.dtype),
        self_term=self_term,
        n_steps=n_steps,
        adaptive=adaptive,
    )


def _check(cue, w, prior, noise, n_patterns, inflate, n_steps, dt) -> None:
    check_priors(prior=prior, noise=noise)
    n = cue.shape[-1] if cue.ndim else 0
    if cue.ndim not in (1, 2) or w.shape != (n, n):
        raise ValueError(
            f"cue has shape {cue.shape} and w {w.shape}; expected (unit,) or (cue, "
            "unit) for cues, and (unit, unit) for the weights of one network."
        )
    if not isinstance(w, Tracer) and not jnp.isfinite(w).all():
        raise ValueError(
            "w holds numbers that are not finite; expected stored weights."
        )
    if not isinstance(n_patterns, int) or n_patterns < 2:
        raise ValueError(
            f"n_patterns is {n_patterns!r}; expected a whole number from 2 up. Of a "
            "single pattern a weight leaves no doubt."
        )
    if not isinstance(n_steps, int) or n_steps < 1 or not 0 < dt < np.inf:
        raise ValueError(
            f"n_steps is {n_steps!r} and dt {dt!r}; expected a whole number from 1 up, "
            "and a finite number above 0."
        )
    if not isinstance(inflate, Tracer) and not 0 < inflate < np.inf:
        raise ValueError(f"inflate is {inflate!r}; expected a finite number above 0.")


def recall_error(
    found: Float[ArrayLike, "*shape unit"],
    stored: Float[ArrayLike, "*shape unit"],
    prior: Gaussian | VonMises,
) -> Float[Array, "*shape"]:
    """Root mean square over neurons of how far off they are; on a circle, in radians.

    >>> off = recall_error(jnp.array([0.1]), jnp.array([0.3 + 2 * jnp.pi]), VonMises())
    >>> round(float(off), 3)
    0.2
    """
    return jnp.sqrt((prior.difference(found, stored) ** 2).mean(-1))


def subspace_recall(
    cue: Float[ArrayLike, "*cue unit"],
    w: Float[ArrayLike, ...],
    prior: Gaussian,
    noise: Gaussian,
    *,
    n_patterns: int,
) -> Float[Array, "*cue unit"]:
    """What a cue says within the space that the stored patterns span.

    The covariance rule adds outer products. They do not change if patterns are turned
    into each other, so weights know the space of the patterns, and nothing else: its
    directions are the eigenvectors of w with the largest eigenvalues. The rest of the
    cue is noise.

    Args:
        cue: one cue or several.
        w: written by the covariance rule with the mean of the prior.
        prior: of patterns.
        noise: of the cue.
        n_patterns: how many were stored, fewer than there are neurons.

    Raises:
        ValueError: as many patterns as neurons; not symmetric weights.

    >>> from plastutor.memory import Covariance, store
    >>> prior, noise = Gaussian(), Gaussian(std=1.0)
    >>> keys = jax.random.split(jax.random.key(0))
    >>> patterns = prior.sample(keys[0], (3, 90))
    >>> cue = patterns + noise.sample(keys[1], (3, 90))
    >>> found = subspace_recall(cue, store(Covariance(), patterns), prior, noise,
    ...                         n_patterns=3)
    >>> bool((recall_error(found, patterns, prior) < 0.4).all())
    True
    """
    cue, w = jnp.asarray(cue, float), jnp.asarray(w, float)
    _check(cue, w, prior, noise, n_patterns, 1.0, 1, 1.0)
    n = len(w)
    if n_patterns >= n or not isinstance(prior, Gaussian):
        raise ValueError(
            f"{n_patterns} patterns of {n} neurons, prior {type(prior).__name__}; "
            "expected fewer patterns than neurons, and Gaussian activities."
        )
    if not isinstance(w, Tracer) and not jnp.allclose(w, w.T, atol=1e-4):
        raise ValueError("w is not symmetric; expected weights of a covariance rule.")
    directions = jnp.linalg.eigh(w)[1][:, -n_patterns:]
    along = (cue - prior.mean) @ directions
    # A pattern has the variance of n neurons in n_patterns directions.
    variance = prior.std**2 * n / n_patterns
    keep = variance / (variance + noise.std**2)
    return prior.mean + keep * along @ directions.T
