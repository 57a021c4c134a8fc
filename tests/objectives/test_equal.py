"""Equal is equal: what is asked for twice is the same to JAX, and compiled once."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from trust import methods as trust
from trust.settings import names_of

import plastutor as pt

ORDERS = pt.Orders(x=1, w=1, r=1)
PROGRAMS = []  # one entry for each program that XLA compiles, or loads from a cache


@jax.monitoring.register_event_duration_secs_listener
def _count(event, duration, **_):
    if event == "/jax/core/compile/backend_compile_duration":
        PROGRAMS.append(duration)


@pytest.mark.parametrize(
    "make",
    [
        lambda: pt.objective(pt.taylor(ORDERS), pt.choice, network=pt.FLY),
        lambda: pt.objective(pt.taylor(ORDERS), pt.accept, trials=7),
        lambda: pt.objective(pt.mlp(), pt.activity, penalty=pt.l1(0.1)),
        lambda: pt.l1(0.1),
        lambda: pt.evaluate.logistic_regression(3, penalty=0.1),
        lambda: pt.evaluate.q_learning(),
        lambda: pt.evaluate.fixed_weights(pt.LINEAR),
        lambda: pt.taylor(ORDERS, ("x", "xr"), scale=0.1).init,
        lambda: pt.GaussNewton(1e-3),
    ],
)
def test_what_is_asked_for_twice_is_equal(make):
    assert make() == make() and hash(make()) == hash(make())


def test_losses_that_differ_are_not_equal():
    rule = pt.taylor(ORDERS)
    losses = [
        pt.objective(rule, pt.choice),
        pt.objective(rule, pt.choice, penalty=pt.l1(0.1)),
        pt.objective(rule, pt.choice, penalty=pt.l1(0.2)),
        pt.objective(rule, pt.choice, network=pt.FLY),
        pt.objective(rule, pt.choice, gradient="forward"),
        pt.objective(rule, pt.accept),
    ]
    assert len({*losses}) == len(losses)


def choice_loss():
    rule = pt.taylor(ORDERS, ("x", "xr", "w"), scale=0.1)
    return rule, pt.objective(rule, pt.choice, network=pt.FLY)


def some_choices(seed):
    draw, shape = np.random.default_rng(seed), (4, 12)
    choice, reward = (draw.integers(0, 2, shape).tolist() for _ in range(2))
    return pt.data.choice_experiments(choice, reward)


def some_activity(seed):
    rule, sizes = pt.taylor(pt.OJA_ORDERS), {"n_steps": 6, "n_pre": 4, "n_post": 2}
    return pt.neural_task(jr.key(seed), rule, pt.OJA, n_experiments=4, **sizes)


def report_choices(seed):
    table = pt.read_choices(pt.data.example_file("choices"), sessions="carry")
    first = jax.tree.map(lambda leaf: leaf[:4], table.experiment)
    few = table._replace(animals=table.animals[:4], cohort=pt.Cohort(first))
    pt.report_choices(jr.key(seed), few, restarts=2)


def report_activity(seed):
    recording = pt.read_activity(pt.data.example_file("activity"))
    pt.report_activity(jr.key(seed), recording, draws=1, restarts=2)


def leave_one_out(seed):
    rule, loss = choice_loss()
    losses = [
        pt.objective(rule, pt.choice, network=pt.FLY, penalty=pt.l1(s))
        for s in (0.1, 0.01)
    ]
    how = {"restarts": 2, "max_steps": 4, "optimizer": pt.GaussNewton()}
    data = some_choices(seed)
    pt.leave_one_out(jr.key(seed), loss, rule.init, data, **how)
    pt.leave_one_out(jr.key(seed), losses, rule.init, data, **how)


def fit_population(seed):
    rule, loss = choice_loss()
    pt.evaluate.fit_population(loss, rule.init(jr.key(seed)), some_choices(seed))


def evidence_fit(seed):
    pt.evidence_fit(pt.OJA_ORDERS, some_activity(seed), only=("xy", "yyw"))


def select_terms(seed):
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS), pt.activity)
    data = some_activity(seed), some_activity(seed + 10)
    pt.select_terms(loss, pt.OJA_ORDERS, *data, max_terms=2, max_steps=2)


def profile(seed):
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), pt.activity)
    pt.profile(loss, jnp.asarray(pt.OJA), some_activity(seed), "xy", noise=0.1)


def assumptions(seed):
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS, ("xy", "yyw")), pt.activity)
    given = loss, jnp.asarray(pt.OJA), some_activity(seed)
    pt.evaluate.uncertainty.end_deviance(*given, noise=0.1)
    pt.evaluate.uncertainty.residual_correlation(*given)


def row_of_a_study(seed):
    batch = [{"setting": "fly", "seed": seed, "row": row} for row in names_of("fly")]
    trust.run(batch)


@pytest.mark.parametrize(
    "verb",
    [
        pytest.param(report_choices, marks=pytest.mark.weekly),
        pytest.param(report_activity, marks=pytest.mark.weekly),
        leave_one_out,
        fit_population,
        evidence_fit,
        select_terms,
        profile,
        assumptions,
        row_of_a_study,
    ],
)
def test_a_second_call_compiles_nothing(verb):
    jax.clear_caches()  # else an earlier test may have compiled for the first call
    PROGRAMS.clear()
    verb(0)
    assert PROGRAMS, "JAX no longer reports what it compiles"
    PROGRAMS.clear()
    verb(1)
    assert not PROGRAMS
