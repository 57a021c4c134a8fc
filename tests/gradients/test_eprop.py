"""Spiking: e-prop and exact forward mode against back-propagation through time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bad_input import check_refusal
from memory import temporary_bytes

import plastutor as pt


def _coupled_step(state, current):
    """Adaptation that pulls at the potential itself, as in Lohoff et al. (2025)."""
    u, a = state
    z = pt.networks.spike(u - 1)
    return jnp.stack([0.9 * (u - z) + 0.1 * (current - a), 0.9 * u + 0.8 * a + z])


COUPLED = pt.networks.Cell(
    2, _coupled_step, lambda state: pt.networks.spike(state[0] - 1)
)
CELLS = {"lif": pt.networks.lif(), "alif": pt.networks.alif(), "coupled": COUPLED}
every_cell = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


@pytest.fixture(scope="module")
def data():
    """Four examples of 100 steps."""
    x = np.random.default_rng(0).poisson(0.08, (4, 100, 40)).astype(float)
    return jnp.asarray(x), jnp.array([0, 3, 3, 7])


@pytest.fixture(scope="module")
def patterns():
    return pt.tasks.spike_patterns(jax.random.key(1))


@pytest.fixture(scope="module")
def noisy(patterns):
    return pt.tasks.pattern_task(jax.random.key(2), patterns, 1536)


def layer_of(n_post, recurrent=True):
    """As `init_layer`, with strong recurrence, and without a wait for the compiler."""
    draw = np.random.default_rng(1).normal
    w_in, w_out = 15 / 40**0.5 * draw(size=(40, n_post)), draw(size=(n_post, 8))
    w_rec = 4 / n_post**0.5 * draw(size=(n_post, n_post))
    layer = pt.networks.SpikingLayer(
        w_in, w_out / n_post**0.5, w_rec if recurrent else None
    )
    return jax.tree.map(jnp.asarray, layer)


def hidden(gradient: pt.networks.SpikingLayer):
    """The gradients of all weights but the read-out's, in one row."""
    return np.concatenate([np.ravel(leaf) for leaf in (gradient.w_in, gradient.w_rec)])


