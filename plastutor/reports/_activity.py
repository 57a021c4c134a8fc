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
from plastutor._experiments import hide
from plastutor._types import Experiment
from plastutor.data import Recording
from plastutor.evaluate import (
    ModelComparison,
    animal_losses,
    cluster_robust_interval,
    compare_models,
    count_observations,
    fixed_weights,
    leave_one_out,
    null_theta,
)
from plastutor.infer import GaussNewton, evidence_fit, fit_restarts
from plastutor.networks import RECORDED, Network
from plastutor.objectives import objective
from plastutor.rules import Orders, free_indices, taylor, term_names
from plastutor.tasks import redraw_w0

NOTHING, FIXED, WITHOUT = "does nothing", "fixed weights", "rule without w"
RULE, ALL = "rule", "all terms"
SAME = 0.01  # starts whose losses differ by less than this share reached the same


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
        r2: for each model, R2 of the activity of each experiment, predicted from the
            others, (draw, experiment); -inf where a fitted rule diverged.
        comparisons: for each other model, what the rule gains on it, in hundredths of
            R2, over all experiments.
        terms: the terms of the rule.
        theta: their coefficients in a fit to all experiments, (draw, term).
        interval: their 95 % intervals over experiments for the first draw, the lower
            and the upper ends; NaN with too few experiments.
        fits: how many fits of the rule were started, how many of these diverged, and
            how many reached the lowest loss of those with the same data; how many fits
            of all terms there were, and how many had not converged.
        example: a held-out experiment with the median R2, of the first draw.
    """

    file: str
    sha256: str
    experiments: tuple[str, ...]
    inputs: tuple[str, ...]
    neurons: tuple[str, ...]
    n_observations: int
    skip: int
    r2: dict[str, np.ndarray]
    comparisons: dict[str, ModelComparison]
    terms: tuple[str, ...]
    theta: Float[np.ndarray, "draw term"]
    interval: Float[np.ndarray, "2 term"]
    fits: dict[str, int]
    example: Example

    def __str__(self) -> str:
        draws = self.theta.shape[0]
        lines = [
            f"{self.file}: {len(self.experiments)} experiments, "
            f"{len(self.inputs)} inputs, {len(self.neurons)} neurons.",
            f"{self.n_observations} activities scored; in each experiment the first "
            f"{self.skip} steps are not.",
            "Each experiment predicted from the others, R2, the median over",
            f"{draws} draw(s) of the initial weights; and over experiments the median",
            "(worst to best):",
        ]
        for name, r2 in self.r2.items():
            diverged = int((~np.isfinite(r2)).sum())
            each = np.median(r2, axis=0)
            lines += [
                f"  {name:15s} {np.median(each):6.2f}"
                f"  ({each.min():.2f} to {each.max():.2f})"
                + f"; diverged in {diverged} of {r2.size}"
                * (diverged > 0)
            ]
        lines += ["The rule gains on them, in R2 (95 % over experiments):"]
        for name, one in self.comparisons.items():
            gain, low, high = np.array([one.gain, *one.interval]) / 100
            lines += [
                f"  {name:15s} {gain:6.3f} ({low:.3f} to {high:.3f}), {one.verdict}"
            ]
        lines += ["Its coefficients (95 % over experiments), and for other draws:"]
        for k, term in enumerate(self.terms):
            low, high = self.interval[:, k]
            others = " ".join(f"{value:.2f}" for value in self.theta[1:, k]) or "none"
            within = f"({low:.2f} to {high:.2f})"
            lines += [f"  {term:4s} {self.theta[0, k]:6.2f} {within}; {others}"]
        if np.isnan(self.interval).any():
            lines += [
                f"  No intervals: they need more than {len(self.terms)} experiments."
            ]
        lines += ["Fits:", *(f"  {name} {n}" for name, n in self.fits.items())]
        return "\n".join(lines)


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
    orders = Orders(x=2, y=2, w=2, r=int("r" in "".join(terms)))
    models = _Models(orders, terms, network, restarts)
    early = jnp.arange(recording.experiment.x.shape[1]) < skip
    data = hide(recording.experiment, early[None])
    total = _total_sum_of_squares(data, recording)
    key_boot, *keys = jr.split(key, 1 + draws)
    results = []
    for one in keys:
        key_w0, key_fit = jr.split(one)
        drawn = redraw_w0(key_w0, data, w0_std)
        drawn = drawn._replace(w0=drawn.w0 + data.w0)
        results.append(models.fit(key_fit, drawn))
    first, names = results[0], list(results[0].losses)
    squares = {name: np.stack([r.losses[name] for r in results]) for name in names}
    mean = {name: values.mean(0) for name, values in squares.items()}
    steps = np.asarray(data.valid)
    typical = int(np.argsort(first.losses[RULE] / total)[len(total) // 2])
    return ActivityReport(
        recording.file,
        recording.sha256,
        recording.experiments,
        recording.inputs,
        recording.neurons,
        int(count_observations(data).sum()),
        skip,
        {name: 1 - values / total for name, values in squares.items()},
        {
            name: compare_models(key_boot, mean[RULE], mean[name], total)
            for name in names
            if name != RULE and np.isfinite([mean[RULE], mean[name]]).all()
        },
        models.terms,
        np.stack([r.theta for r in results]),
        first.interval,
        {name: sum(r.fits[name] for r in results) for name in first.fits},
        Example(
            recording.experiments[typical],
            np.asarray(recording.experiment.activity)[typical][steps[typical]],
            first.predicted[typical][steps[typical]],
        ),
    )


class _Result(NamedTuple):
    """What the models made of one draw of the initial weights."""

    losses: dict[str, np.ndarray]
    theta: np.ndarray
    interval: np.ndarray
    fits: dict[str, int]
    predicted: np.ndarray  # the activity of each experiment by the rule from the others


class _Models:
    """The models that are compared; made once, so that each is compiled once."""

    def __init__(self, orders, terms, network, restarts):
        self.orders, self.network, self.restarts = orders, network, restarts
        self.free = free_indices(orders, terms)
        self.terms = tuple(term_names(orders)[k] for k in self.free)
        self.rule = self._with(self.terms)
        self.simpler = self._with([t for t in self.terms if "w" not in t])
        self.all = objective(taylor(orders), likelihoods.activity, network=network)
        self.fixed = fixed_weights(network)

    def _with(self, terms):
        """A rule with these terms, and its loss."""
        rule = taylor(self.orders, terms, scale=0.1)
        return rule, objective(rule, likelihoods.activity, network=self.network)

    def _leave_one_out(self, key, model, data):
        rule, loss = model
        how = {"restarts": self.restarts, "optimizer": GaussNewton(), "max_steps": 20}
        return leave_one_out(key, loss, rule.init, data, **how)

    def fit(self, key, data: Experiment) -> _Result:
        keys = jr.split(key, 4)
        rule, loss = self.rule
        nothing, no_change = null_theta(rule.init(keys[0])), jnp.zeros_like(data.w0[0])
        losses = {NOTHING: animal_losses(loss, nothing, data)}
        losses[FIXED] = leave_one_out(
            keys[0], self.fixed, lambda _: no_change, data, restarts=1
        ).losses
        if self.simpler[0].free and self.simpler[0].free != self.free:
            losses[WITHOUT] = self._leave_one_out(keys[1], self.simpler, data).losses
        held_out = self._leave_one_out(keys[2], self.rule, data)
        losses[RULE] = held_out.losses
        thetas = [fit.theta for fit in held_out.fits]
        full = [self._all_terms(k, theta, data) for k, theta in enumerate(thetas)]
        losses[ALL] = animal_losses(self.all, [fit.theta for fit in full], data)
        how = {"restarts": self.restarts, "optimizer": GaussNewton(), "max_steps": 30}
        best = fit_restarts(keys[3], loss, rule.init, data, **how).theta
        interval = np.full((2, len(self.free)), np.nan)
        if len(thetas) > len(self.free):
            interval = np.array(cluster_robust_interval(loss, best, data))
        lowest = held_out.restarts.min(1, keepdims=True)
        same = np.isfinite(lowest) & (held_out.restarts <= (1 + SAME) * lowest)
        diverged = np.array(held_out.status) == "diverged"
        return _Result(
            {name: np.where(np.isfinite(v), v, np.inf) for name, v in losses.items()},
            np.asarray(best).ravel()[list(self.free)],
            interval,
            {
                "of the rule": diverged.size,
                "diverged": int(diverged.sum()),
                "at the lowest loss": int(same.sum()),
                "of all terms": len(full),
                "not converged": sum(not bool(one.converged) for one in full),
            },
            np.asarray(jax.vmap(loss.predict)(jnp.stack(thetas), data).y),
        )

    def _all_terms(self, k, theta, data):
        """All terms, fitted to all experiments but one."""
        left_out = jnp.arange(data.x.shape[0]) == k
        how = {"theta0": theta, "network": self.network, "max_steps": 10}
        return evidence_fit(self.orders, hide(data, left_out[:, None]), **how)


def _checked(recording: Recording, skip, known: bool, draws: int) -> tuple[int, int]:
    """The steps not to score and the draws, or a sentence on what is too few."""
    names = recording.experiments
    if len(names) < 3:
        raise ValueError(
            f"{recording.file} has {len(names)} experiment(s), {', '.join(names)}; "
            "expected at least 3, since each is predicted from the others. Cut a long "
            "recording into pieces: other names in the column `experiment`."
        )
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
