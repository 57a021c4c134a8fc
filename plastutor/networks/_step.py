"""One step: stimulus, activity, what can be observed, and the change of the weights."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float

from plastutor._types import Experiment, Rule, Scalar, Theta, Trajectory
from plastutor.networks._network import Network

LARGE, PARTS = 2**19, 4  # synapses from which x @ w is cut, and into how many parts


class State(NamedTuple):
    """What a simulation carries from one step to the next.

    Attributes:
        w: the weights.
        memory: the last rewards of completed trials, the oldest first.
    """

    w: Float[Array, "*exp pre post"]
    memory: Float[Array, "*exp window"]


def accept_logit(
    network: Network,
    x: Float[Array | np.ndarray, "*any pre"],
    w: Float[Array | np.ndarray, "pre post"],
) -> Float[Array, "*any"]:
    """Log-odds of accepting the stimulus x with the weights w; see `Network`."""
    return (network.readout or 0.0) * jnp.mean(network.activation(x @ w), axis=-1)


def step_size(network: Network, n_pre: int) -> float:
    """By what a rule's dw is multiplied: the rate (/ n_pre)."""
    return network.rate / (n_pre if network.divide_by_pre else 1)


def weight_change(
    rule: Rule,
    theta: Theta,
    network: Network,
    x: Float[Array, " pre *step"],
    y: Float[Array, " post *step"],
    w: Float[Array, "pre post *step"],
    r: Float[ArrayLike, "*step"],
    plastic: Bool[Array, ""] | None = None,
) -> Float[Array, "pre post *step"]:
    """What a step adds to the weights: rate * dw (/ n_pre), or 0 if it is not plastic.

    A rule that is linear in theta has the factor in theta, which saves a pass over w.
    """
    factor = step_size(network, w.shape[0])
    if plastic is not None:
        factor = jnp.where(plastic, factor, 0).astype(w.dtype)
    if rule.linear:
        return rule.update(factor * theta, x, y, w, r)
    return factor * rule.update(theta, x, y, w, r)


def observe(
    network: Network,
    y: Float[Array, "*time post"],
    of_options: Float[Array, "*time option post"] | None = None,
) -> Trajectory:
    """What can be observed of activity, and of the activity for each option."""
    if network.readout is None:
        return Trajectory(None, y)
    option_logit = None if of_options is None else network.readout * of_options.mean(-1)
    return Trajectory(None, y, network.readout * y.mean(-1), option_logit)


@jax.custom_jvp
def layer_drive(x, w):
    """The drive of each neuron, x @ w, for a stimulus x (pre,) and weights (pre, post).

    Of a large layer part by part. On a processor each core changes some rows of w, and
    finds them again where it left them. XLA computes the derivatives where they are
    needed.

    >>> layer_drive(jnp.ones(1000), jnp.ones((1000, 600))).shape
    (600,)
    """
    pre, post = w.shape
    if w.size < LARGE or pre % PARTS:
        return x @ w
    parts = x.reshape(PARTS, 1, -1) @ w.reshape(PARTS, -1, post)
    return parts.sum((0, 1))


@layer_drive.defjvp
def _drive_jvp(at, along):
    (x, w), (dx, dw) = at, along
    # Not x @ dw: its way back is an outer product that is laid out the other way round.
    return layer_drive(x, w), dx @ w + (x[:, None] * dw).sum(0)


def network_step(
    rule: Rule,
    theta: Theta,
    network: Network,
    options: Float[Array, "option pre"] | None,
    w: Float[Array, "pre post"],
    now: tuple[Float[Array, " pre"], Scalar, Bool[Array, ""]],
    *,
    recorded: Float[Array, " post"] | None = None,
    local: bool = False,
) -> tuple[Float[Array, "pre post"], Trajectory]:
    """One step: the weights after it, and the activity and choice before.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        network: what is fixed about the learner.
        options: the stimuli on offer, if there are any.
        w: the weights before the step.
        now: the stimulus x, the prediction error r = R - E[R], and whether the weights
            are plastic.
        recorded: what plasticity sees instead of the network's own activity, where it
            is not NaN.
        local: derivatives do not know that the activity plasticity sees follows from w.
    """
    x, r, plastic = now
    y = network.activation(layer_drive(x, w))
    of_options = None if options is None else network.activation(options @ w)
    trajectory = observe(network, y, of_options)
    y = jax.lax.stop_gradient(y) if local else y
    if recorded is not None:
        y = jnp.where(jnp.isnan(recorded), y, recorded)
    w = w + weight_change(rule, theta, network, x, y, w, r, plastic)
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
