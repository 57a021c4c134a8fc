"""Which rows the tables on noise and missing neurons have: variants, cells, seeds."""

from typing import NamedTuple

import jax
import numpy as np
from table import Table

import plastutor as pt

jax.config.update("jax_enable_x64", True)
NOISES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
CORNERS = ((0.0, 1.0), (1.0, 1.0), (0.0, 0.5), (1.0, 0.5))
RULE = pt.taylor(pt.OJA_ORDERS)
NAMES = pt.term_names(pt.OJA_ORDERS)
ORDER_3 = tuple(name for name in NAMES if name == "one" or len(name) <= 3)  # 17 terms
NO_LOW = tuple(name for name in ORDER_3 if name != "one" and len(name) > 1)  # 13
PANEL_NOISES = (0.0, 0.4, 1.0)
ALTERNATIVES = ("no prior", "equal prior", "fresh inputs", "one step ahead")
ALTERNATIVES += ("growing horizon", "a rule for sure")
EPOCHS = 50


class Setting(NamedTuple):
    """One variant of the study."""

    truth: np.ndarray = pt.OJA
    only: tuple = ORDER_3
    redraw: bool = True  # the student's initial weights are drawn anew
    n_experiments: int = 200
    n_steps: int = 10
    n_pre: int = 50
    n_post: int = 50
    x_std: float = 0.1
    w_std: float = 0.01  # 1 / (n_pre + n_post)

    def experiments(self, key, **options):
        """Experiments with the true rule."""
        names = ("n_experiments", "n_steps", "n_pre", "n_post", "x_std", "w_std")
        sizes = {name: getattr(self, name) for name in names}
        return pt.neural_task(key, RULE, self.truth, **(sizes | options))


def rule(**terms):
    """The coefficients of a true rule."""
    return np.asarray(pt.terms(pt.OJA_ORDERS, **terms))


# True rules that took no part in choosing the prior, and one that changes nothing.
OTHERS = {
    "xy - 0.3w": Setting(truth=rule(xy=1.0, w=-0.3)),
    "3xxy - 0.3w": Setting(truth=rule(xxy=3.0, w=-0.3)),
    "xyy - 0.5xy": Setting(truth=rule(xyy=1.0, xy=-0.5)),
}
NONE = {
    "no rule": Setting(truth=rule()),
    "no rule, known w0": Setting(truth=rule(), redraw=False),
}
VARIANTS = (
    OTHERS
    | NONE
    | {
        "main": Setting(),
        "13 terms": Setting(only=NO_LOW),
        "shared w0": Setting(redraw=False),
        "another rule": Setting(truth=rule(x=0.6, yw=-0.5, xx=1.5)),
        # Outputs do not influence each other: 20 of the 1000 are drawn, and no others.
        "100 to 1000": Setting(
            n_experiments=50,
            n_steps=50,
            n_pre=100,
            n_post=20,
            x_std=0.1**0.5,
            w_std=0.02**0.5,
        ),
    }
)
SIZES = (0.5, 1.5, 5.0)  # of a first-order term, where there is a rule for sure
OPTIONS = {f"margin {m}": {"margin": float(m), "taus": SIZES} for m in (0, 1, 2, 4)}
OPTIONS |= {f"tau {t:g}": {"taus": (t,)} for t in (0.5, 1.5, 5.0, 15.0)}
OPTIONS |= {
    f"rho {r:g}": {"rhos": (r,), "taus": SIZES} for r in (0.003, 0.03, 0.3, 1.0)
}


def each(variant, method, cells, seeds, column="method") -> list[dict]:
    """One setting for each row of some cells."""
    first = {"variant": variant, column: method}
    return [
        first | {"noise": noise, "recorded": recorded, "seed": seed}
        for noise, recorded in cells
        for seed in seeds
    ]


def settings() -> list[dict]:
    """One for each row of the main table."""
    grid = [(noise, recorded) for noise in NOISES for recorded in FRACTIONS]
    edges = [cell for cell in grid if cell[0] == 0 or cell[1] == 1]
    column = [cell for cell in grid if cell[1] == 1]
    rows = each("main", "efficient", column, range(20))
    rows += each("main", "nothing", CORNERS, range(20))
    for method in ("plain", "evidence"):
        rows += each("main", method, edges, range(50))
        rows += each("main", method, [c for c in grid if c not in edges], range(20))
        rows += each("13 terms", method, [*column, *CORNERS[2:]], range(20))
        rows += each("shared w0", method, CORNERS, range(20))
        rows += each("another rule", method, CORNERS, range(20))
        rows += each("100 to 1000", method, CORNERS, range(3))
    for method in ALTERNATIVES:
        rows += each("main", method, CORNERS[1:], range(10))
    panel = [(noise, recorded) for noise in PANEL_NOISES for recorded in (1.0, 0.5)]
    whole = [cell for cell in panel if cell[1] == 1]  # the limit is that of all data
    for variant in (*OTHERS, "another rule"):
        rows += each(variant, "efficient", whole, range(10))
        rows += each(
            variant, "nothing", CORNERS[:1], range(10)
        )  # noise is nothing to it
        more = [c for c in panel if variant in OTHERS or c not in CORNERS]
        for method in ("plain", "evidence"):
            rows += each(variant, method, more, range(10))
    return rows + [
        row
        for variant in NONE
        for method in ("nothing", "evidence")
        for row in each(variant, method, column, range(20))
    ]


def tuning() -> list[dict]:
    """One for each row of the table on tuning."""
    return [
        row
        for variant in ("main", "another rule")
        for option in ("nothing", *OPTIONS)
        for row in each(variant, option, CORNERS[1:], range(100, 110), "option")
    ]


TABLES = [
    Table(
        "robustness",
        rows=settings,
        columns=[
            "status",
            "r2",
            "noise_found",
            "tau",
            "rho",
            "gain",
            "converged",
            *ORDER_3,
            "draws",
            "seconds",
        ],
        batch_over=["seed"],
        again=[
            {"variant": "main", "noise": 1.0, "recorded": 0.5, "seed": 0},
            {"variant": "100 to 1000", "noise": 0.0, "recorded": 1.0, "seed": 0},
            {"method": "efficient", "noise": 1.0, "seed": 0},
        ],
    ),
    Table(
        "robustness_training",
        rows=lambda: [
            {"seed": s, "epoch": e + 1} for s in range(3) for e in range(EPOCHS)
        ],
        columns=["status", *ORDER_3],
        batch_over=["seed", "epoch"],
        again=[{"seed": 0}],
    ),
    Table(
        "robustness_tuning",
        rows=tuning,
        columns=["status", "loss"],
        batch_over=["seed"],
        again=[{"option": option, "seed": 100} for option in ("nothing", "margin 2")],
    ),
]
