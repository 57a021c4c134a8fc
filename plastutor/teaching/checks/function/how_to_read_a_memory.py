"""Checks of How to read a memory."""

import numpy as np

from plastutor.teaching.checks._agreement import check


@check(
    [{"d": d, "sharpness": s} for d in (0.0, 0.6, -2.0) for s in (4.0, 1.0)],
    "The product rule: exp(s cos d) has the derivative -s sin d exp(s cos d), and "
    "sin d has cos d.",
)
def gabor_coupling(d, sharpness):
    """Is `function(d, sharpness)` the derivative of exp(sharpness cos d) sin d?"""
    shape = np.exp(sharpness * np.cos(d))
    return shape * (np.cos(d) - sharpness * np.sin(d) ** 2)


@check(
    [
        {"cue": cue, "prior": prior, "noise": noise}
        for cue in (0.0, 1.0, -2.5)
        for prior, noise in ((0.5, 10.0), (2.0, 1.0))
    ],
    "Add two arrows: one of length prior that points to phase 0, one of length noise "
    "that points to the cue. The answer is the phase of their sum, from np.arctan2.",
)
def best_phase(cue, prior, noise):
    """Is `function(cue, prior, noise)` the most probable phase without synapses?"""
    return np.arctan2(noise * np.sin(cue), prior + noise * np.cos(cue))


@check(
    [
        {"omega": np.array(omega), "n_patterns": m}
        for omega in ([1.0, -1.0, 2.0, 0.0], [0.5, 0.5, -1.5])
        for m in (2, 5, 41)
    ],
    "The pattern in question is one of n_patterns, so one fewer is noise. Variances of "
    "independent numbers add; their standard deviations do not.",
)
def weight_noise(omega, n_patterns):
    """Is `function(omega, n_patterns)` the standard deviation that the others leave?"""
    return np.sqrt((n_patterns - 1) * np.var(omega))
