"""Checks of noise and missing neurons."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from plastutor.teaching.checks._agreement import agrees


def more_experiments(function: Callable) -> bool:
    """Is `function(factor)` how many times the experiments make up for the noise?"""
    return agrees(
        function,
        lambda factor: factor**2,
        [{"factor": factor} for factor in (2.0, 3.0, 0.5)],
        "The error of a mean is the noise over the square root of their number.",
    )


def noise_level(function: Callable) -> bool:
    """Is `function(activity, predicted)` the noise level, whatever is NaN?"""
    draws, cases = np.random.default_rng(0), []
    for shape in ((4, 3), (30, 2)):
        predicted = draws.uniform(size=shape)
        activity = predicted + 0.3 * draws.normal(size=shape)
        activity[:, 1] = np.nan
        cases.append({"activity": activity, "predicted": predicted})

    def reference(activity, predicted):
        return np.sqrt(np.nanmean((activity - predicted) ** 2))

    hint = "Cells that were not recorded are NaN: np.nanmean leaves them out."
    return agrees(function, reference, cases, hint)


def _linear_models() -> list[dict]:
    """Curvature, gradient, prior and noise of two small linear models."""
    draws, cases = np.random.default_rng(1), []
    for n in (1, 3):
        j = draws.normal(size=(n, 20))
        theta, prior = draws.normal(size=n), draws.uniform(0.2, 1.0, n)
        gradient = j @ (theta @ j + 0.5 * draws.normal(size=20))
        cases.append(dict(hessian=j @ j.T, gradient=gradient, prior=prior, noise=0.5))
    return cases


def posterior_mean(function: Callable) -> bool:
    """Is `function(hessian, gradient, prior, noise)` the posterior mean of theta?"""

    def reference(hessian, gradient, prior, noise):
        precision = hessian / noise**2 + np.diag(1 / prior**2)
        return np.linalg.solve(precision, gradient / noise**2)

    hint = "Data and prior each bring a precision, one over a variance; they add up."
    return agrees(function, reference, _linear_models(), hint)


def log_evidence(function: Callable) -> bool:
    """Is `function(hessian, gradient, prior, noise)` log-evidence, to a constant?"""

    def reference(hessian, gradient, prior, noise):
        precision = hessian / noise**2 + np.diag(1 / prior**2)
        mean = np.linalg.solve(precision, gradient / noise**2)
        spread = np.linalg.slogdet(precision)[1] + 2 * np.log(prior).sum()
        return gradient @ mean / (2 * noise**2) - spread / 2

    hint = "Half gradient @ mean / noise^2, less half the log of |precision| |prior|^2."
    return agrees(function, reference, _linear_models(), hint)
