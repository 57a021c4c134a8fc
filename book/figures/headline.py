"""The picture on the README and the front page; run it to make headline.svg anew.

Left: Oja's rule from simulated activity. Right: flies, each predicted from the others.
The right panel needs the real flies: it fails, in words, where they cannot be had.
"""

from pathlib import Path

import jax
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import plastutor
from plastutor import flies, plots
from plastutor.fit import fit
from plastutor.gauss_newton import GaussNewton
from plastutor.held_out import leave_one_out
from plastutor.losses import activity_loss, choice_loss, objective
from plastutor.rules import OJA, OJA_ORDERS, Orders, taylor, term_names
from plastutor.tasks import neural_task
from plastutor.types import FLY

HERE = Path(__file__).parent


def oja(ax):
    """All 27 coefficients, from the activity of four neurons."""
    rule = taylor(OJA_ORDERS)
    data = neural_task(jr.key(0), rule, OJA, n_post=4)
    found = fit(
        objective(rule, activity_loss),
        rule.init(jr.key(1)),
        data,
        optimizer=GaussNewton(),
        num_steps=17,
    )
    plots.coefficients(found.theta, term_names(OJA_ORDERS), theta_true=OJA, ax=ax)
    ax.set_title("A rule recovered from activity", weight="bold")
    ax.tick_params(axis="x", labelsize=6)


def forgetting(ax):
    """Percent deviance explained on flies that the fit has not seen."""
    data = flies.experiments(flies.load())
    null = np.log(2) * np.asarray(data.valid.sum(1))
    scores = {"does nothing": 0 * null}
    for name, only in {
        "without\nforgetting": ("one", "x", "r", "xr"),
        "with\nforgetting": ("one", "x", "r", "xr", "w"),
    }.items():
        rule = taylor(Orders(x=1, w=1, r=1), only, scale=0.1)
        loss = objective(rule, choice_loss, network=FLY)
        left_out = leave_one_out(
            jr.key(0),
            loss,
            rule.init,
            data,
            optimizer=GaussNewton(),
            num_steps=26,
            restarts=6,
        )
        scores[name] = 100 * (1 - left_out.losses / null)
    plots.per_animal(scores, ax=ax)
    ax.set_title("Real flies, each predicted from the others", weight="bold")


def main():
    jax.config.update("jax_enable_x64", True)
    plt.style.use(plastutor.style)
    # The same picture gives the same file: no date in it, no random names.
    plt.rcParams["svg.hashsalt"] = "plastutor"
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.3), width_ratios=(3, 2))
    oja(left)
    forgetting(right)
    figure.savefig(HERE / "headline.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
