"""A small recurrent network of choices: how far a flexible model gets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
from jaxtyping import Float, Int, PRNGKeyArray

from plastutor import likelihoods
from plastutor._cohorts import Cohort, as_cohort
from plastutor._experiments import hide
from plastutor._types import Experiment, Fit, Theta, Trajectory
from plastutor.evaluate._baselines import (
    add_bias,
    as_options,
    check_bias,
    values_by_trial,
)
from plastutor.evaluate._held_out import count_observations
from plastutor.infer import fit_many
from plastutor.objectives import Objective

ADAM = optax.adam(0.03)


class Recurrent(NamedTuple):
    """A gated recurrent unit for each option, all with the same weights."""

    units: int
    bias: int

    def init(self, key: PRNGKeyArray) -> Theta:
        """Where a fit may start: small random weights."""
        shapes = {"input": (3,), "recurrent": (self.units,), "constant": ()}
        keys = jr.split(key, len(shapes) + 1)
        theta = {
            name: 0.3 * jr.normal(k, (*shape, 3 * self.units))
            for k, (name, shape) in zip(keys, shapes.items(), strict=False)
        }
        rest = {
            "start": jnp.zeros(self.units),
            "readout": jr.normal(keys[-1], (self.units,)),
        }
        return theta | rest | {"bias": jnp.zeros(self.bias)}

    def __call__(self, theta: Theta, data: Experiment) -> Trajectory:
        """What is predicted."""

        def step(h, chosen, reward):
            events = jnp.stack([chosen, chosen * reward, (1 - chosen) * reward])
            shape = -1, *(1,) * chosen.ndim
            drive = jnp.einsum("e...,eg->g...", events, theta["input"])
            update, reset, new = jnp.split(drive + theta["constant"].reshape(shape), 3)
            again = jnp.einsum("u...,ug->g...", h, theta["recurrent"])
            of_update, of_reset, of_new = jnp.split(again, 3)
            kept = jax.nn.sigmoid(update + of_update)
            candidate = jnp.tanh(new + jax.nn.sigmoid(reset + of_reset) * of_new)
            return kept * h + (1 - kept) * candidate

        def value(h):
            drive = jnp.einsum("u...,u->...", h, theta["readout"])
            return add_bias(drive, theta["bias"])

        start = theta["start"][:, None]
        return as_options(values_by_trial(step, value, start, data))


def recurrent_network(units: int = 2, *, bias: int = 0) -> Objective:
    """A small recurrent network of choices, the flexible rival (a "tiny RNN").

    Each option has a gated recurrent unit (Cho et al. 2014) of `units` numbers, which
    meets three events: the option was chosen, it was chosen and rewarded, another was
    chosen and rewarded. All options share its weights, so that it knows no more of one
    option than of another; a read-out of the unit is the option's value in a softmax.
    With 2 units and a bias it has 41 free numbers (Ji-An, Benna and Mattar 2025 take as
    few units). It fits what is there by chance as well: stop early, as
    `leave_one_out_stopped` does.

    Args:
        units: numbers in the state of each option.
        bias: how many options have a value of their own, as in `q_learning`.

    Returns:
        A loss; `loss.predict.init(key)` draws a theta to start from.

    >>> theta = recurrent_network(2, bias=1).predict.init(jr.key(0))
    >>> sum(leaf.size for leaf in jax.tree.leaves(theta))
    41
    """
    check_bias(bias)
    return Objective(Recurrent(units, int(bias)), likelihoods.softmax_choice, None)


class StoppedEarly(NamedTuple):
    """What leaving out one animal at a time gave, with fits that were stopped.

    Attributes:
        fits: for each animal, the fit to all others; its theta is that of the step at
            which it was stopped.
        losses: for each animal, the summed loss of that theta on the animal itself.
        steps: for each animal, how many steps the fit to the others went.
    """

    fits: list[Fit]
    losses: Float[np.ndarray, " animal"]
    steps: Int[np.ndarray, " animal"]


@partial(jax.jit, static_argnames=("loss",))
def _each_step(loss, thetas, data):
    """The mean loss of every theta on every animal, (step, animal)."""

    def of_theta(theta):
        return jax.vmap(lambda animal: loss(theta, animal))(data)

    return jax.lax.map(of_theta, thetas, batch_size=32)


def leave_one_out_stopped(
    key: PRNGKeyArray,
    loss: Objective,
    init: Callable,
    data: Experiment | Cohort,
    *,
    folds: int = 3,
    optimizer: Any = ADAM,
    max_steps: int = 300,
) -> StoppedEarly:
    """Predict every animal from fits to the others that are stopped early.

    For each animal left out, the others are parted into `folds` groups. A fit without a
    group is scored on the group after every step. Where the sum of these scores is
    best, the fit to all the others is stopped. The animal left out has no part in that.

    Args:
        key: a JAX random key.
        loss: of a model with more freedom than the data bear.
        init: `key -> theta`.
        data: a cohort, or a batch with one experiment an animal.
        folds: groups of the other animals.
        optimizer: of Optax, as in `fit`.
        max_steps: no fit goes further.

    Raises:
        ValueError: fewer animals than groups, and one.

    >>> import plastutor as pt
    >>> draw = np.random.default_rng(0)
    >>> data = pt.data.choice_experiments(draw.integers(0, 2, (4, 9)), np.ones((4, 9)))
    >>> loss = recurrent_network(1)
    >>> found = leave_one_out_stopped(
    ...     jr.key(0), loss, loss.predict.init, data, max_steps=5
    ... )
    >>> found.losses.shape, bool((found.steps <= 5).all())
    ((4,), True)
    """
    cohort = as_cohort(data)
    count = cohort.n_animals
    if not 2 <= folds < count:
        raise ValueError(
            f"There are {count} animals and folds is {folds}; expected 2 or more "
            "groups, and more animals than groups."
        )
    found = [
        _one_out(k, i, loss, init, cohort, folds, (optimizer, max_steps))
        for i, k in enumerate(jr.split(key, count))
    ]
    return StoppedEarly(
        [fit for fit, *_ in found],
        np.array([loss for _, loss, _ in found]),
        np.array([step for *_, step in found]),
    )


def _one_out(key, left_out, loss, init, cohort, folds, how):
    """A stopped fit to all but one animal, its loss on that one, and its steps."""
    data, owner = cohort.data, cohort.animal
    observed = count_observations(data)
    key_group, key_start = jr.split(key)
    others = np.delete(np.arange(cohort.n_animals), left_out)
    groups = np.array_split(np.asarray(jr.permutation(key_group, others)), folds)
    mine = owner == left_out
    scored = [np.isin(owner, group) for group in groups]
    hidden = jnp.array([*(mine | group for group in scored), mine])  # last: no group
    copies = jax.vmap(partial(hide, data))(hidden[..., None])
    starts = jax.vmap(init)(jnp.stack([key_start] * len(hidden)))
    *parts, whole = fit_many(
        loss, starts, copies, data_axes=0, optimizer=how[0], max_steps=how[1]
    )
    scores = sum(
        np.asarray(_each_step(loss, part.thetas, data))[:, group] @ observed[group]
        for part, group in zip(parts, scored, strict=True)
    )
    step = int(np.nanargmin(scores))
    theta = jax.tree.map(lambda leaf: leaf[step], whole.thetas)
    own = np.array(
        [
            float(loss(theta, jax.tree.map(lambda leaf, k=k: leaf[k], data)))
            for k in np.flatnonzero(mine)
        ]
    )
    return whole._replace(theta=theta), own @ observed[mine], step
