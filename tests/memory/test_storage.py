"""Storage: sums over patterns, their moments, rules of three kinds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import plastutor as pt
from plastutor import memory
from plastutor.memory._storage import as_function

PATTERNS = jax.random.normal(jax.random.key(0), (3, 5))
SERIES = memory.Fourier(jnp.array([0.2, -0.1]), jnp.array([1.0, 0.5]))
PLAIN = pt.taylor(pt.Orders(x=1, y=1, w=0))
RULES = {
    "covariance": memory.Covariance(0.5, 0.2),
    "gabor": memory.Gabor(0.5, 2.0, 0.7),
    "series": SERIES,
    "a rule of the book": memory.storage_of(
        PLAIN, pt.terms(pt.Orders(1, 1, 0), xy=2.0)
    ),
    "a function": lambda x_i, x_j: x_i**2 * x_j,
}


@pytest.mark.parametrize("name", RULES)
def test_weights_are_a_sum_over_patterns_and_nobody_drives_itself(name):
    rule, asked = RULES[name], np.zeros((5, 5))
    for x in np.asarray(PATTERNS):
        for i, j in np.ndindex(5, 5):
            asked[i, j] += (i != j) * float(rule(jnp.asarray(x[i]), jnp.asarray(x[j])))
    np.testing.assert_allclose(memory.store(rule, PATTERNS), asked, atol=1e-5)


def test_networks_are_stored_side_by_side():
    several = jnp.stack([PATTERNS, 2 * PATTERNS])
    w = memory.store(memory.Covariance(), several)
    np.testing.assert_allclose(w[1], memory.store(memory.Covariance(), several[1]))
    assert w.shape == (2, 5, 5)


@pytest.mark.parametrize("phase", [0.0, 0.7])
def test_moments_are_those_of_weights_of_many_networks(phase):
    rule, prior = memory.Gabor(phase=phase), memory.VonMises(0.3, 0.5)
    drawn = prior.sample(jax.random.key(1), (4000, 6, 2))
    w = np.asarray(memory.store(rule, drawn)[:, 0, 1])
    mean, variance = memory.weight_moments(rule, prior, 6)
    assert abs(w.mean() - mean) < 4 * w.std() / 4000**0.5
    assert abs(w.var() / variance - 1) < 0.15


def test_a_rule_that_needs_the_weight_is_refused():
    rule = pt.taylor(pt.OJA_ORDERS)
    with pytest.raises(ValueError, match="depends on the weight or on reward"):
        memory.storage_of(rule, pt.OJA)
    assert float(memory.storage_of(rule, pt.HEBB)(2.0, 3.0)) == 6


@pytest.mark.parametrize(
    ("patterns", "sentence"),
    [
        (np.ones(3), r"shape \(3,\); expected \(pattern, unit\)"),
        (np.ones((0, 3)), "one pattern or more"),
        (np.full((2, 3), np.nan), "not finite"),
    ],
)
def test_patterns_that_are_none_are_refused(patterns, sentence):
    with pytest.raises(ValueError, match=sentence):
        memory.store(memory.Gabor(), patterns)


def test_what_is_no_storage_rule_is_refused():
    for other in (3.0, pt.taylor(pt.OJA_ORDERS)):
        with pytest.raises(ValueError, match="expected a function of two activities"):
            as_function(other)  # the types of a reader's call are not checked
