"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises. It prints one sentence and returns True or False.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np

from plastutor.evaluate import r2
from plastutor.losses import choice_probability
from plastutor.rules import OJA_ORDERS, terms
from plastutor.simulate import expected_reward

__all__ = [
    "agrees",
    "central_difference",
    "choice_a",
    "clipped_step",
    "expected_of_ten",
    "hebb_with_decay",
    "masked_loss",
    "mean_r2",
    "oja_layer",
    "running_expectation",
    "sanger_layer",
    "scaled_decay",
    "slopes",
]


def _shown(value) -> str:
    """A short form of a value, for a sentence."""
    text = np.array2string(np.asarray(value), precision=4, threshold=8)
    return " ".join(text.split())


def agrees(
    function: Callable,
    reference: Callable,
    cases: Iterable[dict],
    hint: str,
    *,
    tolerance: float = 1e-4,
) -> bool:
    """Does a function give the same as a reference, on every case?

    Args:
        function: the reader's.
        reference: the right one.
        cases: the arguments by name, one dictionary a case.
        hint: what to try, printed with the first counter-example.
        tolerance: how far off a number may be, relative to 1 + its size.

    Returns:
        True if it agrees; else it prints the counter-example and returns False.

    >>> agrees(lambda x: x, lambda x: x, [{"x": 1.0}], "")
    Correct: agrees with the reference in 1 case.
    True
    """
    name, count = getattr(function, "__name__", "your function"), 0
    for case in cases:
        given = ", ".join(f"{key} = {_shown(value)}" for key, value in case.items())
        try:
            got = function(**case)
        except Exception as error:  # whatever the reader wrote, we answer in words
            print(
                f"{name} raised {type(error).__name__}: {error}. Given {given}. {hint}"
            )
            return False
        if got is None:
            print(f"{name} returned nothing. Did you forget `return`? {hint}")
            return False
        wanted = reference(**case)
        if np.shape(got) != np.shape(wanted):
            print(
                f"{name} returned shape {np.shape(got)}; expected {np.shape(wanted)}. "
                f"Given {given}. {hint}"
            )
            return False
        off = np.abs(np.asarray(got) - np.asarray(wanted))
        if not (off <= tolerance * (1 + np.abs(np.asarray(wanted)))).all():
            print(
                f"Not yet: with {given}, {name} gives {_shown(got)}; expected "
                f"{_shown(wanted)}. {hint}"
            )
            return False
        count += 1
    cases_word = "case" if count == 1 else "cases"
    print(f"Correct: agrees with the reference in {count} {cases_word}.")
    return True


# --- JAX in ten minutes ---------------------------------------------------------------


def slopes(function: Callable) -> bool:
    """Does `function(x, y, w)` give -y^2, the slope of Oja's rule in w, everywhere?"""
    cases = [
        {"x": np.ones(1), "y": np.array([0.5]), "w": np.ones((1, 1))},
        {"x": np.ones(3), "y": np.array([0.8, 0.1]), "w": np.ones((3, 2))},
        {"x": np.arange(2.0), "y": np.arange(4.0), "w": np.arange(8.0).reshape(2, 4)},
    ]
    return agrees(
        function,
        lambda x, y, w: np.broadcast_to(-(y**2), w.shape),
        cases,
        "Differentiate oja for one synapse with jax.grad(oja, argnums=2), then map it "
        "over the outputs with in_axes (None, 0, 0) and over the inputs with "
        "(0, None, 0).",
    )


def running_expectation(function: Callable) -> bool:
    """Does `function(reward, rate)` give the expectation before each reward?"""

    def reference(reward, rate):
        expected = np.zeros(len(reward))
        for t in range(len(reward) - 1):
            expected[t + 1] = expected[t] + rate * (reward[t] - expected[t])
        return expected

    cases = [
        {"reward": np.array([1.0, 0.0]), "rate": 1.0},
        {"reward": np.array([1.0, 1.0, 0.0]), "rate": 0.5},
        {"reward": np.array([0.0, 1.0, 0.0, 1.0, 1.0]), "rate": 0.1},
    ]
    return agrees(
        function,
        reference,
        cases,
        "The step of the scan gets e and one reward; it returns the new e, and the old "
        "one to keep.",
    )


def scaled_decay(function: Callable) -> bool:
    """Does `function(alpha)` give the theta of dw = x y - alpha y^2 w?"""
    return agrees(
        function,
        lambda alpha: terms(OJA_ORDERS, xy=1.0, yyw=-alpha),
        [{"alpha": alpha} for alpha in (1.0, 4.0, 0.25)],
        "The decay is the term yyw, and it lowers the weight: terms(OJA_ORDERS, ...).",
    )


def _layers() -> list[dict]:
    """A few small layers: one neuron, several, and more inputs than neurons."""
    rng = np.random.default_rng(0)
    sizes = [(2, 1), (3, 2), (4, 3)]
    return [
        {"x": x, "y": x @ w, "w": w}
        for x, w in (
            (rng.normal(size=pre), rng.normal(size=(pre, n))) for pre, n in sizes
        )
    ]


