"""Mistakes in the exercises of the first part, Foundations."""

from math import comb

import jax.numpy as jnp
import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

# --- A synapse that learns ------------------------------------------------------------

WRONG["settled_length"] = {
    "the root is forgotten": (lambda alpha: 1 / alpha, "0.25; expected 0.5"),
    "the wrong way round": (lambda alpha: alpha**0.5, "gives 2; expected 0.5"),
    "one, as for Oja": (lambda alpha: 1.0, "gives 1; expected 0.5"),
}
WRONG["oja_layer"] = {
    "transposed": (lambda x, y, w: np.outer(y, x) - (y**2 * w).T, "transposed"),
    "the decay grows": (
        lambda x, y, w: np.outer(x, y) + y**2 * w,
        "gives [[ 0.0112] [-0.0083]]",
    ),
    "y is not squared": (
        lambda x, y, w: np.outer(x, y) - y * w,
        "gives [[-0.0343] [-0.0158]]",
    ),
    "summed over inputs": (
        lambda x, y, w: (np.outer(x, y) - y**2 * w).sum(0),
        "shape (1,)",
    ),
}
WRONG["sanger_layer"] = {
    "without the neuron itself": (
        lambda x, y, w: y * (x[:, None] - np.cumsum(w * y, axis=1) + w * y),
        "gives [[ 0.0084] [-0.0088]]",
    ),
    "each neuron alone": (
        lambda x, y, w: np.outer(x, y) - y**2 * w,
        "gives [[-0.298 7.3809] [ 0.7208",
    ),
    "summed over inputs": (
        lambda x, y, w: y * (x[:, None] - np.cumsum(w * y, axis=0)),
        "gives [[ 0.0055] [-0.0121]]",
    ),
}

# --- Gradients through learning -------------------------------------------------------

WRONG["central_difference"] = {
    "to one side": (lambda f, a, h: (f(a + h) - f(a)) / h, "gives 2.1; expected 2"),
    "divided by h": (lambda f, a, h: (f(a + h) - f(a - h)) / h, "gives 4; expected 2"),
    "the sign": (lambda f, a, h: (f(a - h) - f(a + h)) / (2 * h), "wrong sign"),
}


def clip_each(theta, gradient, rate, limit):
    """Clips each component, which turns the gradient."""
    return theta - rate * jnp.clip(gradient, -limit, limit)


def always_unit(theta, gradient, rate, limit):
    """Gives every gradient the length of the limit."""
    return theta - rate * limit * gradient / np.linalg.norm(gradient)


def upwards(theta, gradient, rate, limit):
    """Climbs."""
    size = np.linalg.norm(gradient)
    return theta + rate * gradient * limit / np.maximum(size, limit)


def not_at_all(theta, gradient, rate, limit):
    """Does not clip."""
    return theta - rate * gradient


WRONG["clipped_step"] = {
    "each component clipped": (clip_each, "gives [ 0.4 -0.4]"),
    "short gradients made longer": (always_unit, "gives [ 0.44 -0.42]"),
    "upwards": (upwards, "gives [ 0.53 -0.54]"),
    "not clipped": (not_at_all, "gives [-2.5 3.5]"),
}


def nan_in_the_slope(y, activity):
    """Masks after the square: the value is right, the slope is not."""
    seen = ~jnp.isnan(activity)
    return jnp.sum(jnp.where(seen, (y - activity) ** 2, 0)) / jnp.sum(seen)


def over_all(y, activity):
    """Divides by all, holes too."""
    return jnp.mean(
        jnp.where(jnp.isnan(activity), 0, y - activity_or(y, activity)) ** 2
    )


def activity_or(y, activity):
    """The activity, or what was predicted where there is none."""
    return jnp.where(jnp.isnan(activity), y, activity)


def not_squared(y, activity):
    """Forgets the square."""
    return jnp.sum(jnp.abs(activity_or(y, activity) - y)) / jnp.sum(
        ~jnp.isnan(activity)
    )


def summed(y, activity):
    """Forgets the mean."""
    return jnp.sum((activity_or(y, activity) - y) ** 2)


WRONG["masked_loss"] = {
    "masked after the square": (nan_in_the_slope, "There is NaN in it"),
    "holes are counted": (over_all, "That is 0.75 times the right answer"),
    "no square": (not_squared, "gives [ 0.25 -0.25 0.25 0.25 0.125]"),
    "a sum, no mean": (summed, "That is 4 times the right answer"),
}

