"""Simulate: one scan of a network's step through an experiment."""

from __future__ import annotations

from functools import partial

import jax

from plastutor._devices import spread
from plastutor._experiments import check_experiment, one_precision
from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks import (
    RECORDED,
    Network,
    State,
    check_network,
    expect_rewards,
    initial_state,
    network_step,
)


def run(rule, theta, network, state, experiment, keep_weights, forced=False):
    """Through one experiment, from a state that need not be its first one."""
    completed = experiment.plastic & experiment.valid
    memory, expected = expect_rewards(state.memory, experiment.reward, completed)

    def step(w, now):
        now, recorded = now
        w, made = network_step(
            rule, theta, network, experiment.options, w, now, recorded=recorded
        )
        return w, made._replace(w=w if keep_weights else None)

    inputs = experiment.x, experiment.reward - expected, completed
    recorded = experiment.activity if forced else None
    w, trajectory = jax.lax.scan(step, state.w, (inputs, recorded))
    return State(w, memory), trajectory


@partial(jax.jit, static_argnames=("rule", "network", "keep_weights", "forced"))
def _simulate_one(rule, theta, experiment, network, keep_weights, forced) -> Trajectory:
    start = initial_state(experiment, network)
    return run(rule, theta, network, start, experiment, keep_weights, forced)[1]


def simulate(
    rule: Rule,
    theta: Theta,
    experiment: Experiment,
    *,
    network: Network = RECORDED,
    keep_weights: bool = True,
    forced: bool = False,
) -> Trajectory:
    """Take a network through an experiment, by the rule g_theta.

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

    >>> import jax.numpy as jnp
    >>> import plastutor as pt
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
    >>> simulate(pt.taylor(pt.OJA_ORDERS), pt.HEBB, e).w.shape
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
    how = {"network": network, "keep_weights": keep_weights, "forced": forced}
    one = partial(_simulate_one, rule, **how)
    if experiment.x.ndim == 3:
        return jax.vmap(one, in_axes=(None, 0))(theta, spread(experiment))
    return one(theta, experiment)
