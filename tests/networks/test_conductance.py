"""Conductance neurons and doublet rules, against a loop in NumPy."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

RULE = pt.rules.doublet()
THETA = {
    "exc": pt.rules.doublet_theta(tau_pre=15.0, alpha=0.1, gamma=0.5, beta=-0.2),
    "inh": pt.rules.vogels(8.0),
    "rec": pt.rules.doublet_theta(tau_post=30.0, alpha=-0.3, kappa=0.4),
}
RULES = dict.fromkeys(THETA, RULE)
IS_EXC = np.arange(12) < 8


def network(**more):
    """Twelve inputs, of which four inhibit, and five neurons that excite each other."""
    masks = {
        "exc": np.tile(IS_EXC[:, None], 5),
        "inh": np.tile(~IS_EXC[:, None], 5),
        "rec": ~np.eye(5, dtype=bool),
    }
    given = {"between": ("rec",), "rates": 0.5, "largest": 12.0, "masks": masks}
    return pt.networks.Conductance(**given | more)


def experiment(n_steps=300, key=0):
    """Spikes of the inputs at 40 Hz, and weights from which neurons spike."""
    keys = jr.split(jr.key(key), 4)
    x = (jr.uniform(keys[0], (n_steps, 12)) < 0.04).astype(float)
    sizes = {"exc": (12, 5), "inh": (12, 5), "rec": (5, 5)}
    w0 = {
        name: 8 * jr.uniform(k, size)
        for (name, size), k in zip(sizes.items(), keys[1:], strict=True)
    }
    return pt.make_experiment(x, w0=w0)


def by_hand(made_of, data):
    """The same network, neuron by neuron and synapse by synapse."""
    x, dt = np.asarray(data.x), made_of.dt
    w = {k: np.asarray(v) * made_of.masks[k] for k, v in data.w0.items()}
    v, wait, g = np.full(5, -60.0), np.zeros(5), np.zeros((2, 5))
    last = np.zeros(5)
    traces = {k: [np.zeros(len(w[k])), np.zeros(5)] for k in w}
    spikes, weights = [], []
    for now in x:
        sent = {"exc": now, "inh": now, "rec": last}
        g[0] = g[0] * np.exp(-dt / 5) + now @ w["exc"] + last @ w["rec"]
        g[1] = g[1] * np.exp(-dt / 10) + now @ w["inh"]
        last = np.zeros(5)
        for j in range(5):
            total = 1 + (g[0, j] + g[1, j]) / 10
            target = (-60 + (0 * g[0, j] - 80 * g[1, j]) / 10) / total
            v[j] = target + (v[j] - target) * np.exp(-dt * total / 20)
            if wait[j] > 0:
                v[j], wait[j] = -60, max(wait[j] - dt, 0)
            elif v[j] > -50:
                last[j], v[j], wait[j] = 1, -60, 5
        for k, each in w.items():
            log_pre, log_post, alpha, beta, gamma, kappa = np.asarray(THETA[k])
            pre, post = traces[k]
            for i, j in np.ndindex(*each.shape):
                change = sent[k][i] * (alpha + kappa * post[j])
                change += last[j] * (beta + gamma * pre[i])
                each[i, j] = np.clip(each[i, j] + 0.5 * change, 0, 12)
            w[k] = each * made_of.masks[k]
            traces[k] = [
                np.exp(-dt / np.exp(log_pre)) * pre + sent[k],
                np.exp(-dt / np.exp(log_post)) * post + last,
            ]
        spikes.append(last)
        weights.append({k: each.copy() for k, each in w.items()})
    return np.array(spikes), weights[-1]


def test_spikes_and_weights_are_those_of_a_loop():
    data, made_of = experiment(), network()
    made = pt.simulate(RULES, THETA, data, network=made_of)
    spikes, w = by_hand(made_of, data)
    assert 30 < spikes.sum() < 1000
    np.testing.assert_array_equal(made.y, spikes)
    for name, each in w.items():
        np.testing.assert_allclose(made.w[name][-1], each, atol=1e-9)
        began = np.asarray(data.w0[name]) * made_of.masks[name]
        assert np.abs(each - began).max() > 0.1


def test_a_conductance_keeps_its_bounds_and_masks():
    made_of = network(rates=20.0)
    w = pt.simulate(RULES, THETA, experiment(), network=made_of).w
    for name, each in w.items():
        assert 0 <= each.min() and each.max() <= 12
        assert (each[:, ~made_of.masks[name]] == 0).all()
    assert (w["exc"] == 12).any() and (w["rec"] == 0).any()


def test_a_batch_and_several_rules_are_one_program_each():
    data = [experiment(100, key) for key in range(2)]
    batch = jax.tree.map(lambda *leaves: jnp.stack(leaves), *data)
    made = pt.simulate(RULES, THETA, batch, network=network())
    one = pt.simulate(RULES, THETA, data[1], network=network())
    np.testing.assert_allclose(made.w["inh"][1], one.w["inh"], atol=1e-9)
    thetas = jnp.stack([pt.rules.vogels(rate) for rate in (2.0, 20.0)])
    y = jax.vmap(
        lambda inh: (
            pt.simulate(RULES, THETA | {"inh": inh}, data[0], network=network()).y
        )
    )(thetas)
    assert y.shape == (2, 100, 5)


def test_gradients_through_spikes_are_finite_and_the_same_both_ways():
    data = experiment(60)
    loss = lambda theta: (
        pt.simulate(RULES, theta, data, network=network()).w["inh"][-1].sum()
    )
    there = jax.grad(loss)(THETA)
    back = jax.jacfwd(loss)(THETA)
    for one, other in zip(*map(jax.tree.leaves, (there, back)), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(there)) > 0


@pytest.mark.parametrize("target", [5.0, 10.0])
def test_inhibitory_plasticity_keeps_the_rate_that_the_mean_field_says(target):
    x = (jr.uniform(jr.key(5), (30_000, 120)) < 0.01).astype(float)
    excites = (np.arange(120) < 80)[:, None]
    w0 = {"exc": jnp.where(excites, 2.0, 0.0), "inh": jnp.ones((120, 1))}
    neuron = pt.networks.Conductance(rates=0.3, masks={"exc": excites, "inh": ~excites})
    data, theta = pt.make_experiment(x, w0=w0), pt.rules.vogels(target)
    rates = {}
    for name, inh in {"learns": theta, "fixed": 0 * theta}.items():
        made = pt.simulate(
            {"inh": RULE}, {"inh": inh}, data, network=neuron, keep_weights=False
        )
        rates[name] = 1000 * float(made.y[10_000:].mean())
    assert abs(float(pt.rules.mean_field_rate(theta)) - target) < 1e-6
    # Spikes of a neuron avoid those that inhibit it: the mean field leaves that out.
    assert abs(rates["learns"] / target - 1) < 0.3
    assert rates["fixed"] > 3 * target


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dt": 0.0}, "dt is 0.0; expected a number above 0"),
        ({"tau": -1.0}, "tau is -1.0"),
        ({"inhibitory": ("gaba",)}, "inhibitory has the unknown projection 'gaba'"),
        ({"masks": {"out": [[True]]}}, "masks has the unknown projection 'out'"),
        ({"rates": {"out": 1.0}}, "rates has the unknown projection 'out'"),
    ],
)
def test_a_network_that_is_none_is_a_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        network(**change)


def test_weights_and_rules_that_do_not_fit_are_sentences():
    data = experiment(10)
    with pytest.raises(ValueError, match="expected a mapping with the weights of exc"):
        pt.simulate(RULES, THETA, data._replace(w0={"exc": data.w0["exc"]}),
                    network=network())  # fmt: skip
    wrong = data.w0 | {"rec": jnp.ones((4, 5))}
    with pytest.raises(ValueError, match=r"w0 of 'rec' has shape \(4, 5\)"):
        pt.simulate(RULES, THETA, data._replace(w0=wrong), network=network())
    with pytest.raises(ValueError, match="unknown projection 'out'"):
        pt.simulate({"out": RULE}, {"out": THETA["rec"]}, data, network=network())
    with pytest.raises(ValueError, match="theta is no mapping with the projections"):
        pt.simulate({"rec": RULE}, {"inh": THETA["rec"]}, data, network=network())
    with pytest.raises(ValueError, match="tau_pre is -1.0; expected milliseconds"):
        pt.rules.doublet_theta(tau_pre=-1.0)


def test_mean_field_rates_are_where_both_kinds_of_change_cancel():
    theta = pt.rules.doublet_theta(
        tau_pre=15.0, tau_post=40.0, alpha=-0.7, beta=0.3, gamma=0.5, kappa=1.5
    )
    sender, rate = 8.0, float(pt.rules.mean_field_rate(theta, 8.0))
    change = sender * (-0.7 + 1.5 * rate * 0.04) + rate * (0.3 + 0.5 * sender * 0.015)
    assert abs(change) < 1e-5
