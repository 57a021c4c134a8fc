"""Mistakes in the exercises on what to believe."""

import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

WRONG["interval_widening"] = {
    "no root": (lambda c: 1 / (1 - c**2), "gives 5.2632; expected 2.2942"),
    "the wrong way round": (
        lambda c: np.sqrt(1 - c**2),
        "gives 0.4359; expected 2.2942",
    ),
    "c not squared": (lambda c: 1 / np.sqrt(1 - c), "gives 3.1623; expected 2.2942"),
}
WRONG["half_width"] = {
    "as if the others were known": (
        lambda matrix, k: 1.96 / np.sqrt(matrix[k, k]),
        "gives 1.3859; expected 4.4385",
    ),
    "the variance": (
        lambda matrix, k: 1.96 * np.linalg.inv(matrix)[k, k],
        "gives 0.49; expected 0.98",
    ),
    "the whole width": (
        lambda matrix, k: 3.92 * np.sqrt(np.linalg.inv(matrix)[k, k]),
        "gives 1.96; expected 0.98",
    ),
    "the information for its inverse": (
        lambda matrix, k: 1.96 * np.sqrt(matrix[k, k]),
        "gives 3.92; expected 0.98",
    ),
}
WRONG["best_plan"] = {
    "as if the others were known": (
        lambda done, plans, k: int(np.argmax([plan[k, k] for plan in plans])),
        "gives 0; expected 3",
    ),
    "what was done is forgotten": (
        lambda done, plans, k: int(
            np.argmin([np.linalg.inv(plan)[k, k] for plan in plans])
        ),
        "gives 1; expected 3",
    ),
    "the worst": (
        lambda done, plans, k: int(
            np.argmax([np.linalg.inv(done + plan)[k, k] for plan in plans])
        ),
        "gives 2; expected 3",
    ),
    "the first coefficient": (
        lambda done, plans, k: int(
            np.argmin([np.linalg.inv(done + plan)[0, 0] for plan in plans])
        ),
        "gives 1; expected 2",
    ),
}
