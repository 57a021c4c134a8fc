"""One step: stimulus, activity, what can be observed, and the change of the weights."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks._network import Network

LARGE, PARTS = 2**19, 4  # synapses from which x @ w is cut, and into how many parts


class State(NamedTuple):
    """What a life carries from one step to the next.

    Attributes:
        w: the weights.
        memory: the last rewards of completed trials, the oldest first.
    """

    w: Float[Array, "*exp pre post"]
    memory: Float[Array, "*exp window"]


def accept_logit(network: Network, x, w):
    """Log-odds of accepting the stimulus x with the weights w; see `Network`."""
    readout = 0.0 if network.readout is None else network.readout
    return readout * jnp.mean(network.activation(x @ w), axis=-1)


def step_size(network: Network, n_pre: int) -> float:
    """By what a rule's dw is multiplied: the rate (/ n_pre)."""
    return network.rate / (n_pre if network.divide_by_pre else 1)


def weight_change(rule: Rule, theta: Theta, network: Network, x, y, w, r):
    """What one plastic step adds to the weights: rate * dw (/ n_pre)."""
    return scaled_change(rule, theta, step_size(network, w.shape[0]), x, y, w, r)


def scaled_change(rule: Rule, theta: Theta, factor, x, y, w, r):
    """Multiply dw by a factor; theta bears it if it can, which saves a pass over w."""
    if rule.linear:
        return rule.update(factor * theta, x, y, w, r)
    return factor * rule.update(theta, x, y, w, r)


def plastic_change(rule: Rule, theta: Theta, network: Network, x, y, w, r, plastic):
    """What a step adds to the weights: nothing, if it is not plastic."""
    factor = jnp.where(plastic, step_size(network, w.shape[0]), 0).astype(w.dtype)
    return scaled_change(rule, theta, factor, x, y, w, r)


def observe(network: Network, y, of_options=None) -> Trajectory:
    """What there is to see of activity, and of the activity for each option."""
    logit = option_logit = None
    if network.readout is not None:
        logit = network.readout * y.mean(-1)
        if of_options is not None:
            option_logit = network.readout * of_options.mean(-1)
    return Trajectory(None, y, logit, option_logit)


def layer_drive(x, w):
    """The drive of each neuron, x @ w, for a stimulus x (pre,) and weights (pre, post).

    Of a large layer part by part. On a processor each core changes some rows of w, and
    finds them again where it left them.

    >>> layer_drive(jnp.ones(1000), jnp.ones((1000, 600))).shape
    (600,)
    """
    pre, post = w.shape
    if w.size < LARGE or pre % PARTS:
        return x @ w
    parts = x.reshape(PARTS, 1, -1) @ w.reshape(PARTS, -1, post)
    return parts.sum((0, 1))


@jax.custom_jvp
def _drive(x, w):
    """The product x @ w, with slopes that XLA can compute where they are needed."""
    return layer_drive(x, w)


@_drive.defjvp
def _drive_jvp(at, along):
    (x, w), (dx, dw) = at, along
    # Not x @ dw: its way back is an outer product that is laid out the other way round.
    return _drive(x, w), dx @ w + (x[:, None] * dw).sum(0)


def network_step(
    rule: Rule,
    theta: Theta,
    network: Network,
    options,
    w,
    now,
    *,
    recorded=None,
    local=False,
):
    """One step of a life: the weights after it, and the activity and choice before.

    Plasticity sees `recorded` activity instead of the network's own, where it is given.
    With `local`, derivatives do not know that the activity it sees follows from w.
    """
    x, r, plastic = now  # r is R - E[R]
    y = network.activation(_drive(x, w))
    of_options = None if options is None else network.activation(options @ w)
    trajectory = observe(network, y, of_options)
    seen = jax.lax.stop_gradient(y) if local else y
    if recorded is not None:
        seen = jnp.where(jnp.isnan(recorded), seen, recorded)
    w = w + plastic_change(rule, theta, network, x, seen, w, r, plastic)
    return w, trajectory


def initial_state(experiment: Experiment, network: Network) -> State:
    """The state before the first step of one experiment, or of each in a batch.

    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> initial_state(e, pt.RECORDED).memory.shape
    (10,)
    """
    shape = *experiment.w0.shape[:-2], network.window
    return State(experiment.w0, jnp.zeros(shape, experiment.reward.dtype))


def check_network(experiment: Experiment, network: Network) -> None:
    """Refuse choices for a network that makes none."""
    if experiment.options is not None and network.readout is None:
        raise ValueError(
            "The experiment holds choices but the network has no read-out. Pass "
            "network=FLY or network=BEHAVIOUR."
        )
