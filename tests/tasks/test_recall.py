"""Store and recall: what is shown when, and that only the end counts."""

from functools import partial

import jax
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt


def test_groups_of_inputs_are_active_in_turn():
    clean = {"active": 1.0, "background": 0.0}
    sizes = {"n_class": 3, "n_pre": 8, "n_cue": 4, "n_delay": 5, "n_answer": 2}
    x, label = pt.tasks.recall_task(jr.key(0), 7, **sizes, **clean)
    assert x.shape == (7, 11, 8)
    np.testing.assert_array_equal(label, [0, 1, 2, 0, 1, 2, 0])
    for k, example in zip(np.asarray(label), np.asarray(x), strict=True):
        expected = np.zeros((11, 8))
        expected[:4, 2 * k : 2 * k + 2] = 1
        expected[9:, 6:] = 1
        np.testing.assert_array_equal(example, expected)


def test_spikes_are_as_frequent_as_was_asked():
    x, label = pt.tasks.recall_task(jr.key(1), 2000)
    cue = np.asarray(x)[np.asarray(label) == 0, :10, :4]
    delay, question = np.asarray(x)[:, 10:50], np.asarray(x)[:, 50:, 8:]
    np.testing.assert_allclose(cue.mean(), 0.52, atol=0.01)
    np.testing.assert_allclose(delay.mean(), 0.02, atol=0.001)
    np.testing.assert_allclose(question.mean(), 0.52, atol=0.01)


def test_nothing_but_the_cue_tells_the_class():
    x, label = (np.asarray(v) for v in pt.tasks.recall_task(jr.key(2), 4000))
    means = [x[label == k, 10:].mean(0) for k in (0, 1)]
    error = np.sqrt(2 * 0.25 / 2000)
    assert np.abs(means[0] - means[1]).max() < 5 * error


def test_without_a_delay_the_question_follows_the_cue():
    x, _ = pt.tasks.recall_task(jr.key(3), 2, n_delay=0)
    assert x.shape == (2, 20, 12)


def test_only_the_last_steps_count():
    x, label = pt.tasks.recall_task(jr.key(4), 6)
    layer = pt.networks.init_spiking_layer(jr.key(5), 12, 8, 2)
    cell = pt.networks.lif()
    z = jax.jit(jax.vmap(partial(pt.networks.run_spikes, cell, layer)))(x)
    log_p = np.asarray(layer.log_probability(z))[:, 50:]
    right = log_p[np.arange(6), :, np.asarray(label)]
    loss = pt.likelihoods.spiking_loss(cell, layer, x, label, n_answer=10)
    np.testing.assert_allclose(loss, -right.mean(), rtol=1e-6)
    score = pt.likelihoods.spiking_accuracy(cell, layer, x, label, n_answer=10)
    expected = (log_p.sum(1).argmax(-1) == np.asarray(label)).mean()
    np.testing.assert_allclose(score, expected)


def test_all_gradients_count_the_same_steps():
    x, label = pt.tasks.recall_task(jr.key(6), 4, n_delay=10)
    layer = pt.networks.init_spiking_layer(jr.key(7), 12, 6, 2)
    alone = layer._replace(w_rec=None)
    for how, start in (("eprop", alone), ("rtrl", layer)):
        exact, found = (
            pt.gradients.spiking_gradient(
                pt.networks.lif(), start, x, label, how=way, n_answer=10
            )
            for way in ("bptt", how)
        )
        np.testing.assert_allclose(found[0], exact[0], rtol=1e-5)
        np.testing.assert_allclose(found[1].w_in, exact[1].w_in, atol=1e-6)
        np.testing.assert_allclose(found[1].w_out, exact[1].w_out, atol=1e-6)
        assert np.abs(exact[1].w_in).max() > 1e-4


@pytest.mark.weekly
@pytest.mark.optax
def test_connections_learn_what_potentials_forget():
    """After thirty steps a twenty-fourth of a potential is left."""
    x, label = pt.tasks.recall_task(jr.key(8), 768, n_delay=30)
    layer = pt.networks.init_spiking_layer(jr.key(9), 12, 32, 2, gain_rec=4.0)
    cell = pt.networks.lif()

    def held_out(layer):
        trained, _ = pt.infer.train_spiking(
            jr.key(10),
            cell,
            layer,
            x[:512],
            label[:512],
            n_answer=10,
            max_steps=400,
            rates=(0.03, 0.03, 0.01),
        )
        new = x[512:], label[512:]
        return pt.likelihoods.spiking_accuracy(cell, trained, *new, n_answer=10)

    assert held_out(layer) > 0.85 and held_out(layer._replace(w_rec=None)) < 0.7
