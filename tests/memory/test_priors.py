"""Distributions of patterns and cues: draws, moments, the best guess."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from plastutor.memory import Gaussian, VonMises

KEY = jax.random.key(0)


@pytest.mark.parametrize("concentration", [0.0, 0.5, 10.0])
def test_phases_are_drawn_from_the_von_mises_distribution(concentration):
    drawn = np.asarray(VonMises(0.0, concentration).sample(KEY, (20_000,)))
    flat = stats.uniform(-np.pi, 2 * np.pi)
    asked = stats.vonmises(concentration) if concentration else flat
    assert stats.kstest(drawn, asked.cdf).pvalue > 1e-3
    assert stats.kstest(drawn, stats.vonmises(concentration + 2).cdf).pvalue < 1e-6


@pytest.mark.parametrize("prior", [Gaussian(0.3, 0.7), VonMises(0.4, 3.0)])
def test_a_mean_over_nodes_is_that_of_many_draws(prior):
    def function(x):
        return jnp.sin(x) + jnp.cos(2 * x)

    nodes, weights = prior.nodes()
    drawn = function(prior.sample(KEY, (200_000,)))
    assert (
        abs(weights @ function(nodes) - drawn.mean()) < 4 * drawn.std() / 200_000**0.5
    )
    assert abs(weights.sum() - 1) < 1e-6


@pytest.mark.parametrize(
    ("prior", "noise"),
    [
        (Gaussian(1.0, 2.0), Gaussian(0.0, 0.5)),
        (VonMises(1.0, 2.0), VonMises(0.0, 4.0)),
    ],
)
def test_the_best_guess_is_where_the_log_density_is_highest(prior, noise):
    cue = jnp.array([-2.9, 0.2, 2.0])
    grid = jnp.linspace(-jnp.pi, jnp.pi, 20_001)[:, None]
    density = prior.log_prob(grid) + noise.log_prob(noise.difference(cue[None], grid))
    found = grid[density.argmax(0), 0]
    assert jnp.abs(prior.difference(found, prior.best(cue, noise))).max() < 1e-3


def test_on_a_circle_the_short_way_counts():
    assert np.isclose(VonMises().difference(3.1, -3.1), 6.2 - 2 * np.pi)
    assert np.isclose(Gaussian().difference(3.1, -3.1), 6.2)
