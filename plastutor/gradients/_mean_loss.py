"""The mean loss of a rule over recordings, and three ways to its gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax.custom_derivatives import custom_vjp_primal_tree_values
from jax.tree_util import Partial

from plastutor._simulate import run
from plastutor._types import Rule, Rules
from plastutor.gradients._forward import advance, init_state, value_and_gradient
from plastutor.networks import AnyNetwork, block_length, in_blocks


def _sum_of_one(rule, network, sums, theta, data):
    """Sum of the losses and count of one experiment, by the plain definition.

    Block by block: on the way back, only the weights before each block are kept, and
    those within one block at a time. Nor is anything kept of what was predicted.
    """
    first = network.init_state(data)
    length = block_length(len(data.x), first)

    def block(carry, piece):
        state, total, count = carry
        piece = piece._replace(options=data.options)
        state, made = run(rule, theta, network, state, piece, keep_weights=False)
        loss, observed = sums(made, piece)
        return (state, total + loss, count + observed), None

    if length < len(data.x):
        block = jax.checkpoint(block, prevent_cse=False)
    start = first, jnp.zeros((), data.x.dtype), jnp.zeros((), int)
    blocks = in_blocks(data._replace(w0=None, options=None), length)
    (_, total, count), _ = jax.lax.scan(block, start, blocks)
    return total, count


@partial(jax.jit, static_argnames=("rule", "network", "sums"))
def _mean(rule, network, sums, theta, data):
    """The mean loss, as JAX differentiates it."""
    one = partial(_sum_of_one, rule, network, sums)
    if data.x.ndim == 3:
        one = jax.vmap(one, (None, 0))
    total, count = one(theta, data)
    return jnp.sum(total) / jnp.sum(count).astype(total.dtype)


@partial(jax.jit, static_argnames=("rule", "network", "sums", "gradient"))
def _value_and_gradient(rule, network, sums, theta, data, gradient):
    """The mean loss and its gradient, without JAX's own derivative of the scan."""
    if gradient != "reverse":
        carry, local = init_state(rule, theta, network, data), gradient == "local"
        carry = advance(rule, theta, network, sums, carry, data, local=local)
        return value_and_gradient(rule, theta, carry)
    fast = getattr(network, "fast", None)
    if fast is None:
        plain = jax.value_and_grad(partial(_mean, rule, network, sums))
        return plain(theta, data)

    def one(theta, data):
        found = fast(rule, sums, theta, data)
        if found is not NotImplemented:
            return found
        plain = partial(_sum_of_one, rule, network, sums)
        plain = jax.value_and_grad(plain, has_aux=True)
        (total, count), gradient = plain(theta, data)
        return total, count, gradient

    if data.x.ndim == 3:
        each = jax.vmap(one, (None, 0))(theta, data)
        total, count, of_total = jax.tree.map(lambda leaf: leaf.sum(0), each)
    else:
        total, count, of_total = one(theta, data)
    count = count.astype(total.dtype)
    return total / count, jax.tree.map(lambda leaf: leaf / count, of_total)


def mean_loss(
    rule: Rule | Rules, network: AnyNetwork, sums: Callable, gradient: str = "reverse"
) -> Callable:
    """The mean loss as a function of theta and data, without a trajectory in between.

    Args:
        rule: the plasticity rule.
        network: what is fixed about the learner.
        sums: `(trajectory, experiment) -> (sum of losses, number of observations)`.
        gradient: "reverse", "forward" or "local"; see `plastutor.objective`.

    Returns:
        `(theta, data) -> mean loss`, for data of one precision.

    Raises:
        ValueError: an unknown gradient.

    >>> import plastutor as pt
    >>> def sums(trajectory, experiment):
    ...     return jnp.sum(trajectory.y), trajectory.y.size
    >>> mean = mean_loss(pt.taylor(pt.OJA_ORDERS), pt.RECORDED, sums, "forward")
    >>> float(mean(pt.HEBB, pt.make_experiment([[1.0]], w0=[[0.0]])))
    0.5
    """
    if gradient not in ("reverse", "forward", "local"):
        raise ValueError(
            f"gradient is {gradient!r}; expected 'reverse', 'forward' or 'local'."
        )
    plain = partial(_mean, rule, network, sums)
    mean = jax.custom_vjp(plain)

    def forward(theta, data):
        over_data = any(leaf.perturbed for leaf in jax.tree.leaves(data))
        theta, data = custom_vjp_primal_tree_values((theta, data))
        if over_data and gradient == "reverse":
            return jax.vjp(plain, theta, data)
        if over_data:
            raise ValueError(
                "This loss was made with gradient='forward' or 'local', which knows "
                "its gradient over theta and no other. For gradients over stimuli or "
                "initial weights make it with gradient='reverse'."
            )
        value, found = _value_and_gradient(rule, network, sums, theta, data, gradient)
        return value, Partial(_times, found)

    mean.defvjp(forward, lambda vjp, cotangent: vjp(cotangent), symbolic_zeros=True)
    return mean


def _times(gradient, cotangent):
    return jax.tree.map(lambda leaf: cotangent * leaf, gradient), None
