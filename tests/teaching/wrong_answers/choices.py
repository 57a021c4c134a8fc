"""Mistakes in the exercises on choices of animals."""

import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

# --- Rewards from choices -------------------------------------------------------------

WRONG["bait_probability"] = {
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


WRONG["baited_rewards"] = {
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
WRONG["soft_threshold"] = {
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

WRONG["asymmetric_indices"] = {
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


WRONG["theta_from_terms"] = {
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


WRONG["probability_of_a"] = {
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


def kernel(choice, b, rho, late=0, fades=1, chosen_fades=False, feeds=None):
    """What a habit adds, with what is easily mistaken."""
    trace, found = np.zeros(2), []
    for chosen in choice:
        before, now = trace, np.eye(2)[chosen]
        kept = 1 - rho * (now if chosen_fades else fades)
        trace = kept * before + (rho if feeds is None else feeds) * now
        found.append(b * (trace if late else before))
    return np.array(found)


WRONG["choice_kernel"] = {
    "the choice itself among the past": (
        lambda choice, b, rho: kernel(choice, b, rho, late=1),
        "gives [[0.5 0. ] [0.75 0. ]",
    ),
    "only the chosen odour's trace moves": (
        lambda choice, b, rho: kernel(choice, b, rho, chosen_fades=True),
        "gives [[0. 0. ] [0. 0.5 ] [0.5 0.5 ]",
    ),
    "the traces add up and never fade": (
        lambda choice, b, rho: kernel(choice, b, rho, fades=0),
        "gives [[0. 0. ] [0.5 0. ] [1. 0. ]]",
    ),
    "fed by 1, not by the share": (
        lambda choice, b, rho: kernel(choice, b, rho, feeds=1.0),
        "That is 2 times the right answer",
    ),
    "the strength is forgotten": (
        lambda choice, b, rho: kernel(choice, 1.0, rho),
        "That is 0.5 times the right answer",
    ),
    "of the chosen odour alone": (
        lambda choice, b, rho: kernel(choice, b, rho)[np.arange(len(choice)), choice],
        "returned shape (3,), [0. 0.5 0. ]",
    ),
}

# --- Flies one by one -----------------------------------------------------------------

WRONG["shrinkage_estimate"] = {
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
WRONG["forgetting_per_trial"] = {
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
