"""Which rows the table on memory has: codes, ways of reading, numbers of patterns."""

import jax
import jax.numpy as jnp
from table import Table

from plastutor import memory

jax.config.update("jax_enable_x64", True)  # rounding grows through a hundred updates

NEURONS, NETWORKS, RECALLS = 200, 5, 20
PHASE = memory.VonMises(0.0, 0.5), memory.VonMises(0.0, 10.0)  # prior, noise of a cue
RATE = memory.Gaussian(0.0, 1.0), memory.Gaussian(0.0, 1.0)
WRITTEN, OTHER = memory.Gabor(), memory.Gabor(phase=jnp.pi / 2)
INFLATE = 10.0  # the variance of a weight, where patterns are on a line

WAYS = {
    "phase": ("cue and prior", "recall", "no self term", "wrong coupling"),
    "rate": ("cue and prior", "recall", "inflated", "subspace"),
    "learned": ("cue and prior", "Gabor", "start", "learned"),
}
PATTERNS = {"phase": (2, 5, 10, 20, 40, 80), "rate": (5, 10, 20), "learned": (4,)}

# A storage rule learned through store and recall: a small network, fresh patterns.
SMALL, BATCH, STEPS, UPDATES = 40, 6, 20, 100
LEARNING_RATE, LARGEST = 0.05, 1.0  # of Adam, which ends at zero; of a gradient
ORDER, SCALE = 4, 0.3  # of the Fourier series, and of its coefficients at the start
HELD_OUT = 40  # networks with patterns of their own


def settings() -> list[dict]:
    """One for each row of the table."""
    return [
        {"code": code, "patterns": m, "way": way, "network": k}
        for code, ways in WAYS.items()
        for m in PATTERNS[code]
        for way in ways
        for k in range(NETWORKS)
    ]


TABLES = [
    Table(
        "recall",
        rows=settings,
        columns=["status", "rms", "cosines", "sines"],
        batch_over=["way"],
        again=[
            {"code": "phase", "patterns": 10, "network": 0},
            {"code": "rate", "patterns": 10, "network": 0},
            {"code": "learned", "network": 0},
        ],
    )
]
