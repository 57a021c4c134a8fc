"""Conductance: leaky integrate-and-fire neurons, and doublet rules between them.

Times are in ms, potentials in mV, conductances and weights in nS, rates in Hz. The
numbers that it begins with are those of Vogels et al. (2011).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from plastutor._types import Arrays, Experiment, Rule, Theta, Trajectory, Values
from plastutor.networks._network import own_activity
from plastutor.networks._spiking import spike
from plastutor.rules import Doublet


class ConductanceState(NamedTuple):
    """What the neurons and synapses carry from one step to the next.

    Attributes:
        w: the weights of each projection, in nS.
        v: the potential of each neuron, in mV.
        wait: for how long it cannot spike any more, in ms.
        excitation: the open excitatory conductance, in nS.
        inhibition: the open inhibitory conductance, in nS.
        spikes: those of the step before.
        traces: of each plastic projection, of its senders and of its receivers.
    """

    w: dict[str, Float[Array, "_ _"]]
    v: Float[Array, " unit"]
    wait: Float[Array, " unit"]
    excitation: Float[Array, " unit"]
    inhibition: Float[Array, " unit"]
    spikes: Float[Array, " unit"]
    traces: dict[str, tuple[Float[Array, " pre"], Float[Array, " unit"]]]


@dataclass(frozen=True)
class Conductance:
    """Spiking neurons with named projections: the sibling of `Recurrent`.

    In each step of dt ms the open conductances decay and grow by the weights of the
    synapses whose sender has spiked: an input in this step, a neuron in the step
    before. The potential relaxes to where all currents cancel,

        tau dV/dt = (e_leak - V) + (g_exc (e_exc - V) + g_inh (e_inh - V)) / g_leak,

    exactly for conductances that stay for a step. At the threshold a neuron spikes and
    is reset, and waits. The stimulus x of an experiment holds the spikes of the inputs,
    0 or 1, and the activity y those of the neurons; its mean over 1000 / dt steps is in
    Hz.

    Rules are doublet rules, `pt.rules.doublet()`. A weight is a conductance: it cannot
    fall below zero, nor rise above `largest`; whether it inhibits, its projection says
    (Dale's law).

    Attributes:
        dt: length of a step, in ms.
        rates: by what dw is multiplied, in nS; one number or one for each projection.
        inputs: the names of the projections from the inputs.
        between: the names of those between the neurons.
        inhibitory: the names of those that inhibit.
        masks: for a projection, False where there is no synapse, (pre, unit).
        largest: the largest weight, in nS.
        tau: of the potential, in ms.
        tau_exc: of the excitatory conductance, in ms.
        tau_inh: of the inhibitory conductance, in ms.
        refractory: for how long a neuron cannot spike again, in ms.
        e_leak: resting potential, in mV, and that after a spike.
        e_exc: reversal potential of excitation, in mV.
        e_inh: reversal potential of inhibition, in mV.
        threshold: of a spike, in mV.
        g_leak: leak conductance, in nS.

    Raises:
        ValueError: an unknown projection; a time that is not above zero.

    >>> import plastutor as pt
    >>> w0 = {"exc": 50 * jnp.ones((1, 1)), "inh": jnp.zeros((1, 1))}
    >>> e = pt.make_experiment(jnp.ones((20, 1)), w0=w0)
    >>> still = pt.rules.doublet_theta()
    >>> network = Conductance(masks={"inh": [[False]]})
    >>> made = pt.simulate({"inh": pt.rules.doublet()}, {"inh": still}, e,
    ...                    network=network)
    >>> int(made.y.sum())
    4
    """

    dt: float = 1.0
    rates: float | Mapping[str, Values] = 0.01
    inputs: tuple[str, ...] = ("exc", "inh")
    between: tuple[str, ...] = ()
    inhibitory: tuple[str, ...] = ("inh",)
    masks: Mapping[str, Values] = field(default_factory=dict)
    largest: float = np.inf
    tau: float = 20.0
    tau_exc: float = 5.0
    tau_inh: float = 10.0
    refractory: float = 5.0
    e_leak: float = -60.0
    e_exc: float = 0.0
    e_inh: float = -80.0
    threshold: float = -50.0
    g_leak: float = 10.0

    def __post_init__(self) -> None:
        for name in ("dt", "tau", "tau_exc", "tau_inh", "g_leak", "largest"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected a number above 0."
                )
        named = isinstance(self.rates, Mapping)
        rates: Any = (
            self.rates if named else dict.fromkeys(self.projections, self.rates)
        )
        masks = {name: np.asarray(mask, bool) for name, mask in self.masks.items()}
        for what, given in (
            ("rates", rates),
            ("masks", masks),
            ("inhibitory", self.inhibitory),
        ):
            self._check_names(what, given)
        rates = {name: float(rates.get(name, 1.0)) for name in self.projections}
        object.__setattr__(self, "rates", Arrays(rates))
        object.__setattr__(self, "masks", Arrays(masks))

    @property
    def projections(self) -> tuple[str, ...]:
        """The names that weights have."""
        return *self.inputs, *self.between

    def init_state(self, experiment: Experiment) -> ConductanceState:
        """Before the first step: at rest, without a trace of any spike.

        Raises:
            ValueError: initial weights that fit neither each other nor the inputs.
        """
        w0 = experiment.w0
        self._check(experiment)
        w = {name: self._bounded(name, w0[name]) for name in sorted(w0)}
        zeros = jnp.zeros(w[self.projections[0]].shape[-1], experiment.x.dtype)
        traces = {
            name: (jnp.zeros(len(each), zeros.dtype), zeros) for name, each in w.items()
        }
        return ConductanceState(
            w, zeros + self.e_leak, zeros, zeros, zeros, zeros, traces
        )

    def step(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: ConductanceState,
        now: Experiment,
        sees: Callable = own_activity,
    ) -> tuple[ConductanceState, Trajectory]:
        """One step: the state after it, and the spikes in it.

        Raises:
            ValueError: a rule for a projection that there is not.
        """
        rules, thetas = self._by_projection(rule, theta)
        sent = dict.fromkeys(self.inputs, now.x) | dict.fromkeys(
            self.between, state.spikes
        )
        opened = {name: sent[name] @ state.w[name] for name in self.projections}
        excitation = state.excitation * np.exp(-self.dt / self.tau_exc)
        inhibition = state.inhibition * np.exp(-self.dt / self.tau_inh)
        for name, each in opened.items():
            if name in self.inhibitory:
                inhibition += each
            else:
                excitation += each
        v, wait, y = self._membrane(state.v, state.wait, excitation, inhibition)
        shown = sees(y, now)
        w, traces = dict(state.w), dict(state.traces)
        for name, one in rules.items():
            pre, post = state.traces[name]
            sides = Doublet(sent[name], pre), Doublet(shown, post)
            r = jnp.zeros((), w[name].dtype)
            change = one.update(thetas[name], *sides, w[name], r)
            rate = jnp.where(now.plastic & now.valid, self._rate(name), 0.0)
            changed = w[name] + rate.astype(w[name].dtype) * change
            w[name] = self._bounded(name, changed)
            decay = jnp.exp(-self.dt / jnp.exp(thetas[name][:2]))
            traces[name] = decay[0] * pre + sent[name], decay[1] * post + shown
        after = ConductanceState(w, v, wait, excitation, inhibition, shown, traces)
        return after, Trajectory(None, y)

    def _membrane(self, v, wait, excitation, inhibition):
        """The potential after a step, how long each neuron still waits, its spikes."""
        total = 1 + (excitation + inhibition) / self.g_leak
        drawn = excitation * self.e_exc + inhibition * self.e_inh
        target = (self.e_leak + drawn / self.g_leak) / total
        moved = target + (v - target) * jnp.exp(-self.dt * total / self.tau)
        moved = jnp.where(wait > 0, self.e_leak, moved)
        y = spike(moved - self.threshold)
        wait = jnp.where(y > 0, self.refractory, jnp.maximum(wait - self.dt, 0))
        return jnp.where(y > 0, self.e_leak, moved), wait, y

    def _bounded(self, name, w):
        """A conductance between 0 and the largest one, and only where there is one."""
        w = jnp.clip(w, 0, self.largest)
        mask = self.masks.get(name)
        return w if mask is None else jnp.where(jnp.asarray(mask), w, 0)

    def _rate(self, name) -> float:
        assert isinstance(self.rates, Arrays)  # as __post_init__ made them
        return float(self.rates[name])

    def _by_projection(self, rule, theta) -> tuple[Mapping[str, Rule], Any]:
        if isinstance(rule, Rule):
            names = list(self.projections)
            return dict.fromkeys(names, rule), dict.fromkeys(names, theta)
        self._check_names("rules", rule)
        if not isinstance(theta, Mapping) or {*theta} != {*rule}:
            raise ValueError(
                "theta is no mapping with the projections of the rules: "
                f"{', '.join(sorted(rule))}."
            )
        return rule, theta

    def _check(self, experiment) -> None:
        w0, n_pre = experiment.w0, experiment.x.shape[-1]
        if not isinstance(w0, Mapping) or {*w0} != {*self.projections}:
            found = ", ".join(sorted(w0)) if isinstance(w0, Mapping) else "one array"
            raise ValueError(
                f"w0 has {found}; expected a mapping with the weights of "
                f"{', '.join(self.projections)}, in nS."
            )
        n_units = w0[self.projections[0]].shape[-1]
        for name in self.projections:
            rows = n_pre if name in self.inputs else n_units
            for what, one in (("w0", w0[name]), ("masks", self.masks.get(name))):
                shape = None if one is None else np.shape(one)
                if shape not in (None, (rows, n_units)):
                    raise ValueError(
                        f"{what} of {name!r} has shape {shape}; expected "
                        f"{(rows, n_units)}: a row for each sender, a column for each "
                        "neuron."
                    )

    def _check_names(self, what, given) -> None:
        unknown = sorted({*given} - {*self.projections})
        if unknown:
            raise ValueError(
                f"{what} has the unknown projection {unknown[0]!r}; expected "
                f"{', '.join(self.projections)}."
            )
