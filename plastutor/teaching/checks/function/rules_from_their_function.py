"""Checks of Rules from their function."""

import numpy as np

from plastutor.teaching.checks._agreement import check


@check(
    [
        {"w": np.array(w), "component": np.array(c)}
        for c in ([1.0, 0.0], [0.6, -0.8])
        for w in ([2.0, 1.0], [-0.5, 0.5], [0.0, 0.0])
    ],
    "Two squared distances, |w - c|^2 and |w + c|^2; the loss is the smaller one.",
)
def sign_blind_distance(w, component):
    """Is `function(w, component)` the squared distance from plus or minus it?"""
    return min(((w - component) ** 2).sum(), ((w + component) ** 2).sum())


@check(
    [
        {
            "rate_hz": rate,
            "tau_pre": pre,
            "tau_post": post,
            "gamma": gamma,
            "kappa": kappa,
        }
        for rate in (5.0, 12.0)
        for pre, post, gamma, kappa in ((20.0, 20.0, 1.0, 1.0), (10.0, 40.0, 0.5, 2.0))
    ],
    "Solve the equation of the mean field for alpha. kappa goes with tau_post, gamma "
    "with tau_pre, and rates are in spikes a second: time in ms needs a factor.",
)
def alpha_for_rate(rate_hz, tau_pre, tau_post, gamma, kappa):
    """Is `function(rate_hz, tau_pre, ...)` the alpha that settles at this rate?"""
    return -rate_hz * (kappa * tau_post + gamma * tau_pre) / 1000


@check(
    [
        {"matrix": np.array(matrix), "direction": np.array(direction)}
        for matrix in ([[4.0, 0.0], [0.0, 1.0]], [[2.0, 1.0], [1.0, 2.0]])
        for direction in ([0.0, 3.0], [1.0, -1.0])
    ],
    "The curvature along v is v^T H v / v^T v, and the steepest one is the largest "
    "eigenvalue of H.",
)
def share_of_steepest(matrix, direction):
    """Is `function(matrix, direction)` the share of the largest curvature?"""
    along = direction @ matrix @ direction / (direction @ direction)
    return along / np.linalg.eigvalsh(matrix)[-1]
