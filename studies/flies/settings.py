"""Which rows the table on flies has: models, seeds, cuts, and the cohorts' rules."""

from typing import NamedTuple

from table import Table

import plastutor as pt

ORDERS = pt.Orders(x=1, w=1, r=1)
FOUR = ("one", "x", "r", "xr")
FIVE = (*FOUR, "w")
TERMS = {
    "x r": ("xr",),
    "x r, w": ("xr", "w"),
    "x, x r, w": ("x", "xr", "w"),
    "x, r, x r, w": ("x", "r", "xr", "w"),
    "4 terms": FOUR,
    "5 terms": FIVE,
    "5 terms, x w": (*FIVE, "xw"),
    "5 terms, w r": (*FIVE, "wr"),
    "8 terms": None,
}
RESTARTS, STEPS = 6, 40
COHORTS = 200
COHORT_FITS = {"restarts": 3, "steps": 26}  # less, for time
HABIT_COHORTS = {"4 terms + kernel": 200, "5 terms + kernel": 200}  # by their rule
HABIT_FITS = {"restarts": 6, "max_steps": 25}
TRACE_COHORTS = {"which trace": 10, "which trace, long": 10}
BLOCKS = ((0.2, 0.8), (0.9, 0.1), (0.2, 0.8))  # the chances of reward, 80 trials each
FOLD_STEPS = 8  # of Gauss-Newton, from a fit to all flies of the cohort
POWER = 60  # cohorts with forgetting of which each fly is predicted from the others
CUTS = [round(0.05 * k, 2) for k in range(2, 20)]


class Setting(NamedTuple):
    """A row: what is done, with which model, and for cohorts the true rule."""

    kind: str
    model: str
    seed: int = 0
    cut: float = 1.0
    one: float = 0.0
    x: float = 0.0
    r: float = 0.0
    xr: float = 0.0
    w: float = 0.0


def settings(theta_true: dict[str, dict[str, float]]):
    """Every row of the table, in order, for these rules of the simulated cohorts."""
    rivals = ["win-stay-lose-shift", "logistic regression", "Q-learning"]
    for name in [*TERMS, *rivals, "chosen by the others"]:
        yield Setting("unseen flies", name)
    for name in ("x r", "x r, w", "4 terms", "5 terms", "5 terms, x w"):
        yield Setting("unseen flies", f"{name}, window 0")
    for window in (3, 5, 7, 15, 20, 30):
        yield Setting("unseen flies", f"5 terms, window {window}")
    for more in ("E", "w0", "stay"):
        yield Setting("unseen flies", f"5 terms + {more}")
    for more in ("E", "stay", "E, stay"):
        yield Setting("unseen flies", f"5 terms, x w + {more}")
    for name in ("5 terms", "5 terms, x w", "5 terms, x w + E, stay"):
        yield Setting("hierarchical", name)
    for seed in range(5):
        for name in ("4 terms", "5 terms", *rivals):
            yield Setting("rewards shuffled", name, seed)
    for cut in CUTS:
        for name in ("x, x r, w", "4 terms", "5 terms", "5 terms, x w"):
            yield Setting("later trials", name, cut=cut)
        yield Setting("later trials, reset", "5 terms", cut=cut)
        yield Setting("later trials, each fly", "5 terms", cut=cut)
        for name in ("x, x r, w", "5 terms"):
            yield Setting("later trials, hierarchical", name, cut=cut)
    for seed in range(COHORTS):
        for kind, terms in theta_true.items():
            yield Setting(f"cohort, {kind}", "5 terms", seed, 1.0, **terms)


class Habit(NamedTuple):
    """A row on habits: a model, what it is held against, or a cohort that learns so."""

    kind: str
    model: str
    against: str = ""
    seed: int = 0


