"""One way to solve it, a part for each empty cell of the notebook."""

from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

if Path("data.npz").exists():
    data = dict(np.load("data.npz", allow_pickle=False))


# %%
def weight_change(theta, x, y, w):
    a, b, c = theta
    return a * np.outer(x, y) - b * y**2 * w - c * w


# %%
def simulate(theta, x, w0):
    w, activity, weights = w0, [], []
    for now in x:
        y = 1 / (1 + np.exp(-now @ w))
        w = w + weight_change(theta, now, y, w)
        activity.append(y)
        weights.append(w)
    return np.array(activity), np.array(weights)


# %%
def misfit(theta, x, w0, activity):
    return np.nanmean((simulate(theta, x, w0)[0] - activity) ** 2)


# %%
def residuals(theta):
    inputs = zip(data["x"], data["w0"], strict=True)
    simulated = [simulate(theta, x, w0)[0] for x, w0 in inputs]
    return (np.array(simulated) - data["activity"]).ravel()


starts = [(a, b, c) for a in (-1, 1) for b in (0.2, 0.8) for c in (0.1, 0.3)]
start = min(starts, key=lambda theta: (residuals(theta) ** 2).mean())
theta = least_squares(residuals, start).x
