"""How a rule is inferred: (setting, key, train) -> theta, loss, steps left out."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

import plastutor as pt

from .settings import DECIDE, MLP, TAYLOR, TRAIN


def descend(optimizer, steps, loss, theta, data):
    """The parameters of the lowest loss that an optimiser met, and this loss."""
    optimizer = optax.with_extra_args_support(optimizer)
    value_and_grad = optax.value_and_grad_from_state(lambda t: loss(t, data))

    def step(carry, _):
        theta, state, best, least = carry
        value, grad = value_and_grad(theta, state=state)
        better = value < least  # never true for NaN
        best = jax.tree.map(partial(jnp.where, better), theta, best)
        least = jnp.where(better, value, least)
        updates, state = optimizer.update(
            grad, state, theta, value=value, grad=grad, value_fn=lambda t: loss(t, data)
        )
        return (optax.apply_updates(theta, updates), state, best, least), None

    start = theta, optimizer.init(theta), theta, jnp.inf
    (_, _, best, least), _ = jax.lax.scan(step, start, None, length=steps)
    return best, least


def loss_of(setting, rule=TAYLOR, penalty=None):
    """What the choices say against a rule."""
    return pt.objective(
        rule,
        pt.accept,
        network=setting.network,
        penalty=penalty,
        trials=setting.trials,
    )


def all_terms(setting, key, train):
    """All 81 terms, without a penalty."""
    return *descend(optax.lbfgs(), 100, loss_of(setting), TAYLOR.init(key), train), 0


def by_selection(setting, key, train):
    """A few terms, chosen on animals left aside, and fitted without a penalty."""
    fitted, aside = (
        jax.tree.map(lambda leaf, part=part: leaf[part], train)
        for part in (slice(TRAIN - DECIDE), slice(TRAIN - DECIDE, TRAIN))
    )
    theta0, _, _ = all_terms(setting, key, fitted)
    loss = loss_of(setting)
    theta = pt.select_terms(
        loss,
        pt.BEHAVIOUR_ORDERS,
        fitted,
        aside,
        max_terms=4,
        max_steps=5,
        standard_errors=2,
        theta0=theta0,
    ).theta
    return theta, loss(theta, train), 0


def by_network(setting, key, train):
    """A small network in the place of the rule."""
    loss, theta = loss_of(setting, MLP), MLP.init(key)
    return *descend(optax.lbfgs(), 200, loss, theta, train), 0


def as_the_paper(setting, key, train, epochs=351):
    """All 81 terms, L1, and Adam with one animal a step.

    But where a simulation diverges, and its gradient is not finite, the step is left
    out, and counted.
    """
    loss = loss_of(setting, TAYLOR, pt.l1(setting.l1))
    optimizer = optax.apply_if_finite(optax.adam(1e-3), np.iinfo(np.int32).max)

    def step(carry, experiment):
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta, experiment), state)
        return (optax.apply_updates(theta, updates), state), None

    def epoch(carry, _):
        return jax.lax.scan(step, carry, train)[0], None

    theta = TAYLOR.init(key)
    start = theta, optimizer.init(theta)
    (theta, state), _ = jax.lax.scan(epoch, start, None, length=epochs)
    return theta, loss(theta, train), state.total_notfinite


METHODS = {
    "selection": by_selection,
    "all terms": all_terms,
    "mlp": by_network,
    "l1 and Adam": as_the_paper,
}
