"""Objectives of function: not what a network did, but what it came to.

A loss of the final weights, or of the activity at the end, over many experiments
(Confavreux et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from plastutor._simulate import run
from plastutor._types import Rule, Rules, Scalar, Theta, as_rules
from plastutor.networks import LINEAR, AnyNetwork, block_length, in_blocks
from plastutor.tasks import Goals


class End(NamedTuple):
    """What a network came to.

    Attributes:
        w: the final weights, as in w0.
        y: the activity in the last steps, as many as the objective asks for.
    """

    w: PyTree[Float[Array, "_ _"]]
    y: Float[Array, "time post"]


def component_distance(end: End, target: Float[Array, "pre post"]) -> Array:
    """How far weights are from principal components: sum of squares, sign-blind.

    Of each neuron, the smaller one of its distances from a component and its negative;
    neuron k is compared with component k. A network with projections is judged by `ff`.

    >>> float(component_distance(End(-jnp.eye(2), jnp.ones((1, 2))), jnp.eye(2)))
    0.0
    """
    w = _feed_forward(end, target)
    both = [((w - sign * target) ** 2).sum(0) for sign in (1, -1)]
    return jnp.minimum(*both).sum()


def subspace_distance(end: End, target: Float[Array, "pre post"]) -> Array:
    """How far weights are from spanning the first components, in whatever order.

    |W W^T - C C^T|^2 / 2 k, summed over all entries, for k components: it knows no sign
    and no order, and is 1/2 for weights of 0.

    >>> turned = jnp.array([[0.6, -0.8], [0.8, 0.6], [0.0, 0.0]])
    >>> bool(subspace_distance(End(turned, jnp.ones((1, 2))), jnp.eye(3)[:, :2]) < 1e-6)
    True
    """
    w = _feed_forward(end, target)
    return ((w @ w.T - target @ target.T) ** 2).sum() / (2 * target.shape[-1])


def rate_distance(end: End, target: Scalar, *, dt: float = 1.0) -> Array:
    """How far a rate is from the target: (rate - target)^2 / (rate + 0.1), in Hz.

    The mean over the neurons and over the last steps, of dt ms each.

    >>> float(rate_distance(End(jnp.ones((1, 1)), jnp.zeros((50, 1))), jnp.array(5.0)))
    250.0
    """
    rate = 1000 / dt * end.y.mean()
    return (rate - target) ** 2 / (rate + 0.1)


def _feed_forward(end: End, target) -> Array:
    w: Any = end.w
    w = w["ff"] if isinstance(w, Mapping) else w
    if w.shape != target.shape:
        raise ValueError(
            f"The weights have shape {w.shape} and the target {target.shape}; expected "
            "(pre, post) for both: a component of length 1 for each neuron."
        )
    return w


@dataclass(frozen=True)
class Functional:
    """A loss as a function of theta and `Goals`: simulate, and judge the end.

    Attributes:
        rule: the rule that theta belongs to.
        network: the network that learns by it.
        distance: `(End, target) -> scalar`, of one experiment.
        worst: what an experiment counts in which the weights ran away.
        window: how many steps of activity `End.y` holds.
        gradient: "reverse" or "forward".
        penalty: `theta -> scalar`, or None.
    """

    rule: Rule | Rules
    network: AnyNetwork
    distance: Callable
    worst: float
    window: int
    gradient: str
    penalty: Callable | None

    @cached_property
    def _parts(self):
        known = self.rule, self.network, self.distance, self.worst, self.window
        return _functions(*known, self.gradient)

    def __call__(self, theta: Theta, goals: Any) -> Float[Array, ""]:
        """The mean loss over the experiments."""
        self._check(goals)
        loss = self._parts.mean(theta, goals)
        return loss if self.penalty is None else loss + self.penalty(theta)

    def __reduce__(self) -> tuple:
        return Functional, tuple(getattr(self, each.name) for each in fields(self))

    def end(self, theta: Theta, goals: Any) -> End:
        """What the network came to in each experiment; jax.jacfwd needs "forward"."""
        self._check(goals)
        return jax.vmap(self._parts.end, (None, 0))(theta, goals.experiment)

    def each(self, theta: Theta, goals: Any) -> Float[Array, " exp"]:
        """The loss of each experiment, `worst` where the weights ran away."""
        self._check(goals)
        return self._parts.each(theta, goals)[0]

    def ran_away(self, theta: Theta, goals: Any) -> Bool[Array, " exp"]:
        """Where the loss is no number, or reached `worst`."""
        self._check(goals)
        return self._parts.each(theta, goals)[1]

    def _check(self, goals: Any) -> None:
        if not isinstance(goals, Goals) or goals.experiment.x.ndim != 3:
            raise ValueError(
                f"The data are {type(goals).__name__}; expected Goals, a batch of "
                "experiments with a target for each, such as "
                "pt.tasks.component_goals(key) makes."
            )
        n_steps = goals.experiment.x.shape[1]
        if self.window > n_steps:
            raise ValueError(
                f"window is {self.window} and the experiments have {n_steps} steps; "
                "expected a window that fits in."
            )


def functional(
    rule: Rule | Mapping[str, Rule],
    distance: Callable,
    *,
    network: AnyNetwork = LINEAR,
    worst: float = 10.0,
    window: int = 1,
    gradient: str = "reverse",
    penalty: Callable | None = None,
) -> Functional:
    """The function of theta that `fit` and `evolve` make small, for what is useful.

    A network goes through each experiment and is judged by where it ends. Weights that
    run away cost the finite `worst`, and have no gradient, so that other experiments
    of the batch still have one.

    Args:
        rule: the plasticity rule whose theta is sought; or a mapping from projections
            of the network to rules.
        distance: `(End, target) -> scalar`, from 0 up: `component_distance`,
            `subspace_distance`, `rate_distance`, or any function of your own.
        network: what is fixed about the learner.
        worst: the largest loss of an experiment.
        window: how many of the last steps' activities the distance sees.
        gradient: "reverse" or "forward", as in `objective`; the same number.
        penalty: a function of theta that is added, such as pt.l1(1e-2).

    Returns:
        `loss(theta, goals)`. The same arguments give the same loss.

    Raises:
        ValueError: another gradient, a loss or a window that is none.

    >>> import plastutor as pt
    >>> goals = pt.tasks.component_goals(jax.random.key(0), 8)
    >>> loss = functional(pt.taylor(pt.OJA_ORDERS), component_distance)
    >>> bool(loss(pt.OJA, goals) < 0.5 * loss(0 * pt.OJA, goals))
    True
    """
    if gradient not in ("reverse", "forward"):
        raise ValueError(f"gradient is {gradient!r}; expected 'reverse' or 'forward'.")
    if not 0 < worst < float("inf") or not isinstance(window, int) or window < 1:
        raise ValueError(
            f"worst is {worst!r} and window {window!r}; expected a finite number above "
            "0, and steps from 1 up."
        )
    made = as_rules(rule), network, distance, float(worst), window, gradient, penalty
    return Functional(*made)


class _Functions(NamedTuple):
    end: Callable
    each: Callable
    mean: Callable


@lru_cache  # the same functions each time, whatever the penalty
def _functions(rule, network, distance, worst, window, gradient) -> _Functions:
    def end_by(rule, theta, experiment):
        """Block by block: on the way back only the states before each are kept."""
        first = network.init_state(experiment)
        n_steps = len(experiment.x)
        length = block_length(n_steps, first)

        def block(state, piece):
            state, made = run(rule, theta, network, state, piece, keep_weights=False)
            return state, made.y

        if length < n_steps:
            block = jax.checkpoint(block, prevent_cse=False)
        blocks = in_blocks(experiment._replace(w0=None, options=None), length)
        state, y = jax.lax.scan(block, first, blocks)
        y = y.reshape(-1, *y.shape[2:])[:n_steps]
        return End(state.w, y[-window:])

    def one(rule, theta, goal):
        return distance(end_by(rule, theta, goal.experiment), goal.target)

    def bounded(value):
        away = ~(value < worst)  # NaN as well
        return jnp.where(away, worst, value), away

    @jax.jit
    def each(theta, goals):
        return bounded(jax.vmap(partial(one, rule), (None, 0))(theta, goals))

    @jax.jit
    def value_and_gradient(theta, goals):
        def of_one(goal):
            if gradient == "reverse":
                value, found = jax.value_and_grad(partial(one, rule))(theta, goal)
            else:
                forward = partial(one, rule.forward_mode)
                value, found = forward(theta, goal), jax.jacfwd(forward)(theta, goal)
            value, away = bounded(value)
            leaves = jax.tree.leaves(found)
            known = jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]).all()
            keep = known & ~away
            return value, jax.tree.map(lambda leaf: jnp.where(keep, leaf, 0), found)

        each = jax.vmap(of_one)(goals)
        return jax.tree.map(lambda leaf: leaf.mean(0), each)

    @jax.custom_vjp
    def mean(theta, goals):
        return each(theta, goals)[0].mean()

    mean.defvjp(
        value_and_gradient,
        lambda found, ct: (jax.tree.map(lambda leaf: ct * leaf, found), None),
    )
    of_end = rule if gradient == "reverse" else rule.forward_mode
    return _Functions(partial(end_by, of_end), each, mean)
