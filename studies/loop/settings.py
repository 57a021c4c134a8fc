"""Which rows the table on recurrent networks has: known rules, their data, seeds."""

import jax
import jax.numpy as jnp
import numpy as np
from table import Table

import plastutor as pt

jax.config.update("jax_enable_x64", True)
ORDERS = pt.OJA_ORDERS
TRUE = {"ff": {"xy": 1.0, "yyw": -1.0}, "rec": {"xy": -1.0, "w": -0.5}}
NOISE = 0.05
STEPS = 200
FITTED, ASIDE, NEW = 20, 5, 5  # to fit, to choose the penalty, to judge
RATE = 0.05
W_STD = 0.2  # of initial weights that are not known, near that of the true ones
STRENGTHS = (0.0, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)  # of the penalty
FIRST = 5, 6  # experiments of the first fit, and its steps of Gauss-Newton
GAUSS_NEWTON_STEPS = {"forced": 2, "free": 2}  # each begins where the last one ended
SHARES = (1.0, 0.5, 0.25, 0.1)  # of the neurons, recorded
SEEDS = 5  # with all neurons recorded, and of every other part
SEEDS_OF_SHARES = 3

# Initial weights learned with the rule or without: Adam, then Gauss-Newton on the rule.
LADDER = ("rule, learned w0", "rule, random w0", "no rule, learned w0", "neither")
LADDER_FITTED = 10  # experiments
W0_RATE, W0_STEPS, W0_RIDGE = 0.03, {"fit": 150, "new": 100}, 1e-3
SWAP = ("own rules", "ff's rule in rec", "one rule for both", "no rule")

# Excitatory and inhibitory neurons: Oja's rule, and one that keeps the rate at 0.3.
EXCITATORY = np.arange(30) < 20
DALE = pt.networks.Recurrent(
    jax.nn.sigmoid,
    rates=RATE,
    between=("exc", "inh"),
    masks={
        "exc": np.tile(EXCITATORY[:, None], 30),
        "inh": np.tile(~EXCITATORY[:, None], 30),
    },
    signs={"exc": np.ones(30, int), "inh": -np.ones(30, int)},
)
DALE_TRUE = {"exc": {"xy": 1.0, "yyw": -1.0}, "inh": {"xy": -1.0, "x": 0.3}}
DALE_TERMS = (
    "x",
    "y",
    "w",
    "xy",
    "xw",
    "yw",
    "yyw",
    "xyw",
)  # a few: these y are collinear
RAN_AWAY = -100.0  # R2 of changes; below it the weights of a model grow without end
DALE_STEPS = {"forced": 15, "free": 15}  # of Gauss-Newton
# What is fitted; a projection that is not stays as it began, or is not there at all.
DALE_CASES = {
    "both": ("exc", "inh"),
    "inh frozen": ("exc",),
    "inh absent": ("exc",),
    "exc frozen": ("inh",),
    "exc absent": ("inh",),
}

NETWORKS = {
    "tanh": pt.networks.Recurrent(jnp.tanh, rates=RATE),
    "sigmoid": pt.networks.Recurrent(jax.nn.sigmoid, rates=RATE),
}


def row(part, case, seed, way="forced", recorded=1.0, w0="known") -> dict:
    """One row's setting."""
    first = {"part": part, "recorded": recorded, "w0": w0, "seed": seed}
    return first | {"case": case, "way": way}


def settings() -> list[dict]:
    """One for each row of the table."""
    rows = [
        row("recorded", "tanh", seed, way, share)
        for share in SHARES
        for seed in range(SEEDS if share == 1 else SEEDS_OF_SHARES)
        for way in GAUSS_NEWTON_STEPS
    ]
    rows += [
        row("recorded", "tanh", seed, "forced", share, "redrawn")
        for share in SHARES
        for seed in range(SEEDS_OF_SHARES)
    ]
    rows += [row("recorded", "sigmoid", seed) for seed in range(SEEDS)]
    for part, cases in (("ladder", LADDER), ("swap", SWAP)):
        rows += [row(part, case, seed) for seed in range(SEEDS) for case in cases]
    return rows + [
        row("dale", case, seed, "free") for seed in range(SEEDS) for case in DALE_CASES
    ]


TABLES = [
    Table(
        "loop",
        rows=settings,
        columns=[
            *("status", "rank_ff", "rank_rec", "r2_ff", "r2_rec", "loss", "loss_true"),
            *("loss_nothing", "strength", "gain", "low", "high"),
            *("rank_exc", "rank_inh", "r2_exc", "r2_inh"),
            *("theta_ff", "theta_rec", "theta_exc", "theta_inh"),
        ],
        batch_over=["case", "way"],
        again=[
            {"part": "recorded", "recorded": 0.1, "seed": 0},
            {"part": "ladder", "seed": 0},
            {"part": "swap", "seed": 0},
            {"part": "dale", "seed": 0},
        ],
    )
]
