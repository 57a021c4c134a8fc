"""The layer's own way back through time, with the weights of one block at a time.

It is what JAX finds by differentiating the scan of `Network.step`, in less time and
memory. The cotangent of the weights goes from the last step to the first, and meets
each step at the weights that the step began with. Those before each block of steps are
kept, and those within a block are computed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from plastutor._types import Experiment, Rule, Theta
from plastutor.networks._blocks import block_length, in_blocks
from plastutor.networks._reward import expect_rewards
from plastutor.networks._weights import next_weights, weight_change

if TYPE_CHECKING:
    from plastutor.networks._network import Network


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
        x, r, plastic = now
        u = self.stimuli(x) @ w
        y = self.network.activation(u[0])
        rule = self.rule.forward_mode
        return next_weights(rule, self.theta, self.network, w, x, y, r, plastic), u

    def compare(self, y, piece):
        """The sum of the losses in a block, and the number of observations."""
        of_options = None if self.options is None else y[:, 1:]
        return self.sums(self.network.observed(y[:, 0], of_options), piece)

    def forward(self, state, k):
        """Through block k; what it began with, and its losses."""
        piece, steps, memory = self.enter(k, state.memory)
        w, u = jax.lax.scan(self.step, state.w, steps)
        losses = self.compare(self.network.activation(u), piece)
        return type(state)(w, memory), (state, losses)

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
    network: Network,
    rule: Rule | Mapping[str, Rule],
    sums: Callable,
    theta: Theta,
    data: Experiment,
) -> tuple[Float[Array, ""], Int[Array, ""], Theta] | Any:
    """The loss of one experiment and its gradient over theta, by going back once.

    It is what JAX finds by differentiating the scan of an experiment, with less to do:
    the store for the weights of a block is made once, the last block is not repeated,
    and the cotangent of a neuron's activity is written down before all synapses of the
    neuron ask for it.

    Args:
        network: what is fixed about the learner.
        rule: the plasticity rule.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        theta: the parameters of the rule.
        data: one experiment, in the precision of theta.

    Returns:
        The sum of the losses, the number of observations, and the gradient of the sum,
        in the shape of theta; or NotImplemented, for a mapping of rules.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> rule, theta = pt.taylor(pt.OJA_ORDERS), jnp.asarray(pt.HEBB, e.x.dtype)
    >>> _, count, gradient = pt.RECORDED.fast(rule, sums, theta, e)
    >>> int(count), gradient.shape
    (10, (3, 3, 3, 1))
    >>> bool(gradient[1, 1, 0, 0] > 0)  # more xy, more activity
    True
    """
    if not isinstance(rule, Rule):
        return NotImplemented
    start = network.init_state(data)
    length = block_length(len(data.x), start)
    steps = in_blocks(data._replace(w0=None, options=None), length)
    blocks = _Blocks(rule, network, sums, theta, data.options, steps, length)
    last = len(steps.x) - 1
    state, (starts, losses) = jax.lax.scan(blocks.forward, start, jnp.arange(last))
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
