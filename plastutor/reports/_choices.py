"""Report: the whole analysis of an animal's choices in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.tree_util import Partial
from jaxtyping import PRNGKeyArray

from plastutor import likelihoods
from plastutor._types import Experiment, Rules
from plastutor.data import Choices
from plastutor.evaluate import (
    ModelComparison,
    compare_models,
    fit_population,
    logistic_regression,
    q_learning,
)
from plastutor.infer import GaussNewton
from plastutor.networks import FLY, Network, Parallel, step_size
from plastutor.objectives import objective
from plastutor.reports._analysis import (
    ABSENT,
    Model,
    Predicted,
    check_enough,
    fit_to_all,
    predict_each,
    put_together,
    rule_model,
    some_of,
)
from plastutor.reports._report import BEYOND, HABIT, KERNEL, NOTHING, Matching, Report
from plastutor.rules import Orders, free_terms, taylor, term_names

ORDERS, OF_KERNEL = Orders(x=1, w=1, r=1), Orders(x=1, w=1)
TERMS = ("one", "r", "x", "xr", "w")
FORGETS, DOES_NOT = "with forgetting", "without forgetting"
FULL = FORGETS + KERNEL
ADDED = {  # what is added, and the rules with and without it
    BEYOND: (FULL, DOES_NOT + KERNEL),
    "forgetting, no kernel": (FORGETS, DOES_NOT),
    HABIT: (DOES_NOT + KERNEL, DOES_NOT),
    "kernel, forgetting in both": (FULL, FORGETS),
}
RULES = {  # the terms of the rule, and those of its choice kernel
    DOES_NOT: (TERMS[:-1], ()),
    FORGETS: (TERMS, ()),
    DOES_NOT + KERNEL: (TERMS[:-1], ("x", "w")),
    FULL: (TERMS, ("x", "w")),
    "kernel alone": ((), ("x", "w")),
}


def report_choices(
    key: PRNGKeyArray, choices: Choices, *, network: Network = FLY, restarts: int = 6
) -> Report:
    """Infer a rule from choices, with and without forgetting, and compare.

    Every animal is predicted from all the others, by a plasticity rule with the terms
    one, x, r, x r, without and with the decay term w (Mehta et al. 2024, Eq. 6), and by
    both with a choice kernel beside them: a fading trace of choices, whatever was
    rewarded. Rivals are the kernel alone, win-stay-lose-shift, regression on the last
    ten trials, and Q-learning without and with a kernel.

    Animals that repeat their choices and never forget are predicted better by a rule
    that forgets than by one that does not. So forgetting is claimed only where the
    interval of what it gains lies above zero with the kernel on both sides.

    To predict others, no weight may grow by itself, or lose more than all of itself in
    a trial: a penalty keeps both decays there.

    A rule is then fitted to all animals, with intervals, and to each as one of a
    population: that with forgetting; with a kernel as well where the kernel is claimed
    to add to it. Intervals are symmetric: with few choices the likelihood need not be,
    and the report names coefficients whose interval is lopsided, for which `pt.profile`
    has a better one (`pt.evaluate.uncertainty.end_deviance`).

    Args:
        key: a JAX random key.
        choices: from `read_choices`.
        network: what is fixed about the learner; its `window` is how many rewards the
            expectation is the mean of.
        restarts: starts of each fit.

    Raises:
        ValueError: fewer than three animals.

    >>> import plastutor as pt
    >>> choices = pt.read_choices("my_choices.csv")  # doctest: +SKIP
    >>> print(report_choices(jr.key(0), choices))  # doctest: +SKIP
    """
    check_enough(choices.file, "animal", choices.animals)
    models = _rules(network, restarts, len(choices.options)) | _rivals(restarts)
    key_fit, key_boot, *keys = jr.split(key, 3 + len(models))
    cohort = choices.cohort
    predicted = predict_each(keys, models, FULL, cohort)
    added = _added(key_boot, predicted)
    kernel = added.get("kernel, forgetting in both")
    name = FULL if kernel is not None and kernel.verdict == "better" else FORGETS
    rule, names = _reported(name, network, restarts)
    found = fit_to_all(key_fit, rule, predicted, cohort)
    population = fit_population(rule.loss, found.theta, cohort)
    own = choices.options, name, added, *_shares(found.data), population
    source = choices.file, choices.sha256, choices.animals
    rest = FULL, names, found.losses[NOTHING], Matching(*own)
    return put_together(key_boot, source, [found], *rest)


def _parallel(network: Network):
    """The rule with forgetting and a kernel, and the network that learns by it."""
    rules = {
        "ff": taylor(ORDERS, TERMS, scale=0.1),
        "kernel": taylor(OF_KERNEL, RULES[FULL][1], scale=0.1),
    }
    return Rules(rules), Parallel(tuple(rules), network)


def _rules(network: Network, restarts: int, n_options: int) -> dict[str, Model]:
    """The rules with and without forgetting and a kernel: one program for all."""
    rules, parallel = _parallel(network)
    loss = some_of(objective(rules, likelihoods.choice, network=parallel))
    loss = replace(loss, penalty=_decaying(step_size(network, n_options)))
    how = restarts, GaussNewton(), 25
    models = {}
    for name, (own, of_kernel) in RULES.items():
        there = {
            "ff": free_terms(ORDERS, own) > 0,
            "kernel": free_terms(OF_KERNEL, of_kernel) > 0,
        }
        models[name] = Model(loss, partial(_start, rules.init, there), *how)
    return models


@lru_cache  # equal penalties are one object
def _decaying(share: float) -> Partial:
    """A penalty where a trial takes less than none of a weight, or more than all.

    Weights that grow without bound may predict the animals that were fitted, and
    another one infinitely badly.
    """
    return Partial(_outside, share)


def _outside(share, theta):
    of_w = jnp.stack([part[0, 0, 1, 0] for part in theta.values()])
    decay = jnp.where(of_w < ABSENT / 2, -share * of_w, 0)
    return 10 * (jax.nn.relu(-decay) ** 2 + jax.nn.relu(decay - 1) ** 2).sum()


def _rivals(restarts: int) -> dict[str, Model]:
    """Regressions on past trials, and learners of values: one program for these."""
    newton = GaussNewton()
    history = [logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)]
    learner, draw = q_learning(kernel=True), partial(jr.normal, shape=(5,))
    no_kernel = np.array(["kernel" not in name for name in learner.predict.names])
    how = max(restarts, 6), newton, 25
    return {
        "win-stay-lose-shift": Model(
            logistic_regression(1), partial(_zeros, 2), 1, newton, 8
        ),
        "last ten trials": Model(history, partial(_zeros, 20), 1, newton, 6),
        "Q-learning": Model(some_of(learner), partial(_start, draw, no_kernel), *how),
        "Q-learning" + KERNEL: Model(some_of(learner), draw, *how),
    }


def _start(init: Callable, there, key):
    """A start in which only some coefficients are there."""
    return jax.tree.map(lambda v, is_: jnp.where(is_, v, ABSENT), init(key), there)


def _zeros(size, key):
    return jnp.zeros(size)


def _added(key, predicted: Predicted) -> dict[str, ModelComparison]:
    """What forgetting and a kernel add, where all predictions are finite."""
    losses, found = predicted.losses, {}
    for name, (one, other) in ADDED.items():
        both = losses[one], losses[other]
        if np.isfinite(both).all():
            found[name] = compare_models(key, *both, losses[NOTHING])
    return found


def _reported(name: str, network: Network, restarts: int):
    """The rule whose coefficients are reported, and names of all that it has."""
    names = term_names(ORDERS)
    if name == FORGETS:
        how = likelihoods.choice, network, restarts, 30
        return rule_model(ORDERS, TERMS, *how), names
    rules, parallel = _parallel(network)
    loss = objective(rules, likelihoods.choice, network=parallel)
    names = names + [f"kernel {term}" for term in term_names(OF_KERNEL)]
    return Model(loss, rules.init, restarts, GaussNewton(), 30), names


def _shares(data: Experiment) -> tuple[np.ndarray, np.ndarray]:
    """The share of each option in the rewards and choices of each experiment."""
    assert data.options is not None  # choices have options
    chosen = np.asarray(data.choice)[..., None] == np.arange(data.options.shape[-2])
    chosen &= np.asarray(data.valid)[..., None]
    reward = np.asarray(data.reward)[..., None] * chosen
    reward = np.maximum(reward, 0)  # a punishment is no part of the rewards
    with np.errstate(invalid="ignore", divide="ignore"):  # there may be no reward
        return tuple(n.sum(1) / n.sum((1, 2))[:, None] for n in (reward, chosen))