# --- Oja's rule recovered -------------------------------------------------------------

WRONG["fixed_point"] = {
    "y is not cancelled": (lambda x, y, c: x / (c * y**2), "gives 4; expected 2"),
    "the decay multiplies": (lambda x, y, c: c * x / y, "gives 4; expected 1"),
    "the decay without its y": (lambda x, y, c: x * y / c, "gives 0.5; expected 2"),
}


def theta_with(**places):
    """An array of zeros but for these places, written as digits after a letter."""
    theta = np.zeros((3, 3, 3, 1))
    for place, value in places.items():
        theta[tuple(int(digit) for digit in place[1:])] = value
    return theta


WRONG["hebb_with_decay"] = {
    "the decay grows": (
        lambda: theta_with(i1100=2.0, i0010=0.5),
        "gives 0.5 at [0, 0, 1, 0]; expected -0.5",
    ),
    "y and w exchanged": (
        lambda: theta_with(i1010=2.0, i0100=-0.5),
        "gives 0 at [0, 0, 1, 0]; expected -0.5",
    ),
    "a decay without w": (
        lambda: theta_with(i1100=2.0, i0000=-0.5),
        "gives -0.5 at [0, 0, 0, 0]; expected 0",
    ),
    "one axis left out": (
        lambda: theta_with(i1100=2.0, i0010=-0.5)[..., 0],
        "shape (3, 3, 3)",
    ),
}
WRONG["mean_r2"] = {
    "one mean for all": (
        lambda true, predicted: np.mean(
            1 - ((true - predicted) ** 2).sum(0) / ((true - true.mean()) ** 2).sum(0)
        ),
        "gives 0.7947; expected 0.7935",
    ),
    "the wrong axis": (
        lambda true, predicted: np.mean(
            1
            - ((true - predicted) ** 2).sum(1)
            / ((true - true.mean(1, keepdims=True)) ** 2).sum(1)
        ),
        "gives -0.1607; expected 0.7935",
    ),
    "no mean taken off": (
        lambda true, predicted: np.mean(
            1 - ((true - predicted) ** 2).sum(0) / (true**2).sum(0)
        ),
        "gives 0.9928; expected 0.7935",
    ),
    "not averaged": (
        lambda true, predicted: (
            1 - ((true - predicted) ** 2).sum(0) / ((true - true.mean(0)) ** 2).sum(0)
        ),
        "shape (2,)",
    ),
}

# --- Noise and missing neurons --------------------------------------------------------

WRONG["more_experiments"] = {
    "in proportion": (lambda factor: factor, "gives 2; expected 4"),
    "the root": (lambda factor: factor**0.5, "gives 1.4142; expected 4"),
    "twice the factor": (lambda factor: 2 * factor, "gives 6; expected 9"),
}
WRONG["noise_level"] = {
    "NaN not left out": (
        lambda activity, predicted: np.sqrt(np.mean((activity - predicted) ** 2)),
        "There is NaN in it",
    ),
    "no root": (
        lambda activity, predicted: np.nanmean((activity - predicted) ** 2),
        "gives 0.1099; expected 0.3315",
    ),
    "the mean taken off": (
        lambda activity, predicted: np.nanstd(activity - predicted),
        "gives 0.3167; expected 0.3315",
    ),
    "NaN counted as zero": (
        lambda activity, predicted: np.sqrt(
            np.mean(np.nan_to_num(activity - predicted) ** 2)
        ),
        "gives 0.2707; expected 0.3315",
    ),
}


def posterior(hessian, gradient, prior, noise):
    """The right one, to be called with wrong arguments."""
    precision = hessian / noise**2 + np.diag(1 / prior**2)
    return np.linalg.solve(precision, gradient / noise**2)


WRONG["posterior_mean"] = {
    "the prior's variance for its precision": (
        lambda hessian, gradient, prior, noise: posterior(
            hessian, gradient, 1 / prior, noise
        ),
        "gives [0.2934]",
    ),
    "the prior not squared": (
        lambda hessian, gradient, prior, noise: posterior(
            hessian, gradient, prior**0.5, noise
        ),
        "gives [0.2714]",
    ),
    "the noise left out": (
        lambda hessian, gradient, prior, noise: posterior(
            hessian, gradient, prior, 1.0
        ),
        "gives [0.1614]",
    ),
    "no prior": (
        lambda hessian, gradient, prior, noise: np.linalg.solve(hessian, gradient),
        "gives [0.2953]",
    ),
}


