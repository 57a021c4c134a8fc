"""Temporal patterns of spikes, to be classified."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from plastutor._types import Scalar


def spike_patterns(
    key: PRNGKeyArray,
    *,
    n_class: int = 8,
    n_pre: int = 40,
    n_steps: int = 50,
    n_spikes: int = 3,
) -> Int[Array, "class pre spike"]:
    """The times, in steps, at which each input of each class should fire.

    All inputs of all classes fire equally often, so the classes differ only in *when*.

    >>> spike_patterns(jax.random.key(0)).shape
    (8, 40, 3)
    """
    return jax.random.randint(key, (n_class, n_pre, n_spikes), 0, n_steps)


@partial(jax.jit, static_argnames=("n_examples", "n_steps"))
def pattern_task(
    key: PRNGKeyArray,
    patterns: Int[Array, "class pre spike"],
    n_examples: int,
    *,
    n_steps: int = 50,
    jitter: Scalar = 2.0,
    missing: Scalar = 0.3,
    background: Scalar = 0.02,
) -> tuple[Float[Array, "exp time pre"], Int[Array, " exp"]]:
    """Noisy examples of the patterns, and their classes, which take turns.

    Args:
        key: for the noise.
        patterns: what `spike_patterns` made.
        n_examples: how many examples.
        n_steps: the length of an example; a spike moved beyond an end comes in at the
            other, so that counts say nothing.
        jitter: standard deviation of a spike's time, in steps.
        missing: the probability that a spike is left out.
        background: the probability of one more spike of an input in a step.

    Returns:
        The number of spikes of each input in each step, and the index of the class.

    >>> patterns = spike_patterns(jax.random.key(0))
    >>> x, label = pattern_task(jax.random.key(1), patterns, 6)
    >>> x.shape, label.shape
    ((6, 50, 40), (6,))
    """
    n_class, n_pre, _ = patterns.shape
    k_jitter, k_missing, k_background = jax.random.split(key, 3)
    label = jnp.arange(n_examples) % n_class
    at = patterns[label]  # (exp, pre, spike)
    moved = jnp.round(jitter * jax.random.normal(k_jitter, at.shape)).astype(at.dtype)
    at = (at + moved) % n_steps
    there = jax.random.bernoulli(k_missing, 1 - missing, at.shape)
    shape = (n_examples, n_steps, n_pre)
    x = jax.random.bernoulli(k_background, background, shape).astype(float)
    example = jnp.arange(n_examples)[:, None, None]
    pre = jnp.arange(n_pre)[None, :, None]
    return x.at[example, at, pre].add(there.astype(float)), label
