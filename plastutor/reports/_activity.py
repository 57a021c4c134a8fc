"""Activity report: the whole analysis of a recording in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from plastutor import likelihoods
from plastutor._types import Experiment
from plastutor.data import Recording
from plastutor.evaluate import (
    ModelComparison,
    animal_losses,
    count_observations,
    fixed_weights,
)
from plastutor.infer import evidence_fit
from plastutor.networks import RECORDED, Network
from plastutor.objectives import objective
from plastutor.reports._analysis import (
    Found,
    Model,
    analyse,
    check_enough,
    gains,
    or_infinite,
    rule_model,
    text,
)
from plastutor.rules import Orders, taylor, term_names
from plastutor.tasks import redraw_w0

FIXED, WITHOUT, RULE, ALL = "fixed weights", "rule without w", "rule", "all terms"


class Example(NamedTuple):
    """A held-out experiment and what the rule predicts for it.

    Attributes:
        experiment: its name.
        recorded: its activity; NaN where it was not recorded.
        predicted: by the rule that was fitted to the other experiments.
    """

    experiment: str
    recorded: Float[np.ndarray, "time post"]
    predicted: Float[np.ndarray, "time post"]


class ActivityReport(NamedTuple):
    """What recorded activity tells about the rule behind it.

    Initial weights are drawn several times; a draw is one axis of what depends on them.

    Attributes:
        file: the name of the file that was analysed.
        sha256: the hash of its bytes.
        experiments: their names.
        inputs: names of the stimuli.
        neurons: names of the neurons.
        n_observations: how many activities are scored.
        skip: steps at the beginning of each experiment that are not scored.
        losses: for each model, the sum of squared errors of each experiment, predicted
            from the others, (draw, experiment); infinite where a fitted rule diverged.
        total: the sum of squares of each experiment about each neuron's own mean.
        comparisons: for each other model, what the rule gains on it, in hundredths of
            R2, over all experiments.
        terms: the terms of the rule.
        theta: their coefficients in a fit to all experiments, (draw, term).
        interval: their 95 % intervals over experiments for the first draw, the lower
            and the upper ends; NaN with too few experiments.
        fits: for each model, how many fits there were; how many of them diverged, and
            how many came to the lowest loss of those with the same data. Of all terms,
            how many had not converged.
        example: a held-out experiment with the median R2, of the first draw.
    """

    file: str
    sha256: str
    experiments: tuple[str, ...]
    inputs: tuple[str, ...]
    neurons: tuple[str, ...]
    n_observations: int
    skip: int
    losses: dict[str, np.ndarray]
    total: Float[np.ndarray, " exp"]
    comparisons: dict[str, ModelComparison]
    terms: tuple[str, ...]
    theta: Float[np.ndarray, "draw term"]
    interval: Float[np.ndarray, "2 term"]
    fits: dict[str, dict[str, int]]
    example: Example

    @property
    def r2(self) -> dict[str, np.ndarray]:
        """For each model, R2 of each experiment, (draw, experiment)."""
        return {name: 1 - values / self.total for name, values in self.losses.items()}

    def __str__(self) -> str:
        head = (
            f"{self.file}: {len(self.experiments)} experiments, {len(self.inputs)} "
            f"inputs, {len(self.neurons)} neurons.\n{self.n_observations} activities "
            f"scored; in each experiment the first {self.skip} steps are not.\nEach "
            "experiment predicted from the others, R2, the median over\n"
            f"{len(self.theta)} draw(s) of the initial weights; and over experiments "
            "the median\n(worst to best):\n"
        )
        scores = {}
        for name, r2 in self.r2.items():
            each, diverged = np.median(r2, axis=0), int((~np.isfinite(r2)).sum())
            scores[name] = (
                f"{np.median(each):6.2f} ({each.min():.2f} to {each.max():.2f})"
                + f"; diverged in {diverged} of {r2.size}" * (diverged > 0)
            )
        others = [
            " ".join(f"{value:.2f}" for value in each) or "none"
            for each in self.theta[1:].T
        ]
        rest = scores, "and for other draws", others
        return head + text(self, "experiment", "hundredths of R2", *rest)


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
) -> ActivityReport:
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
    data = _hide(recording.experiment, early[None, :, None])
    total = _total_sum_of_squares(data, recording)
    orders = Orders(x=2, y=2, w=2, r=int("r" in "".join(terms)))
    models = _models(orders, terms, network, restarts, data)
    key_boot, *keys = jr.split(key, 1 + draws)
    results = []
    for one in keys:
        key_w0, key_fit = jr.split(one)
        drawn = redraw_w0(key_w0, data, w0_std)
        drawn = drawn._replace(w0=drawn.w0 + data.w0)
        *keys_fit, key_all = jr.split(key_fit, 4)
        found = analyse((key_all, *keys_fit), models, RULE, drawn)
        results.append((_with_all_terms(found, orders, network, drawn), drawn))
    (first, drawn), free = results[0], models[RULE].optimizer.free
    losses = {
        name: np.stack([found.losses[name] for found, _ in results])
        for name in first.losses
    }
    mean = {name: values.mean(0) for name, values in losses.items()}
    typical = int(np.argsort(first.losses[RULE] / total)[len(total) // 2])
    return ActivityReport(
        recording.file,
        recording.sha256,
        recording.experiments,
        recording.inputs,
        recording.neurons,
        int(count_observations(data).sum()),
        skip,
        losses,
        total,
        gains(key_boot, mean, RULE, total),
        tuple(term_names(orders)[k] for k in free),
        np.stack([np.ravel(found.theta)[list(free)] for found, _ in results]),
        first.interval,
        {
            name: {how: sum(f.fits[name][how] for f, _ in results) for how in counts}
            for name, counts in first.fits.items()
        },
        _example(recording, typical, first, models[RULE], drawn),
    )


def _models(orders, terms, network, restarts, data: Experiment) -> dict[str, Model]:
    """What is compared, besides doing nothing and all terms."""
    rule, no_change = taylor(orders, terms, scale=0.1), jnp.zeros_like(data.w0[0])
    loss = objective(rule, likelihoods.activity, network=network)
    simpler = [term for term in terms if "w" not in term]
    models = {FIXED: Model(fixed_weights(network), lambda _: no_change)}
    if 0 < len(simpler) < len(terms):
        models[WITHOUT] = rule_model(orders, simpler, loss, restarts, 20)
    return models | {RULE: rule_model(orders, terms, loss, restarts, 20)}


def _with_all_terms(found: Found, orders, network, data: Experiment) -> Found:
    """The same with all terms, fitted to all experiments but one from the rule on."""
    how, fits = {"network": network, "max_steps": 10}, []
    for k, fit in enumerate(found.left_out[RULE].fits):
        left_out = jnp.arange(data.x.shape[0]) == k
        others = _hide(data, left_out[:, None, None])
        fits.append(evidence_fit(orders, others, theta0=fit.theta, **how))
    loss = objective(taylor(orders), likelihoods.activity, network=network)
    losses = animal_losses(loss, [fit.theta for fit in fits], data)
    left = sum(not bool(fit.converged) for fit in fits)
    return found._replace(
        losses=found.losses | {ALL: or_infinite(losses)},
        fits=found.fits | {ALL: {"fits": len(fits), "not converged": left}},
    )


def _example(recording: Recording, k: int, found: Found, rule: Model, data) -> Example:
    """An experiment as it was recorded, and predicted from the others."""
    one, fit = jax.tree.map(lambda leaf: leaf[k], data), found.left_out[RULE].fits[k]
    steps = np.asarray(one.valid)
    recorded = np.asarray(recording.experiment.activity)[k][steps]
    predicted = np.asarray(rule.loss.predict(fit.theta, one).y)[steps]
    return Example(recording.experiments[k], recorded, predicted)


def _hide(data: Experiment, hidden) -> Experiment:
    """The same experiments, some of whose activity counts as not recorded."""
    assert data.activity is not None  # a recording has it
    return data._replace(activity=jnp.where(hidden, jnp.nan, data.activity))


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
    activity = np.asarray(_hide(data, ~data.valid[..., None]).activity)
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
