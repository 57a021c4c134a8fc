"""Simulate: one scan of a network's step through an experiment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import jax

from plastutor._devices import spread
from plastutor._experiments import check_experiment, one_precision
from plastutor._types import Experiment, Rule, Theta, Trajectory, as_rules
from plastutor.networks import RECORDED, AnyNetwork, Forced


def run(rule, theta, network, state, experiment, keep_weights):
    """Through one experiment, from a state that need not be its first one."""

    def step(state, now):
        now = now._replace(options=experiment.options)
        state, made = network.step(rule, theta, state, now)
        return state, made._replace(w=state.w if keep_weights else None)

    steps = experiment._replace(w0=None, options=None)
    return jax.lax.scan(step, state, steps)


@partial(jax.jit, static_argnames=("rule", "network", "keep_weights"))
def _simulate_one(rule, theta, experiment, network, keep_weights) -> Trajectory:
    start = network.init_state(experiment)
    return run(rule, theta, network, start, experiment, keep_weights)[1]


def simulate(
    rule: Rule | Mapping[str, Rule],
    theta: Theta,
    experiment: Experiment,
    *,
    network: AnyNetwork = RECORDED,
    keep_weights: bool = True,
    forced: bool = False,
) -> Trajectory:
    """Take a network through an experiment, by the rule g_theta.

    In each step the stimulus x gives the activity y = activation(x @ w), and then, if
    the step is plastic, w changes by rate * g_theta(x, y, w, r).

    Args:
        rule: the plasticity rule; or a mapping from projections of the network to
            rules, with a mapping from projections to their parameters as theta.
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
    theta, experiment = one_precision(theta, experiment)
    one = partial(
        _simulate_one,
        as_rules(rule),
        network=Forced(network) if forced else network,
        keep_weights=keep_weights,
    )
    if experiment.x.ndim == 3:
        return jax.vmap(one, in_axes=(None, 0))(theta, spread(experiment))
    return one(theta, experiment)