def evidence(hessian, gradient, prior, noise, fit=0.5, spread=-0.5, width=2.0):
    """The log-evidence, with the three factors that are easily mistaken."""
    precision = hessian / noise**2 + np.diag(1 / prior**2)
    mean = np.linalg.solve(precision, gradient / noise**2)
    volume = np.linalg.slogdet(precision)[1] + width * np.log(prior).sum()
    return fit * gradient @ mean / noise**2 + spread * volume


WRONG["log_evidence"] = {
    "the volume is a gain": (
        lambda hessian, gradient, prior, noise: evidence(
            hessian, gradient, prior, noise, spread=0.5
        ),
        "gives 1.8471; expected 0.086",
    ),
    "the half is forgotten": (
        lambda hessian, gradient, prior, noise: evidence(
            hessian, gradient, prior, noise, fit=1.0
        ),
        "gives 1.0525; expected 0.086",
    ),
    "the prior's volume is forgotten": (
        lambda hessian, gradient, prior, noise: evidence(
            hessian, gradient, prior, noise, width=0.0
        ),
        "gives -0.7713; expected 0.086",
    ),
}

# --- A rule of unknown form -----------------------------------------------------------

WRONG["count_term_sets"] = {
    "the largest sets only": (lambda most: comb(27, most), "gives 351; expected 378"),
    "as if order counted": (lambda most: 27**most, "gives 729; expected 378"),
    "one size left out": (
        lambda most: sum(comb(27, k) for k in range(1, most)),
        "gives 0; expected 27",
    ),
}
WRONG["explained_variance"] = {
    "what is left over": (
        lambda dw, approximation: np.var(dw - approximation) / np.var(dw),
        "gives 0; expected 1",
    ),
    "an offset counts": (
        lambda dw, approximation: 1 - np.mean((dw - approximation) ** 2) / np.var(dw),
        "gives 0.5421; expected 1",
    ),
    "the squared correlation": (
        lambda dw, approximation: np.corrcoef(dw, approximation)[0, 1] ** 2,
        "gives 1; expected 0.75",
    ),
}


def gain(gradient, matrix, kept, new, half=0.5, power=2, imitated=1.0):
    """The gain, with what is easily forgotten."""
    block, across = matrix[np.ix_(kept, kept)], matrix[kept, new]
    curvature = matrix[new, new] - imitated * across @ np.linalg.solve(block, across)
    return half * gradient[new] ** power / curvature


WRONG["predicted_gain"] = {
    "as if the others stayed": (
        lambda gradient, matrix, kept, new: gain(
            gradient, matrix, kept, new, imitated=0.0
        ),
        "gives 1.6941; expected 1.7261",
    ),
    "the half is forgotten": (
        lambda gradient, matrix, kept, new: gain(gradient, matrix, kept, new, half=1.0),
        "gives 3.4523; expected 1.7261",
    ),
    "the slope is not squared": (
        lambda gradient, matrix, kept, new: gain(gradient, matrix, kept, new, power=1),
        "gives -0.5754; expected 1.7261",
    ),
}


def unpaired(losses, size):
    """The error of the best set's own loss."""
    best = losses[losses.mean(1).argmin()]
    as_good = losses.mean(1) <= best.mean() + best.std(ddof=1) / np.sqrt(len(best))
    return int(np.flatnonzero(as_good)[0])


def within_one_deviation(losses, size):
    """The standard deviation in place of the standard error."""
    worse = losses - losses[losses.mean(1).argmin()]
    return int(np.flatnonzero(worse.mean(1) <= worse.std(1, ddof=1))[0])


WRONG["one_standard_error_rule"] = {
    "the lowest loss": (
        lambda losses, size: int(losses.mean(1).argmin()),
        "gives 2; expected 1",
    ),
    "not paired": (unpaired, "right in the first 2 of 4 cases"),
    "the deviation for the error": (
        within_one_deviation,
        "right in the first 3 of 4 cases",
    ),
}
