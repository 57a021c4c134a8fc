"""A recurrent network's own way back through time, one block of weights at a time.

It is what JAX finds by differentiating the scan of `Recurrent.step`, in less time and
memory; how, `_fast_layer` says. What is new here: activity goes on to the next step, so
that its cotangent does too, through the drive of the neurons and through what the rules
between neurons see before a synapse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks._blocks import block_length, in_blocks
from plastutor.networks._network import own_activity
from plastutor.networks._reward import expect_rewards
from plastutor.networks._weights import layer_drive, next_weights, weight_change

if TYPE_CHECKING:
    from plastutor.networks._recurrent import Recurrent


class _Kept(NamedTuple):
    """What a step began with, or made: activity before it, its drive, the weights."""

    before: Array
    drive: Array
    w: dict[str, Array]


@dataclass(frozen=True, eq=False)
class _Blocks:
    """One experiment in blocks of steps, and how the network goes through them.

    A name with `ct` is the cotangent, of the sum of the losses, of what follows.
    """

    rules: Mapping[str, Rule]
    network: Recurrent
    sums: Callable
    sees: Callable
    theta: Mapping[str, Theta]
    fixed: Mapping[str, Array]
    steps: Experiment
    length: int

    def enter(self, k, memory):
        """Block k: all of it, what rules meet in it, and the memory after it.

        For the rules `reward` is its prediction error, and `plastic` what w changes in.
        """
        piece = _row(self.steps, k)
        completed = piece.plastic & piece.valid
        memory, expected = expect_rewards(memory, piece.reward, completed)
        now = piece._replace(reward=piece.reward - expected, plastic=completed)
        return piece, now, memory

    def step(self, state, now):
        """The weights and the activity after a step, and the drive in it."""
        w, before = state
        every = {**self.fixed, **w}
        drive = layer_drive(now.x, every["ff"])
        for name in self.network.between:
            drive += layer_drive(before, every[name])
        shown = self.sees(self.network.activation(drive), now)
        after = {}
        for name, rule in self.rules.items():
            how = rule.forward_mode, self.theta[name], self.network.projection(name)
            pre = now.x if name == "ff" else before
            changed = next_weights(*how, w[name], pre, shown, now.reward, now.plastic)
            after[name] = self.network.bounded(name, changed)
        return (after, shown), drive

    def compare(self, y, piece):
        """The sum of the losses in a block, and the number of observations."""
        return self.sums(Trajectory(None, y), piece)

    def forward(self, carry, k):
        """Through block k; what it began with, and its losses."""
        state, memory = carry
        piece, now, after = self.enter(k, memory)
        last, drive = jax.lax.scan(self.step, state, now)
        losses = self.compare(self.network.activation(drive), piece)
        return (last, after), (carry, losses)

    def repeat(self, now, state, store):
        """Fill the store: what each step of a block began with, and its drive."""

        def step(t, carry):
            (w, before), kept = carry
            after, drive = self.step((w, before), _row(now, t))
            return after, _put(kept, _Kept(before, drive, w), t)

        (w, _), kept = jax.lax.fori_loop(0, self.length, step, (state, store))
        ends = {name: kept.w[name].at[self.length].set(w[name]) for name in w}
        return kept._replace(w=ends)

    def backward(self, carry, start):
        """Back through block k, which began with a state."""
        ct_state, ct_theta, store = carry
        (state, memory), k = start
        piece, now, _ = self.enter(k, memory)
        kept = self.repeat(now, state, store)
        ones = jnp.ones_like(kept.drive)
        y, derivative = jax.jvp(self.network.activation, (kept.drive,), (ones,))
        total, vjp, count = jax.vjp(lambda y: self.compare(y, piece), y, has_aux=True)
        (ct_y,) = vjp(jnp.ones_like(total))
        shown, passed = jax.jvp(lambda y: self.sees(y, now), (y,), (ones,))

        def step(i, carry):
            (ct_w, ct_shown), ct_theta, ct_u = carry
            t = self.length - 1 - i
            now_t, w = _row(now, t), _row(kept.w, t)
            before, ct_before = kept.before[t], jnp.zeros_like(ct_shown)
            from_w, new = {}, {}
            for name in self.rules:
                ct = self._through_bounds(name, ct_w[name], kept.w[name][t + 1])
                from_theta, from_pre, from_post, from_w[name] = self._through_rule(
                    name, now_t, before, shown[t], w[name], ct
                )
                ct_shown += from_post
                from_w[name] += ct
                new[name] = jax.tree.map(jnp.add, ct_theta[name], from_theta)
                if name != "ff":
                    ct_before += from_pre
            # Written down first: XLA would compute it again for each synapse.
            ct_u = _put(ct_u, derivative[t] * (ct_y[t] + passed[t] * ct_shown), t)
            for name in from_w:
                pre = now_t.x if name == "ff" else before
                from_w[name] += pre[:, None] * ct_u[t][None]
            for name in self.network.between:
                ct_before += {**self.fixed, **w}[name] @ ct_u[t]
            return (from_w, ct_before), new, ct_u

        carry = ct_state, ct_theta, jnp.zeros_like(kept.drive)
        ct_state, ct_theta, _ = jax.lax.fori_loop(0, self.length, step, carry)
        return (ct_state, ct_theta, kept), (total, count)

    def _through_bounds(self, name, ct, after):
        """Where the bound held a weight at 0 nothing passes."""
        signs = self.network.signs.get(name)
        if signs is not None:
            signs = jnp.asarray(signs, ct.dtype)
            ct = jnp.where((signs * after > 0) | (signs == 0), ct, 0)
        mask = self.network.masks.get(name)
        return ct if mask is None else jnp.where(jnp.asarray(mask), ct, 0)

    def _through_rule(self, name, now, before, shown, w, ct):
        """The cotangents of theta, of both sides and of w, from that of a change."""
        rule, how = self.rules[name], self.network.projection(name)

        def change(theta, pre, post, w):
            return weight_change(
                rule, theta, how, pre, post, w, now.reward, now.plastic
            )

        pre = now.x if name == "ff" else before
        return jax.vjp(change, self.theta[name], pre, shown, w)[1](ct)


def sum_and_gradient_recurrent(
    network: Recurrent,
    rule: Rule | Mapping[str, Rule],
    sums: Callable,
    theta: Theta,
    data: Experiment,
    sees: Callable = own_activity,
) -> Any:
    """The loss of one experiment and its gradient over theta, by going back once.

    Args:
        network: what is fixed about the learner.
        rule: the rules of the plastic projections.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        theta: the parameters of the rules.
        data: one experiment, in the precision of theta.
        sees: what plasticity and the next step see of activity, each neuron by itself.

    Returns:
        The sum of the losses, the number of observations, and the gradient of the sum,
        in the shape of theta; or NotImplemented, with homeostasis or a read-out.
    """
    if network.homeostasis or "out" in data.w0:
        return NotImplemented
    first = network.init_state(data)
    rules, each = network.by_projection(rule, theta, first.w)
    plastic = {name: first.w[name] for name in rules}
    start = plastic, first.y
    length = block_length(len(data.x), start)
    steps = in_blocks(data._replace(w0=None, options=None), length)
    fixed = {name: w for name, w in first.w.items() if name not in rules}
    blocks = _Blocks(rules, network, sums, sees, each, fixed, steps, length)
    last = len(steps.x) - 1
    carry, (starts, losses) = jax.lax.scan(
        blocks.forward, (start, first.memory), jnp.arange(last)
    )
    zeros = partial(jnp.zeros, dtype=first.y.dtype)
    store = _Kept(
        zeros((length, first.y.size)),
        zeros((length, first.y.size)),
        {name: zeros((length + 1, *w.shape)) for name, w in plastic.items()},
    )  # one for all blocks
    nothing = jax.tree.map(jnp.zeros_like, (start, dict(each)))
    back, losses_last = blocks.backward((*nothing, store), (carry, last))
    before = starts, jnp.arange(last)
    (_, gradient, _), _ = jax.lax.scan(blocks.backward, back, before, reverse=True)
    total, count = (jnp.sum(a) + b for a, b in zip(losses, losses_last, strict=True))
    if isinstance(rule, Rule):  # shared: one theta met the synapses of all projections
        gradient = jax.tree.map(lambda *parts: sum(parts), *gradient.values())
    return total, count, gradient


def _row(leaves, t):
    return jax.tree.map(lambda leaf: leaf[t], leaves)


def _put(rows, row, t):
    return jax.tree.map(
        lambda rows, row: jax.lax.dynamic_update_index_in_dim(rows, row, t, 0),
        rows,
        row,
    )