def habit_rows() -> list[dict]:
    """Every row on habits: a kernel beside the rule and its rivals."""
    against = {
        "5 terms": "4 terms",
        "4 terms + kernel": "4 terms",
        "5 terms + kernel": "4 terms + kernel",
        "x, xr, w + kernel, softmax": "x, xr + kernel, softmax",
        "both traces decay": "choice trace decays",
        "Q-learning + kernel": "Q-learning, no forgetting + kernel",
    }
    names = ["4 terms", "5 terms", "4 terms + kernel", "5 terms + kernel"]
    names += ["no reward", "x, r, xr, w", "x, r, xr, w + bias"]
    names += [f"{which} trace decays" for which in ("choice", "reward")]
    names += ["both traces decay", "x, xr, softmax", "x, xr, w, softmax"]
    names += [f"{base} + kernel, softmax" for base in ("x, xr", "x, xr, w")]
    names += ["kernel alone", "Q-learning, no forgetting", "Q-learning"]
    names += ["Q-learning, no forgetting + kernel", "Q-learning + kernel"]
    names += ["Q-learning, no-reward value + kernel", "regression, 20 lags + bias"]
    found = [Habit("unseen flies", name, against.get(name, "")) for name in names]
    found += [Habit("unseen flies", "recurrent network", "", k) for k in range(5)]
    for name in (*names[:4], "5 terms, x w", "both traces decay"):
        found.append(Habit("pooled", name))
    return [one._asdict() for one in found]


def habit_cohorts() -> list[dict]:
    """Every cohort of simulated flies with a habit, or of which one trace fades."""
    found = [
        Habit("cohort", name, "", seed)
        for name, count in HABIT_COHORTS.items()
        for seed in range(count)
    ]
    traces = ["choice trace decays", "reward trace decays"]
    for kind, count in TRACE_COHORTS.items():
        for one, other in (traces, traces[::-1]):
            found += [Habit(kind, one, other, seed) for seed in range(count)]
    return [one._asdict() for one in found]


def rows() -> list[dict]:
    """The rows, for cohorts with the rules of the real flies."""
    from .methods import rules_of_the_flies  # which imports these settings

    return [one._asdict() for one in settings(rules_of_the_flies())]


COLUMNS = ["status", "deviance", "median", "above", "flies", "nats", "reached"]
COLUMNS += [
    "largest",
    "gain",
    "better",
    "p_value",
    "found_w",
    "low_w",
    "high_w",
    "seconds",
]
HABIT_COLUMNS = ["deviance", "low", "high", "above", "nats", "reached", "status"]
GAIN = ["gain", "gain_low", "gain_high", "better", "p_value"]
HABIT_COLUMNS += ["optima", "largest", "steps", *GAIN, "theta", "seconds"]
COHORT_COLUMNS = [*GAIN, *(f"old_{name}" for name in GAIN)]
COHORT_COLUMNS += ["status", "largest", "seconds"]
TABLES = [
    Table(
        "flies",
        rows=rows,
        columns=COLUMNS,
        batch_over=["seed"],
        again=[
            {"kind": "unseen flies", "model": "5 terms"},
            {"kind": "rewards shuffled", "model": "4 terms", "seed": 0},
            {"kind": "cohort, forgetting", "seed": 150},
            {"kind": "cohort, no forgetting", "seed": 7},
            {"cut": 0.5},
        ],
        batch_size=4,
        header={"data": pt.data.flies.CITATION},
    ),
    Table(
        "flies_habit",
        rows=habit_rows,
        columns=HABIT_COLUMNS,
        batch_over=["seed"],
        again=[
            {"kind": "unseen flies", "model": "5 terms + kernel"},
            {"kind": "unseen flies", "model": "Q-learning, no forgetting + kernel"},
        ],
        batch_size=1,
        header={"data": pt.data.flies.CITATION},
    ),
    Table(
        "flies_habit_cohorts",
        rows=habit_cohorts,
        columns=COHORT_COLUMNS,
        batch_over=["seed"],
        again=[
            {"kind": "cohort", "seed": 7},
            {"kind": "which trace", "seed": 7},
        ],
        batch_size=1,
        header={"data": pt.data.flies.CITATION},
    ),
]
