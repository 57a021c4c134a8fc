"""Rules as text, as the paper's tables have them: "xr - 0.05 w"."""

import re

import numpy as np

import plastutor as pt


def parse(label: str) -> list[tuple[str, float]]:
    """The terms of a rule in the order of its label: "xr - 0.05 w"."""
    found = re.findall(r"([+-]?)\s*([\d.]*)\s*([a-z]+)", label)
    return [(term, float(sign + (size or "1"))) for sign, size, term in found]


def as_printed(label: str) -> dict[str, float]:
    """What a label says: a term that is there twice counts twice."""
    rule: dict[str, float] = {}
    for term, value in parse(label):
        rule[term] = rule.get(term, 0.0) + value
    return rule


def as_simulated(label: str) -> dict[str, float]:
    """What the paper's code made of a label.

    It read the powers in the order r, w, y, x, so that x and r, and y and w changed
    places; and a term that is there twice was written over, not added.
    """
    swapped = str.maketrans("xywr", "rwyx")
    return {
        term
        if term == "one"
        else "".join(sorted(term.translate(swapped), key="xywr".index)): value
        for term, value in parse(label)
    }


def text(rule: dict[str, float]) -> str:
    """A rule as a label, for `parse`.

    >>> text({"xr": 1.0, "w": -0.05})
    'xr - 0.05 w'
    """
    parts = []
    for term, value in rule.items():
        size = f"{abs(value):.3g}"
        parts += ["-" if value < 0 else "+", term if size == "1" else f"{size} {term}"]
    joined = " ".join(parts)
    return joined[2:] if joined.startswith("+") else joined.replace("- ", "-", 1)


def theta_of(label: str) -> np.ndarray:
    """The coefficients of a rule."""
    return np.asarray(
        pt.terms(pt.BEHAVIOUR_ORDERS, dtype="float32", **as_printed(label))
    )


def true_rules() -> list[str]:
    """Every rule of the paper's tables, as really simulated and as printed, once."""
    labels = [row["rule"] for row in pt.load_results("mehta_2024_rewards")[1]]
    both = (
        text(read(label)) for read in (as_simulated, as_printed) for label in labels
    )
    return list(dict.fromkeys(both))
