"""Distil: write a rule, such as a network, as a few terms over visited states."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from plastutor._simulate import simulate
from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import RECORDED, Network, expected_reward
from plastutor.rules import Orders, term_names


class States(NamedTuple):
    """The states of synapses: one entry for each synapse and plastic step.

    Attributes:
        x: stimulus of the synapse.
        y: activity of its neuron.
        w: its weight before the step.
        r: reward prediction error.
    """

    x: Float[np.ndarray, " state"]
    y: Float[np.ndarray, " state"]
    w: Float[np.ndarray, " state"]
    r: Float[np.ndarray, " state"]


def visited_states(
    rule: Rule, theta: Theta, data: Experiment, *, network: Network = RECORDED
) -> States:
    """The states (x, y, w, r) that a network visits when it learns by a rule.

    Args:
        rule: the rule.
        theta: its parameters.
        data: a batch of experiments.
        network: what is fixed about the learner.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> data = pt.neural_task(jax.random.key(0), rule, pt.HEBB, n_experiments=2,
    ...                       n_steps=5, n_pre=4, n_post=3)
    >>> visited_states(rule, pt.HEBB, data).w.shape
    (120,)
    """
    trajectory = simulate(rule, theta, data, network=network)
    assert trajectory.w is not None  # they were kept
    y, w = np.asarray(trajectory.y), np.asarray(trajectory.w)
    before = np.concatenate([np.asarray(data.w0)[:, None], w[:, :-1]], 1)
    changing = np.asarray(data.plastic & data.valid)
    expected = _expected_rewards(data.reward, changing, network.window)
    r = np.asarray(data.reward) - np.asarray(expected)
    each = np.asarray(data.x)[..., None], y[..., None, :], before, r[..., None, None]
    return States(*(v[changing].ravel() for v in np.broadcast_arrays(*each)))


@partial(jax.jit, static_argnums=2)
def _expected_rewards(reward, changing, window):
    """What each animal expected before each step."""
    return jax.vmap(expected_reward, (0, 0, None))(reward, changing, window)


@jax.jit
def predicted_gains(
    theta: Float[Array, " k"],
    gradient: Float[Array, " k"],
    matrix: Float[Array, "k k"],
    free: Bool[Array, " k"],
) -> Float[Array, "out in"]:
    """How much each change of the set of terms would lower a loss.

    Entry [j, k] is for dropping term j and adding term k. The last row drops none and
    the last column adds none, so [-1, k] is for adding, and [j, -1] for dropping, which
    gains a negative number. What is impossible gains -inf.

    All kept terms A are fitted again. With T = H H_AA^-1, the gradient left over
    s_k = g_k - T_kA g_A and the curvature left over c_k = H_kk - T_kA H_Ak, adding k
    gains s_k^2 / 2 c_k. Dropping j costs d_j = theta_j^2 / 2 u_j with
    u_j = [H_AA^-1]_jj. Both together gain
    (s_k - T_kj theta_j / u_j)^2 / 2 (c_k + T_kj^2 / u_j) - d_j. All this is exact for a
    quadratic loss with the gradient g and the second derivatives H.

    Args:
        theta: all coefficients; those not kept are zero.
        gradient: of the loss, along each of them.
        matrix: second derivatives, or the Gauss-Newton matrix; it may be singular.
        free: the kept terms.

    >>> gains = predicted_gains(
    ...     jnp.array([2.0, 0.0]), jnp.array([0.0, 3.0]), jnp.eye(2),
    ...     jnp.array([True, False]))
    >>> float(gains[-1, 1]), float(gains[0, -1]), float(gains[0, 1])
    (4.5, -2.0, 2.5)
    """
    # In units in which every term alone has curvature 1, so that "nearly singular" does
    # not depend on how small a power of w is.
    diagonal = jnp.diag(matrix)
    scale = jnp.sqrt(jnp.where(diagonal > 0, diagonal, 1))
    matrix, gradient = matrix / jnp.outer(scale, scale), gradient / scale
    least = jnp.sqrt(jnp.finfo(matrix.dtype).eps)
    kept = jnp.where(jnp.outer(free, free), matrix, 0)
    inverse = jnp.linalg.pinv(kept, rtol=least**1.5, hermitian=True)
    variance = jnp.where(free & (jnp.diag(inverse) > 0), jnp.diag(inverse), 1)
    projection = matrix @ inverse
    gradient = gradient - projection @ gradient
    curvature = jnp.diag(matrix) - (projection * matrix).sum(1)
    # One row for each term dropped, and a last one for none.
    variance = jnp.append(variance, 1)[:, None]
    dropped = jnp.append(jnp.where(free, theta * scale, 0), 0)[:, None]
    projection = jnp.vstack([projection.T, jnp.zeros_like(gradient)])
    gradient = gradient[None] - projection * dropped / variance
    curvature = curvature[None] + projection**2 / variance
    # A term that is nearly a mix of the kept ones would only blow up coefficients.
    new = curvature > least
    gain = jnp.where(new, gradient**2 / (2 * jnp.where(new, curvature, 1)), 0)
    gain = jnp.hstack([gain, jnp.zeros_like(dropped)]) - dropped**2 / (2 * variance)
    possible = jnp.outer(jnp.append(free, True), jnp.append(~free, True))
    return jnp.where(possible, gain, -jnp.inf)


class Distilled(NamedTuple):
    """A rule as one term, two terms, and so on.

    Attributes:
        term: the term that each step adds, as an index into `term_names`.
        runner_up: the term that came second.
        theta: the coefficients after each step, of all terms so far.
        explained: the share of the variance of dw over the states that they explain.
        names: the names of `term`.
    """

    term: Int[np.ndarray, " step"]
    runner_up: Int[np.ndarray, " step"]
    theta: Float[np.ndarray, "step x y w r"]
    explained: Float[np.ndarray, " step"]
    names: list[str]


@partial(jax.jit, static_argnums=0)
def _weight_changes(rule, theta, states):
    """The dw of a rule in each state."""
    return jax.vmap(rule.apply, (None, 0, 0, 0, 0))(theta, *states)


def distil(
    rule: Rule, theta: Theta, states: States, orders: Orders, *, max_terms: int = 6
) -> Distilled:
    """Write a rule as a short Taylor series, by least squares over visited states.

    Greedy: the next term is the one that leaves the smallest squared error, after all
    terms so far have been fitted again (orthogonal least squares, Chen, Billings and
    Luo 1989). How large a term is in itself does not matter, only its standardised
    contribution. Outside the visited states the series says nothing about the rule.

    Args:
        rule: the rule to be written so.
        theta: its parameters.
        states: from `visited_states`, of a network that learns by this rule.
        orders: the highest powers of the series.
        max_terms: how many terms to add.

    Raises:
        ValueError: max_terms is no number of terms.

    >>> import plastutor as pt
    >>> states = States(*np.random.default_rng(0).normal(size=(4, 50)))
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> read = distil(rule, pt.OJA, states, pt.OJA_ORDERS, max_terms=2)
    >>> sorted(read.names), round(float(read.explained[-1]), 6)
    (['xy', 'yyw'], 1.0)
    """
    names = term_names(orders)
    if not isinstance(max_terms, int) or not 1 <= max_terms <= len(names):
        raise ValueError(
            f"max_terms is {max_terms!r}; expected a whole number from 1 to "
            f"{len(names)}, the terms of {orders}."
        )
    dw = np.asarray(_weight_changes(rule, theta, states), float)
    columns = np.ones((len(dw), 1))
    for value, order in zip(states, orders, strict=True):
        powers = np.asarray(value, float)[:, None] ** np.arange(order + 1)
        columns = (columns[:, :, None] * powers[:, None, :]).reshape(len(dw), -1)
    matrix, target = columns.T @ columns / len(dw), columns.T @ dw / len(dw)
    taken: list[int] = []
    coefficients = np.zeros((max_terms, len(names)))
    runner_up, explained = [], []
    for k in range(max_terms):
        flat = coefficients[max(k - 1, 0)]
        free = np.isin(np.arange(len(names)), taken)
        gains = predicted_gains(flat, matrix @ flat - target, matrix, free)
        order = np.argsort(-np.asarray(gains)[-1, :-1])
        best, next_best = (int(i) for i in order[:2])
        taken, runner_up = [*taken, best], [*runner_up, next_best]
        coefficients[k, taken] = np.linalg.lstsq(columns[:, taken], dw, rcond=None)[0]
        explained.append(1 - np.var(dw - columns @ coefficients[k]) / np.var(dw))
    return Distilled(
        np.array(taken),
        np.array(runner_up),
        coefficients.reshape(max_terms, *orders.shape),
        np.array(explained),
        [names[k] for k in taken],
    )
