"""Mistakes that students make: for each check three or more, and what it says to them.

WRONG[check][mistake] is a function and a part of the answer that only it gets.
"""

from math import comb

import jax
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

WRONG["resting_weight"] = {
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


def posterior(hessian, slope, prior, noise):
    """The right one, to be called with wrong arguments."""
    precision = hessian / noise**2 + np.diag(1 / prior**2)
    return np.linalg.solve(precision, slope / noise**2)


WRONG["posterior_mean"] = {
    "the prior's variance for its precision": (
        lambda hessian, slope, prior, noise: posterior(
            hessian, slope, 1 / prior, noise
        ),
        "gives [0.2934]",
    ),
    "the prior not squared": (
        lambda hessian, slope, prior, noise: posterior(
            hessian, slope, prior**0.5, noise
        ),
        "gives [0.2714]",
    ),
    "the noise left out": (
        lambda hessian, slope, prior, noise: posterior(hessian, slope, prior, 1.0),
        "gives [0.1614]",
    ),
    "no prior": (
        lambda hessian, slope, prior, noise: np.linalg.solve(hessian, slope),
        "gives [0.2953]",
    ),
}


def evidence(hessian, slope, prior, noise, fit=0.5, spread=-0.5, width=2.0):
    """The log-evidence, with the three factors that are easily mistaken."""
    precision = hessian / noise**2 + np.diag(1 / prior**2)
    mean = np.linalg.solve(precision, slope / noise**2)
    volume = np.linalg.slogdet(precision)[1] + width * np.log(prior).sum()
    return fit * slope @ mean / noise**2 + spread * volume


WRONG["log_evidence"] = {
    "the volume is a gain": (
        lambda hessian, slope, prior, noise: evidence(
            hessian, slope, prior, noise, spread=0.5
        ),
        "gives 1.8471; expected 0.086",
    ),
    "the half is forgotten": (
        lambda hessian, slope, prior, noise: evidence(
            hessian, slope, prior, noise, fit=1.0
        ),
        "gives 1.0525; expected 0.086",
    ),
    "the prior's volume is forgotten": (
        lambda hessian, slope, prior, noise: evidence(
            hessian, slope, prior, noise, width=0.0
        ),
        "gives -0.7713; expected 0.086",
    ),
}

# --- A rule of unknown form -----------------------------------------------------------

WRONG["sets_of_terms"] = {
    "the largest sets only": (lambda most: comb(27, most), "gives 351; expected 378"),
    "as if order counted": (lambda most: 27**most, "gives 729; expected 378"),
    "one size left out": (
        lambda most: sum(comb(27, k) for k in range(1, most)),
        "gives 0; expected 27",
    ),
}
WRONG["explained_share"] = {
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


WRONG["gain_of_adding"] = {
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


WRONG["smallest_as_good"] = {
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

# --- Rewards from choices -------------------------------------------------------------

WRONG["reward_waits"] = {
    "the probabilities added": (
        lambda p, trials: p * trials,
        "gives 0.6; expected 0.488",
    ),
    "a reward in every trial": (
        lambda p, trials: p**trials,
        "gives 0.008; expected 0.488",
    ),
    "none in any trial": (
        lambda p, trials: (1 - p) ** trials,
        "gives 0.8; expected 0.2",
    ),
    "one trial too few": (
        lambda p, trials: 1 - (1 - p) ** (trials - 1),
        "gives 0; expected 0.2",
    ),
}


def baited(drawn, taken, kept=True, removed=True, first=False):
    """Baiting with what is easily forgotten."""
    there, found = False, []
    for new, took in zip(drawn, taken, strict=True):
        there = bool(new or (there and kept))
        if first:
            there = there and not took
        found.append(there)
        if removed:
            there = there and not took
    return np.array(found)


WRONG["baited"] = {
    "nothing waits": (
        lambda drawn, taken: baited(drawn, taken, kept=False),
        "gives [ True False False False]",
    ),
    "never used up": (
        lambda drawn, taken: baited(drawn, taken, removed=False),
        "gives [ True True True True]",
    ),
    "taken away too early": (
        lambda drawn, taken: baited(drawn, taken, first=True),
        "That comes one place too early",
    ),
}


def deviance(accept, p):
    """Twice the negative log-likelihood."""
    return -2 * np.log(np.where(accept == 1, p, 1 - p))


WRONG["deviance_explained"] = {
    "NaN counted as refused": (
        lambda accept, p, p_nothing: (
            100 - 100 * deviance(accept, p).sum() / deviance(accept, p_nothing).sum()
        ),
        "right in the first 2 of 3 cases",
    ),
    "what is left over": (
        lambda accept, p, p_nothing: (
            100
            * np.nansum(deviance(accept, p))
            / np.nansum(deviance(accept, p_nothing))
        ),
        "gives 139.1538; expected -39.1538",
    ),
    "no percent": (
        lambda accept, p, p_nothing: (
            1 - np.nansum(deviance(accept, p)) / np.nansum(deviance(accept, p_nothing))
        ),
        "gives -0.3915; expected -39.1538",
    ),
    "the accepted only": (
        lambda accept, p, p_nothing: (
            100
            - 100 * np.log(p[accept == 1]).sum() / np.log(p_nothing[accept == 1]).sum()
        ),
        "gives -81.352; expected -39.1538",
    ),
}
WRONG["shrunk"] = {
    "the curvature is forgotten": (
        lambda estimate, curvature, penalty: (
            np.sign(estimate) * max(abs(estimate) - penalty, 0)
        ),
        "gives 0.5; expected 0.75",
    ),
    "for positive ones only": (
        lambda estimate, curvature, penalty: max(estimate - penalty / curvature, 0),
        "gives 0; expected -0.75",
    ),
    "through zero": (
        lambda estimate, curvature, penalty: (
            estimate - np.sign(estimate) * penalty / curvature
        ),
        "gives -0.15; expected 0",
    ),
}

# --- Fifty reward rules ---------------------------------------------------------------

WRONG["wrong_backwards"] = {
    "powers from one": (
        lambda highest: highest**4 - highest**2,
        "gives 12; expected 72",
    ),
    "right only if all are equal": (
        lambda highest: (highest + 1) ** 4 - highest - 1,
        "gives 78; expected 72",
    ),
    "the right ones": (lambda highest: (highest + 1) ** 2, "gives 9; expected 72"),
}
WRONG["term_name"] = {
    "no name for the constant": (
        lambda a, b, c, d: "x" * a + "y" * b + "w" * c + "r" * d,
        "gives ''; expected 'one'",
    ),
    "each letter once": (
        lambda a, b, c, d: (
            "x" * (a > 0) + "y" * (b > 0) + "w" * (c > 0) + "r" * (d > 0) or "one"
        ),
        "gives 'r'; expected 'rr'",
    ),
    "from the other end": (
        lambda a, b, c, d: "r" * d + "w" * c + "y" * b + "x" * a or "one",
        "gives 'rw'; expected 'wr'",
    ),
}


def array_of(pairs, add=True, backwards=False, shape=(3, 3, 3, 3)):
    """An array of coefficients, with what is easily mistaken."""
    theta = np.zeros(shape)
    for index, value in pairs:
        index = index[::-1] if backwards else index
        theta[index] = value + add * theta[index]
    return theta


WRONG["theta_of"] = {
    "written over": (
        lambda pairs: array_of(pairs, add=False),
        "gives -0.05 at [1, 0, 0, 1]; expected 0.95",
    ),
    "read backwards": (
        lambda pairs: array_of(pairs, backwards=True),
        "gives 0.5 at [0, 1, 0, 2]; expected 0",
    ),
    "an axis too short": (
        lambda pairs: array_of(pairs, shape=(3, 3, 3, 2)),
        "shape (3, 3, 3, 2)",
    ),
}


def order_of(apply, values=(2.0, 3.0, 5.0, 7.0), backwards=False):
    """The order of the indices, with what is easily mistaken."""
    letters = dict(zip(values, "xywr", strict=True))
    order = ""
    for axis in range(4):
        theta = np.zeros((3, 3, 3, 3))
        theta[tuple(int(k == axis) for k in range(4))] = 1.0
        order += letters[float(apply(theta, *values))]
    return order[::-1] if backwards else order


WRONG["index_order"] = {
    "the package's order": (lambda apply: "xywr", "gives 'xywr'; expected 'rwyx'"),
    "from the other end": (
        lambda apply: order_of(apply, backwards=True),
        "gives 'rwyx'; expected 'xywr'",
    ),
    "two inputs alike": (
        lambda apply: order_of(apply, values=(2.0, 3.0, 2.0, 7.0)),
        "gives 'wywr'; expected 'xywr'",
    ),
}

# --- Forgetting in flies --------------------------------------------------------------

WRONG["half_time"] = {
    "the half of the share": (
        lambda theta_w: np.log(0.5) / np.log(1 + theta_w),
        "gives 1; expected 2.4094",
    ),
    "the same amount in each trial": (
        lambda theta_w: -1 / theta_w,
        "gives 2; expected 2.4094",
    ),
    "the time constant": (lambda theta_w: -2 / theta_w, "gives 4; expected 2.4094"),
    "the sign": (
        lambda theta_w: np.log(0.5) / np.log(1 - theta_w / 2),
        "gives -3.1063; expected 2.4094",
    ),
}


def sigmoid(logit):
    """The probability of log-odds."""
    return 1 / (1 + np.exp(-logit))


WRONG["choice_a"] = {
    "a softmax": (
        lambda logit_a, logit_b: sigmoid(logit_a - logit_b),
        "gives 0.8808; expected 0.7311",
    ),
    "the log-odds themselves": (
        lambda logit_a, logit_b: logit_a / (logit_a + logit_b),
        "raised ZeroDivisionError",
    ),
    "the odds of A and B": (
        lambda logit_a, logit_b: sigmoid(logit_a) / sigmoid(logit_b),
        "gives 1; expected 0.5",
    ),
    "B alone left out": (
        lambda logit_a, logit_b: sigmoid(logit_a) * (1 - sigmoid(logit_b)),
        "gives 0.25; expected 0.5",
    ),
}


def expectation(reward, shift=0, window=10, start=None):
    """The mean of past rewards, with what is easily mistaken."""
    found = []
    for t in range(len(reward)):
        past = reward[max(0, t + shift - window) : t + shift]
        found.append(sum(past) / (start or max(len(past), 1)))
    return np.array(found)


WRONG["expected_of_ten"] = {
    "the current one among them": (
        lambda reward: expectation(reward, shift=1, start=10),
        "That comes one place too early",
    ),
    "the mean of those there are": (
        lambda reward: expectation(reward),
        "gives [0. 1. 1.]",
    ),
    "all past rewards": (
        lambda reward: expectation(reward, window=99, start=10),
        "gives 0.6 at [12]; expected 0.55",
    ),
}

# --- Flies one by one -----------------------------------------------------------------

WRONG["shrink"] = {
    "the weights exchanged": (
        lambda b, s, m, t: (b / t**2 + m / s**2) / (1 / s**2 + 1 / t**2),
        "gives -0.9967; expected 1.9967",
    ),
    "not squared": (
        lambda b, s, m, t: (b / s + m / t) / (1 / s + 1 / t),
        "gives 1.9032; expected 1.9967",
    ),
    "not divided by the sum": (
        lambda b, s, m, t: b / s**2 + m / t**2,
        "gives 1; expected 0.5",
    ),
    "the plain mean": (lambda b, s, m, t: (b + m) / 2, "gives 0.5; expected 1.9967"),
}
WRONG["lost"] = {
    "the half is forgotten": (
        lambda theta_w, theta_xw: (-theta_w - 0.75 * theta_xw, -theta_w),
        "gives [0.2 0.2]",
    ),
    "the sign": (
        lambda theta_w, theta_xw: (theta_w / 2 + 0.375 * theta_xw, theta_w / 2),
        "wrong sign",
    ),
    "exchanged": (
        lambda theta_w, theta_xw: (-theta_w / 2, -theta_w / 2 - 0.375 * theta_xw),
        "reverse order",
    ),
    "x is one": (
        lambda theta_w, theta_xw: (-theta_w / 2 - 0.5 * theta_xw, -theta_w / 2),
        "gives [0.25 0.05]",
    ),
}

# --- How far to trust -----------------------------------------------------------------

WRONG["widening"] = {
    "no root": (lambda c: 1 / (1 - c**2), "gives 5.2632; expected 2.2942"),
    "the wrong way round": (
        lambda c: np.sqrt(1 - c**2),
        "gives 0.4359; expected 2.2942",
    ),
    "c not squared": (lambda c: 1 / np.sqrt(1 - c), "gives 3.1623; expected 2.2942"),
}
WRONG["half_width"] = {
    "as if the others were known": (
        lambda matrix, k: 1.96 / np.sqrt(matrix[k, k]),
        "gives 1.3859; expected 4.4385",
    ),
    "the variance": (
        lambda matrix, k: 1.96 * np.linalg.inv(matrix)[k, k],
        "gives 0.49; expected 0.98",
    ),
    "the whole width": (
        lambda matrix, k: 3.92 * np.sqrt(np.linalg.inv(matrix)[k, k]),
        "gives 1.96; expected 0.98",
    ),
    "the information for its inverse": (
        lambda matrix, k: 1.96 * np.sqrt(matrix[k, k]),
        "gives 3.92; expected 0.98",
    ),
}
WRONG["best_plan"] = {
    "as if the others were known": (
        lambda done, plans, k: int(np.argmax([plan[k, k] for plan in plans])),
        "gives 0; expected 3",
    ),
    "what was done is forgotten": (
        lambda done, plans, k: int(
            np.argmin([np.linalg.inv(plan)[k, k] for plan in plans])
        ),
        "gives 1; expected 3",
    ),
    "the worst": (
        lambda done, plans, k: int(
            np.argmax([np.linalg.inv(done + plan)[k, k] for plan in plans])
        ),
        "gives 2; expected 3",
    ),
    "the first coefficient": (
        lambda done, plans, k: int(
            np.argmin([np.linalg.inv(done + plan)[0, 0] for plan in plans])
        ),
        "gives 1; expected 2",
    ),
}

# --- Learning while it happens --------------------------------------------------------

WRONG["fewest_kept"] = {
    "all of them": (lambda steps: steps, "gives 1; expected 2"),
    "twice the root": (lambda steps: 2 * int(steps**0.5), "gives 2; expected 3"),
    "a last block forgotten": (
        lambda steps: min(b + steps // b for b in range(1, steps + 1)),
        "gives 6; expected 7",
    ),
}
WRONG["local_trace"] = {
    "the past is forgotten": (
        lambda trace, of_w, of_theta: of_w * trace + of_theta,
        "gives 0.6231; expected 0.7531",
    ),
    "the weight's part is forgotten": (
        lambda trace, of_w, of_theta: trace + of_theta,
        "gives 0.77; expected 0.7531",
    ),
    "the slopes exchanged": (
        lambda trace, of_w, of_theta: trace + of_theta * trace + of_w,
        "gives 0.0832; expected 0.7531",
    ),
}
WRONG["diagonal"] = {
    "the whole Jacobian": (
        lambda function, at: jax.jacfwd(function)(at),
        "shape (1, 1), [[0.5403]]",
    ),
    "the value": (lambda function, at: function(at), "gives [-0.8415]"),
    "the numbers themselves as tangent": (
        lambda function, at: jax.jvp(function, (at,), (at,))[1],
        "That is the right size with the wrong sign",
    ),
    "summed": (
        lambda function, at: jax.jvp(function, (at,), (jnp.ones_like(at),))[1].sum(),
        "shape (), 0.5403",
    ),
}

# --- JAX in ten minutes ---------------------------------------------------------------

WRONG["traces"] = {
    "at every call": (lambda sizes: len(sizes), "gives 2; expected 1"),
    "once": (lambda sizes: 1, "gives 1; expected 2"),
    "at every change": (
        lambda sizes: 1 + int(np.count_nonzero(np.diff(sizes))),
        "gives 4; expected 2",
    ),
}
WRONG["slopes"] = {
    "the sign": (lambda x, y, w: jnp.broadcast_to(y**2, w.shape), "wrong sign"),
    "the slope in y": (lambda x, y, w: x[:, None] - 2 * y * w, "gives [[0.]]"),
    "transposed": (lambda x, y, w: -jnp.broadcast_to(y**2, w.shape).T, "transposed"),
    "not squared": (lambda x, y, w: jnp.broadcast_to(-y, w.shape), "gives [[-0.5]]"),
}


def running(reward, rate, after=False, keep=0.0, start=0.0):
    """The running expectation, with what is easily mistaken."""
    e, found = start, []
    for one in reward:
        new = e + rate * (one - (1 - keep) * e)
        found.append(new if after else e)
        e = new
    return np.array(found)


WRONG["running_expectation"] = {
    "after each reward": (
        lambda reward, rate: running(reward, rate, after=True),
        "gives [1. 0. 0.]",
    ),
    "nothing is forgotten": (
        lambda reward, rate: running(reward, rate, keep=1.0),
        "gives [0. 1. 1.]",
    ),
    "starts at the first reward": (
        lambda reward, rate: running(reward, rate, start=reward[0]),
        "gives [1. 1. 0.]",
    ),
}
