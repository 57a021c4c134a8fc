"""Which rows the table on recurrent networks has: known rules, their data, seeds."""

from table import Table

import plastutor as pt

ORDERS = pt.OJA_ORDERS
TRUE = {"ff": {"xy": 1.0, "yyw": -1.0}, "rec": {"xy": -1.0, "w": -0.5}}
NOISE = 0.05
STEPS = 200
FITTED, ASIDE, NEW = 20, 5, 5  # to fit, to choose the penalty, to judge
ACTIVATIONS = "tanh", "sigmoid"
RATE = 0.05
STRENGTHS = (0.0, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3)  # of the penalty
FIRST = 5, 6  # experiments of the first fit, and its steps of Gauss-Newton
GAUSS_NEWTON_STEPS = {"forced": 2, "free": 2}  # each begins where the last one ended
SEEDS = {1.0: 5, 0.5: 3, 0.25: 3, 0.1: 3}  # for each share of recorded neurons
SIGMOID_SEEDS = 3
W0_STEPS, W0_RIDGE = 50, 1e-3  # of L-BFGS, where initial weights are learned
LADDER_SEEDS = 3
LADDER = ("rule, learned w0", "rule, random w0", "no rule, learned w0", "neither")


def settings() -> list[dict]:
    """One for each row of the table."""
    recovery = [
        {"part": "recorded", "case": "tanh", "recorded": share, "seed": seed}
        for share, seeds in SEEDS.items()
        for seed in range(seeds)
    ]
    rows = [row | {"way": way} for row in recovery for way in GAUSS_NEWTON_STEPS]
    sigmoid = {"part": "recorded", "case": "sigmoid", "recorded": 1.0, "way": "forced"}
    rows += [sigmoid | {"seed": seed} for seed in range(SIGMOID_SEEDS)]
    ladder = {"part": "ladder", "recorded": 1.0, "way": "forced"}
    return rows + [
        ladder | {"case": case, "seed": seed}
        for seed in range(LADDER_SEEDS)
        for case in LADDER
    ]


TABLES = [
    Table(
        "loop",
        rows=settings,
        columns=[
            *("rank_ff", "rank_rec", "r2_ff", "r2_rec", "loss", "loss_true"),
            *("loss_nothing", "strength", "gain", "low", "high"),
            *("theta_ff", "theta_rec"),
        ],
        batch_over=["way", "case"],
        again=[
            {"part": "recorded", "case": "tanh", "recorded": 0.1, "seed": 0},
            {"part": "ladder", "seed": 0},
        ],
    )
]
