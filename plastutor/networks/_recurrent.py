"""Recurrent: neurons that drive one another, and a rule for each projection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from plastutor._types import Arrays, Experiment, Rule, Theta, Trajectory, Values
from plastutor.networks._fast_recurrent import sum_and_gradient_recurrent
from plastutor.networks._network import Network, own_activity
from plastutor.networks._reward import expectation, remember
from plastutor.networks._weights import layer_drive, next_weights


class RecurrentState(NamedTuple):
    """What a recurrent network carries from one step to the next.

    Attributes:
        w: the weights of each projection.
        y: the activity of the step before, as plasticity saw it.
        bias: of each neuron; None without homeostasis.
        drive: the running mean of what drives each neuron; None without homeostasis.
        memory: the last rewards of completed trials, the oldest first.
    """

    w: dict[str, Float[Array, "*exp _ _"]]
    y: Float[Array, "*exp unit"]
    bias: Float[Array, "*exp unit"] | None
    drive: Float[Array, "*exp unit"] | None
    memory: Float[Array, "*exp window"]


@dataclass(frozen=True)
class Recurrent:
    """Neurons that drive one another: what is fixed about them except the rules.

    In step t, with the weights before it,

        y(t) = activation(x(t) @ w_ff + y(t-1) @ w_rec + bias),  y(-1) = 0,

    and, if there is a projection `out` of one column, y(t) @ w_out are the log-odds of
    accepting. Then each plastic projection changes by its own rule, of which it sees

        ff: pre = x(t), post = y(t);  rec: pre = y(t-1), post = y(t);
        out: pre = y(t), post = y(t) @ w_out.

    So a spike of activity meets a recurrent synapse one step later. How many inputs and
    neurons there are, the initial weights say: `w0={"ff": (pre, unit), "rec": (unit,
    unit)}`, and "out": (unit, 1). Layers, lateral weights and sparse connections are
    masks of these.

    Several projections between the neurons, named in `between`, drive them together,
    and each has a rule of its own, as `rec` has: excitatory and inhibitory ones, for
    example, from different neurons by their masks.

    Rules and theta are mappings from projections. One without a rule stays as it
    began. A single rule, with a single theta, is shared by the projections `shared`.

    Plasticity sees the reward prediction error r = R - E[R], as in `Network`. With
    teacher forcing the recorded activity stands in for y: it is what the rules see and
    what drives the neurons in the next step.

    Initial weights that are not known are learned as well where they are part of what
    is fitted, in reverse mode:

        def loss_of(both, data):
            return loss(both["theta"], data._replace(w0=both["w0"]))

        pt.fit(loss_of, {"theta": theta, "w0": data.w0}, data)

    Attributes:
        activation: of one neuron; jnp.tanh, jax.nn.sigmoid, jax.nn.relu, ...
        rates: by what dw is multiplied, one number or one for each projection.
        masks: for a projection, False where there is no synapse, (pre, post).
        signs: for a projection, 1 where a weight cannot fall below zero, -1 where it
            cannot rise above, 0 where it can do both; (pre, post), or (pre,) for Dale's
            law: a neuron excites all others or inhibits all others. After a step w
            becomes sign * max(sign * w, 0), with the derivative 0 where that is zero.
        homeostasis: h, by which the bias of a neuron falls in a step for each unit of
            the running mean of its drive: bias <- bias - h * mean. 0: no bias.
        smoothing: of this mean: mean <- mean + smoothing * (drive - mean).
        window: how many rewards are remembered; 0: rules see the raw reward.
        between: the projections between the neurons.
        shared: the projections that share a single rule; default ff and `between`.

    Raises:
        ValueError: an unknown projection, signs or a rate that are none.

    >>> import plastutor as pt
    >>> w0 = {"ff": jnp.ones((3, 2)), "rec": jnp.zeros((2, 2))}
    >>> e = pt.make_experiment(jnp.ones((5, 3)), w0=w0)
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> loop = Recurrent(signs={"rec": [1, -1]})  # one excites, one inhibits
    >>> made = pt.simulate({"rec": rule}, {"rec": pt.HEBB}, e, network=loop)
    >>> made.w["rec"][-1, 1].tolist(), bool((made.w["ff"] == 1).all())
    ([0.0, 0.0], True)
    """

    activation: Callable = jnp.tanh
    rates: float | Mapping[str, Values] = 1.0
    masks: Mapping[str, Values] = field(default_factory=dict)
    signs: Mapping[str, Values] = field(default_factory=dict)
    homeostasis: float = 0.0
    smoothing: float = 0.1
    window: int = 10
    between: tuple[str, ...] = ("rec",)
    shared: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not self.between or {"ff", "out"} & {*self.between}:
            raise ValueError(
                f"between is {self.between!r}; expected the names of projections "
                "between the neurons, others than 'ff' and 'out', such as ('rec',)."
            )
        rates, every = self.rates, dict.fromkeys(self.projections, 1.0)
        named = isinstance(rates, Mapping)
        arrays: dict[str, Any] = {
            "rates": rates if named else dict.fromkeys(every, rates),
            "masks": {n: np.asarray(mask, bool) for n, mask in self.masks.items()},
            "signs": {n: np.asarray(sign, int) for n, sign in self.signs.items()},
        }
        for what, given in arrays.items():
            self._check_names(what, given)
        arrays["rates"] = every | {n: float(r) for n, r in arrays["rates"].items()}
        self._check_names("shared", self.shared or ())
        for name, sign in arrays["signs"].items():
            if not np.isin(np.asarray(self.signs[name]), (-1, 0, 1)).all():
                raise ValueError(
                    f"signs of {name!r} hold other numbers than 1, -1 and 0; expected "
                    "1 for synapses that excite, -1 for those that inhibit, 0 for both."
                )
            arrays["signs"][name] = sign if sign.ndim == 2 else sign[:, None]
        if not (np.isfinite([*arrays["rates"].values()]).all()):
            raise ValueError(f"rates is {rates!r}; expected finite numbers.")
        if not 0 <= self.homeostasis < np.inf or not 0 < self.smoothing <= 1:
            raise ValueError(
                f"homeostasis is {self.homeostasis!r} and smoothing "
                f"{self.smoothing!r}; expected a number from 0 up, and one above 0 and "
                "up to 1."
            )
        for what, given in arrays.items():
            object.__setattr__(self, what, Arrays(given))

    @property
    def projections(self) -> tuple[str, ...]:
        """The names that weights may have."""
        return "ff", *self.between, "out"

    def init_state(self, experiment: Experiment) -> RecurrentState:
        """The state before the first step of one experiment: silence.

        Raises:
            ValueError: initial weights that fit neither each other, nor the data, nor
                the network; choices, for a network without `out`.
        """
        w0 = experiment.w0
        self._check(experiment)
        w = {name: self.bounded(name, w0[name]) for name in sorted(w0)}
        silent = jnp.zeros(w["ff"].shape[-1], w["ff"].dtype)
        bias = silent if self.homeostasis else None
        memory = jnp.zeros(self.window, experiment.reward.dtype)
        return RecurrentState(w, silent, bias, bias, memory)

    def bounded(self, name: str, w: Float[Array, "pre post"]) -> Array:
        """The weights of a projection where mask and signs allow them, else 0.

        >>> Recurrent(signs={"rec": [1, -1]}).bounded("rec", jnp.ones((2, 2))).tolist()
        [[1.0, 1.0], [0.0, 0.0]]
        """
        if name in self.signs:
            signs = jnp.asarray(self.signs[name], w.dtype)
            w = jnp.where((signs * w > 0) | (signs == 0), w, 0)
        if name in self.masks:
            w = jnp.where(jnp.asarray(self.masks[name]), w, 0)
        return w

    def rate(self, name: str) -> float:
        """By what dw of a projection is multiplied.

        >>> Recurrent(rates={"rec": 0.1}).rate("rec"), Recurrent().rate("ff")
        (0.1, 1.0)
        """
        assert isinstance(self.rates, Arrays)  # as __post_init__ made them
        return float(self.rates[name])

    def projection(self, name: str) -> Network:
        """A projection as a layer of its own, with its rate."""
        return Network(rate=self.rate(name))

    def step(
        self,
        rule: Rule | Mapping[str, Rule],
        theta: Theta,
        state: RecurrentState,
        now: Experiment,
        sees: Callable = own_activity,
    ) -> tuple[RecurrentState, Trajectory]:
        """One step: the state after it, and the activity and log-odds in it.

        Raises:
            ValueError: a rule or parameters for a projection that there is not.
        """
        rules, theta = self.by_projection(rule, theta, state.w)
        w, completed = state.w, now.plastic & now.valid
        each = [layer_drive(state.y, w[name]) for name in self.between]
        fixed = sum(each[1:], start=each[0])
        fixed = fixed if state.bias is None else fixed + state.bias
        drive = layer_drive(now.x, w["ff"]) + fixed
        y = self.activation(drive)
        shown, made = sees(y, now), self._observed(w, y, fixed, now.options)
        sides = dict.fromkeys(self.between, (state.y, shown)) | {"ff": (now.x, shown)}
        if "out" in rules:  # the output that plasticity sees is that of what it sees
            sides["out"] = shown, layer_drive(shown, w["out"])
        r = now.reward - expectation(state.memory)
        after = dict(w)
        for name in rules:
            how = rules[name], theta[name], self.projection(name)
            changed = next_weights(*how, w[name], *sides[name], r, completed)
            after[name] = self.bounded(name, changed)
        bias, mean = state.bias, state.drive
        if bias is not None and mean is not None:
            mean = mean + self.smoothing * (drive - mean)
            bias = bias - self.homeostasis * mean
        memory = remember(state.memory, now.reward, completed)
        return RecurrentState(after, shown, bias, mean, memory), made

    fast = sum_and_gradient_recurrent

    def _observed(self, w, y, fixed, options) -> Trajectory:
        if "out" not in w:
            return Trajectory(None, y)
        of_options = None
        if options is not None:
            each = self.activation(options @ w["ff"] + fixed[None])
            of_options = (each @ w["out"])[:, 0]
        return Trajectory(None, y, (y @ w["out"])[0], of_options)

    def by_projection(
        self, rule: Rule | Mapping[str, Rule], theta: Theta, w: Mapping[str, Array]
    ) -> tuple[Mapping[str, Rule], Mapping[str, Theta]]:
        """A rule and its parameters for each plastic projection, in one order.

        Raises:
            ValueError: a rule or parameters for a projection that there is not.
        """
        if isinstance(rule, Rule):
            names = list(self.shared or ("ff", *self.between))
            return dict.fromkeys(names, rule), dict.fromkeys(names, theta)
        missing = sorted({*rule} - {*w})
        if missing or not rule:
            raise ValueError(
                f"The rules are for {', '.join(sorted(rule)) or 'no projection'}; this "
                f"experiment has weights of {', '.join(sorted(w))}. Expected a rule "
                "for one or more of these; one without a rule stays as it began."
            )
        if not isinstance(theta, Mapping) or {*theta} != {*rule}:
            of = ", ".join(sorted(theta)) if isinstance(theta, Mapping) else "one rule"
            raise ValueError(
                f"theta has parameters of {of}; expected a mapping with those of "
                f"{', '.join(sorted(rule))}, as the rules have."
            )
        return rule, theta

    def _check(self, experiment):
        x, w0 = experiment.x, experiment.w0
        if not isinstance(w0, Mapping):
            raise ValueError(
                f"w0 is one array of shape {jnp.shape(w0)}; a recurrent network needs "
                'a mapping: w0={"ff": (pre, unit), "rec": (unit, unit)}.'
            )
        self._check_names("w0", w0)
        if not {"ff", *self.between} <= {*w0}:
            raise ValueError(
                f"w0 has {', '.join(sorted(w0)) or 'no projection'}; expected ff, from "
                f"the inputs, and {', '.join(self.between)}, between the neurons "
                "(zeros where there is none)."
            )
        units = w0[self.between[0]].shape[-1]
        expected = dict.fromkeys(self.between, (units, units))
        expected["ff"] = x.shape[-1], units
        if "out" in w0:
            expected["out"] = (units, 1)
        for name, shape in expected.items():
            if w0[name].shape != shape:
                raise ValueError(
                    f"w0 of {name!r} has shape {w0[name].shape}; expected {shape}: one "
                    f"row for each of what sends and one column for each of what "
                    f"receives, with {x.shape[-1]} inputs and {units} neurons."
                )
            for what in ("masks", "signs"):
                own = getattr(self, what).get(name)
                allowed = [shape, (shape[0], 1)] if what == "signs" else [shape]
                if own is not None and own.shape not in allowed:
                    raise ValueError(
                        f"{what} of {name!r} has shape {own.shape}; expected {shape}, "
                        f"as w0 of {name!r} (signs also {(shape[0],)})."
                    )
        activity = experiment.activity
        if activity is not None and activity.shape[-1] != units:
            raise ValueError(
                f"activity has {activity.shape[-1]} columns; expected {units}, one for "
                "each neuron of w0, NaN for those that were not recorded."
            )
        if "out" not in w0 and experiment.choice is not None:
            raise ValueError(
                "The experiment holds choices but its w0 has no read-out; expected "
                f'w0["out"] of shape {(units, 1)}.'
            )

    def _check_names(self, what, given) -> None:
        unknown = sorted({*given} - {*self.projections})
        if unknown:
            raise ValueError(
                f"{what} has the unknown projection {unknown[0]!r}; expected "
                f"{', '.join(self.projections)}."
            )
