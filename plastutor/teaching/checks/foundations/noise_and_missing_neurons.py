"""Checks of noise and missing neurons."""

import numpy as np

from plastutor.teaching.checks._agreement import check


def _recordings() -> list[dict]:
    """Predicted activity, and what was recorded of it with noise; a neuron is NaN."""
    draws, cases = np.random.default_rng(0), []
    for shape in ((4, 3), (30, 2)):
        predicted = draws.uniform(size=shape)
        activity = predicted + 0.3 * draws.normal(size=shape)
        activity[:, 1] = np.nan
        cases.append({"activity": activity, "predicted": predicted})
    return cases


def _linear_models() -> list[dict]:
    """Curvature, gradient, prior and noise of two small linear models."""
    draws, cases = np.random.default_rng(1), []
    for n in (1, 3):
        j = draws.normal(size=(n, 20))
        theta, prior = draws.normal(size=n), draws.uniform(0.2, 1.0, n)
        gradient = j @ (theta @ j + 0.5 * draws.normal(size=20))
        cases.append(dict(hessian=j @ j.T, gradient=gradient, prior=prior, noise=0.5))
    return cases


def _posterior(hessian, gradient, prior, noise):
    """Precision and mean of theta."""
    precision = hessian / noise**2 + np.diag(1 / prior**2)
    return precision, np.linalg.solve(precision, gradient / noise**2)


@check(
    [{"factor": factor} for factor in (2.0, 3.0, 0.5)],
    "The error of a mean is the noise over the square root of their number.",
)
def more_experiments(factor):
    """Is `function(factor)` how many times the experiments make up for the noise?"""
    return factor**2


@check(
    _recordings(), "Cells that were not recorded are NaN: np.nanmean leaves them out."
)
def noise_level(activity, predicted):
    """Is `function(activity, predicted)` the noise level, whatever is NaN?"""
    return np.sqrt(np.nanmean((activity - predicted) ** 2))


@check(
    _linear_models(),
    "Data and prior each bring a precision, one over a variance; they add up.",
)
def posterior_mean(hessian, gradient, prior, noise):
    """Is `function(hessian, gradient, prior, noise)` the posterior mean of theta?"""
    return _posterior(hessian, gradient, prior, noise)[1]


@check(
    _linear_models(),
    "Half gradient @ mean / noise^2, less half the log of |precision| |prior|^2.",
)
def log_evidence(hessian, gradient, prior, noise):
    """Is `function(hessian, gradient, prior, noise)` log-evidence, to a constant?"""
    precision, mean = _posterior(hessian, gradient, prior, noise)
    spread = np.linalg.slogdet(precision)[1] + 2 * np.log(prior).sum()
    return gradient @ mean / (2 * noise**2) - spread / 2
