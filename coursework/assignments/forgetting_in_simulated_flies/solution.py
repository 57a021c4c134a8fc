"""One way to solve it, a part for each empty cell of the notebook."""

from pathlib import Path

import jax.random as jr
import numpy as np

import plastutor as pt

if Path("data.npz").exists():
    data = dict(np.load("data.npz", allow_pickle=False))


# %%
def choice_probability(theta, choice, reward):
    w, chances, last = np.zeros((2, 2)), [], [0.0] * 10
    for chosen, paid in zip(choice, reward, strict=True):
        p = 1 / (1 + np.exp(-0.75 * w.sum(0)))
        chances.append(p[1] / p.sum())
        x, r = 0.75 * np.eye(2)[chosen], paid - np.mean(last)
        dw = [
            sum(
                theta[m, i, 0, j, k] * x**i * w[m] ** j * r**k
                for i in (0, 1)
                for j in (0, 1)
                for k in (0, 1)
            )
            for m in (0, 1)
        ]
        w, last = w + np.array(dw) / 2, [*last[1:], paid]
    return np.array(chances)


# %%
def time_constant(theta):
    return -2 / theta[0, 0, 1, 0] if theta[0, 0, 1, 0] < 0 else np.inf


# %%
ORDERS, TERMS = pt.Orders(x=1, w=1, r=1), ("one", "x", "r", "xr", "w")
flies = pt.data.choice_experiments(list(data["choice"]), list(data["reward"]))
newton = pt.GaussNewton()


def model(terms):
    """A rule with these terms and a choice kernel: its loss, and random starts."""
    rules = pt.Rules(
        {
            "ff": pt.taylor(ORDERS, terms, scale=0.5),
            "kernel": pt.taylor(ORDERS, ("x", "w"), scale=0.5),
        }
    )
    network = pt.networks.Parallel(tuple(rules))
    return pt.objective(rules, pt.choice, network=network), rules.init


forgetting, init = model(TERMS)
found = pt.fit_restarts(
    jr.key(0), forgetting, init, flies, restarts=6, optimizer=newton, max_steps=25
)
theta = np.stack([found.theta["ff"], found.theta["kernel"]])

# %%
how = {"optimizer": newton, "max_steps": 8, "restarts": 1}


def start(key):
    """The fit to all flies: that to all but one is near."""
    return found.theta


left_out = [
    pt.leave_one_out(jr.key(1), loss, start, flies, **how).losses
    for loss in (forgetting, model(TERMS[:-1])[0])
]
nothing = np.full(len(flies.choice), np.log(2) * flies.choice.shape[1])
gain = pt.compare_models(jr.key(2), *left_out, nothing)
forgets = gain.interval[0] > 0
