"""The picture on the README and the front page; run it to make headline.svg anew.

Left: Oja's rule from simulated activity. Right: flies, each predicted from the others.
The right panel needs the real flies: it fails, in words, where they cannot be had.
"""

from pathlib import Path

import jax
import jax.random as jr
import matplotlib.pyplot as plt
import numpy as np

import plastutor as pt

HERE = Path(__file__).parent


def oja(ax):
    """All 27 coefficients, from the activity of four neurons."""
    rule = pt.taylor(pt.OJA_ORDERS)
    data = pt.neural_task(jr.key(0), rule, pt.OJA, n_post=4)
    found = pt.fit(
        pt.objective(rule, pt.activity),
        rule.init(jr.key(1)),
        data,
        optimizer=pt.GaussNewton(),
        max_steps=17,
    )
    pt.plot.coefficients(
        found.theta, pt.term_names(pt.OJA_ORDERS), theta_true=pt.OJA, ax=ax
    )
    ax.set_title("A rule recovered from activity", weight="bold")
    ax.tick_params(axis="x", labelsize=6)


def forgetting(ax):
    """Percent deviance explained on flies that the fit has not seen."""
    data = pt.data.flies.experiments(pt.data.flies.load())
    null = np.log(2) * np.asarray(data.valid.sum(1))
    scores = {"does nothing": 0 * null}
    for name, only in {
        "without\nforgetting": ("one", "x", "r", "xr"),
        "with\nforgetting": ("one", "x", "r", "xr", "w"),
    }.items():
        rule = pt.taylor(pt.Orders(x=1, w=1, r=1), only, scale=0.1)
        loss = pt.objective(rule, pt.choice, network=pt.FLY)
        left_out = pt.leave_one_out(
            jr.key(0),
            loss,
            rule.init,
            data,
            optimizer=pt.GaussNewton(),
            max_steps=26,
            restarts=6,
        )
        scores[name] = 100 * (1 - left_out.losses / null)
    pt.plot.per_animal(scores, ax=ax)
    ax.set_title("Real flies, each predicted from the others", weight="bold")


def main():
    jax.config.update("jax_enable_x64", True)
    plt.style.use(pt.style)
    # The same picture gives the same file: no date in it, no random names.
    plt.rcParams["svg.hashsalt"] = "plastutor"
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.3), width_ratios=(3, 2))
    oja(left)
    forgetting(right)
    figure.savefig(HERE / "headline.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
