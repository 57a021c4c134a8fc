"""The expected reward: what the last rewards lead an animal to expect."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from plastutor._types import Scalar


def expectation(memory: Float[Array, "*exp window"]) -> Float[ArrayLike, "*exp"]:
    """The reward expected now: the mean of those remembered; 0 without a memory.

    >>> float(expectation(jnp.array([1.0, 0.0])))
    0.5
    """
    return memory.mean(-1) if memory.shape[-1] else 0.0


def remember(
    memory: Float[Array, " window"], reward: Scalar, completed: Bool[ArrayLike, ""]
) -> Float[Array, " window"]:
    """Append a reward to the memory of the last ones, if its trial was completed.

    >>> [float(v) for v in remember(jnp.zeros(3), 1.0, True)]
    [0.0, 0.0, 1.0]
    """
    return jnp.where(completed, jnp.append(memory[1:], reward), memory)


def expected_reward(
    reward: Float[ArrayLike, " time"],
    completed: Bool[ArrayLike, " time"],
    window: int = 10,
) -> Float[Array, " time"]:
    """E[R]: the mean of the last `window` rewards of completed trials.

    The current reward is not among them, and before the first trial all are zero
    (Mehta et al. 2024 and its code). With window = 0 nothing is expected.

    Args:
        reward: raw reward of each step.
        completed: True where a trial was completed; other steps leave no memory.
        window: how many trials are remembered.

    Returns:
        The expectation held before each step, in units of reward.

    >>> e = expected_reward(jnp.array([1.0, 1.0, 0.0]), jnp.ones(3, bool), window=2)
    >>> [float(v) for v in e]
    [0.0, 0.5, 1.0]
    """
    memory = jnp.zeros(window, jnp.result_type(reward))
    return expect_rewards(memory, jnp.asarray(reward), jnp.asarray(completed))[1]


def expect_rewards(
    memory: Float[Array, " window"],
    reward: Float[Array, " time"],
    completed: Bool[Array, " time"],
) -> tuple[Float[Array, " window"], Float[Array, " time"]]:
    """What `remember` and `expectation` give step by step, for all steps at once.

    >>> memory, expected = expect_rewards(jnp.zeros(2), jnp.ones(3), jnp.ones(3, bool))
    >>> [float(v) for v in memory], [float(v) for v in expected]
    ([1.0, 1.0], [0.0, 0.5, 1.0])
    """
    window, steps = memory.size, reward.size
    if window == 0:
        return memory, jnp.zeros_like(reward)
    done = jnp.cumsum(completed.astype(int))
    before = done - completed.astype(int)  # the trials completed before each step
    at = jnp.where(completed, window + before, window + steps)
    rewards = jnp.append(memory, jnp.zeros_like(reward)).at[at].set(reward, mode="drop")
    # Before each trial.
    sums = jnp.asarray(sum(rewards[k : k + steps] for k in range(window)))
    last = jnp.arange(window) + done[-1]
    return rewards[last], (sums / window)[before]
