"""Spikes to be classified: by their pattern in time, or from memory."""

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


def recall_task(
    key: PRNGKeyArray,
    n_examples: int,
    *,
    n_class: int = 2,
    n_pre: int = 12,
    n_cue: int = 10,
    n_delay: int = 40,
    n_answer: int = 10,
    active: float = 0.5,
    background: float = 0.02,
) -> tuple[Float[Array, "exp time pre"], Int[Array, " exp"]]:
    """Store and recall: a cue, a delay, and a question that comes after it.

    The inputs form n_class + 1 groups of one size. During the cue the group of the
    class is active, during the delay none, and at the end the last group, which asks
    for the class and is the same for all. What the cue was, only memory can tell: give
    the same `n_answer` to `train_spiking` and `spiking_accuracy`, so that nothing but
    the end counts. It is the task of Bellec et al. (2020), made small.

    Args:
        key: for the spikes.
        n_examples: how many examples; the classes take turns.
        n_class: the number of cues.
        n_pre: the number of inputs, a multiple of n_class + 1.
        n_cue: the length of the cue, in steps.
        n_delay: from the end of the cue to the question, in steps.
        n_answer: how long the question lasts, in steps.
        active: the probability of a spike of an active input in a step.
        background: that of one more spike of any input in a step.

    Returns:
        The number of spikes of each input in each step, and the index of the class.

    Raises:
        ValueError: inputs that do not make up groups; fewer than two classes; no steps;
            a probability outside 0 to 1.

    >>> x, label = recall_task(jax.random.key(0), 6)
    >>> x.shape, label.tolist()
    ((6, 60, 12), [0, 1, 0, 1, 0, 1])
    >>> clean, _ = recall_task(jax.random.key(0), 6, active=1.0, background=0.0)
    >>> clean[1, :10].sum(0).astype(int).tolist()  # the cue of class 1: inputs 4 to 7
    [0, 0, 0, 0, 10, 10, 10, 10, 0, 0, 0, 0]
    """
    if n_class < 2 or n_pre < 1 or n_pre % (n_class + 1):
        raise ValueError(
            f"n_pre is {n_pre} and n_class {n_class}; expected at least two classes, "
            "and n_class + 1 groups of inputs of one size. Try n_pre="
            f"{4 * (max(n_class, 2) + 1)}."
        )
    if n_cue < 1 or n_delay < 0 or n_answer < 1:
        raise ValueError(
            f"n_cue, n_delay and n_answer are {n_cue}, {n_delay} and {n_answer} steps; "
            "expected at least 1, 0 and 1."
        )
    if not (0 <= active <= 1 and 0 <= background <= 1):
        raise ValueError(
            f"active is {active} and background {background}; expected probabilities, "
            "from 0 to 1."
        )
    lengths = (n_cue, n_delay, n_answer)
    return _recall(key, n_examples, n_class, n_pre, lengths, active, background)


@partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _recall(key, n_examples, n_class, n_pre, lengths, active, background):
    """The spikes of `recall_task`."""
    n_cue, n_delay, _ = lengths
    k_active, k_background = jax.random.split(key)
    label = jnp.arange(n_examples) % n_class
    time = jnp.arange(sum(lengths))[:, None]
    group = jnp.arange(n_pre) // (n_pre // (n_class + 1))
    cue = (time < n_cue)[None] & (group[None, None] == label[:, None, None])
    question = (time >= n_cue + n_delay) & (group == n_class)[None]
    there = jax.random.bernoulli(k_active, active, cue.shape) & (cue | question[None])
    more = jax.random.bernoulli(k_background, background, cue.shape)
    return there.astype(float) + more.astype(float), label
