"""Activity report: the whole analysis of a recording in one call."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from plastutor import likelihoods
from plastutor._cohorts import Cohort
from plastutor._experiments import hide
from plastutor._types import Experiment
from plastutor.data import Recording
from plastutor.evaluate import animal_losses, fixed_weights
from plastutor.evaluate.uncertainty import residual_correlation
from plastutor.infer import evidence_fit
from plastutor.networks import RECORDED, Network
from plastutor.objectives import objective
from plastutor.reports._analysis import (
    Found,
    Model,
    check_enough,
    fit_to_all,
    or_infinite,
    predict_each,
    put_together,
    rule_model,
)
from plastutor.reports._report import Recorded, Report
from plastutor.rules import Orders, taylor, term_names
from plastutor.tasks import redraw_w0

FIXED, WITHOUT, RULE, ALL = "fixed weights", "rule without w", "rule", "all terms"


def report_activity(
    key: PRNGKeyArray,
    recording: Recording,
    *,
    terms: Sequence[str] = ("xy", "yyw", "w"),
    skip: int | None = None,
    w0_std: float | int | None = None,
    network: Network = RECORDED,
    draws: int = 3,
    restarts: int = 3,
) -> Report:
    """Infer a rule from recorded activity and compare it with what knows no rule.

    Every experiment is predicted from all the others: by a rule with the given terms
    and by the same without those that hold w; by all terms up to squares, with a prior
    whose width the data choose (`evidence_fit`, started at the rule); by weights that
    never change, fitted to the other experiments; and by doing nothing, which keeps the
    weights that were drawn. The score is R2 = 1 - sum (o - y)^2 / sum (o - mean)^2
    over the steps and neurons of an experiment, with each neuron's own mean.

    Nobody knows the initial weights. They are drawn at random, several times, and the
    first steps of each experiment are not scored: what a rule forgets need not be
    known. Where they are known, as w0 of shape (exp, pre, post), pass w0_std=0 and
    recording._replace(experiment=recording.experiment._replace(w0=w0)).

    Intervals are over experiments, and hold also where neurons share noise. The report
    says whether they do: `pt.laplace` and `pt.profile`, which take the residuals of
    neurons as independent, are then too narrow. Where the initial weights are known it
    also says whether the likelihood is lopsided (`pt.evaluate.uncertainty`).

    Args:
        key: a JAX random key.
        recording: from `read_activity`.
        terms: of the rule, chosen before looking; x, y, w up to squares. With r, the
            reward less what is expected, all terms also come with r.
        skip: steps not scored; default half of the shortest experiment, and none if
            the initial weights are known.
        w0_std: standard deviation of the initial weights around those of the
            recording, which are 0; default sqrt(2 / n_pre).
        network: what is fixed about the learner.
        draws: of the initial weights.
        restarts: starts of each fit of the rule.

    Raises:
        ValueError: fewer than three experiments, or no activity left to score.

    >>> import plastutor as pt
    >>> recording = pt.read_activity("my_activity.csv")  # doctest: +SKIP
    >>> print(report_activity(jr.key(0), recording))  # doctest: +SKIP
    """
    if isinstance(terms, str) or not terms:
        raise ValueError(
            f"terms is {terms!r}; expected a sequence of terms, such as ('xy', 'w')."
        )
    known = w0_std == 0
    skip, draws = _checked(recording, skip, known, 1 if known else draws)
    early = jnp.arange(recording.experiment.x.shape[1]) < skip
    data = hide(recording.experiment, early[None])
    total = _total_sum_of_squares(data, recording)
    orders = Orders(x=2, y=2, w=2, r=int("r" in "".join(terms)))
    models = _models(orders, terms, network, restarts, data)
    key_boot, *keys = jr.split(key, 1 + draws)
    found = []
    for one in keys:
        key_w0, key_fit = jr.split(one)
        drawn = redraw_w0(key_w0, data, w0_std)
        drawn = drawn._replace(w0=drawn.w0 + data.w0)
        *keys_fit, key_all = jr.split(key_fit, 4)
        cohort = Cohort(drawn)
        predicted = predict_each((key_all, *keys_fit), models, RULE, cohort)
        result = fit_to_all(key_all, models[RULE], predicted, cohort, known=known)
        found.append(_with_all_terms(result, orders, network))
    details = _details(recording, skip, found[0], models[RULE], total)
    source = recording.file, recording.sha256, recording.experiments
    rest = RULE, term_names(orders), total, details
    return put_together(key_boot, source, found, *rest)


def _models(orders, terms, network, restarts, data: Experiment) -> dict[str, Model]:
    """What is compared, besides doing nothing and all terms."""
    no_change, how = jnp.zeros_like(data.w0[0]), (likelihoods.activity, network)
    simpler = [term for term in terms if "w" not in term]
    models = {FIXED: Model(fixed_weights(network), lambda _: no_change)}
    if 0 < len(simpler) < len(terms):
        models[WITHOUT] = rule_model(orders, simpler, *how, restarts, 20)
    return models | {RULE: rule_model(orders, terms, *how, restarts, 20)}


def _with_all_terms(found: Found, orders, network) -> Found:
    """The same with all terms, fitted to all experiments but one from the rule on."""
    how, fits, data = {"network": network, "max_steps": 10}, [], found.data
    for k, fit in enumerate(found.left_out[RULE].fits):
        left_out = jnp.arange(data.x.shape[0]) == k
        others = hide(data, left_out[:, None])
        fits.append(evidence_fit(orders, others, theta0=fit.theta, **how))
    loss = objective(taylor(orders), likelihoods.activity, network=network)
    losses = animal_losses(loss, [fit.theta for fit in fits], data)
    left = sum(not bool(fit.converged) for fit in fits)
    return found._replace(
        losses=found.losses | {ALL: or_infinite(losses)},
        fits=found.fits | {ALL: {"fits": len(fits), "not converged": left}},
    )


def _details(recording: Recording, skip: int, found: Found, rule, total) -> Recorded:
    """Names, and the experiment in the middle by how well the rule predicts it."""
    k = int(np.argsort(found.losses[RULE] / total)[len(total) // 2])
    theta, steps = found.left_out[RULE].fits[k].theta, found.data.valid[k]
    predicted = rule.loss.predict(theta, jax.tree.map(lambda leaf: leaf[k], found.data))
    shown = np.asarray(recording.experiment.activity)[k], predicted.y
    recorded, by_rule = (np.asarray(one)[np.asarray(steps)] for one in shown)
    names = recording.inputs, recording.neurons, skip, recording.experiments[k]
    correlation = residual_correlation(rule.loss, found.theta, found.data)
    return Recorded(*names, recorded, by_rule, correlation)


def _checked(recording: Recording, skip, known: bool, draws: int) -> tuple[int, int]:
    """The steps not to score and the draws, or a sentence on what is too few."""
    names = recording.experiments
    cut = " Cut a long recording into pieces: other names in the column `experiment`."
    check_enough(recording.file, "experiment", names, cut)
    steps = np.asarray(recording.experiment.valid).sum(1)
    least = int(steps.argmin())
    if skip is None:
        skip = 0 if known else int(steps[least]) // 2
    if not 0 <= skip < steps[least] - 1:
        raise ValueError(
            f"skip is {skip}, but experiment {names[least]!r} of {recording.file} has "
            f"{steps[least]} steps; expected at least two more than that. Skip fewer, "
            "or leave the experiment out."
        )
    if draws < 1:
        raise ValueError(f"draws is {draws}; expected 1 or more.")
    return skip, draws


def _total_sum_of_squares(data: Experiment, recording: Recording) -> np.ndarray:
    """Sum of squares of each experiment about each neuron's own mean."""
    activity = np.asarray(hide(data, ~data.valid).activity)
    there = ~np.isnan(activity)
    mean = np.where(there, activity, 0).sum(1) / np.maximum(there.sum(1), 1)
    total = np.where(there, (activity - mean[:, None]) ** 2, 0).sum((1, 2))
    for name, value in zip(recording.experiments, total, strict=True):
        if not value:
            raise ValueError(
                f"{recording.file}: in experiment {name!r} no activity changes in the "
                "steps that are scored; expected some. Skip fewer steps, or leave the "
                "experiment out."
            )
    return total
