"""Mistakes in the exercises on function and on reading a memory."""

import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

WRONG["gabor_coupling"] = {
    "the storage rule itself": (
        lambda d, sharpness: np.exp(sharpness * np.cos(d)) * np.sin(d),
        "gives 0;",
    ),
    "only the second factor": (
        lambda d, sharpness: np.exp(sharpness * np.cos(d)) * np.cos(d),
        "gives 22.4",
    ),
    "the sine not squared": (
        lambda d, sharpness: (
            np.exp(sharpness * np.cos(d)) * (np.cos(d) - sharpness * np.sin(d))
        ),
        "gives -38.9",
    ),
}
WRONG["best_phase"] = {
    "the cue": (lambda cue, prior, noise: cue, "gives 1;"),
    "a mean on a line": (
        lambda cue, prior, noise: noise * cue / (prior + noise),
        "gives 0.952",
    ),
    "the arctangent of the ratio": (
        lambda cue, prior, noise: np.arctan(
            noise * np.sin(cue) / (prior + noise * np.cos(cue))
        ),
        "expected -2.46",
    ),
}
WRONG["weight_noise"] = {
    "the variance": (
        lambda omega, n_patterns: (n_patterns - 1) * np.var(omega),
        "gives 1.25;",
    ),
    "all patterns": (
        lambda omega, n_patterns: np.sqrt(n_patterns * np.var(omega)),
        "gives 1.58",
    ),
    "standard deviations added": (
        lambda omega, n_patterns: (n_patterns - 1) * np.std(omega),
        "gives 4.47",
    ),
}
WRONG["sign_blind_distance"] = {
    "not blind": (
        lambda w, component: ((w - component) ** 2).sum(),
        "gives 2.5",
    ),
    "not squared": (
        lambda w, component: min(
            np.linalg.norm(w - component), np.linalg.norm(w + component)
        ),
        "gives 1.41",
    ),
    "the larger": (
        lambda w, component: max(
            ((w - component) ** 2).sum(), ((w + component) ** 2).sum()
        ),
        "gives 10",
    ),
}
WRONG["alpha_for_rate"] = {
    "the sign": (
        lambda rate_hz, tau_pre, tau_post, gamma, kappa: (
            rate_hz * (kappa * tau_post + gamma * tau_pre) / 1000
        ),
        "gives 0.2",
    ),
    "milliseconds": (
        lambda rate_hz, tau_pre, tau_post, gamma, kappa: (
            -rate_hz * (kappa * tau_post + gamma * tau_pre)
        ),
        "gives -200",
    ),
    "sides mixed up": (
        lambda rate_hz, tau_pre, tau_post, gamma, kappa: (
            -rate_hz * (kappa * tau_pre + gamma * tau_post) / 1000
        ),
        "expected -0.425",
    ),
}
WRONG["share_of_steepest"] = {
    "the length counts": (
        lambda matrix, direction: (
            direction @ matrix @ direction / np.linalg.eigvalsh(matrix)[-1]
        ),
        "gives 2.25",
    ),
    "the curvature itself": (
        lambda matrix, direction: (
            direction @ matrix @ direction / (direction @ direction)
        ),
        "gives 1;",
    ),
    "the share of all": (
        lambda matrix, direction: (
            direction @ matrix @ direction / (direction @ direction) / np.trace(matrix)
        ),
        "gives 0.2;",
    ),
}
