"""Foraging: animals that accept or reject odours, and learn from the rewards."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, PRNGKeyArray
from numpy.typing import DTypeLike

from plastutor._experiments import check_dtype
from plastutor._types import Experiment, Rule, Theta, Values
from plastutor.networks import BEHAVIOUR, Network


class Foraging(NamedTuple):
    """Animals that foraged, and whether they came to the end.

    Attributes:
        experiment: a batch of accept/reject experiments, one an animal.
        odour: the odour of each presentation, 0 = A, 1 = B.
        completed: the trials that each animal completed.
        trials: the trials that were planned.
    """

    experiment: Experiment
    odour: Int[Array, "exp time"]
    completed: Int[Array, " exp"]
    trials: int

    @property
    def status(self) -> str:
        """A sentence: did every animal finish before the cap on presentations?"""
        short = int((self.completed < self.trials).sum())
        steps = self.odour.shape[-1]
        if not short:
            return f"All {len(self.completed)} animals finished {self.trials} trials."
        return (
            f"{short} of {len(self.completed)} animals had not finished {self.trials} "
            f"trials after {steps} presentations; their shorter record is kept. Raise "
            "max_presentations if you need them whole."
        )


def foraging_task(
    key: PRNGKeyArray,
    rule: Rule,
    theta: Theta,
    *,
    n_experiments: int = 18,
    reward_probabilities: Values = ((0.2, 0.8), (0.9, 0.1), (0.2, 0.8)),
    trials_per_block: int = 80,
    max_presentations: int | None = None,
    input_mean: Float[ArrayLike, ...] = 0.75,
    input_std: float = 0.05,
    n_post: int = 10,
    w_std: float = 0.01,
    network: Network = BEHAVIOUR,
    dtype: DTypeLike | None = None,
) -> Foraging:
    """Two odours with baited rewards, foraged by animals that learn by a known rule.

    In a trial, odour A or B is presented at random until the animal accepts one. Before
    the first presentation each odour is baited with its probability; a bait stays until
    it is collected. The weights change once a trial, at the accepted odour
    (Mehta et al. 2024, appendix A.4, with the settings of the authors' code).

    Args:
        key: a JAX random key.
        rule: the true rule, with r = R - E[R].
        theta: its parameters; vmap over it to simulate several rules at once.
        n_experiments: animals.
        reward_probabilities: for each block, the probability of bait for A and B.
        trials_per_block: trials in each block.
        max_presentations: the scan has a fixed length, this one; an animal that
            reaches it is cut short (see `Foraging.status`). Default: 4 a trial.
        input_mean: input to the unit of the presented odour; the other gets 0. One
            number, or one for each presentation, (time, 1).
        input_std: standard deviation of the noise on both inputs.
        n_post: hidden neurons (use 1 with network=FLY).
        w_std: standard deviation of the initial weights.
        network: what is fixed about the learner; it needs a read-out.
        dtype: float32 or float64; default JAX's own.

    >>> import plastutor as pt
    >>> rule, theta = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    >>> made = foraging_task(jr.key(0), rule, theta, n_experiments=2)
    >>> made.status
    'All 2 animals finished 240 trials.'
    """
    if network.readout is None:
        raise ValueError(
            "Foraging needs a network with a read-out; pass network=BEHAVIOUR or FLY."
        )
    # NumPy, so that the checks can be made where the rest is traced, as under jax.jit.
    probability = np.repeat(np.asarray(reward_probabilities), trials_per_block, 0)
    trials = len(probability)
    steps = 4 * trials if max_presentations is None else max_presentations
    if probability.ndim != 2 or probability.shape[1] != 2 or steps < 1:
        raise ValueError(
            "reward_probabilities needs one pair (A, B) a block, such as "
            "((0.2, 0.8), (0.9, 0.1)), and max_presentations at least 1."
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            f"reward_probabilities is {reward_probabilities}; expected numbers from 0 "
            "to 1."
        )
    probability = jnp.asarray(probability, check_dtype(dtype))
    setting = (probability, input_mean, input_std, w_std)
    forage = partial(_forage, rule, network, n_post, steps)
    keys = jr.split(key, n_experiments)
    x, odour, accept, reward, w0, completed = jax.vmap(forage, (0, None, None))(
        keys, theta, setting
    )
    valid = ~jnp.isnan(accept)
    plastic = valid & (accept == 1)
    experiment = Experiment(x, reward, plastic, valid, w0, accept=accept)
    return Foraging(experiment, odour, completed, trials)


def resample_stimuli(
    key: PRNGKeyArray,
    made: Foraging,
    *,
    input_mean: Float[ArrayLike, ...] = 0.75,
    input_std: float = 0.05,
) -> Experiment:
    """The same animals for a model that does not know the noise on the stimuli.

    It knows which odour was presented; the noise that the animal met is resampled
    (Mehta et al. 2024, in the authors' code). Where no odour was presented, x stays 0.

    Args:
        key: a JAX random key.
        made: from `foraging_task`.
        input_mean: as there.
        input_std: as there.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.BEHAVIOUR_ORDERS)
    >>> made = foraging_task(jr.key(0), rule, pt.reward_covariance(), n_experiments=2)
    >>> new = resample_stimuli(jr.key(1), made)
    >>> round(float(jnp.std(new.x - made.experiment.x, where=new.x != 0)), 2)
    0.07
    """
    x = made.experiment.x
    new = input_mean * jax.nn.one_hot(made.odour, 2, dtype=x.dtype)
    new = new + input_std * jr.normal(key, x.shape, x.dtype)
    presented = made.experiment.valid[..., None]
    return made.experiment._replace(x=jnp.where(presented, new, 0))


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _forage(rule, network, n_post, steps, key, theta, setting):
    """One animal, closed loop: its choices decide which rewards it meets."""
    probability, input_mean, input_std, w_std = setting
    dtype, trials = probability.dtype, len(probability)
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), theta)
    key_w, key_odour, key_noise, key_accept, key_bait = jr.split(key, 5)
    w0 = w_std * jr.normal(key_w, (2, n_post), dtype)
    odours = jr.bernoulli(key_odour, shape=(steps,)).astype(int)
    x = input_mean * jax.nn.one_hot(odours, 2, dtype=dtype)
    x = x + input_std * jr.normal(key_noise, x.shape, dtype)
    luck = jr.uniform(key_accept, (steps,), dtype)
    draws = jr.bernoulli(key_bait, probability)

    def step(carry, now):
        state, bait, trial = carry
        x, odour, luck = now
        running = trial < trials
        made = network.respond(state.w, x)
        accept = running & (luck < jax.nn.sigmoid(made.logit))
        reward = (accept & bait[odour]).astype(dtype)
        met = Experiment(x, reward, accept, running, None)
        state = network.learn(rule, theta, state, met, made.y)
        # The accepted trial is over: collect the bait, then draw that of the next.
        left = bait & (jnp.arange(2) != odour)
        fresh = draws[jnp.minimum(trial + 1, trials - 1)]
        bait = jnp.where(accept, left | fresh, bait)
        observed = jnp.where(running, accept.astype(dtype), jnp.nan)
        return (state, bait, trial + accept.astype(int)), (observed, reward)

    first = network.init_state(Experiment(x, luck, luck, luck, w0))
    start = first, draws[0], jnp.zeros((), int)
    (_, _, completed), (accept, reward) = jax.lax.scan(step, start, (x, odours, luck))
    x = jnp.where(jnp.isnan(accept)[:, None], 0, x)
    return x, odours, accept, reward, w0, completed
