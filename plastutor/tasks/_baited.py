"""Baited choices: animals that choose between options by any model of choices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from plastutor._types import Experiment, Theta, Values
from plastutor.likelihoods import Likelihood, choice, sample


def choice_task(
    key: PRNGKeyArray,
    predict: Callable,
    theta: Theta,
    *,
    likelihood: Likelihood = choice,
    n_experiments: int = 18,
    reward_probabilities: Values = ((0.2, 0.8), (0.9, 0.1), (0.2, 0.8)),
    trials_per_block: int = 80,
    stimulus: float = 0.75,
) -> Experiment:
    """Animals that choose by a known model, and meet the rewards of their choices.

    Before each trial every option is baited with its probability; a bait stays until it
    is collected. Unlike `foraging_task` it needs no rule: any model of choices will do,
    also one with a habit.

    Args:
        key: a JAX random key.
        predict: `(theta, data) -> Trajectory` of the options in each trial, from the
            trials before it: `predict` of an objective or of a baseline.
        theta: the true parameters.
        likelihood: how the prediction becomes a choice.
        n_experiments: animals.
        reward_probabilities: for each block, the probability of bait of each option.
        trials_per_block: trials in each block.
        stimulus: activity of the input that stands for an option; w0 = 0.

    Returns:
        A batch of choices.

    >>> import plastutor as pt
    >>> habit = pt.evaluate.choice_kernel()
    >>> made = choice_task(
    ...     jr.key(0), habit.predict, jnp.array([9.0, 0.0]),
    ...     likelihood=pt.likelihoods.softmax_choice, n_experiments=2,
    ... )
    >>> stays = made.choice[:, 1:] == made.choice[:, :-1]
    >>> made.x.shape, bool(stays.mean() > 0.8)
    ((2, 240, 2), True)
    """
    probability = np.repeat(np.asarray(reward_probabilities), trials_per_block, 0)
    if probability.ndim != 2 or probability.size == 0 or probability.shape[1] < 2:
        raise ValueError(
            "reward_probabilities needs one row a block and one number an option, such "
            f"as ((0.2, 0.8), (0.9, 0.1)); it has shape {probability.shape[:2]}."
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            f"reward_probabilities is {reward_probabilities}; expected numbers from 0 "
            "to 1."
        )
    dtype = jnp.result_type(float)
    options = stimulus * jnp.eye(probability.shape[1], dtype=dtype)
    return _choose(
        predict,
        likelihood,
        n_experiments,
        key,
        theta,
        jnp.asarray(probability),
        options,
    )


@partial(jax.jit, static_argnums=(0, 1, 2))
def _choose(predict, likelihood, count, key, theta, probability, options):
    """All animals, trial by trial; what is to come is empty until then."""
    trials, n = probability.shape
    key_bait, key_choice = jr.split(key)
    draws = jr.bernoulli(key_bait, probability[:, None], (trials, count, n))
    each = jnp.arange(count)
    there = jnp.ones((count, trials), bool)
    zeros = jnp.zeros((count, trials), options.dtype)
    every = jnp.broadcast_to(options, (count, n, n))
    w0 = jnp.zeros((count, n, 1), options.dtype)
    x = jnp.zeros((count, trials, n), options.dtype)
    none = jnp.full((count, trials), -1)
    first = Experiment(x, zeros, ~there, there, w0, options=every, choice=none)

    def trial(t, carry):
        data, bait = carry
        made = predict(theta, data)
        now = made._replace(option_logit=made.option_logit[:, t])
        choice = sample(likelihood, jr.fold_in(key_choice, t), now)
        bait = bait | draws[t]
        data = data._replace(
            x=data.x.at[:, t].set(options[choice]),
            reward=data.reward.at[:, t].set(bait[each, choice].astype(options.dtype)),
            plastic=data.plastic.at[:, t].set(True),
            choice=data.choice.at[:, t].set(choice),
        )
        return data, bait.at[each, choice].set(False)

    return jax.lax.fori_loop(0, trials, trial, (first, jnp.zeros((count, n), bool)))[0]
