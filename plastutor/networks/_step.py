"""Simulate: one scan of a rule through an experiment."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from plastutor.devices import spread
from plastutor.experiments import check_experiment
from plastutor.types import (
    RECORDED,
    Experiment,
    Network,
    Rule,
    Theta,
    Trajectory,
)

__all__ = [
    "State",
    "accept_logit",
    "begin",
    "expect",
    "expected_reward",
    "product",
    "remember",
    "simulate",
]


LARGE, PARTS = 2**19, 4  # synapses from which x @ w is cut, and into how many parts


class State(NamedTuple):
    """What a life carries from one step to the next.

    Attributes:
        w: the weights.
        memory: the last rewards of completed trials, the oldest first.
    """

    w: Float[Array, "*exp pre post"]
    memory: Float[Array, "*exp window"]


def remember(memory, reward, completed):
    """Append a reward to the memory of the last ones, if its trial was completed.

    >>> [float(v) for v in remember(jnp.zeros(3), 1.0, True)]
    [0.0, 0.0, 1.0]
    """
    return jnp.where(completed, jnp.append(memory[1:], reward), memory)


def expected_reward(
    reward: Float[Array, " time"], completed: Bool[Array, " time"], window: int = 10
) -> Float[Array, " time"]:
    """E[R]: the mean of the last `window` rewards of completed trials.

    The current reward is not among them, and before the first trial all are zero
    (Mehta et al. 2024 and its code). With window = 0 nothing is expected.

    Args:
        reward: raw reward of each step.
        completed: True where a trial was completed; other steps leave no memory.
        window: how many trials are remembered.

    Returns:
        The expectation held before each step, in units of reward.

    >>> e = expected_reward(jnp.array([1.0, 1.0, 0.0]), jnp.ones(3, bool), window=2)
    >>> [float(v) for v in e]
    [0.0, 0.5, 1.0]
    """
    return expect(jnp.zeros(window, reward.dtype), reward, completed)[1]


def expect(memory, reward, completed):
    """The memory after some steps, and the reward expected in each of them.

    >>> memory, expected = expect(jnp.zeros(2), jnp.ones(3), jnp.ones(3, bool))
    >>> [float(v) for v in memory], [float(v) for v in expected]
    ([1.0, 1.0], [0.0, 0.5, 1.0])
    """
    if memory.size == 0:
        return memory, jnp.zeros_like(reward)

    def step(memory, now):
        return remember(memory, *now), memory.mean()

    return jax.lax.scan(step, memory, (reward, completed))


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


def see(network: Network, y, of_options=None) -> Trajectory:
    """What there is to see of activity, and of the activity for each option."""
    logit = option_logit = None
    if network.readout is not None:
        logit = network.readout * y.mean(-1)
        if of_options is not None:
            option_logit = network.readout * of_options.mean(-1)
    return Trajectory(None, y, logit, option_logit)


def product(x, w):
    """The drive of each neuron, x @ w, for a stimulus x (pre,) and weights (pre, post).

    Of a large layer part by part. On a processor each core changes some rows of w, and
    finds them again where it left them.

    >>> product(jnp.ones(1000), jnp.ones((1000, 600))).shape
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
    return product(x, w)


@_drive.defjvp
def _drive_slope(at, along):
    (x, w), (dx, dw) = at, along
    # Not x @ dw: its way back is an outer product that is laid out the other way round.
    return _drive(x, w), dx @ w + (x[:, None] * dw).sum(0)


def live(
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
    trajectory = see(network, y, of_options)
    seen = jax.lax.stop_gradient(y) if local else y
    if recorded is not None:
        seen = jnp.where(jnp.isnan(recorded), seen, recorded)
    w = w + plastic_change(rule, theta, network, x, seen, w, r, plastic)
    return w, trajectory


def begin(experiment: Experiment, network: Network) -> State:
    """The state before the first step of one experiment, or of each in a batch.

    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> begin(e, RECORDED).memory.shape
    (10,)
    """
    shape = *experiment.w0.shape[:-2], network.window
    return State(experiment.w0, jnp.zeros(shape, experiment.reward.dtype))


def advance(rule, theta, network, state, experiment, *, keep_weights, forced=False):
    """Live through one experiment, from a state that need not be its first one."""
    completed = experiment.plastic & experiment.valid
    memory, expected = expect(state.memory, experiment.reward, completed)

    def step(w, now):
        now, recorded = now
        w, seen = live(
            rule, theta, network, experiment.options, w, now, recorded=recorded
        )
        return w, seen._replace(w=w if keep_weights else None)

    inputs = experiment.x, experiment.reward - expected, completed
    recorded = experiment.activity if forced else None
    w, trajectory = jax.lax.scan(step, state.w, (inputs, recorded))
    return State(w, memory), trajectory


@partial(jax.jit, static_argnames=("rule", "network", "keep_weights", "forced"))
def _simulate_one(rule, theta, experiment, network, keep_weights, forced) -> Trajectory:
    how = {"keep_weights": keep_weights, "forced": forced}
    start = begin(experiment, network)
    return advance(rule, theta, network, start, experiment, **how)[1]


def one_precision(theta, data):
    """The same numbers, all in the largest precision among them."""
    theta, data = jax.tree.map(jnp.asarray, (theta, data))
    dtype = jnp.result_type(data.x, data.w0, *jax.tree.leaves(theta))

    def cast(leaf):
        numbers = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(dtype) if numbers else leaf

    return jax.tree.map(cast, (theta, data))


def check_network(experiment: Experiment, network: Network) -> None:
    """Refuse choices for a network that makes none."""
    if experiment.options is not None and network.readout is None:
        raise ValueError(
            "The experiment holds choices but the network has no read-out. Pass "
            "network=FLY or network=BEHAVIOUR."
        )


def simulate(
    rule: Rule,
    theta: Theta,
    experiment: Experiment,
    *,
    network: Network = RECORDED,
    keep_weights: bool = True,
    forced: bool = False,
) -> Trajectory:
    """Let a network live through an experiment by the rule g_theta.

    In each step the stimulus x gives the activity y = activation(x @ w), and then, if
    the step is plastic, w changes by rate * g_theta(x, y, w, r).

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        experiment: one experiment, or a batch with a leading axis.
        network: what is fixed about the learner.
        keep_weights: keep the weights after each step. They need (time x pre x post)
            numbers, so a loss does without.
        forced: let plasticity see the recorded activity where there is one, so that
            the model predicts one step ahead (teacher forcing), instead of its own.

    Returns:
        The trajectory, with the leading axis of a batch.

    Raises:
        ValueError: the experiment does not hang together, or has no activity to force.

    >>> from plastutor.rules import HEBB, OJA_ORDERS, taylor
    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> simulate(taylor(OJA_ORDERS), HEBB, e).w.shape
    (5, 3, 2)
    """
    check_experiment(experiment)
    check_network(experiment, network)
    if forced and experiment.activity is None:
        raise ValueError(
            "forced=True needs experiments with recorded activity; these have none. "
            "Leave it out, or pass activity= to make_experiment."
        )
    theta, experiment = one_precision(theta, experiment)
    one = partial(
        _simulate_one,
        rule,
        network=network,
        keep_weights=keep_weights,
        forced=forced,
    )
    if experiment.x.ndim == 3:
        return jax.vmap(one, in_axes=(None, 0))(theta, spread(experiment))
    return one(theta, experiment)
