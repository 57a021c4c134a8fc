"""The study of function: its yardstick, how rows end, what its table holds."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from function import methods
from function.settings import BEHIND, LAYER, RULE, SETTLE, STILL, TARGET
from test_studies import kept

import plastutor as pt
from plastutor.objectives import component_distance, functional


@pytest.fixture(scope="module")
def goals():
    return methods.layer_goals(jr.key(0), 3, n_steps=40)


def test_sangers_rule_is_the_one_of_its_paper(goals):
    """Neuron by neuron: each learns from what those before it leave over."""
    found = methods.sanger(goals, 0.05)
    for k in range(3):
        w = np.array(goals.experiment.w0["ff"][k])
        for x in np.asarray(goals.experiment.x[k, SETTLE - 1 :: SETTLE]):
            y = w.T @ x
            left = [x - sum(y[i] * w[:, i] for i in range(j + 1)) for j in range(3)]
            w = w + 0.05 * np.stack([y[j] * left[j] for j in range(3)], 1)
        np.testing.assert_allclose(found[k], w, rtol=1e-5)


def test_a_presentation_lasts_until_neurons_have_settled(goals):
    """Then activity solves y = x W + y U, for lateral weights behind each neuron."""
    experiment = goals.experiment._replace(
        w0=goals.experiment.w0 | {"rec": 0.5 * jr.normal(jr.key(1), (3, 3, 3))}
    )
    zeros = {"ff": 0 * pt.OJA, "rec": 0 * pt.OJA}
    y = pt.simulate(methods.LAYER_RULES, zeros, experiment, network=LAYER).y
    for k in range(3):
        w, u = (np.asarray(experiment.w0[name][k]) for name in ("ff", "rec"))
        x = np.asarray(experiment.x[k, SETTLE - 1 :: SETTLE])
        settled = x @ w @ np.linalg.inv(np.eye(3) - u * BEHIND)
        np.testing.assert_allclose(y[k, SETTLE - 1 :: SETTLE], settled, atol=1e-5)


def test_a_search_is_as_good_as_a_limit_from_a_step_on():
    loss = lambda theta, data: jnp.abs(theta)  # noqa: E731
    thetas = np.linspace(1, 0, 41)
    assert methods.reached(loss, thetas, 0.5, None) == 20
    assert methods.reached(loss, thetas + 1, 0.5, None) == ""


def test_a_rule_that_runs_away_is_a_row():
    goals = methods.neuron_goals(jr.key(0), 3)
    wild = 5 * jr.normal(jr.key(1), pt.OJA.shape)
    row = methods.judged(methods.OF_NEURON, wild, goals)
    assert row["status"] == "weights ran away" and row["loss"] == 10
    assert row["cosine"] == 0 and row["away"] == 3


def test_a_rule_that_does_nothing_has_no_mean_field():
    row = methods.spiking_row(STILL, methods.spiking_sample(jr.key(0), 1))
    assert row["mean_field"] == "" and row["rate"] > 2 * TARGET


def test_rules_of_the_table_do_what_it_says():
    """One of them, judged on inputs that no row has seen."""
    row = next(
        row
        for row in kept("function")[1]
        if (row["task"], row["way"], row["seed"]) == ("neuron", "gradient", "3")
    )
    theta = jnp.array([float(v) for v in row["theta"].split()]).reshape(pt.OJA.shape)
    loss = functional(RULE, component_distance, network=methods.NEURON)
    new = methods.neuron_goals(jr.key(31), 200)
    assert loss(theta, new) < 2 * float(row["loss"])
    assert loss(0 * theta, new) > 10 * loss(theta, new)