def relative_error(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@every_cell
def test_one_hot_tangents_give_all_of_the_jacobian(cell, key):
    n, k = 5, cell.n_state
    k_state, k_current = jax.random.split(key)
    state = 1 + 0.2 * jax.random.normal(k_state, (k, n))
    current = jax.random.normal(k_current, (n,))
    whole = jax.jit(jax.jacrev(cell.step))(state, current)  # [to, neuron, from, neuron]
    block = jax.jit(partial(pt.gradients.diagonal_jacobian, cell.step))(state, current)
    assert np.abs(block).max() > 0.5
    np.testing.assert_allclose(jnp.einsum("injn->ijn", whole), block, rtol=1e-12)
    np.testing.assert_allclose(whole, jnp.einsum("ijn,nm->injm", block, jnp.eye(n)))


@every_cell
def test_without_recurrence_eprop_is_exact(cell, data):
    layer = layer_of(64, recurrent=False)
    value, exact = pt.gradients.spiking_gradient(cell, layer, *data)
    online, gradient = pt.gradients.spiking_gradient(cell, layer, *data, how="eprop")
    np.testing.assert_allclose(online, value, rtol=1e-12)
    assert exact.w_rec is None and gradient.w_rec is None
    assert np.linalg.norm(exact.w_in) > 1e-3
    assert relative_error(gradient.w_in, exact.w_in) < 1e-10
    assert relative_error(gradient.w_out, exact.w_out) < 1e-10


def truncated_loss(cell, layer, x, label):
    """The loss, where no derivative goes from a neuron's spikes to a later current."""

    def step(state, x):
        before = jax.lax.stop_gradient(cell.fire(state))
        state = cell.step(state, x @ layer.w_in + before @ layer.w_rec)
        return state, cell.fire(state)

    def one(x, label):
        rest = jnp.zeros((cell.n_state, layer.w_in.shape[1]))
        z = jax.lax.scan(step, rest, x)[1]
        return -jax.nn.log_softmax(z @ layer.w_out)[:, label].mean()

    return jax.vmap(one)(x, label).mean()


def test_with_recurrence_eprop_misses_what_neurons_do_to_each_other(data):
    cell = pt.networks.lif()
    layer = layer_of(64)
    _, exact = pt.gradients.spiking_gradient(cell, layer, *data)
    _, gradient = pt.gradients.spiking_gradient(cell, layer, *data, how="eprop")
    assert 0.5 < cosine(hidden(gradient), hidden(exact)) < 0.999
    assert relative_error(hidden(gradient), hidden(exact)) > 0.05
    assert relative_error(gradient.w_out, exact.w_out) < 1e-10  # nothing to miss
    # And misses nothing else.
    truncated = jax.jit(jax.grad(partial(truncated_loss, cell)))(layer, *data)
    assert relative_error(hidden(gradient), hidden(truncated)) < 1e-10


def test_real_time_recurrent_learning_is_exact(data):
    cell = pt.networks.alif()
    layer = layer_of(16)
    value, exact = pt.gradients.spiking_gradient(cell, layer, *data)
    online, gradient = pt.gradients.spiking_gradient(cell, layer, *data, how="rtrl")
    np.testing.assert_allclose(online, value, rtol=1e-12)
    assert relative_error(hidden(gradient), hidden(exact)) < 1e-10
    assert relative_error(gradient.w_out, exact.w_out) < 1e-10
    _, local = pt.gradients.spiking_gradient(cell, layer, *data, how="eprop")
    assert 0.5 < cosine(hidden(local), hidden(gradient)) < 0.999


def bytes_of(how, n_steps, n_post):
    layer = layer_of(n_post)
    x, label = np.zeros((1, n_steps, 40)), np.zeros(1, int)
    return temporary_bytes(
        partial(pt.gradients.spiking_gradient, pt.networks.lif(), how=how),
        layer,
        x,
        label,
    )


@pytest.mark.parametrize("how, n_post", [("eprop", 64), ("rtrl", 8)])
def test_the_memory_forward_does_not_grow_with_time(how, n_post):
    needed = {bytes_of(how, n, n_post) for n in (100, 1000, 10_000)}
    assert len(needed) == 1 and needed.pop() > 0


def test_the_memory_of_back_propagation_grows_with_time():
    short, long = (bytes_of("bptt", n, 64) for n in (100, 1000))
    assert long > 5 * short


def test_feedback_replaces_the_way_back_and_nothing_else(data):
    layer = layer_of(16)
    both = pt.gradients.spiking_gradient(pt.networks.lif(), layer, *data, how="eprop")
    same = pt.gradients.spiking_gradient(
        pt.networks.lif(), layer, *data, how="eprop", feedback=layer.w_out.T
    )
    jax.tree.map(np.testing.assert_array_equal, same, both)
    # Turned round, the error drives the weights of the neurons the other way.
    value, gradient = pt.gradients.spiking_gradient(
        pt.networks.lif(), layer, *data, how="eprop", feedback=-layer.w_out.T
    )
    np.testing.assert_allclose(value, both[0])
    np.testing.assert_allclose(gradient.w_out, both[1].w_out)
    np.testing.assert_allclose(hidden(gradient), -hidden(both[1]), rtol=1e-10)


def test_the_classes_differ_only_in_when(patterns, noisy, key):
    x, label = pt.tasks.pattern_task(
        key, patterns, 1536, jitter=0.0, missing=0.0, background=0.0
    )
    np.testing.assert_array_equal(label[6:10], [6, 7, 0, 1])
    np.testing.assert_array_equal(x.sum(1), 3)  # of every input, in every example
    for times, example in zip(np.asarray(patterns), np.asarray(x[:8]), strict=True):
        for pre in range(40):
            found = np.repeat(np.arange(50), example[:, pre].astype(int))
            np.testing.assert_array_equal(found, np.sort(times[pre]))
    expected = 3 * 0.7 + 50 * 0.02
    np.testing.assert_allclose(noisy[0].sum(1).mean(0), expected, atol=0.15)


@pytest.mark.optax
def test_eprop_learns_what_back_propagation_learns(noisy, key):
    """Held-out accuracy after as many updates; the chapter has it for five seeds."""
    x, label = noisy
    layer = pt.networks.init_spiking_layer(key, 40, 64, 8)
    score = jax.jit(partial(pt.likelihoods.spiking_accuracy, pt.networks.lif()))

    def held_out(**options):
        after, _ = pt.infer.train_spiking(
            key, pt.networks.lif(), layer, x[:1024], label[:1024], **options
        )
        return score(after, x[1024:], label[1024:])

    exact, local = held_out(), held_out(how="eprop")
    assert exact > 0.8 and local > exact - 0.05
    assert held_out(rates=(0.0, 0.03, 0.0)) < 0.4  # the hidden layer frozen


@pytest.mark.optax
def test_frozen_weights_stay(data):
    layer = layer_of(16)
    after, losses = pt.infer.train_spiking(
        jax.random.key(0),
        pt.networks.lif(),
        layer,
        *data,
        rates=(0.0, 0.1, 0.0),
        max_steps=3,
        batch_size=2,
    )
    np.testing.assert_array_equal(after.w_in, layer.w_in)
    np.testing.assert_array_equal(after.w_rec, layer.w_rec)
    assert losses.shape == (3,)
    assert np.abs(after.w_out - layer.w_out).max() > 0.1


def test_errors_say_what_to_try(data):
    layer, (x, label) = layer_of(4), data

    def refused(sentence, x=x, **how):
        cell = pt.networks.lif()
        check_refusal(
            lambda: pt.gradients.spiking_gradient(cell, layer, x, label, **how),
            sentence,
        )

    refused("expected 'bptt', 'eprop' or 'rtrl'", how="backprop")
    refused("takes no feedback", feedback=layer.w_out.T)
    refused("one row a class", how="eprop", feedback=layer.w_out)
    refused("x has shape", x=x[0])
    refused("x has shape", x=x[:, :, 1:])
