"""Reverse: back through a life, with the weights of one block of steps at a time.

Reverse mode. What the loss owes to the weights is followed from the end of a life to
its beginning, and meets each step at the weights that the step began with. Those before
each block of steps are kept, and those within a block are lived through again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import (
    Network,
    State,
    expect_rewards,
    initial_state,
    observe,
    plastic_change,
)

WORTH_BLOCKS = 2**20  # bytes of weights in a life; a shorter one is kept whole


def block_length(experiment: Experiment) -> int:
    """How many steps to keep on the way back: about the square root, little padding.

    >>> import plastutor as pt
    >>> block_length(pt.make_experiment(jnp.ones((50, 100)), w0=jnp.zeros((100, 1000))))
    10
    """
    steps = len(experiment.x)
    if steps * experiment.w0.size * experiment.w0.dtype.itemsize <= WORTH_BLOCKS:
        return steps
    root = math.isqrt(steps)  # up to twice that: fewer blocks, sooner done
    return min(range(root, 2 * root + 1), key=lambda b: (-(-steps // b) * b, b))


def in_blocks(steps, length: int):
    """Arrays with one row a step as (block, step), padded with zeros at the end.

    >>> in_blocks(jnp.arange(1, 6), 3).tolist()
    [[1, 2, 3], [4, 5, 0]]
    """

    def cut(leaf):
        blocks = -(-len(leaf) // length)
        pad = blocks * length - len(leaf)
        padded = jnp.pad(leaf, [(0, pad)] + [(0, 0)] * (leaf.ndim - 1))
        return padded.reshape(blocks, length, *leaf.shape[1:])

    return jax.tree.map(cut, steps)


def sum_and_gradient(
    rule: Rule, network: Network, sums: Callable, theta: Theta, data: Experiment
):
    """The loss of one experiment and its slope over theta, by going back once.

    It is what JAX finds by differentiating the scan of a life, with less to do: the
    store for the weights of a block is made once, the last block is not repeated, and
    what a step owes to the activity of a neuron is written down before all synapses of
    the neuron ask for it.

    Args:
        rule: the plasticity rule.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        theta: the parameters of the rule.
        data: one experiment, in the precision of theta.

    Returns:
        The sum of the losses, the number of observations, and the slope of the sum, in
        the shape of theta.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> rule, theta = pt.taylor(pt.OJA_ORDERS), jnp.asarray(pt.HEBB, e.x.dtype)
    >>> _, count, slope = sum_and_gradient(rule, pt.RECORDED, sums, theta, e)
    >>> int(count), slope.shape, bool(slope[1, 1, 0, 0] > 0)  # more xy, more activity
    (10, (3, 3, 3, 1), True)
    """
    options, w0 = data.options, data.w0
    length = block_length(data)
    blocks = in_blocks(data._replace(w0=None, options=None), length)
    last = len(blocks.x) - 1

    def stimuli(x):
        """What meets the weights in a step: the stimulus, and then each option."""
        return x[None] if options is None else jnp.concatenate([x[None], options])

    def enter(k, memory):
        """Block k: all of it, what plasticity meets in it, and the memory after it."""
        piece = _row(blocks, k)
        completed = piece.plastic & piece.valid
        memory, expected = expect_rewards(memory, piece.reward, completed)
        return piece, (piece.x, piece.reward - expected, completed), memory

    def change(rule, theta, y, w, now):
        x, r, completed = now
        return plastic_change(rule, theta, network, x, y, w, r, completed)

    def live(w, now):
        u = stimuli(now[0]) @ w
        return w + change(rule.ahead, theta, network.activation(u[0]), w, now), u

    def compare(y, piece):
        of_options = None if options is None else y[:, 1:]
        return sums(observe(network, y[:, 0], of_options), piece)

    def ahead(state, k):
        """Through block k; what it began with, and its losses."""
        piece, steps, memory = enter(k, state.memory)
        w, u = jax.lax.scan(live, state.w, steps)
        return State(w, memory), (state, compare(network.activation(u), piece))

    def back(carry, beginning):
        """Back through block k, which began with a state."""
        slope, of_theta, kept, u = carry
        state, k = beginning
        piece, steps, _ = enter(k, state.memory)

        def keep(t, carry):
            w, kept, u = carry
            w, now = live(w, _row(steps, t))
            return w, _put(kept, w, t + 1), _put(u, now, t)

        def step(i, carry):
            slope, of_theta, of_u = carry
            t = length - 1 - i
            now = _row(steps, t)
            at = theta, y[t, 0], kept[t]
            _, pull = jax.vjp(lambda theta, y, w: change(rule, theta, y, w, now), *at)
            of_now, of_y, of_w = pull(slope)
            # Written down first: XLA would compute it again for each synapse.
            of_y = jnp.zeros_like(y[t]).at[0].set(of_y)
            of_u = _put(of_u, of_u[t] + bend[t] * of_y, t)
            through = (stimuli(now[0])[:, :, None] * of_u[t][:, None]).sum(0)
            of_theta = jax.tree.map(jnp.add, of_theta, of_now)
            return slope + of_w + through, of_theta, of_u

        start = state.w, _put(kept, state.w, 0), u
        _, kept, u = jax.lax.fori_loop(0, length, keep, start)
        y, bend = jax.jvp(network.activation, (u,), (jnp.ones_like(u),))
        total, pull, count = jax.vjp(lambda y: compare(y, piece), y, has_aux=True)
        (of_loss,) = pull(jnp.ones_like(total))
        owed = slope, of_theta, bend * of_loss
        slope, of_theta, _ = jax.lax.fori_loop(0, length, step, owed)
        return (slope, of_theta, kept, u), (total, count)

    state, (starts, lost) = jax.lax.scan(
        ahead, initial_state(data, network), jnp.arange(last)
    )
    pre, post = w0.shape
    m = 1 if options is None else 1 + len(options)
    carry = (
        jnp.zeros_like(w0),
        jax.tree.map(jnp.zeros_like, theta),
        jnp.zeros((length + 1, pre, post), w0.dtype),  # one for all blocks
        jnp.zeros((length, m, post), w0.dtype),
    )
    carry, lost_last = back(carry, (state, last))
    before = starts, jnp.arange(last)
    (_, of_theta, *_), _ = jax.lax.scan(back, carry, before, reverse=True)
    total, count = (jnp.sum(a) + b for a, b in zip(lost, lost_last, strict=True))
    return total, count, of_theta


def _row(leaves, t):
    return jax.tree.map(lambda leaf: leaf[t], leaves)


def _put(rows, row, t):
    return jax.lax.dynamic_update_index_in_dim(rows, row, t, 0)
