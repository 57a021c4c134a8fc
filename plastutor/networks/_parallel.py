"""Parallel synapses: a habit beside the plastic weights, traces of different events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor._types import Experiment, Rule, Theta, Trajectory
from plastutor.networks._network import FLY, Network, own_activity
from plastutor.networks._reward import expectation, remember
from plastutor.networks._weights import next_weights

BIAS = "bias"


@lru_cache  # the same size gives the same Rule, so JAX need not compile it again
def bias(n_options: int = 1) -> Rule:
    """What is added to the log-odds and never changes, as a rule of `Parallel`.

    theta is the bias itself: one number, a readiness to accept that all options share;
    or one for each option. Options seen together (`softmax_choice`) tell differences
    between options only.

    Args:
        n_options: 1, or the number of options.

    >>> import jax
    >>> bias(2).init(jax.random.key(0)).tolist()
    [0.0, 0.0]
    """
    if n_options < 1:
        raise ValueError(
            f"n_options is {n_options}; expected 1, for a bias that all options share, "
            "or the number of options."
        )

    def nothing(theta, x, y, w, r):
        return jnp.zeros_like(w)

    return Rule(lambda key: jnp.zeros(n_options), nothing, nothing)


class Parallel(NamedTuple):
    """Several plastic weights from the same inputs, each with a rule of its own.

    Their drives add: y = activation(x @ (w_1 + w_2 + ...)), and each projection changes
    by its own rule, which sees its own weights. All else is as in `network`. Rules and
    theta are mappings from projections. What it is for:

    - a choice kernel beside a rule: projections "ff" and "kernel", where the kernel's
      rule has the terms x and w. Its weights then are a fading trace of the choices,
      with one strength and one time constant, whatever was rewarded;
    - two traces: one fed by choices, one by rewards, each with its own decay.

    A rule with the name "bias" (`bias`) is no projection, but what is added to the
    log-odds: one number for all options, or one for each input; a stimulus has that of
    its strongest input.

    >>> import jax
    >>> import plastutor as pt
    >>> trace = pt.taylor(pt.Orders(x=1, w=1), only=("x", "w"))
    >>> value = pt.taylor(pt.Orders(x=1, w=1, r=1), only=("xr", "w"))
    >>> rules = {"ff": value, "kernel": trace, "bias": bias()}
    >>> loss = pt.objective(rules, pt.choice, network=Parallel(("ff", "kernel")))
    >>> data = pt.data.choice_experiments([[0, 0, 1]], [[1.0, 0.0, 0.0]])
    >>> theta = jax.tree.map(jnp.zeros_like, pt.Rules(rules).init(jax.random.key(0)))
    >>> round(float(loss(theta, data)), 3)
    0.693

    Attributes:
        projections: their names. An array `w0` of the data belongs to the first, and
            the others start at 0; a mapping has one for each.
        network: activation, read-out, rate and expected reward.
    """

    projections: tuple[str, ...] = ("ff", "kernel")
    network: Network = FLY

    class State(NamedTuple):
        """The weights of each projection, and the last rewards."""

        w: dict[str, Float[Array, "*exp pre post"]]
        memory: Float[Array, "*exp window"]

    def init_state(self, experiment: Experiment) -> Parallel.State:
        """The state before the first step.

        Raises:
            ValueError: initial weights that lack a projection.
        """
        w0 = experiment.w0
        if not isinstance(w0, Mapping):
            w0 = {name: jnp.zeros_like(w0) for name in self.projections} | {
                self.projections[0]: w0
            }
        self._check("w0", w0)
        first = self.network.init_state(experiment._replace(w0=w0[self.projections[0]]))
        return self.State({name: w0[name] for name in self.projections}, first.memory)

    def step(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: Parallel.State,
        now: Experiment,
        sees: Callable = own_activity,
    ) -> tuple[Parallel.State, Trajectory]:
        """One step: the state after it, and the activity and choice in it.

        Raises:
            ValueError: a rule for a projection that there is not, or none for one.
        """
        self._check("rules", rule)
        self._check("theta", theta)
        assert isinstance(rule, Mapping)  # else it was refused
        first, *others = state.w.values()
        made = self.network.respond(sum(others, start=first), now.x, now.options)
        completed = now.plastic & now.valid
        r, y = now.reward - expectation(state.memory), sees(made.y, now)
        w = {
            name: next_weights(
                rule[name], theta[name], self.network, w, now.x, y, r, completed
            )
            for name, w in state.w.items()
        }
        memory = remember(state.memory, now.reward, completed)
        return self.State(w, memory), self._biased(theta, made, now)

    def _biased(self, theta, made, now):
        if BIAS not in theta:
            return made

        def add(logit, x):
            if logit is None:
                return None
            return logit + theta[BIAS][jnp.argmax(x, -1) % theta[BIAS].size]

        return made._replace(
            logit=add(made.logit, now.x),
            option_logit=add(made.option_logit, now.options),
        )

    def _check(self, what, given):
        names = set(given) - {BIAS} if isinstance(given, Mapping) else set()
        if names != set(self.projections):
            raise ValueError(
                f"{what} has {', '.join(sorted(names)) or 'no projection'}; this "
                f"network has the projections {', '.join(self.projections)}, and "
                "expected one for each (and 'bias', if there is one). Name others in "
                "Parallel(projections)."
            )