def oja_layer(function: Callable) -> bool:
    """Does `function(x, y, w)` give Oja's dw for a layer, of shape (pre, post)?"""
    return agrees(
        function,
        lambda x, y, w: x[:, None] * y - y**2 * w,
        _layers(),
        "dw has the shape of w: x_i y_j - y_j^2 w_ij in row i and column j.",
    )


def sanger_layer(function: Callable) -> bool:
    """Does `function(x, y, w)` give Sanger's dw for a layer, of shape (pre, post)?"""

    def reference(x, y, w):
        columns = [y[j] * (x - w[:, : j + 1] @ y[: j + 1]) for j in range(len(y))]
        return np.stack(columns, axis=1)

    return agrees(
        function,
        reference,
        _layers(),
        "Neuron j subtracts what neurons 0 to j, itself included, have explained.",
    )


def central_difference(function: Callable) -> bool:
    """Does `function(f, a, h)` give (f(a + h) - f(a - h)) / (2 h)?"""
    cases = [
        {"f": f, "a": a, "h": h}
        for f in (np.square, np.exp)
        for a, h in ((1.0, 0.1), (-0.5, 0.01))
    ]
    return agrees(
        function,
        lambda f, a, h: (f(a + h) - f(a - h)) / (2 * h),
        cases,
        "Go the same way h to both sides; the two points are 2 h apart.",
        tolerance=1e-6,
    )


def clipped_step(function: Callable) -> bool:
    """Does `function(theta, gradient, rate, limit)` step down a shortened gradient?"""
    theta = np.array([0.5, -0.5])
    cases = [
        {"theta": theta, "gradient": np.array(g), "rate": 0.1, "limit": 1.0}
        for g in ([0.3, -0.4], [30.0, -40.0], [0.0, 0.0])
    ]

    def reference(theta, gradient, rate, limit):
        size = np.linalg.norm(gradient)
        return theta - rate * gradient * (limit / size if size > limit else 1.0)

    return agrees(
        function,
        reference,
        cases,
        "Only a gradient longer than the limit is shortened, to that limit; its "
        "direction stays.",
    )


def masked_loss(function: Callable) -> bool:
    """Does `function(y, activity)` ignore NaN, in its value and in its gradient?"""

    def with_slope(loss):
        @wraps(loss)
        def both(y, activity):
            value = loss(y, activity)
            if value is None:
                return None
            return jnp.append(jax.grad(loss)(y, activity).ravel(), value)

        return both

    def reference(y, activity):
        seen = ~jnp.isnan(activity)
        error = jnp.where(seen, y - jnp.where(seen, activity, 0), 0)
        return jnp.sum(error**2) / jnp.sum(seen)

    y = jnp.array([[0.2, 0.4], [0.6, 0.9]])
    cases = [
        {"y": y, "activity": jnp.array(seen)}
        for seen in (
            [[0.1, 0.5], [0.5, 0.7]],
            [[0.1, np.nan], [0.5, 0.7]],
            [[np.nan, np.nan], [0.5, np.nan]],
        )
    ]
    return agrees(
        with_slope(function),
        with_slope(reference),
        cases,
        "The numbers compared are the slopes along each y and then the loss. Take NaN "
        "out with jnp.where before you square, and divide by the count of the rest.",
    )


def hebb_with_decay(function: Callable) -> bool:
    """Is `function()` the theta of dw = 2 x y - 0.5 w, of shape (3, 3, 3, 1)?"""

    def reference():
        theta = np.zeros((3, 3, 3, 1))
        theta[1, 1, 0, 0], theta[0, 0, 1, 0] = 2.0, -0.5
        return theta

    return agrees(
        function,
        reference,
        [{}],
        "theta[a, b, c, d] multiplies x^a y^b w^c r^d: x y is at [1, 1, 0, 0].",
    )


def mean_r2(function: Callable) -> bool:
    """Is `function(true, predicted)` the mean over columns of the R2 over rows?"""
    draws = np.random.default_rng(0)
    cases = [
        {"true": true, "predicted": true + 0.3 * draws.normal(size=true.shape)}
        for true in (draws.normal(2.0, 1.0, (4, 2)), draws.normal(0.0, 3.0, (5, 3)))
    ]
    return agrees(
        function,
        r2,
        cases,
        "Take sums over rows first; each column has its own mean; average at the end.",
    )


def choice_a(function: Callable) -> bool:
    """Is `function(logit_a, logit_b)` the probability p_A / (p_A + p_B)?"""

    def reference(logit_a, logit_b):
        return choice_probability(jnp.array([logit_a, logit_b]))[0]

    return agrees(
        function,
        reference,
        [
            {"logit_a": a, "logit_b": b}
            for a, b in ((0.0, 0.0), (1.0, -1.0), (-2.0, 3.0))
        ],
        "Turn each log-odds into a probability of accepting first: 1 / (1 + e^-logit).",
    )


def expected_of_ten(function: Callable) -> bool:
    """Is `function(reward)` the mean of the ten rewards before each trial?"""

    def reference(reward):
        return expected_reward(jnp.asarray(reward), jnp.ones(len(reward), bool), 10)

    return agrees(
        function,
        reference,
        [{"reward": np.ones(3)}, {"reward": np.arange(25) % 3 / 2.0}],
        "Put ten zeros in front, and leave the current reward out.",
    )
