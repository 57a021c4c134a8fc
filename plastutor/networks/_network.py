"""Networks: everything fixed about the learner, except the rule, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks._fast_layer import sum_and_gradient
from plastutor.networks._reward import expectation, remember
from plastutor.networks._weights import layer_drive, next_weights


class State(NamedTuple):
    """What a simulation carries from one step to the next.

    Attributes:
        w: the weights.
        memory: the last rewards of completed trials, the oldest first.
    """

    w: Float[Array, "*exp pre post"]
    memory: Float[Array, "*exp window"]


def own_activity(y: Array, now: Experiment) -> Array:
    """What plasticity sees of the activity y in a step: y itself."""
    return y


def recorded_activity(y: Array, now: Experiment) -> Array:
    """What was recorded in this step, and y where nothing was (teacher forcing)."""
    assert now.activity is not None  # `simulate` has looked
    return jnp.where(jnp.isnan(now.activity), y, now.activity)


def local_activity(y: Array, now: Experiment) -> Array:
    """y, of which derivatives do not know that it follows from the weights."""
    return jax.lax.stop_gradient(y)


def seeing(network: AnyNetwork, sees: Callable) -> dict[str, Callable]:
    """The argument by which a network's step takes what plasticity sees of activity.

    Raises:
        ValueError: the step has no such argument, and it is needed.

    >>> seeing(RECORDED, own_activity)
    {}
    """
    if sees is own_activity:
        return {}
    if "sees" not in signature(network.step).parameters:
        raise ValueError(
            f"Plasticity in {type(network).__name__} sees the network's own activity "
            "and no other: teacher forcing and local gradients need an argument sees= "
            "of its step, to take the activity from sees(y, now)."
        )
    return {"sees": sees}


@runtime_checkable
class AnyNetwork(Protocol):
    """What simulation and gradients ask of a network; see `Network`."""

    def init_state(self, experiment: Experiment) -> Any:
        """The state before the first step of one experiment."""
        ...

    @property
    def step(self) -> Callable:
        """One step: `(rule, theta, state, now) -> (state, Trajectory)`."""
        ...


class Forced(NamedTuple):
    """A network whose plasticity is shown the recorded activity (teacher forcing).

    In all else it is the network. What was not recorded is the network's own. The
    model then predicts one step ahead: its errors do not add up through activity.

    >>> import plastutor as pt
    >>> y = jnp.zeros((5, 2))  # silent all the time, and Hebb's rule does nothing
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)), activity=y)
    >>> hebb = pt.taylor(pt.OJA_ORDERS), pt.HEBB
    >>> float(pt.simulate(*hebb, e, network=Forced(RECORDED)).w.sum())
    0.0

    Attributes:
        network: any network whose step has the argument `sees`.
    """

    network: AnyNetwork

    @property
    def masks(self) -> Mapping[str, np.ndarray]:
        """Those of the network, if it has some."""
        return getattr(self.network, "masks", {})

    def init_state(self, experiment: Experiment) -> Any:
        """The state of the network before the first step.

        Raises:
            ValueError: no recorded activity.
        """
        if experiment.activity is None:
            raise ValueError(
                "forced=True needs experiments with recorded activity; these have "
                "none. Leave it out, or pass activity= to make_experiment."
            )
        return self.network.init_state(experiment)

    def step(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: Any,
        now: Experiment,
        sees: Callable = own_activity,
    ) -> tuple[Any, Trajectory]:
        """One step, in which plasticity meets what was recorded."""

        def shown(y: Array, now: Experiment) -> Array:
            return recorded_activity(sees(y, now), now)

        how = seeing(self.network, shown)
        return self.network.step(rule, theta, state, now, **how)

    def fast(
        self,
        rule: Rule | Mapping[str, Rule],
        sums: Callable,
        theta: Theta,
        data: Experiment,
    ) -> Any:
        """As that of the network, if it can be shown recorded activity."""
        own = getattr(self.network, "fast", None)
        if own is None or "sees" not in signature(own).parameters:
            return NotImplemented
        self.init_state(data)  # says so where nothing was recorded
        return own(rule, sums, theta, data, sees=recorded_activity)


class Network(NamedTuple):
    """One plastic layer, `ff`: what is fixed about the learner except the rule.

    The weights w (pre, post) give the activity y = activation(x @ w). Where there is a
    read-out, the log-odds of accepting are readout * mean(y). A step changes the
    weights by rate * dw, divided by the number of inputs if `divide_by_pre`. The rule
    sees the reward prediction error r = R - E[R], where E[R] is the mean of the last
    `window` rewards; with `window=0` it sees the raw reward R.

    The four named networks below are those of Mehta et al. (2024) and its code: the
    read-out and the 1/n_pre are in the code only.

    A network of your own is any hashable object with two methods. Both see one
    experiment, never a batch:

    - `init_state(experiment)`: the state before the first step, a tree of arrays with
      a field `w`: the weights, or a mapping from projections to weights;
    - `step(rule, theta, state, now, sees=own_activity)`: the state after a step, and a
      `Trajectory` of what can be observed in it. `now` is the experiment in this step:
      x (pre,), reward and so on; `options` are all of them. `rule` and `theta` are
      what was given: one rule, or a mapping from projections to rules (`Rules`).
      Plasticity should take the activity from `sees(y, now)`; without this argument
      there is no teacher forcing and no local gradient.

    `fast`, if there is such a method, is the sum of the losses, their number and the
    gradient of one experiment, sooner than JAX finds them, or NotImplemented for rules
    or data for which it has no way; see `sum_and_gradient`.
    """

    activation: Callable = jax.nn.sigmoid
    readout: float | None = None
    rate: float = 1.0
    divide_by_pre: bool = False
    window: int = 10

    def init_state(self, experiment: Experiment) -> State:
        """The state before the first step of one experiment, or of each in a batch.

        Raises:
            ValueError: choices, for a network that makes none.

        >>> import plastutor as pt
        >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=jnp.zeros((3, 2)))
        >>> pt.RECORDED.init_state(e).memory.shape
        (10,)
        """
        if experiment.options is not None and self.readout is None:
            raise ValueError(
                "The experiment holds choices but the network has no read-out. Pass "
                "network=FLY or network=BEHAVIOUR."
            )
        shape = *experiment.w0.shape[:-2], self.window
        return State(experiment.w0, jnp.zeros(shape, experiment.reward.dtype))

    def respond(
        self,
        w: Float[Array, "pre post"],
        x: Float[Array, " pre"],
        options: Float[Array, "option pre"] | None = None,
    ) -> Trajectory:
        """What the neurons do in a step, before anything is learned from it."""
        y = self.activation(layer_drive(x, w))
        return self.observed(
            y, None if options is None else self.activation(options @ w)
        )

    def observed(
        self,
        y: Float[Array, "*time post"],
        of_options: Float[Array, "*time option post"] | None = None,
    ) -> Trajectory:
        """What can be observed of activity, and of the activity for each option."""
        if self.readout is None:
            return Trajectory(None, y)
        options = None if of_options is None else self.readout * of_options.mean(-1)
        return Trajectory(None, y, self.readout * y.mean(-1), options)

    def learn(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: State,
        now: Experiment,
        y: Float[Array, " post"],
    ) -> State:
        """The state after a step in which plasticity saw the activity y."""
        if not isinstance(rule, Rule):
            rule, theta = rule["ff"], theta["ff"]
        completed = now.plastic & now.valid
        r = now.reward - expectation(state.memory)
        w = next_weights(rule, theta, self, state.w, now.x, y, r, completed)
        return State(w, remember(state.memory, now.reward, completed))

    def step(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: State,
        now: Experiment,
        sees: Callable = own_activity,
    ) -> tuple[State, Trajectory]:
        """One step: the state after it, and the activity and choice in it."""
        made = self.respond(state.w, now.x, now.options)
        return self.learn(rule, theta, state, now, sees(made.y, now)), made

    fast = sum_and_gradient


def accept_logit(
    network: Network,
    x: Float[Array | np.ndarray, "*any pre"],
    w: Float[Array | np.ndarray, "pre post"],
) -> Float[Array, "*any"]:
    """Log-odds of accepting the stimulus x with the weights w; see `Network`."""
    return (network.readout or 0.0) * jnp.mean(network.activation(x @ w), axis=-1)


def identity(v: ArrayLike) -> ArrayLike:
    """The activation of a linear neuron."""
    return v


RECORDED = Network()
"""Recorded activity: sigmoid neurons, no read-out, the update is dw itself."""

BEHAVIOUR = Network(jnp.tanh, readout=5.0, divide_by_pre=True)
"""Choices through a hidden layer: tanh, fixed read-out 5/n_hidden, update dw/n_pre."""

FLY = Network(identity, readout=1.0, divide_by_pre=True)
"""The fly's network: odour weights give the log-odds of accepting, update dw/n_pre."""

LINEAR = Network(identity, rate=0.01)
"""A linear neuron that learns slowly: Oja's rule as principal component analysis."""
