"""Which rows the table on function has, and how large everything is."""

import jax
import numpy as np
import optax
from table import Table

import plastutor as pt

# In evolution the order of rules counts, and rounding must not decide it.
jax.config.update("jax_enable_x64", True)

# One neuron, and its first component.
NEURON = pt.Network(pt.networks.identity, rate=0.02)
RULE = pt.taylor(pt.OJA_ORDERS)

# Three neurons, of which each drives those behind it.
SPECTRUM, UNITS, SETTLE = (1.0, 0.6, 0.35, 0.1, 0.07, 0.05), 3, 3
BEHIND = np.triu(np.ones((UNITS, UNITS), bool), 1)
LAYER = pt.networks.Recurrent(
    activation=pt.networks.identity,
    rates={"ff": 0.03, "rec": 0.06},
    masks={"rec": BEHIND},
    window=0,
)
ALONE = pt.networks.Recurrent(
    activation=pt.networks.identity,
    rates={"ff": 0.03, "rec": 0.0},
    masks={"rec": np.zeros((UNITS, UNITS), bool)},
    window=0,
)
SANGER_RATES = (0.02, 0.03, 0.05, 0.08)  # its best one is the yardstick

# A spiking neuron.
SPIKING = pt.networks.Conductance(rates=0.2, masks=pt.tasks.rate_masks())
EXC, SECONDS, TARGET = 1.2, 6.0, 5.0  # nS of an excitatory synapse; s; Hz
STILL = {"inh": pt.rules.doublet_theta()}  # nothing changes; both traces last 20 ms


def pull(theta):
    """A weak one towards STILL: many rules are as useful, of whatever size."""
    return 0.003 * ((theta["inh"] - STILL["inh"]) ** 2).sum()


# How they are searched.
STEPS, RATE, START, GOALS = 800, 0.01, 0.01, 16
ADAM = optax.chain(
    optax.clip_by_global_norm(1.0),
    optax.adam(optax.cosine_decay_schedule(RATE, STEPS)),
)
POPULATION, GENERATIONS, STEP = 32, 600, 0.05
SPIKING_POPULATION, SPIKING_GENERATIONS, SPIKING_STEP = 12, 80, 0.5
HELD_OUT = 500  # experiments with covariances, or spikes, of their own
EVERY = 10  # steps between two looks at the held-out loss

SEEDS = {"neuron": range(10), "layer": range(5), "spikes": range(5)}
WAYS = {
    "neuron": ("nothing", "Oja", "random", "gradient", "evolution"),
    "layer": ("nothing", "Sanger", "random", "gradient", "no lateral"),
    "spikes": ("nothing", "Vogels", "random", "evolution"),
}


def settings() -> list[dict]:
    """One for each row of the table."""
    return [
        {"task": task, "way": way, "seed": seed}
        for task, ways in WAYS.items()
        for way in ways
        for seed in SEEDS[task]
    ]


TABLES = [
    Table(
        "function",
        rows=settings,
        columns=[
            "status",
            "loss",
            "cosine",
            "rate",
            "mean_field",
            "steps",
            "away",
            "theta",
        ],
        batch_over=["way"],
        again=[{"task": "neuron", "seed": 0}, {"task": "spikes", "seed": 0}],
    )
]
