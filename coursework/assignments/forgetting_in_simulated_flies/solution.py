"""One way to solve it, a part for each empty cell of the notebook."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import plastutor as pt

if Path("data.npz").exists():
    data = dict(np.load("data.npz", allow_pickle=False))


# %%
def choice_probability(theta, choice, reward):
    w, chances, last = np.zeros(2), [], [0.0] * 10
    for chosen, paid in zip(choice, reward, strict=True):
        p = 1 / (1 + np.exp(-0.75 * w))
        chances.append(p[1] / p.sum())
        x, r = 0.75 * np.eye(2)[chosen], paid - np.mean(last)
        dw = sum(
            theta[i, 0, j, k] * x**i * w**j * r**k
            for i in (0, 1)
            for j in (0, 1)
            for k in (0, 1)
        )
        w, last = w + dw / 2, [*last[1:], paid]
    return np.array(chances)


# %%
def time_constant(theta):
    return -2 / theta[0, 0, 1, 0] if theta[0, 0, 1, 0] < 0 else np.inf


# %%
ORDERS, TERMS = pt.Orders(x=1, w=1, r=1), ("one", "x", "r", "xr", "w")
flies = pt.data.choice_experiments(list(data["choice"]), list(data["reward"]))
loss = pt.objective(pt.taylor(ORDERS, TERMS), pt.choice, network=pt.FLY)
found = pt.fit(
    loss,
    pt.terms(ORDERS, xr=1.0, x=0.2, w=-0.1),
    flies,
    optimizer=pt.GaussNewton(),
    max_steps=20,
)
theta = np.asarray(found.theta)

# %%
low, high = pt.evaluate.cluster_robust_interval(loss, jnp.asarray(theta), flies)
of_w = pt.rules.free_indices(ORDERS, TERMS).index(2)
forgets = bool(high[of_w] < 0)
