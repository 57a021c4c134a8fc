"""Which rows the table on e-prop has: tasks, delays, what learns, seeds.

Rates, sizes and the strength of connections were set by hand, on seeds that take no
part here.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.random as jr
from table import Table

import plastutor as pt

jax.config.update("jax_enable_x64", True)  # for the draws; networks are in 32 bits
SEEDS = range(10)
DELAYS = (40, 20)  # steps
N_TRAIN, N_NEW = 1024, 512  # examples to learn from, and new ones


class Task(NamedTuple):
    """What is learned, by how large a layer, and how fast."""

    examples: Callable  # (key, n_examples) -> inputs, classes
    sizes: tuple[int, int, int]  # inputs, neurons, classes
    rates: tuple[float, float, float]  # of w_in, w_out, w_rec
    max_steps: int
    gain_rec: float
    n_answer: int | None = None


class Method(NamedTuple):
    """What learns, and by which gradient."""

    how: str = "bptt"
    random_feedback: bool = False
    connected: bool = True
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)  # of the rates


def patterns(key, n_examples):
    """New patterns, and examples of them."""
    k_patterns, k_examples = jr.split(key)
    made = pt.tasks.spike_patterns(k_patterns)
    return pt.tasks.pattern_task(k_examples, made, n_examples)


def task(name: str, delay: int) -> Task:
    """The task of a row; patterns have no delay."""
    if name == "patterns":
        return Task(patterns, (40, 64, 8), (0.1, 0.03, 0.001), 200, 2.0)
    recall = partial(pt.tasks.recall_task, n_delay=delay)
    return Task(recall, (12, 32, 2), (0.03, 0.03, 0.01), 600, 4.0, 10)


METHODS = {
    "BPTT": Method(),
    "e-prop": Method("eprop"),
    "random feedback": Method("eprop", random_feedback=True),
    "not connected": Method(connected=False),
    "frozen": Method(scale=(0.0, 1.0, 0.0)),  # of all weights only the read-out learns
    # Connections ten times faster, and inputs ten times faster without connections.
    "BPTT, fast": Method(scale=(1.0, 1.0, 10.0)),
    "e-prop, fast": Method("eprop", scale=(1.0, 1.0, 10.0)),
    "not connected, fast": Method(connected=False, scale=(10.0, 1.0, 1.0)),
}
FIVE = [name for name in METHODS if "fast" not in name]


def settings() -> list[dict[str, Any]]:
    """One for each row of the table."""
    cells = [("recall", delay, name) for delay in DELAYS for name in FIVE]
    cells += [("patterns", 0, name) for name in [*FIVE, "BPTT, fast", "e-prop, fast"]]
    cells += [("recall", 40, "not connected, fast")]
    return [
        {"task": name, "delay": delay, "method": method, "seed": seed}
        for name, delay, method in cells
        for seed in SEEDS
    ]


TABLES = [
    Table(
        "eprop",
        rows=settings,
        columns=["status", "accuracy", "loss", "seconds"],
        batch_over=["seed"],
        # Whole batches: another size rounds otherwise, and a spike more or less grows.
        again=[
            {"task": "patterns", "method": "frozen"},
            {"task": "recall", "delay": 20, "method": "BPTT"},
            {"task": "recall", "delay": 40, "method": "e-prop"},
        ],
    )
]
