"""Scores: on held-out data, beside the model that does nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike
from jaxtyping import Array, Float, PyTree

from plastutor._simulate import simulate
from plastutor._types import Experiment, Rule, Rules, Theta, as_rules
from plastutor.likelihoods import likelihood_of
from plastutor.networks import RECORDED, AnyNetwork


def null_theta(theta: Theta) -> Theta:
    """The do-nothing model: the same parameters, all zero, so that dw = 0.

    >>> float(null_theta(jnp.ones(3)).sum())
    0.0
    """
    return jax.tree.map(jnp.zeros_like, theta)


def r2(true: ArrayLike | Sequence, predicted: ArrayLike | Sequence) -> float:
    """The coefficient of determination, one for each column, then their plain mean.

    R2 = 1 - sum (true - predicted)^2 / sum (true - mean)^2, sums over the rows. A
    column that never changes counts 1 if predicted exactly, else 0.

    Args:
        true: samples x columns, for example (steps, synapses).
        predicted: the same shape.

    Raises:
        ValueError: the shapes differ or are not two-dimensional.

    >>> r2([[0.0, 1.0], [2.0, 5.0]], [[0.0, 3.0], [2.0, 3.0]])
    0.5
    """
    true, predicted = np.asarray(true), np.asarray(predicted)
    if true.shape != predicted.shape or true.ndim != 2:
        raise ValueError(
            f"true has shape {true.shape}, predicted {predicted.shape}; expected the "
            "same shape (samples, columns) twice. Use reshape(-1, columns)."
        )
    residual = ((true - predicted) ** 2).sum(0)
    total = ((true - true.mean(0)) ** 2).sum(0)
    return float(_ratio(residual, total).mean())


def _ratio(residual, total):
    """1 - residual / total, for each column."""
    constant = jnp.where(residual == 0, 1.0, 0.0)
    safe = jnp.where(total > 0, total, 1.0)
    return jnp.where(total > 0, 1 - residual / safe, constant)


@partial(jax.jit, static_argnames=("rule", "rule_true", "network", "changes"))
def _weight_r2(rule, theta, rule_true, theta_true, data, network, changes):
    """From the sums of squares of every synapse, one experiment at a time."""
    dtype = jnp.result_type(*jax.tree.leaves((data.w0, theta, theta_true)))
    several = [each for each in (rule, rule_true) if isinstance(each, Rules)]
    plastic = {name for each in several for name in each}

    def weights(rule, theta, experiment):
        known = experiment.valid[:, None, None]
        w = simulate(rule, theta, experiment, network=network).w
        if changes:
            w0 = network.init_state(experiment).w
            w = jax.tree.map(lambda w, w0: w - w0[None], w, w0)
        if plastic and isinstance(w, Mapping):
            w = {name: each for name, each in w.items() if name in plastic}
        return jax.tree.map(lambda w: jnp.where(known, w, 0).astype(dtype), w)

    def add(total, experiment):
        w = weights(rule_true, theta_true, experiment)
        return jax.tree.map(lambda total, w: total + w.sum(0), total, w), None

    def add_squares(sums, experiment):
        known = experiment.valid[:, None, None]
        true = weights(rule_true, theta_true, experiment)
        off = jax.tree.map(jnp.subtract, true, weights(rule, theta, experiment))
        own = jax.tree.map(lambda w, m: jnp.where(known, w - m[None], 0), true, mean)
        return jax.tree.map(lambda s, w: s + (w**2).sum(0), sums, (off, own)), None

    first = jax.tree.map(lambda leaf: leaf[0], data)
    shapes = jax.eval_shape(partial(weights, rule_true, theta_true), first)
    zero = jax.tree.map(lambda w: jnp.zeros(w.shape[1:], w.dtype), shapes)
    total, _ = jax.lax.scan(add, zero, data)
    mean = jax.tree.map(lambda total: total / data.valid.sum(), total)
    squares, _ = jax.lax.scan(add_squares, (zero, zero), data)
    found = jax.tree.map(_ratio, *squares)
    for name, mask in getattr(network, "masks", {}).items():
        if name in found:
            found[name] = jnp.where(jnp.asarray(mask), found[name], jnp.nan)
    return found


def weight_r2(
    rule: Rule | Mapping[str, Rule],
    theta: Theta,
    theta_true: Theta,
    held_out: Experiment,
    *,
    rule_true: Rule | Mapping[str, Rule] | None = None,
    network: AnyNetwork = RECORDED,
    changes: bool = False,
) -> PyTree[Float[Array, "_ _"]]:
    """R2 of the weights, one for every synapse, over the steps of all experiments.

    Of several projections, those with a rule; NaN where a mask leaves no synapse.

    Both rules start from the same initial weights and get the same stimuli. The
    weights are not stored, so that 100,000 synapses fit into memory.

    Args:
        rule: the rule.
        theta: what was inferred; vmap over it to score several fits at once.
        theta_true: the true parameters.
        held_out: experiments that were not fitted.
        rule_true: the rule of theta_true, where it is another one.
        network: what is fixed about the learner.
        changes: of w - w0, what learning changed. Experiments differ in their initial
            weights, so that R2 of w itself is high where nothing is learned.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> new = pt.neural_task(jax.random.key(0), rule, pt.OJA, n_experiments=3, n_post=2)
    >>> float(weight_r2(rule, pt.OJA, pt.OJA, new).mean())
    1.0
    """
    theta, theta_true = jax.tree.map(jnp.asarray, (theta, theta_true))
    if held_out.x.ndim == 2:
        held_out = jax.tree.map(lambda leaf: leaf[None], held_out)
    rule, rule_true = as_rules(rule), as_rules(rule_true or rule)
    how = {"network": network, "changes": changes}
    return _weight_r2(rule, theta, rule_true, theta_true, held_out, **how)


def percent_deviance(
    losses: ArrayLike | Sequence, null_losses: ArrayLike | Sequence
) -> float:
    """Percent deviance explained: 100 (1 - D / D_null), with D = -2 log-likelihood.

    Both arguments are negative log-likelihoods of the same observations: means, or one
    value an animal, which are summed first. The null model is the one that does not
    learn.

    >>> percent_deviance([0.5, 0.5], [0.5, 1.5])
    50.0
    """
    return float(100 * (1 - np.sum(losses) / np.sum(null_losses)))


def _recorded_r2(true, predicted) -> float:
    """`r2` over the entries of each column that are not NaN."""
    recorded = ~np.isnan(true)
    each = [
        r2(true[rows, k : k + 1], predicted[rows, k : k + 1])
        for k, rows in enumerate(recorded.T)
        if rows.any()
    ]
    return float(np.mean(each))


class Score(NamedTuple):
    """How well a rule does on held-out experiments; None where there is no such data.

    Attributes:
        r2_weights: mean over synapses of the R2 of the weights; needs the true theta.
        r2_activity: mean over neurons of the R2 of the activity; compared with
            the true theta's if given, else with what was recorded.
        percent_deviance: of the accept/reject or choice data, in percent.
    """

    r2_weights: float | None
    r2_activity: float | None
    percent_deviance: float | None


def score(
    rule: Rule | Mapping[str, Rule],
    theta: Theta,
    held_out: Experiment,
    *,
    theta_true: Theta | None = None,
    rule_true: Rule | Mapping[str, Rule] | None = None,
    network: AnyNetwork = RECORDED,
) -> Score:
    """Score a rule on experiments that were not fitted.

    Args:
        rule: the rule.
        theta: what was inferred; `null_theta(theta)` scores the do-nothing model.
        held_out: a batch of new experiments.
        theta_true: the true parameters, where they are known.
        rule_true: the rule of theta_true, where it is another one.
        network: what is fixed about the learner.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> new = pt.neural_task(jax.random.key(0), rule, pt.OJA, n_experiments=3, n_post=2)
    >>> score(rule, pt.OJA, new, theta_true=pt.OJA)
    Score(r2_weights=1.0, r2_activity=1.0, percent_deviance=None)
    """
    if held_out.x.ndim == 2:
        held_out = jax.tree.map(lambda leaf: leaf[None], held_out)
    run = partial(simulate, experiment=held_out, network=network, keep_weights=False)
    found = run(rule, theta)
    weights = activity = deviance = None
    true_activity = held_out.activity
    if theta_true is not None:
        r2_of_each = weight_r2(
            rule, theta, theta_true, held_out, rule_true=rule_true, network=network
        )
        masks = getattr(network, "masks", {})
        if masks:  # NaN that no mask explains must not get lost
            r2_of_each = {
                name: each[np.asarray(masks.get(name, np.ones(each.shape, bool)))]
                for name, each in r2_of_each.items()
            }
        weights = float(ravel_pytree(r2_of_each)[0].mean())
        true_activity = run(rule_true or rule, theta_true).y
    if true_activity is not None:
        valid = np.asarray(held_out.valid)
        true, predicted = (np.asarray(y)[valid] for y in (true_activity, found.y))
        activity = _recorded_r2(true, predicted)
    if held_out.accept is not None or held_out.choice is not None:
        likelihood = likelihood_of(held_out)
        null = run(rule, null_theta(theta))
        deviance = percent_deviance(
            likelihood(found, held_out), likelihood(null, held_out)
        )
    return Score(weights, activity, deviance)
