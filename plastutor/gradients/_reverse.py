"""Reverse: back through an experiment, with the weights of one block at a time.

The cotangent of the weights goes from the last step to the first, and meets each step
at the weights that the step began with. Those before each block of steps are kept, and
those within a block are computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import (
    Network,
    State,
    expect_rewards,
    initial_state,
    observe,
    weight_change,
)

MIN_BYTES_IN_BLOCKS = 2**20  # of weights in all steps; less is kept whole


def block_length(experiment: Experiment) -> int:
    """How many steps to keep on the way back: about the square root, little padding.

    >>> import plastutor as pt
    >>> block_length(pt.make_experiment(jnp.ones((50, 100)), w0=jnp.zeros((100, 1000))))
    10
    """
    steps = len(experiment.x)
    if steps * experiment.w0.size * experiment.w0.dtype.itemsize <= MIN_BYTES_IN_BLOCKS:
        return steps
    root = math.isqrt(steps)  # up to twice that: fewer blocks, sooner done
    return min(range(root, 2 * root + 1), key=lambda b: (-(-steps // b) * b, b))


def in_blocks(steps: PyTree, length: int) -> PyTree:
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


@dataclass(frozen=True, eq=False)
class _Blocks:
    """One experiment in blocks of steps, and how a network goes through them.

    The drive u (1 + option, post) of a step is what the stimulus, and then each option,
    gives with the weights before it; activity is activation(u). A name with `ct` is the
    cotangent, of the sum of the losses, of what follows.
    """

    rule: Rule
    network: Network
    sums: Callable
    theta: Theta
    options: Array | None
    steps: Experiment
    length: int

    def enter(self, k, memory):
        """Block k: all of it, what plasticity meets in it, and the memory after it."""
        piece = _row(self.steps, k)
        completed = piece.plastic & piece.valid
        memory, expected = expect_rewards(memory, piece.reward, completed)
        return piece, (piece.x, piece.reward - expected, completed), memory

    def stimuli(self, x):
        """What meets the weights in a step."""
        x = x[None]
        return x if self.options is None else jnp.concatenate([x, self.options])

    def step(self, w, now):
        """The weights after a step, and the drive in it."""
        (x, *r_and_plastic), rule = now, self.rule.forward_mode
        u = self.stimuli(x) @ w
        y = self.network.activation(u[0])
        dw = weight_change(rule, self.theta, self.network, x, y, w, *r_and_plastic)
        return w + dw, u

    def compare(self, y, piece):
        """The sum of the losses in a block, and the number of observations."""
        of_options = None if self.options is None else y[:, 1:]
        return self.sums(observe(self.network, y[:, 0], of_options), piece)

    def forward(self, state, k):
        """Through block k; what it began with, and its losses."""
        piece, steps, memory = self.enter(k, state.memory)
        w, u = jax.lax.scan(self.step, state.w, steps)
        losses = self.compare(self.network.activation(u), piece)
        return State(w, memory), (state, losses)

    def repeat(self, steps, w0, store):
        """Fill the store: the weights before each step of a block, and the drive."""

        def step(t, carry):
            w, kept, u = carry
            w, now = self.step(w, _row(steps, t))
            return w, _put(kept, w, t + 1), _put(u, now, t)

        kept, u = store
        start = w0, _put(kept, w0, 0), u
        return jax.lax.fori_loop(0, self.length, step, start)[1:]

    def backward(self, carry, start):
        """Back through block k, which began with a state."""
        ct_w, ct_theta, store = carry
        state, k = start
        piece, steps, _ = self.enter(k, state.memory)
        kept, u = store = self.repeat(steps, state.w, store)
        y, derivative = jax.jvp(self.network.activation, (u,), (jnp.ones_like(u),))
        total, vjp, count = jax.vjp(lambda y: self.compare(y, piece), y, has_aux=True)
        (ct_y,) = vjp(jnp.ones_like(total))

        def step(i, carry):
            ct_w, ct_theta, ct_u = carry
            t = self.length - 1 - i
            x, *r_and_plastic = _row(steps, t)

            def change(theta, y, w):
                return weight_change(
                    self.rule, theta, self.network, x, y, w, *r_and_plastic
                )

            _, vjp = jax.vjp(change, self.theta, y[t, 0], kept[t])
            from_theta, from_y, from_w = vjp(ct_w)
            # Written down first: XLA would compute it again for each synapse.
            from_y = jnp.zeros_like(y[t]).at[0].set(from_y)
            ct_u = _put(ct_u, ct_u[t] + derivative[t] * from_y, t)
            through = (self.stimuli(x)[:, :, None] * ct_u[t][:, None]).sum(0)
            ct_theta = jax.tree.map(jnp.add, ct_theta, from_theta)
            return ct_w + from_w + through, ct_theta, ct_u

        carry = ct_w, ct_theta, derivative * ct_y
        ct_w, ct_theta, _ = jax.lax.fori_loop(0, self.length, step, carry)
        return (ct_w, ct_theta, store), (total, count)


def sum_and_gradient(
    rule: Rule, network: Network, sums: Callable, theta: Theta, data: Experiment
) -> tuple[Float[Array, ""], Int[Array, ""], Theta]:
    """The loss of one experiment and its gradient over theta, by going back once.

    It is what JAX finds by differentiating the scan of an experiment, with less to do:
    the store for the weights of a block is made once, the last block is not repeated,
    and the cotangent of a neuron's activity is written down before all synapses of the
    neuron ask for it.

    Args:
        rule: the plasticity rule.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        theta: the parameters of the rule.
        data: one experiment, in the precision of theta.

    Returns:
        The sum of the losses, the number of observations, and the gradient of the sum,
        in the shape of theta.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> rule, theta = pt.taylor(pt.OJA_ORDERS), jnp.asarray(pt.HEBB, e.x.dtype)
    >>> _, count, gradient = sum_and_gradient(rule, pt.RECORDED, sums, theta, e)
    >>> int(count), gradient.shape
    (10, (3, 3, 3, 1))
    >>> bool(gradient[1, 1, 0, 0] > 0)  # more xy, more activity
    True
    """
    length = block_length(data)
    steps = in_blocks(data._replace(w0=None, options=None), length)
    blocks = _Blocks(rule, network, sums, theta, data.options, steps, length)
    last = len(steps.x) - 1
    state, (starts, losses) = jax.lax.scan(
        blocks.forward, initial_state(data, network), jnp.arange(last)
    )
    pre, post = data.w0.shape
    m = 1 if data.options is None else 1 + len(data.options)
    zeros = partial(jnp.zeros, dtype=data.w0.dtype)
    store = (
        zeros((length + 1, pre, post)),
        zeros((length, m, post)),
    )  # one for all blocks
    carry = zeros((pre, post)), jax.tree.map(jnp.zeros_like, theta), store
    carry, losses_last = blocks.backward(carry, (state, last))
    before = starts, jnp.arange(last)
    (_, gradient, _), _ = jax.lax.scan(blocks.backward, carry, before, reverse=True)
    total, count = (jnp.sum(a) + b for a, b in zip(losses, losses_last, strict=True))
    return total, count, gradient


def _row(leaves, t):
    return jax.tree.map(lambda leaf: leaf[t], leaves)


def _put(rows, row, t):
    return jax.lax.dynamic_update_index_in_dim(rows, row, t, 0)
