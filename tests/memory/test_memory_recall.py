"""Recall: the gradient of the log-posterior is the dynamics derived by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from plastutor import memory

PHASES = memory.VonMises(0.4, 0.5), memory.VonMises(0.0, 10.0)
ACTIVITIES = memory.Gaussian(0.3, 1.2), memory.Gaussian(0.0, 0.8)


def drawn(prior, noise, n_patterns, n_units, seed=0):
    keys = jax.random.split(jax.random.key(seed))
    patterns = prior.sample(keys[0], (n_patterns, n_units))
    return patterns, patterns + noise.sample(keys[1], patterns.shape)


def phase_field(x, cue, w, rule, m, self_term):
    """Leak, input, and what the synapses in both directions add; by hand."""
    prior, noise = PHASES
    mean, variance = memory.weight_moments(rule, prior, m - 1)
    d = x[:, None] - x[None]
    omega = rule.strength * np.exp(rule.sharpness * (np.cos(d) - 1))
    derivative = omega * (
        np.cos(d - rule.phase) - rule.sharpness * np.sin(d) * np.sin(d - rule.phase)
    )
    omega = omega * np.sin(d - rule.phase)
    terms = np.array((w - float(mean) - self_term * omega) * derivative)
    np.fill_diagonal(terms, 0)
    drive = terms.sum(1) - terms.sum(0)  # as sender, and as receiver
    drive = drive / 2 if rule.phase == 0 else drive  # antisymmetric: a pair counts once
    leak = -prior.concentration * np.sin(x - prior.mean)
    return leak + noise.concentration * np.sin(cue - x) + drive / float(variance)


def rate_field(x, cue, w, rule, m, self_term):
    """The same for the covariance rule; pairs are symmetric."""
    prior, noise = ACTIVITIES
    mean, variance = memory.weight_moments(rule, prior, m - 1)
    off = x - rule.mean
    others = 1 - np.eye(len(x))
    drive = rule.strength * (others * (w - float(mean))) @ off
    inhibition = rule.strength**2 * off * (others @ off**2)
    leak = (prior.mean - x) / prior.std**2
    return (
        leak
        + (cue - x) / noise.std**2
        + (drive - self_term * inhibition) / float(variance)
    )


@pytest.mark.parametrize("self_term", [True, False])
@pytest.mark.parametrize(
    ("rule", "by_hand", "pair"),
    [
        (memory.Gabor(0.7, 4.0, 0.0), phase_field, PHASES),
        (memory.Gabor(0.7, 4.0, 0.7), phase_field, PHASES),
        (memory.Covariance(0.6, 0.3), rate_field, ACTIVITIES),
    ],
)
def test_the_dynamics_are_those_derived_by_hand(rule, by_hand, pair, self_term):
    with jax.enable_x64(True):
        patterns, cues = drawn(*pair, 4, 12)
        w = memory.store(rule, patterns)
        x = patterns[1] + 0.3
        density = partial(memory.log_posterior, n_patterns=4, self_term=self_term)
        found = jax.grad(density)(x, cues[0], w, rule, *pair)
        asked = by_hand(*map(np.asarray, (x, cues[0], w)), rule, 4, self_term)
        assert np.abs(found - asked).max() < 1e-6 * np.abs(asked).max()


def rms(found, patterns, prior):
    return float(jnp.sqrt((memory.recall_error(found, patterns, prior) ** 2).mean()))


def test_phases_are_recalled_and_a_wrong_coupling_harms():
    rule, (prior, noise) = memory.Gabor(), PHASES
    patterns, cues = drawn(*PHASES, 10, 200)
    read = partial(memory.recall, cues, memory.store(rule, patterns), n_patterns=10)
    found = read(rule, *PHASES)
    nothing = rms(prior.best(cues, noise), patterns, prior)
    assert rms(found.x, patterns, prior) < 0.5 * nothing
    wrong = read(memory.Gabor(phase=jnp.pi / 2), *PHASES)
    assert rms(wrong.x, patterns, prior) > nothing
    without = read(rule, *PHASES, self_term=False)
    assert rms(without.x, patterns, prior) > 1.3 * rms(found.x, patterns, prior)
    assert (np.diff(found.log_posterior[:, ::10]) > -1).all()  # uphill
    assert found.path.shape == (10, 61, 200) and (found.path[:, -1] == found.x).all()


def test_weights_as_independent_evidence_harm_activities_and_two_cures_help():
    rule, (prior, noise) = memory.Covariance(mean=0.3), ACTIVITIES
    patterns, cues = drawn(*ACTIVITIES, 10, 200)
    w = memory.store(rule, patterns)
    read = partial(memory.recall, cues, w, rule, *ACTIVITIES, n_patterns=10)
    nothing = rms(prior.best(cues, noise), patterns, prior)
    assert rms(read(n_steps=200).x, patterns, prior) > nothing
    assert rms(read(inflate=10.0).x, patterns, prior) < nothing
    found = memory.subspace_recall(cues, w, *ACTIVITIES, n_patterns=10)
    assert rms(found, patterns, prior) < 0.5 * nothing


def test_small_steps_and_plain_ones_end_at_the_same_memory():
    rule, prior = memory.Gabor(), PHASES[0]
    patterns, cues = drawn(*PHASES, 3, 60)
    read = partial(memory.recall, cues[0], memory.store(rule, patterns), n_patterns=3)
    plain = read(rule, *PHASES, n_steps=100, dt=0.2)
    small = read(rule, *PHASES, n_steps=40, dt=0.5, adaptive=True)
    off = prior.difference(plain.x, small.x)
    assert jnp.abs(off).max() < 0.02
    assert jnp.abs(prior.difference(small.x, small.path[0])).max() > 0.1


def test_how_much_a_rule_writes_does_not_count():
    found = []
    for strength in (1.0, 3.0):
        rule = memory.Gabor(strength, 4.0, 0.3)
        patterns, cues = drawn(*PHASES, 5, 60)
        w = memory.store(rule, patterns)
        found.append(memory.recall(cues[0], w, rule, *PHASES, n_patterns=5).x)
    assert jnp.abs(PHASES[0].difference(*found)).max() < 1e-3


def test_a_storage_rule_is_learned_through_its_recall():
    (prior, noise), rule = PHASES, memory.Fourier(jnp.zeros(2), jnp.array([0.5, 0.1]))

    def loss(rule):
        patterns, cues = drawn(prior, noise, 3, 20)
        w = memory.store(rule, patterns)
        found = memory.recall(cues, w, rule, prior, noise, n_patterns=3, n_steps=5)
        return (1 - jnp.cos(found.x - patterns)).mean()

    with jax.enable_x64(True):
        rule = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), rule)
        gradient, h = jax.grad(loss)(rule), 1e-5
        for k in range(2):
            sides = [
                loss(rule._replace(sines=rule.sines.at[k].add(s * h))) for s in (1, -1)
            ]
            asked = (sides[0] - sides[1]) / (2 * h)
            assert abs(gradient.sines[k] - asked) < 1e-4 * abs(asked) + 1e-9


def test_the_cost_of_recall_grows_as_the_square_of_the_neurons():
    def flops(n):
        x, w = jnp.zeros(n), jnp.zeros((n, n))
        density = partial(memory.log_posterior, n_patterns=5)
        gradient = jax.jit(jax.grad(density))
        made = gradient.lower(x, x, w, memory.Gabor(), *PHASES).compile()
        return made.cost_analysis()["flops"]

    each = np.array([flops(n) for n in (500, 1000, 2000)])
    growth = np.diff(np.log2(each))
    assert (np.abs(growth - 2) < 0.1).all()


GOOD = {"cue": np.zeros(4), "w": np.zeros((4, 4)), "n_patterns": 3}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"w": np.zeros((4, 3))}, r"w \(4, 3\); expected"),
        ({"w": np.full((4, 4), np.inf)}, "w holds numbers that are not finite"),
        ({"n_patterns": 1}, "expected a whole number from 2 up"),
        ({"n_steps": 0}, "n_steps is 0"),
        ({"dt": -1.0}, "dt -1.0"),
        ({"inflate": 0.0}, "inflate is 0.0"),
        ({"prior": memory.Gaussian()}, "prior Gaussian and noise VonMises"),
        ({"noise": memory.VonMises(0.0, -1.0)}, "concentration of noise is -1.0"),
    ],
)
def test_what_does_not_fit_is_a_sentence(change, sentence):
    given = dict(zip(("prior", "noise"), PHASES, strict=True)) | GOOD | change
    with pytest.raises(ValueError, match=sentence):
        memory.recall(rule=memory.Gabor(), **given)


def test_the_subspace_needs_fewer_patterns_than_neurons_and_a_symmetric_network():
    cue, w, pair = np.zeros(3), np.ones((3, 3)), ACTIVITIES
    with pytest.raises(ValueError, match="3 patterns of 3 neurons"):
        memory.subspace_recall(cue, w, *pair, n_patterns=3)
    with pytest.raises(ValueError, match="not symmetric"):
        memory.subspace_recall(cue, np.triu(w), *pair, n_patterns=2)
    with pytest.raises(ValueError, match="std of noise is 0"):
        memory.subspace_recall(cue, w, pair[0], memory.Gaussian(0.0, 0.0), n_patterns=2)
