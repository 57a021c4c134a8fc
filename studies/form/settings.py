"""Which rows the table on reading networks has: true rules, ways to read, seeds."""

import jax
from table import Table

jax.config.update("jax_enable_x64", True)
RULES = {
    "xy - yyw": {"xy": 1.0, "yyw": -1.0},
    "xy - 0.3w": {"xy": 1.0, "w": -0.3},
    "xx - 0.5yw": {"xx": 1.0, "yw": -0.5},
}
WAYS = ("visited", "more states", "held out")
SEEDS = 20  # data sets, one network of each
STEPS = 120  # of L-BFGS
MORE = 50  # experiments without recordings, whose states are visited too
SIZES = {"n_experiments": 10, "n_pre": 100, "n_post": 2}


def settings() -> list[dict]:
    """One for each row."""
    return [
        {"rule": rule, "way": way, "seed": seed}
        for rule in RULES
        for seed in range(SEEDS)
        for way in WAYS
    ]


TABLES = [
    Table(
        "form",
        rows=settings,
        columns=["status", "true_pair", "found", "r2", "seconds"],
        batch_over=["way"],
        again=[{"rule": "xy - yyw", "seed": 0}],
    )
]
