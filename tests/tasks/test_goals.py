"""Goals: what goes in, and what should come out."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt

component_goals, rate_goals = pt.tasks.component_goals, pt.tasks.rate_goals


def test_inputs_have_their_own_components(key):
    goals = component_goals(key, 3, n_steps=20_000, n_post=2)
    for x, target in zip(*(goals.experiment.x, goals.target), strict=True):
        found = np.linalg.eigh(np.cov(np.asarray(x).T))
        np.testing.assert_allclose(found[0][::-1], (1, 0.4, 0.25, 0.15, 0.1), rtol=0.05)
        np.testing.assert_allclose(
            np.abs(found[1][:, :-3:-1].T @ target), np.eye(2), atol=0.1
        )
    assert np.abs(goals.target[0] - goals.target[1]).max() > 0.1


def test_a_presentation_that_settles_is_plastic_at_its_end(key):
    goals = component_goals(key, 2, n_steps=4, n_post=2, settle=3, rec_std=0.5)
    e = goals.experiment
    assert e.x.shape == (2, 12, 5)
    assert (e.x[:, ::3] == e.x[:, 2::3]).all() and (e.x[:, 0] != e.x[:, 3]).all()
    assert e.plastic[0].tolist() == [False, False, True] * 4
    assert e.w0["ff"].shape == (2, 5, 2) and e.w0["rec"].std() > 0.1
    made = pt.simulate(
        pt.taylor(pt.OJA_ORDERS), pt.OJA, e, network=pt.networks.Recurrent()
    )
    assert (made.w["ff"][:, 0] == e.w0["ff"]).all()
    assert (made.w["ff"][:, 2] != e.w0["ff"]).any()


def test_inputs_spike_at_their_rate(key):
    goals = rate_goals(key, 4, input_hz={"exc": 5.0, "inh": 20.0}, seconds=20.0)
    rate = 1000 * goals.experiment.x.mean((0, 1))
    assert rate[:80].mean() == pytest.approx(5, rel=0.05)
    assert rate[80:].mean() == pytest.approx(20, rel=0.05)
    masks = pt.tasks.rate_masks()
    assert (masks["exc"] != masks["inh"]).all()


@pytest.mark.parametrize(
    ("make", "how", "said"),
    [
        (component_goals, {"spectrum": (1.0, 2.0)}, "from the largest down"),
        (component_goals, {"spectrum": ()}, "from the largest down"),
        (component_goals, {"spectrum": (1.0, -0.1)}, "above 0"),
        (component_goals, {"n_post": 6}, "as many inputs as neurons"),
        (component_goals, {"settle": 0}, "settle is 0"),
        (rate_goals, {"input_hz": -1.0}, "rates from 0 up"),
        (rate_goals, {"input_hz": 2000.0}, "one spike a step"),
        (rate_goals, {"seconds": 0.0}, "one step or more"),
        (rate_goals, {"input_hz": {"exc": 5.0}}, "expected exc and inh"),
        (rate_goals, {"weight": {"out": 5.0}}, "expected exc and inh"),
    ],
)
def test_what_cannot_be_is_a_sentence(key, make, how, said):
    with pytest.raises(ValueError, match=said):
        make(key, **how)


def test_keys_count():
    one, same, other = (component_goals(jr.key(k), 2, n_steps=3) for k in (0, 0, 1))
    assert (one.target == same.target).all() and (one.target != other.target).any()
    assert jnp.isfinite(one.experiment.x).all()
