"""A network, its rules and a likelihood of one's own, in every verb."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import plastutor as pt
from plastutor.networks import own_activity

ORDERS = pt.Orders(x=1, y=1, w=1)
POST = 3


class Loop(NamedTuple):
    """Neurons that drive one another, and whose plasticity sees a trace of activity."""

    leak: float = 0.7

    class State(NamedTuple):
        w: dict
        y: jax.Array
        trace: jax.Array

    def init_state(self, experiment):
        w = experiment.w0
        silent = jnp.zeros(w["rec"].shape[-1], experiment.x.dtype)
        return self.State(w, silent, silent)

    def step(self, rules, theta, state, now, sees=own_activity):
        w = state.w
        y = jax.nn.sigmoid(now.x @ w["ff"] + state.y @ w["rec"])
        trace = self.leak * state.trace + (1 - self.leak) * sees(y, now)
        r = now.reward
        changed = {
            "ff": w["ff"] + rules["ff"].update(theta["ff"], now.x, trace, w["ff"], r),
            "rec": w["rec"]
            + 0.1 * rules["rec"].update(theta["rec"], state.y, trace, w["rec"], r),
        }
        return self.State(changed, y, trace), pt.Trajectory(None, y)


poisson = pt.Likelihood(
    "activity", lambda made: made.y, lambda y, k: y - k * jnp.log(y)
)

RULES = {"ff": pt.taylor(ORDERS, only=("xy", "w")), "rec": pt.mlp((3,))}
LINEAR = {
    "ff": pt.taylor(ORDERS, only=("xy", "w")),
    "rec": pt.taylor(ORDERS, only=("x",)),
}
LIKELIHOODS = {"squares": pt.activity, "counts": poisson}


def truth(rules):
    theta = pt.Rules(rules).init(jr.key(5))
    theta["ff"] = pt.terms(ORDERS, xy=0.2, w=-0.1)
    return theta


@pytest.fixture
def data():
    k_x, k_ff, k_rec, k_count = jr.split(jr.key(0), 4)
    w0 = {
        "ff": jr.normal(k_ff, (2, 4, POST)),
        "rec": 0.5 * jr.normal(k_rec, (2, POST, POST)),
    }
    data = pt.make_experiment(jr.normal(k_x, (2, 6, 4)), w0=w0)
    made = pt.simulate(RULES, truth(RULES), data, network=Loop())
    counts = jr.poisson(k_count, made.y).astype(made.y.dtype)
    return data._replace(activity=counts.at[0, 3, 1].set(jnp.nan))


def by_hand(theta, data, loss_of):
    """The mean loss by a Python loop over experiments, steps and inputs."""
    total, count = 0.0, 0
    for n in range(2):
        w = {name: data.w0[name][n] for name in ("ff", "rec")}
        y = trace = jnp.zeros(POST)
        for t in range(6):
            before, x = y, data.x[n, t]
            y = jax.nn.sigmoid(x @ w["ff"] + before @ w["rec"])
            trace = 0.7 * trace + 0.3 * y
            each = {}
            for name, pre, rate in (("ff", x, 1.0), ("rec", before, 0.1)):
                one = partial(RULES[name].apply, theta[name])
                row = jax.vmap(lambda b, w, a, one=one: one(a, b, w, 0.0), (0, 0, None))
                dw = [row(trace, w[name][i], a) for i, a in enumerate(pre)]
                each[name] = w[name] + rate * jnp.stack(dw)
            w, seen = each, ~jnp.isnan(data.activity[n, t])
            losses = loss_of(y, jnp.where(seen, data.activity[n, t], 0))
            total, count = total + jnp.where(seen, losses, 0).sum(), count + seen.sum()
    return total / count


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_every_exact_gradient_is_that_of_a_loop_by_hand(data, kind):
    theta = truth(RULES)
    likelihood = LIKELIHOODS[kind]
    hand = partial(by_hand, data=data, loss_of=likelihood.loss)
    value, gradient = jax.value_and_grad(hand)(theta)
    for way in ("reverse", "forward"):
        loss = pt.objective(RULES, likelihood, network=Loop(), gradient=way)
        found, of_loss = jax.jit(jax.value_and_grad(loss))(theta, data)
        np.testing.assert_allclose(found, value, rtol=1e-10)
        wanted = dict(gradient)
        if way == "forward":  # only the coefficients that are free
            free = np.zeros(8)
            free[list(RULES["ff"].free)] = 1
            wanted["ff"] = wanted["ff"] * free.reshape(ORDERS.shape)
        jax.tree.map(
            partial(np.testing.assert_allclose, atol=1e-8, rtol=1e-8), of_loss, wanted
        )


def test_in_blocks_it_is_the_same(data, monkeypatch):
    theta, loss = truth(RULES), pt.objective(RULES, poisson, network=Loop())
    whole = jax.grad(loss)(theta, data)
    monkeypatch.setattr("plastutor.networks._blocks.MIN_BYTES_IN_BLOCKS", 0)
    jax.clear_caches()
    jax.tree.map(
        partial(np.testing.assert_allclose, atol=1e-12),
        jax.grad(loss)(theta, data),
        whole,
    )


def test_the_local_gradient_leaves_out_what_activity_owes_to_weights(data):
    theta = truth(RULES)
    grads = [
        jax.grad(pt.objective(RULES, pt.activity, network=Loop(), gradient=way))
        for way in ("local", "reverse")
    ]
    local, exact = (np.asarray(g(theta, data)["ff"]) for g in grads)
    assert np.isfinite(local).all() and not np.allclose(local, exact)


def test_teacher_forcing_shows_plasticity_what_was_recorded(data):
    made = [
        pt.simulate(RULES, truth(RULES), data, network=Loop(), forced=forced)
        for forced in (True, False)
    ]
    assert not np.allclose(made[0].w["ff"], made[1].w["ff"])


def test_optax_lowers_the_loss(data):
    loss = pt.objective(RULES, poisson, network=Loop())
    found = pt.fit(loss, pt.Rules(RULES).init(jr.key(1)), data, max_steps=20)
    assert found.losses[-1] < found.losses[0]


def test_gauss_newton_fits_it(data):
    loss = pt.objective(LINEAR, poisson, network=Loop())
    start = jax.tree.map(jnp.zeros_like, truth(LINEAR))
    found = pt.fit(loss, start, data, optimizer=pt.GaussNewton(), max_steps=15)
    assert found.status != "diverged"
    gradient = jax.jit(jax.grad(loss))
    free = list(pt.Rules(LINEAR).free)
    before, after = (
        np.linalg.norm(ravel_pytree(gradient(theta, data))[0][jnp.array(free)])
        for theta in (start, found.theta)
    )
    assert after < 0.01 * before


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_information_is_the_curvature_that_is_expected(data, kind):
    """For counts, E[d2 loss / dy2] is not the observed one; there the sum says so."""
    likelihood, theta = LIKELIHOODS[kind], truth(LINEAR)
    loss = pt.objective(LINEAR, likelihood, network=Loop())
    noise = {"noise": 0.5} if kind == "squares" else {}
    found = pt.fisher(loss, theta, data, **noise)

    def predicted(theta):
        return pt.simulate(LINEAR, theta, data, network=Loop()).y

    jacobian = jax.jacrev(predicted)(theta)
    rows = jnp.concatenate(
        [jacobian[name].reshape(2 * 6 * POST, -1) for name in ("ff", "rec")], 1
    )[:, list(pt.Rules(LINEAR).free)]
    seen = ~np.isnan(data.activity)
    if kind == "squares":
        weight = seen / 0.5**2
    else:
        weight = np.where(seen, data.activity, 0) / predicted(theta) ** 2
    wanted = jnp.einsum("na,n,nb->ab", rows, weight.ravel(), rows)
    np.testing.assert_allclose(found.matrix, wanted, rtol=1e-6, atol=1e-9)


def test_pieces_of_a_recording_go_on_with_the_state_of_the_network(data):
    theta = truth(RULES)
    loss = pt.objective(RULES, poisson, network=Loop(), gradient="forward")
    whole = jax.value_and_grad(loss)(theta, data)
    pieces = pt.infer.stream_gradient(loss, theta, pt.chunks(data, 4))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-9), pieces, whole)


def test_the_layer_takes_a_mapping_as_well():
    rule = pt.taylor(pt.OJA_ORDERS)
    data = pt.neural_task(jr.key(0), rule, pt.OJA, n_experiments=2, n_post=3)
    named = jax.grad(pt.objective({"ff": rule}, pt.activity))({"ff": pt.HEBB}, data)
    plain = jax.grad(pt.objective(rule, pt.activity))(pt.HEBB, data)
    np.testing.assert_allclose(named["ff"], plain, rtol=1e-9, atol=1e-12)


def test_it_is_scored_on_new_data(data):
    theta = truth(RULES)
    how = {"theta_true": theta, "network": Loop()}
    assert pt.score(RULES, theta, data, **how)[:2] == (1, 1)
    nothing = pt.null_theta(theta)
    each = pt.weight_r2(RULES, nothing, theta, data, network=Loop())
    assert sorted(each) == ["ff", "rec"] and each["ff"].shape == (4, POST)
    by_hand = pt.simulate(RULES, theta, data, network=Loop()).w["ff"].reshape(12, -1)
    stays = jnp.repeat(data.w0["ff"], 6, 0).reshape(12, -1)
    found = pt.score(RULES, nothing, data, **how).r2_weights
    columns = [pt.r2(by_hand[:, k : k + 1], stays[:, k : k + 1]) for k in range(12)]
    np.testing.assert_allclose(each["ff"].ravel(), columns, atol=1e-9)
    np.testing.assert_allclose(found, ravel_pytree(each)[0].mean())


class Deaf(NamedTuple):
    """A network whose plasticity sees its own activity and no other."""

    def init_state(self, experiment):
        return Loop().init_state(experiment)

    def step(self, rules, theta, state, now):
        return Loop().step(rules, theta, state, now)


def test_without_sees_there_is_no_teacher_and_nothing_local(data):
    theta = truth(RULES)
    pt.simulate(RULES, theta, data, network=Deaf())
    local = pt.objective(RULES, pt.activity, network=Deaf(), gradient="local")
    forced = partial(pt.simulate, RULES, theta, data, network=Deaf(), forced=True)
    for act in (forced, partial(jax.grad(local), theta, data)):
        with pytest.raises(ValueError, match="in Deaf sees the network's own activity"):
            act()
