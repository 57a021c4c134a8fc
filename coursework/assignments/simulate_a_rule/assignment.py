"""Simulate a rule: three coefficients, found by simulating and comparing."""

import numpy as np

import plastutor as pt
from coursework.assignments import Task, as_theta, between
from coursework.assignments.recordings import record, weights_explained

TASKS = (
    Task("weight_change", 3, "function"),
    Task("simulate", 4, "function"),
    Task("misfit", 3, "function"),
    Task("theta", 4, "result"),
    Task("divergence", 2, "text"),
    Task("nothing", 2, "text"),
    Task("trade", 2, "text"),
)
SIZES = dict(n_experiments=10, n_steps=40, n_pre=8, n_post=3)
FULL, NONE = 0.98, 0.8


def rule(draw) -> np.ndarray:
    """(a, b, c) of dw = a x y - b y^2 w - c w; one of b and c may be absent."""
    a = draw.one_of("sign", (-1, 1)) * draw.uniform("a", 0.5, 1.5)
    decay = draw.one_of("decay", ("b", "c", "both"))
    b = draw.uniform("b", 0.4, 1.2) if decay != "c" else 0.0
    c = draw.uniform("c", 0.1, 0.4) if decay != "b" else 0.0
    return np.array([a, b, c])


def as_terms(abc):
    """The same rule among the 27 terms of the book."""
    a, b, c = map(float, abc)
    return pt.terms(pt.OJA_ORDERS, xy=a, yyw=-b, w=-c)


def handout(draw) -> dict:
    """Ten recordings: x, w0 and noisy activity."""
    return record(draw.key("data"), as_terms(rule(draw)), noise=0.02, **SIZES)


def weight_change(theta, x, y, w):
    """One step's change of every weight, (pre, post)."""
    a, b, c = theta
    return a * np.outer(x, y) - b * y**2 * w - c * w


def simulate(theta, x, w0):
    """The activity in each step, and the weights after it."""
    w, y_seen, w_seen = w0, [], []
    for now in x:
        y = 1 / (1 + np.exp(-now @ w))
        w = w + weight_change(theta, now, y, w)
        y_seen.append(y)
        w_seen.append(w)
    return np.array(y_seen), np.array(w_seen)


def misfit(theta, x, w0, activity):
    """Mean squared error over what was recorded."""
    y, _ = simulate(theta, x, w0)
    return np.nanmean((y - activity) ** 2)


REFERENCE = {"weight_change": weight_change, "simulate": simulate, "misfit": misfit}


def calls(draw) -> list:
    """Four cases for each function; some activity is NaN, not recorded."""
    drawn = np.random.default_rng(int(draw.uniform("calls", 0, 2**53)))
    cases = []
    for pre, post in ((2, 1), (3, 4), (5, 2), (4, 4)):
        theta = drawn.uniform(-1, 1, 3)
        x, w0 = drawn.normal(size=(6, pre)), drawn.normal(size=(pre, post))
        y, w = drawn.uniform(size=post), drawn.normal(size=(pre, post))
        activity = drawn.uniform(size=(6, post))
        activity[drawn.integers(6), drawn.integers(post)] = np.nan
        cases += [
            ("weight_change", dict(theta=theta, x=x[0], y=y, w=w)),
            ("simulate", dict(theta=theta, x=x, w0=w0)),
            ("misfit", dict(theta=theta, x=x, w0=w0, activity=activity)),
        ]
    return cases


def score(name, value, draw) -> tuple[float, str]:
    """How well theta moves the weights of experiments that nobody was given."""
    theta = as_terms(as_theta(value, (3,)))
    new = record(draw.key("held out"), as_terms(rule(draw)), noise=0.0, **SIZES)
    share = weights_explained(theta, as_terms(rule(draw)), new)
    says = f"of the squared weight error in new experiments, theta explains {share:.1%}"
    return between(share, NONE, FULL), says
