"""Trials: accept/reject data, simulated only where the weights change."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from plastutor._devices import laid_out, sum_rows
from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks import (
    Network,
    expect_rewards,
    next_weights,
    step_size,
    weight_change,
)


def completed_trials(experiment: Experiment, trials: int) -> Experiment:
    """The steps of accept/reject data in which a trial was completed, and no others.

    The weights change in these steps only, so they go through the same values as in the
    whole experiment; a foraging animal may reject a hundred times in between.

    Args:
        experiment: one experiment.
        trials: the steps to keep; an animal that completed fewer gets padding.

    >>> import plastutor as pt
    >>> accept = [0.0, 1.0, 0.0]
    >>> x = [[1.0], [2.0], [3.0]]
    >>> e = pt.make_experiment(x, w0=[[0.0]], accept=accept, reward=accept)
    >>> [float(v) for v in completed_trials(e, 2).x[:, 0]]
    [2.0, 0.0]
    """
    done = experiment.plastic & experiment.valid
    steps = done.size
    at = jnp.searchsorted(jnp.cumsum(done), jnp.arange(1, trials + 1))
    there = at < steps

    def kept(values):
        return values.at[at].get(mode="fill", fill_value=0)

    x, reward = kept(experiment.x), kept(experiment.reward)
    return Experiment(x, reward, there, there, experiment.w0)


def _run(rule: Rule, network: Network, theta, x, r, plastic, w0):
    """The weights before the first step, and after each step."""

    def step(w, now):
        x, r, plastic = now
        y = network.activation(x @ w)
        w = next_weights(rule, theta, network, w, x, y, r, plastic)
        return w, w

    after = jax.lax.scan(step, w0, (x, r, plastic))[1]
    return jnp.concatenate([w0[None], after])


def _time_last(values):
    """The same with time as the last axis: many steps are worked on at a time."""
    return laid_out(jnp.moveaxis(values, 0, -1))


# The same weights, with a derivative of its own. On the way back two diagonals are
# needed: how the change of a weight depends on this weight, and on the drive of its
# neuron. Both follow from the weights that were stored, for all steps at once. So the
# way back takes a few operations a step, and the gradient of theta is one sum at the
# end.


def _run_and_save(rule, network, theta, x, r, plastic, w0):
    w = _run(rule, network, theta, x, r, plastic, w0)
    return w, (theta, x, r, plastic, w[:-1])


def _vjp(rule, network, saved, cotangent):
    theta, stimuli, r, plastic, w = saved  # the weights before each step
    x, w = jnp.moveaxis(stimuli, 0, -1), _time_last(w)

    def drive(x):
        return sum_rows(x[:, None] * w, 0)

    def change(rule, theta, x, y, w, r):
        one = partial(weight_change, rule, theta, network)
        if rule.theta_vjp is None:
            by_step = (jnp.moveaxis(v, -1, 0) for v in (x, y, w, r))
            dw = jnp.moveaxis(jax.vmap(one)(*by_step), 0, -1)
        else:
            dw = one(x, y, w, r)
        return jnp.where(plastic[None, None], dw, 0)

    def diagonal(f, at):
        return jax.jvp(f, (at,), (jnp.ones_like(at),))[1]

    u = drive(x)
    y = network.activation(u)
    of_w = diagonal(lambda w: change(rule.forward_mode, theta, x, y, w, r), w)
    of_y = diagonal(lambda y: change(rule.forward_mode, theta, x, y, w, r), y)
    of_u = of_y * diagonal(network.activation, u)[None]

    def step(after, now):
        """From the cotangent of the weights after a step to that of those before it."""
        observed, of_w, of_u, x = now
        through_y = x[:, None] * (after * of_u).sum(0)[None]
        return observed + after + after * of_w + through_y, after

    of_w, of_u = jnp.moveaxis(of_w, -1, 0), jnp.moveaxis(of_u, -1, 0)
    steps = cotangent[:-1], of_w, of_u, stimuli
    ct_w0, after = jax.lax.scan(step, cotangent[-1], steps, reverse=True)
    after = _time_last(after)
    if rule.theta_vjp is None:
        _, vjp = jax.vjp(lambda theta: change(rule, theta, x, y, w, r), theta)
        (ct_theta,) = vjp(after)
    else:
        of_dw = jnp.where(plastic[None, None], step_size(network, len(w)) * after, 0)
        ct_theta = rule.theta_vjp(theta, x, y, w, r, of_dw)

    # Nobody asks for these as a rule, and what is not asked for is not computed.
    def change_of(x, r):
        return change(rule.forward_mode, theta, x, network.activation(drive(x)), w, r)

    ct_x, ct_r = jax.vjp(change_of, x, r)[1](after)
    return ct_theta, jnp.moveaxis(ct_x, -1, 0), ct_r, None, ct_w0


_weights = jax.custom_vjp(_run, nondiff_argnums=(0, 1))
_weights.defvjp(_run_and_save, _vjp)


def logits_by_trial(
    rule: Rule,
    theta: Theta,
    experiment: Experiment,
    *,
    network: Network,
    trials: int,
    forward: bool = False,
) -> Trajectory:
    """The log-odds of every presentation, from a scan over completed trials.

    Args:
        rule: the plasticity rule.
        theta: its parameters.
        experiment: accept/reject data of one animal.
        network: what is fixed about the learner.
        trials: the most that were completed; from there on the log-odds are NaN.
        forward: for forward-mode derivatives (jax.jvp).

    >>> import plastutor as pt
    >>> rule, theta = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    >>> made = pt.foraging_task(jax.random.key(0), rule, theta, n_experiments=1)
    >>> one = jax.tree.map(lambda leaf: leaf[0], made.experiment)
    >>> logits_by_trial(rule, theta, one, network=pt.BEHAVIOUR, trials=240).logit.shape
    (960,)
    """
    done = experiment.plastic & experiment.valid
    kept = completed_trials(experiment, trials)
    memory = network.init_state(kept).memory
    r = kept.reward - expect_rewards(memory, kept.reward, kept.plastic)[1]
    weights = _run if forward else _weights
    w = weights(rule, network, theta, kept.x, r, kept.plastic, kept.w0)
    now = w.at[jnp.cumsum(done) - done.astype(int)].get(mode="fill", fill_value=jnp.nan)
    y = network.activation(_time_last(sum_rows(experiment.x[:, :, None] * now, 1)))
    return network.observed(y.T)
