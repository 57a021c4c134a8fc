"""How the fits behind a row ended: a row is a result only if they did end."""

import jax
import numpy as np

import plastutor as pt

AT_BOUND = 15  # a logit so large is a rate of 0 or 1, and a weight that is sure
RUNAWAY = 10  # times the loss of no model: the simulated weights have left


def size_of(theta) -> float:
    """The largest number of a theta, whatever its sign."""
    return max(np.abs(leaf).max() for leaf in jax.tree.leaves(theta) if leaf.size)


def ended(every, at_bound: int = 0, lost: int = 0) -> dict:
    """How often the fits that are used ended in which way."""
    said = [f"{every.count(k)} {k}" for k in sorted({*every})]
    said += [f"{at_bound} at a bound"] * bool(at_bound)
    said += [f"{lost} predictions diverge"] * bool(lost)
    return {"status": ", ".join(said)}


def ending(fits: list[pt.Fit], losses=None, null=None) -> dict:
    """The status of a row, and the largest number of any theta behind it.

    With the losses of the flies, and those of no model: how many diverge.
    """
    largest = np.array([size_of(fit.theta) for fit in fits])
    lost = 0 if losses is None else int((~(losses < RUNAWAY * null)).sum())
    status = ended([fit.status for fit in fits], int((largest > AT_BOUND).sum()), lost)
    return {"largest": f"{largest.max():.2f}"} | status
