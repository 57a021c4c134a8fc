"""The models that are compared, by their names in the table."""

import re
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree

import plastutor as pt

from .settings import ORDERS, RESTARTS, STEPS, TERMS

PRIOR_STD = 10.0  # a weight of -10: an odour is accepted once in 1,800 times
CHOICES = 4000  # about as many are fitted: the prior of a mean loss is that of all / n


class Model(NamedTuple):
    """A loss, and where its theta may start."""

    loss: pt.objectives.Objective | list[pt.objectives.Objective]
    init: object
    restarts: int = RESTARTS
    steps: int = STEPS

    @property
    def how(self):
        return {"optimizer": pt.GaussNewton(), "max_steps": self.steps}


def learned_expectation(reward, plastic, rate):
    """E[R] as an average whose weights fall exponentially, and r = R - E[R]."""

    def step(expected, now):
        reward, plastic = now
        after = expected + rate * (reward - expected)
        return jnp.where(plastic, after, expected), reward - expected

    return jax.lax.scan(step, jnp.zeros_like(rate), (reward, plastic))[1]


def weak_prior(theta):
    """A Gaussian around 0 for each coefficient: see PRIOR_STD.

    Where the weights at the beginning are fitted as well, some directions have no end:
    at very low weights the sigmoid is an exponential, only differences of weights
    matter, and the best fit may lie at minus infinity.
    """
    squares = sum((leaf**2).sum() for leaf in jax.tree.leaves(theta))
    return squares / (2 * PRIOR_STD**2 * CHOICES)


def synapses(only, *, window=10, more=()):
    """A plasticity rule, and what may be added to it.

    more: "E" learns how fast the expected reward follows, "w0" the weights at the
    beginning, "stay" a pull of the option chosen last on the log-odds of accepting it.
    """
    rule = pt.taylor(ORDERS, only, scale=0.1)
    network = pt.FLY._replace(window=0 if "E" in more else window)

    def predict(rule, theta, data):
        if data.x.ndim == 3:
            return jax.vmap(lambda one: predict(rule, theta, one))(data)
        if "E" in more:
            rate = jax.nn.sigmoid(theta["E"])
            r = learned_expectation(data.reward, data.plastic, rate)
            data = data._replace(reward=r)
        if "w0" in more:
            data = data._replace(w0=theta["w0"] + data.w0)
        made = pt.simulate(
            rule, theta["rule"], data, network=network, keep_weights=False
        )
        if "stay" in more:
            chosen = (data.x > 0).astype(data.x.dtype)  # in these data x is one-hot
            last = jnp.pad(chosen, ((1, 0), (0, 0)))[:-1]
            made = made._replace(option_logit=made.option_logit + theta["stay"] * last)
        return made

    def init(key):
        key_rule, key_rate = jr.split(key)
        rest = {"E": -2 + jr.normal(key_rate) / 2, "w0": 0.0, "stay": 0.0}
        rest = {name: jnp.asarray(rest[name]) for name in more}
        return {"rule": rule.init(key_rule), **rest}

    mask = {"rule": jnp.ones(ORDERS.shape), **{name: jnp.ones(()) for name in more}}
    if only is not None:
        mask["rule"] = jnp.asarray(pt.rules.free_terms(ORDERS, only))
    free = tuple(map(int, np.flatnonzero(ravel_pytree(mask)[0])))
    loss = pt.objectives.Objective(
        partial(predict, rule),
        pt.choice,
        weak_prior if "w0" in more else None,
        partial(predict, rule.forward_mode),
        rule._replace(init=init, free=free),  # of the whole theta
    )
    return Model(loss, init)


@cache  # the same loss: JAX need not compile it again
def model_of(name: str) -> Model:
    """A model by its name in the table: "5 terms + E", "x r, window 0"."""
    if name == "win-stay-lose-shift":
        return Model(pt.evaluate.logistic_regression(1), lambda key: jnp.zeros(2), 1, 8)
    if name == "logistic regression":
        losses = [
            pt.evaluate.logistic_regression(10, penalty=p) for p in (1e-3, 1e-2, 1e-1)
        ]
        return Model(losses, lambda key: jnp.zeros(20), 1, 6)
    if name == "Q-learning":
        return Model(pt.evaluate.q_learning(), partial(jr.normal, shape=(3,)), 10)
    if name == "chosen by the others":
        every = [synapses(TERMS[k]) for k in ("4 terms", "5 terms", "5 terms, x w")]
        return Model([one.loss for one in every], synapses(None).init, 2)
    base, _, more = name.partition(" + ")
    base, _, window = base.partition(", window ")
    only, more = TERMS[base], tuple(filter(None, re.split(", ", more)))
    return synapses(only, window=int(window or 10), more=more)
