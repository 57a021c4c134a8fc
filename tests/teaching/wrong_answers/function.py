"""Mistakes in the exercises on reading a memory."""

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
