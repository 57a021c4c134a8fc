"""One way to solve it, a part for each empty cell of the notebook."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import plastutor as pt

if Path("data.npz").exists():
    data = dict(np.load("data.npz", allow_pickle=False))


# %%
def loss(theta, x, w0, activity):
    data = pt.make_experiment(x, w0=w0, activity=activity)
    return pt.objective(pt.taylor(pt.OJA_ORDERS), pt.activity)(jnp.asarray(theta), data)


# %%
def explained(theta, x, w0, activity):
    nothing = loss(np.zeros((3, 3, 3, 1)), x, w0, activity)
    return 100 * (1 - loss(theta, x, w0, activity) / nothing)


# %%
recorded = pt.make_experiment(data["x"], w0=data["w0"], activity=data["activity"])
found = pt.evidence_fit(pt.OJA_ORDERS, recorded, max_steps=8)
theta = np.asarray(found.theta)

# %%
sizes, errors = np.abs(theta.ravel()), np.asarray(found.std).ravel()
names = np.array(pt.term_names(pt.OJA_ORDERS))
terms_found = list(names[(sizes > 5 * errors) & (sizes > 0.05)])
