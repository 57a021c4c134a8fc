"""Spiking cells: the derivative of a spike, one neuron by hand, and adaptation."""

import jax
import jax.numpy as jnp
import numpy as np

import plastutor as pt


def test_a_spike_has_the_derivative_of_a_sigmoid_in_both_modes():
    v = jnp.linspace(-1, 1, 21)
    np.testing.assert_array_equal(pt.networks.spike(v), v > 0)
    expected = jax.vmap(jax.grad(lambda v: jax.nn.sigmoid(10 * v)))(v)
    forward = jax.jvp(pt.networks.spike, (v,), (jnp.ones(21),))[1]
    np.testing.assert_allclose(forward, expected)
    np.testing.assert_allclose(
        jax.grad(lambda v: pt.networks.spike(v).sum())(v), expected
    )


def test_a_step_by_hand():
    """One neuron, two steps: a current of 12 makes it fire, then it rests."""
    layer = pt.networks.SpikingLayer(jnp.full((1, 1), 12.0), jnp.array([[1.0, 0.0]]))
    x, label = jnp.array([[[1.0], [0.0]]]), jnp.array([0])
    np.testing.assert_array_equal(
        pt.networks.run_spikes(pt.networks.lif(), layer, x[0])[:, 0], [1, 0]
    )
    p = 1 / (1 + np.exp(-1))  # of class 0 after a spike
    expected = -(np.log(p) + np.log(0.5)) / 2
    np.testing.assert_allclose(
        pt.likelihoods.spiking_loss(pt.networks.lif(), layer, x, label), expected
    )
    s = 1 / (1 + np.exp(-10 * 0.2))  # u = 1.2; afterwards the reset forgets
    gradient = (p - 1) * 10 * s * (1 - s) * 0.1 / 2
    _, found = pt.gradients.spiking_gradient(
        pt.networks.lif(), layer, x, label, how="eprop"
    )
    np.testing.assert_allclose(found.w_in[0, 0], gradient)


def test_adaptation_raises_the_threshold():
    layer = pt.networks.SpikingLayer(jnp.full((1, 1), 15.0), jnp.zeros((1, 2)))
    plain, adapting = (
        pt.networks.run_spikes(cell, layer, jnp.ones((100, 1)))
        for cell in (pt.networks.lif(), pt.networks.alif())
    )
    assert plain.sum() == 100 and 5 < adapting.sum() < 50
