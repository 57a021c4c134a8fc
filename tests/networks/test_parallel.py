"""Parallel synapses: a habit, two traces and biases, against loops by hand."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.likelihoods import softmax_choice
from plastutor.networks import Parallel, bias

ORDERS = pt.Orders(x=1, w=1, r=1)
KERNEL = pt.taylor(pt.Orders(x=1, w=1), ("x", "w"), scale=0.3)
HABIT = {
    "ff": pt.taylor(ORDERS, ("one", "x", "r", "xr", "w"), scale=0.3),
    "kernel": KERNEL,
}
TRACES = {
    "choices": pt.taylor(ORDERS, ("one", "x", "w"), scale=0.3),
    "rewards": pt.taylor(ORDERS, ("r", "xr", "w"), scale=0.3),
}
RULES = {
    "habit": HABIT,
    "habit, bias": HABIT | {"bias": bias()},
    "two traces, biases": TRACES | {"bias": bias(2)},
}


def network_of(rules):
    return Parallel(tuple(name for name in rules if name != "bias"))


@pytest.fixture(scope="module")
def data():
    draw = np.random.default_rng(0)
    choice, reward = draw.integers(0, 2, (3, 30)), draw.integers(0, 2, (3, 30))
    choice[:, 7], reward[:, 7] = -1, 0
    return pt.data.choice_experiments(choice, reward.astype(float))


def theta_of(rules, seed=1):
    theta = pt.Rules(rules).init(jr.key(seed))
    if "bias" in rules:
        theta["bias"] = jnp.linspace(0.3, -0.5, theta["bias"].size)
    return theta


def by_hand(rules, theta, data, link):
    """The mean loss by a Python loop over animals, trials, odours and traces."""
    losses = []
    for choices, rewards in zip(
        np.asarray(data.choice), np.asarray(data.reward), strict=True
    ):
        w = {name: [0.0, 0.0] for name in rules if name != "bias"}
        remembered = [0.0] * 10
        for choice, reward in zip(choices, rewards, strict=True):
            if choice < 0:
                continue
            logit = np.array([0.75 * sum(w[name][k] for name in w) for k in range(2)])
            if "bias" in theta:
                logit += np.asarray(theta["bias"])
            u = logit if link is softmax_choice else -np.log1p(np.exp(-logit))
            losses.append(np.log(np.exp(u).sum()) - u[choice])
            r = reward - np.mean(remembered)
            y = 0.75 * sum(w[name][choice] for name in w)
            for name in w:
                w[name] = [
                    w[name][k]
                    + float(
                        rules[name].apply(
                            theta[name], 0.75 * (k == choice), y, w[name][k], r
                        )
                    )
                    / 2
                    for k in range(2)
                ]
            remembered = [*remembered[1:], reward]
    return np.mean(losses)


@pytest.mark.parametrize("link", [pt.choice, softmax_choice], ids=["turn", "together"])
@pytest.mark.parametrize("name", RULES)
def test_parallel_synapses_equal_a_loop(name, link, data):
    rules, theta = RULES[name], theta_of(RULES[name])
    loss = pt.objective(rules, link, network=network_of(rules))
    expected = by_hand(rules, theta, data, link)
    np.testing.assert_allclose(loss(theta, data), expected, rtol=1e-10)


def test_a_habit_is_a_choice_kernel(data):
    """The rule with x and w makes the trace of the baseline, times a number."""
    theta = {"kernel": pt.terms(pt.Orders(x=1, w=1), x=1.6, w=-0.4)}
    made = pt.simulate({"kernel": KERNEL}, theta, data, network=Parallel(("kernel",)))
    rate, strength = 0.4 / 2, 0.75**2 * 1.6 / 0.4
    habit = pt.evaluate.choice_kernel()
    same = habit.predict(jnp.array([strength, np.log(rate / (1 - rate))]), data)
    np.testing.assert_allclose(made.option_logit, same.option_logit, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_gradients_agree(name, data):
    rules, theta = RULES[name], theta_of(RULES[name])
    gradients = [
        jax.grad(
            pt.objective(rules, pt.choice, network=network_of(rules), gradient=way)
        )(theta, data)
        for way in ("reverse", "forward")
    ]
    free = np.array(pt.Rules(rules).free)
    one, other = (jax.flatten_util.ravel_pytree(each)[0][free] for each in gradients)
    np.testing.assert_allclose(one, other, atol=1e-10)


def test_a_rule_beside_a_habit_finds_itself():
    truth = {
        "ff": pt.terms(ORDERS, xr=2.0),
        "kernel": pt.terms(pt.Orders(x=1, w=1), x=1.5, w=-0.4),
    }
    rules = {"ff": pt.taylor(ORDERS, ("xr",), scale=0.1), "kernel": KERNEL}
    loss = pt.objective(rules, softmax_choice, network=Parallel())
    how = {"likelihood": softmax_choice, "n_experiments": 40}
    data = pt.tasks.choice_task(jr.key(0), loss.predict, truth, **how)
    found = pt.fit_restarts(
        jr.key(1),
        loss,
        pt.Rules(rules).init,
        data,
        optimizer=pt.GaussNewton(),
        max_steps=30,
        restarts=3,
    ).theta
    for name, terms in truth.items():
        np.testing.assert_allclose(found[name], terms, atol=0.35)


def test_accepting_one_odour_after_the_other_has_a_habit_too():
    rule = pt.taylor(ORDERS, ("xr",))
    made = pt.foraging_task(
        jr.key(0),
        rule,
        pt.terms(ORDERS, xr=1.0),
        n_experiments=2,
        network=pt.FLY,
        n_post=1,
    ).experiment
    rules = {"ff": rule, "kernel": KERNEL, "bias": bias(2)}
    theta = theta_of(rules) | {"ff": pt.terms(ORDERS, xr=1.0)}
    theta["kernel"] = 0 * theta["kernel"]
    how = {"keep_weights": False}
    habit = pt.simulate(rules, theta, made, network=Parallel(), **how).logit
    plain = pt.simulate(rule, theta["ff"], made, network=pt.FLY, **how).logit
    added = np.asarray(theta["bias"])[np.argmax(made.x, -1)]
    np.testing.assert_allclose(habit, plain + added, atol=1e-12)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"ff": HABIT["ff"]}, "rules has ff; this network has the projections ff, ker"),
        (HABIT | {"rec": KERNEL}, "rules has ff, kernel, rec; this network has"),
    ],
    ids=["missing", "unknown"],
)
def test_a_rule_for_every_projection(rules, says, data):
    loss = pt.objective(rules, pt.choice, network=Parallel())
    with pytest.raises(ValueError, match=says):
        loss(pt.Rules(rules).init(jr.key(0)), data)


def test_one_rule_is_not_enough(data):
    rule = HABIT["ff"]
    with pytest.raises(ValueError, match="rules has no projection"):
        pt.objective(rule, pt.choice, network=Parallel())(rule.init(jr.key(0)), data)


def test_a_bias_of_no_option_is_none():
    with pytest.raises(ValueError, match="n_options is 0; expected 1"):
        bias(0)


def test_equal_networks_compile_once():
    assert hash(Parallel(("ff", "kernel"))) == hash(Parallel()) and bias(2) is bias(2)
