"""Recover a hidden rule: which of 27 terms made this activity, and how large."""

import numpy as np

import plastutor as pt
from coursework.assignments import Task, as_theta, between
from coursework.assignments.recordings import record, weights_explained

TASKS = (
    Task("loss", 3, "function"),
    Task("explained", 2, "function"),
    Task("theta", 6, "result"),
    Task("terms_found", 3, "result"),
    Task("held_out", 2, "text"),
    Task("noise", 2, "text"),
    Task("alike", 2, "text"),
)
SIZES = dict(n_experiments=30, n_steps=30, n_pre=10, n_post=5)
FULL, NONE = 0.98, 0.8


def rule(draw) -> np.ndarray:
    """Growth by the input, one decay, and for some students one term more."""
    sign = draw.one_of("sign", (-1, 1))
    found = {"xy": sign * draw.uniform("growth", 0.5, 1.2)}
    found[draw.one_of("decay", ("w", "yyw"))] = -draw.uniform("decay size", 0.3, 0.7)
    extra = draw.one_of("extra", ("", "x", "one"))
    if extra:
        size = draw.uniform("extra size", 0.15, 0.35)
        found[extra] = draw.one_of("extra sign", (-1, 1)) * size
    return np.asarray(pt.terms(pt.OJA_ORDERS, **found))


def handout(draw) -> dict:
    """Thirty recordings: x, w0 and noisy activity."""
    return record(draw.key("data"), rule(draw), noise=0.01, **SIZES)


def loss(theta, x, w0, activity):
    """Mean squared error of the activity, over experiments and what was recorded."""
    theta = np.asarray(theta)[..., 0]
    powers = np.arange(3)
    w, errors = w0, []
    for t in range(x.shape[1]):
        y = 1 / (1 + np.exp(-np.einsum("ei,eij->ej", x[:, t], w)))
        errors.append((y - activity[:, t]) ** 2)
        x_powers, y_powers = x[:, t, :, None] ** powers, y[..., None] ** powers
        w_powers = w[..., None] ** powers
        w = w + np.einsum("abc,eia,ejb,eijc->eij", theta, x_powers, y_powers, w_powers)
    return np.nanmean(errors)


def explained(theta, x, w0, activity):
    """Percent of the do-nothing model's loss that theta takes away."""
    nothing = np.zeros((3, 3, 3, 1))
    return 100 * (1 - loss(theta, x, w0, activity) / loss(nothing, x, w0, activity))


REFERENCE = {"loss": loss, "explained": explained}


def calls(draw) -> list:
    """Four cases for each function; some activity is NaN, not recorded."""
    drawn = np.random.default_rng(int(draw.uniform("calls", 0, 2**53)))
    cases = []
    for recorded in (1.0, 1.0, 0.7, 0.4):
        theta = 0.1 * drawn.normal(size=(3, 3, 3, 1))
        theta[:, :, 2] = 0  # w squared soon grows without bound
        x, w0 = drawn.normal(size=(2, 5, 3)), drawn.normal(size=(2, 3, 2))
        activity = drawn.uniform(size=(2, 5, 2))
        activity[drawn.uniform(size=activity.shape) > recorded] = np.nan
        arguments = dict(theta=theta, x=x, w0=w0, activity=activity)
        cases += [("loss", arguments), ("explained", arguments)]
    return cases


def score(name, value, draw) -> tuple[float, str]:
    """Terms by name; theta by the weights of experiments that nobody was given."""
    true = rule(draw)
    if name == "terms_found":
        return _terms_found(value, true)
    theta = as_theta(value, true.shape)
    new = record(draw.key("held out"), true, noise=0.0, **SIZES)
    share = weights_explained(theta, true, new)
    says = f"of the squared weight error in new experiments, theta explains {share:.1%}"
    return between(share, NONE, FULL), says


def _terms_found(value, true) -> tuple[float, str]:
    """Each term that is there counts for, each that is not counts against.

    But not xy: it is in every student's rule, and who has seen no data could name it.
    """
    present = {
        n for n, c in zip(pt.term_names(pt.OJA_ORDERS), true.ravel(), strict=True) if c
    } - {"xy"}
    # From a submission, an empty list comes as an array without numbers.
    if value == [] if isinstance(value, list) else np.size(value) == 0:
        raise ValueError("terms_found is empty: no terms were named.")
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError("terms_found is not a list of names such as ['xy', 'w'].")
    named = {"".join(sorted(v, key="xywr".find)) if v != "one" else v for v in value}
    named -= {"xy"}
    right, wrong = len(named & present), len(named - present)
    says = f"besides xy, {right} of your terms are in the rule, {wrong} are not"
    return max(0, right - wrong) / len(present), says
