"""Neurons that drive one another, against loops by hand."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

import plastutor as pt
from plastutor.networks import Recurrent

ORDERS = pt.Orders(x=1, y=2, w=1, r=1)
RULES = {name: pt.taylor(ORDERS, scale=0.1) for name in ("ff", "rec", "out")}
PRE, UNITS, STEPS, EXPERIMENTS = 3, 4, 4, 2
MASK = np.array([[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 0], [0, 1, 1, 0]], bool)
SIGNS = [1, 1, -1, 0]
LOOP = Recurrent(rates={"ff": 0.5, "rec": 0.3})
DALE = replace(LOOP, masks={"rec": MASK}, signs={"rec": SIGNS, "ff": np.ones((3, 4))})
NETWORKS = {
    "plain": LOOP,
    "everything": replace(
        DALE, activation=jax.nn.sigmoid, window=0, homeostasis=0.2, smoothing=0.3
    ),
}
weekly = partial(pytest.param, marks=pytest.mark.weekly)
PLASTIC = [("rec",), ("ff", "rec"), ("ff", "out", "rec")]


def initial(key, units=UNITS):
    shapes = {"ff": (PRE, units), "rec": (units, units), "out": (units, 1)}
    keys = jr.split(key, 3)
    return {
        name: jr.normal(k, (EXPERIMENTS, *shape))
        for k, (name, shape) in zip(keys, shapes.items(), strict=True)
    }


@pytest.fixture(scope="module")
def data():
    k_x, k_w, k_y, k_r = jr.split(jr.key(0), 4)
    activity = 0.5 * jr.normal(k_y, (EXPERIMENTS, STEPS, UNITS))
    return pt.make_experiment(
        jr.normal(k_x, (EXPERIMENTS, STEPS, PRE)),
        w0=initial(k_w),
        reward=jr.bernoulli(k_r, 0.5, (EXPERIMENTS, STEPS)),
        activity=activity.at[:, 1:3, 1].set(jnp.nan),
    )


def theta_of(names):
    return pt.Rules({name: RULES[name] for name in names}).init(jr.key(3))


def changed(name, network, theta, w, pre, post, r):
    """The weights after a step, one row of synapses after the other."""
    of_row = jax.vmap(RULES[name].apply, (None, None, 0, 0, None))
    dw = [of_row(theta[name], x, post, row, r) for x, row in zip(pre, w, strict=True)]
    return bounded_by_hand(name, network, w + network.rate(name) * jnp.stack(dw))


def bounded_by_hand(name, network, w):
    sign = np.broadcast_to(network.signs.get(name, 0), w.shape).astype(float)
    w = jnp.where(sign == 0, w, sign * jax.nn.relu(sign * w))
    return jnp.where(network.masks.get(name, np.ones(w.shape, bool)), w, 0)


def by_hand(theta, data, network, forced=False):
    """Activity and log-odds by a Python loop over experiments, steps and synapses."""
    every = []
    for n in range(EXPERIMENTS):
        w = {k: bounded_by_hand(k, network, v[n]) for k, v in data.w0.items()}
        before, memory = jnp.zeros(UNITS), [0.0] * network.window
        bias, mean = jnp.zeros(UNITS), jnp.zeros(UNITS)
        for t in range(STEPS):
            x, reward = data.x[n, t], data.reward[n, t]
            drive = x @ w["ff"] + before @ w["rec"] + bias
            y = network.activation(drive)
            every.append(jnp.append(y, y @ w["out"]))
            recorded = data.activity[n, t]
            shown = jnp.where(jnp.isnan(recorded), y, recorded) if forced else y
            sides = {
                "ff": (x, shown),
                "rec": (before, shown),
                "out": (shown, shown @ w["out"]),
            }
            r = reward - (sum(memory) / len(memory) if memory else 0.0)
            w |= {k: changed(k, network, theta, w[k], *sides[k], r) for k in theta}
            mean = mean + network.smoothing * (drive - mean)
            bias, before = bias - network.homeostasis * mean, shown
            memory = [*memory[1:], reward] if memory else []
    return jnp.stack(every).reshape(EXPERIMENTS, STEPS, -1)


def loss_by_hand(theta, data, network, forced=False):
    y = by_hand(theta, data, network, forced)[..., :-1]
    known = ~jnp.isnan(data.activity)
    off = jnp.where(known, y - jnp.where(known, data.activity, 0), 0)
    return (off**2).sum() / known.sum().astype(float)


def free_of(theta, tree):
    free = pt.Rules({name: RULES[name] for name in theta}).free
    return np.asarray(ravel_pytree(tree)[0])[list(free)]


@pytest.mark.parametrize("forced", [weekly(False), True], ids=["free", "forced"])
@pytest.mark.parametrize("name", NETWORKS)
def test_it_equals_a_loop_and_so_do_its_gradients(name, forced, data):
    network, theta = NETWORKS[name], theta_of(("ff", "out", "rec"))
    rules = {k: RULES[k] for k in theta}
    made = pt.simulate(rules, theta, data, network=network, forced=forced)
    hand = by_hand(theta, data, network, forced)
    np.testing.assert_allclose(made.y, hand[..., :-1], atol=1e-12)
    np.testing.assert_allclose(made.logit, hand[..., -1], atol=1e-12)
    wanted = jax.grad(loss_by_hand)(theta, data, network, forced)
    for way in ("reverse", "forward"):
        loss = pt.objective(
            rules, pt.activity, network=network, gradient=way, forced=forced
        )
        found = jax.grad(loss)(theta, data)
        np.testing.assert_allclose(
            free_of(theta, found), free_of(theta, wanted), atol=1e-10
        )


@pytest.mark.parametrize("names", PLASTIC, ids=" ".join)
def test_forward_is_reverse(names, data):
    theta, rules = theta_of(names), {k: RULES[k] for k in names}
    network = NETWORKS["everything"]
    made = pt.simulate(rules, theta, data, network=network)
    assert made.w is not None
    for k in {*data.w0} - {*names}:  # what has no rule stays
        start = network.bounded(k, data.w0[k][0])
        assert (made.w[k][0] == start[None]).all()
    one, other = (
        jax.grad(pt.objective(rules, pt.activity, network=network, gradient=way))(
            theta, data
        )
        for way in ("reverse", "forward")
    )
    np.testing.assert_allclose(*map(partial(free_of, theta), (one, other)), atol=1e-10)


OWN_WAY = {
    "two rules": ({k: RULES[k] for k in ("ff", "rec")}, False),
    "forced": ({k: RULES[k] for k in ("ff", "rec")}, True),
    "one plastic": ({"rec": RULES["rec"]}, False),
    "one shared": (RULES["ff"], False),
}


@pytest.mark.parametrize(
    "name", ["two rules", "forced", weekly("one plastic"), weekly("one shared")]
)
def test_its_own_way_back_in_blocks_is_that_of_jax(name, data, monkeypatch):
    """Without a read-out and homeostasis; else the blocks of any network are taken."""
    rules, forced = OWN_WAY[name]
    monkeypatch.setattr("plastutor.networks._blocks.MIN_BYTES_IN_BLOCKS", 0)
    alone = data._replace(w0={name: data.w0[name] for name in ("ff", "rec")})
    theta = rules.init(jr.key(3)) if isinstance(rules, pt.Rule) else theta_of(rules)
    loss = pt.objective(rules, pt.activity, network=DALE, forced=forced)
    first = jax.tree.map(lambda leaf: leaf[0], alone)
    own = loss.network.fast(rules, pt.activity.sums, theta, first)
    assert own is not NotImplemented
    by_jax = jax.grad(lambda theta: pt.activity(loss.predict(theta, alone), alone))
    jax.tree.map(
        partial(np.testing.assert_allclose, atol=1e-12),
        jax.grad(loss)(theta, alone),
        by_jax(theta),
    )
    slow = replace(DALE, homeostasis=0.1)
    assert slow.fast(rules, pt.activity.sums, theta, first) is NotImplemented


def test_the_local_gradient_leaves_out_what_activity_owes_to_weights(data):
    theta = theta_of(("ff", "rec"))
    rules = {k: RULES[k] for k in theta}

    def cut(theta):  # by hand: activity is a number in the step and in the next one
        losses = 0.0
        for n in range(EXPERIMENTS):
            w = {k: v[n] for k, v in data.w0.items()}
            before = jnp.zeros(UNITS)
            for t in range(STEPS):
                x, recorded = data.x[n, t], data.activity[n, t]
                y = jnp.tanh(x @ w["ff"] + before @ w["rec"])
                known = ~jnp.isnan(recorded)
                losses += jnp.where(known, (y - jnp.where(known, recorded, 0)) ** 2, 0)
                shown = jax.lax.stop_gradient(y)
                sides = {"ff": (x, shown), "rec": (before, shown)}
                r = data.reward[n, t]
                w |= {k: changed(k, raw, theta, w[k], *sides[k], r) for k in theta}
                before = shown
        return losses.sum() / (~jnp.isnan(data.activity)).sum().astype(float)

    raw = replace(LOOP, window=0)
    loss = pt.objective(rules, pt.activity, network=raw, gradient="local")
    found = jax.grad(loss)(theta, data)
    np.testing.assert_allclose(
        free_of(theta, found), free_of(theta, jax.grad(cut)(theta)), atol=1e-10
    )


def test_forced_activity_drives_the_neurons_of_the_next_step(data):
    theta = pt.null_theta(theta_of(("rec",)))
    made = pt.simulate({"rec": RULES["rec"]}, theta, data, network=LOOP, forced=True).y
    w, shown = data.w0, jnp.where(jnp.isnan(data.activity), made, data.activity)
    drive = jnp.einsum("ntp,npu->ntu", data.x[:, 1:], w["ff"])
    drive += jnp.einsum("ntv,nvu->ntu", shown[:, :-1], w["rec"])
    np.testing.assert_allclose(made[:, 1:], jnp.tanh(drive), atol=1e-12)


def test_two_layers_with_lateral_weights_are_masks(data):
    """Two neurons that the inputs reach, two that these reach, lateral weights."""
    ff = np.repeat([[True, True, False, False]], PRE, 0)
    rec = np.zeros((4, 4), bool)
    rec[:2, 2:], rec[2, 3], rec[3, 2] = True, True, True
    layers = replace(LOOP, masks={"ff": ff, "rec": rec})
    theta = theta_of(("ff", "rec"))
    rules = {k: RULES[k] for k in theta}
    made = pt.simulate(rules, theta, data, network=layers)
    for n in range(EXPERIMENTS):
        w1, w2 = data.w0["ff"][n][:, :2], data.w0["rec"][n][:2, 2:]
        lateral = data.w0["rec"][n][2:, 2:] * (1 - np.eye(2))
        first, second = jnp.zeros(2), jnp.zeros(2)
        rewards = [0.0] * 10
        for t in range(STEPS):
            x, r = data.x[n, t], data.reward[n, t] - sum(rewards) / 10
            new = jnp.tanh(x @ w1), jnp.tanh(first @ w2 + second @ lateral)
            np.testing.assert_allclose(made.y[n, t], jnp.concatenate(new), atol=1e-12)

            def dw(name, w, pre, post, r=r):
                update = RULES[name].update(theta[name], pre, post, w, r)
                return LOOP.rate(name) * update

            w1 = w1 + dw("ff", w1, x, new[0])
            w2 = w2 + dw("rec", w2, first, new[1])
            lateral = (lateral + dw("rec", lateral, second, new[1])) * (1 - np.eye(2))
            first, second = new
            rewards = [*rewards[1:], data.reward[n, t]]


def test_two_projections_between_the_neurons_have_a_rule_each(data):
    """Excitatory synapses learn by one rule and inhibitory ones by another."""
    sign = {"exc": [1, 1, 0, 0], "inh": [0, 0, -1, -1]}
    loop = Recurrent(
        rates=0.3,
        between=("exc", "inh"),
        masks={k: np.repeat(np.array(v)[:, None] != 0, 4, 1) for k, v in sign.items()},
        signs={k: [np.sign(sum(v))] * 4 for k, v in sign.items()},
        window=0,
    )
    w0 = {name: jnp.abs(data.w0["rec"]) for name in sign}
    two = data._replace(w0={"ff": data.w0["ff"], "exc": w0["exc"], "inh": -w0["inh"]})
    rules = {"exc": RULES["ff"], "inh": RULES["rec"]}
    theta = dict(zip(rules, theta_of(("ff", "rec")).values(), strict=True))
    made = pt.simulate(rules, theta, two, network=loop)
    for n in range(EXPERIMENTS):
        rows = jnp.array([[True], [True], [False], [False]])
        w, y = jnp.where(rows, w0["exc"][n], -w0["inh"][n]), jnp.zeros(UNITS)
        for t in range(STEPS):
            before, y = y, jnp.tanh(data.x[n, t] @ data.w0["ff"][n] + y @ w)
            np.testing.assert_allclose(made.y[n, t], y, atol=1e-12)
            up, down = (
                rules[k].update(theta[k], before, y, w, data.reward[n, t])
                for k in ("exc", "inh")
            )
            w = w + 0.3 * jnp.where(rows, up, down)
            w = jnp.where(rows, jax.nn.relu(w), -jax.nn.relu(-w))
    back, forth = (
        jax.grad(pt.objective(rules, pt.activity, network=loop, gradient=way))(
            theta, two
        )
        for way in ("reverse", "forward")
    )
    jax.tree.map(partial(np.testing.assert_allclose, atol=1e-10), back, forth)


# --- Dale's law -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_no_weight_ever_leaves_its_sign(seed, data):
    """Whatever the rules, which here are large and random."""
    theta = jax.tree.map(lambda leaf: 3.0 * leaf, theta_of(("ff", "rec")))
    theta = jax.tree.map(lambda leaf: jr.permutation(jr.key(seed), leaf), theta)
    rules = {k: RULES[k] for k in theta}
    made = pt.simulate(rules, theta, data, network=DALE).w
    w, signs = jax.tree.map(np.asarray, made), np.array(SIGNS)[:, None]
    assert (signs * w["rec"] >= 0).all() and (w["ff"] >= 0).all()
    assert (w["rec"][..., ~MASK] == 0).all()
    at_bound = (w["rec"][..., MASK] == 0).mean()
    assert 0.02 < at_bound < 0.9  # else nothing was tested


def test_at_the_bound_the_gradient_is_zero_and_off_it_that_of_finite_differences():
    loop = replace(LOOP, signs={"rec": [1, -1]}, rates=1.0, window=0)
    rule = {"rec": pt.taylor(pt.Orders(x=0, y=0, w=0, r=0))}  # dw is a constant
    w0 = {"ff": jnp.ones((1, 2)), "rec": jnp.array([[0.5, 0.0], [0.0, -0.2]])}
    still = pt.make_experiment(jnp.ones((1, 1)), w0=w0)

    def after(theta):
        made = pt.simulate(
            rule, {"rec": theta.reshape(1, 1, 1, 1)}, still, network=loop
        )
        assert made.w is not None
        return made.w["rec"][0]

    np.testing.assert_allclose(after(jnp.array(0.0)), w0["rec"])
    # Where w + dw is 0 or on the wrong side, the derivative is 0, else 1.
    slope = jax.jacobian(after)
    np.testing.assert_allclose(slope(jnp.array(0.0)), [[1, 0], [0, 1]])
    np.testing.assert_allclose(slope(jnp.array(0.3)), [[1, 1], [0, 0]])
    back = jax.vjp(after, jnp.array(0.0))[1](jnp.ones((2, 2)))[0]
    assert float(back) == 2.0


def test_gradients_under_dales_law_are_finite_differences(data):
    theta = theta_of(("ff", "rec"))
    rules = {k: RULES[k] for k in theta}
    loss = pt.objective(rules, pt.activity, network=DALE)
    flat, unravel = ravel_pytree(theta)
    found = ravel_pytree(jax.grad(loss)(theta, data))[0]
    w = pt.simulate(rules, theta, data, network=DALE).w
    assert w is not None and np.isfinite(found).all()
    assert (np.asarray(w["rec"])[..., MASK] == 0).any()  # some at the bound
    one = jax.jit(lambda row: loss(unravel(row), data))
    for k in range(0, flat.size, 7):
        step = 1e-6 * jnp.zeros_like(flat).at[k].set(1.0)
        both = (one(flat + step) - one(flat - step)) / 2e-6
        np.testing.assert_allclose(found[k], both, atol=1e-7)


# --- one object, every verb -----------------------------------------------------------


def test_equal_networks_compile_once(data):
    made = [
        Recurrent(masks={"rec": MASK.copy()}, signs={"rec": [*SIGNS]}, rates=0.1)
        for _ in range(2)
    ]
    assert made[0] == made[1] and hash(made[0]) == hash(made[1])
    assert made[0] not in (replace(made[0], masks={}), replace(made[0], signs={}))
    theta = theta_of(("rec",))
    losses = [pt.objective({"rec": RULES["rec"]}, pt.activity, network=n) for n in made]
    assert losses[0] == losses[1]
    traced = []

    def counted(v):
        traced.append(1)
        return jnp.tanh(v)

    counts = []
    for one in made:
        network = replace(one, activation=counted)
        loss = pt.objective({"rec": RULES["rec"]}, pt.activity, network=network)
        loss(theta, data)
        counts.append(len(traced))
    assert counts[0] > 0 and counts[0] == counts[1]
