"""The nouns: what a rule, an experiment, a network, a trajectory and a fit are.

Axis names used in every annotation of the package: `exp` experiments (or animals),
`time` steps (or odour presentations), `pre` inputs, `post` plastic neurons, `option`
things on offer in a choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, PRNGKeyArray, PyTree

from plastutor._files import write_whole

Theta = Any  # the parameters of a rule: one array (Taylor) or a tree of arrays (MLP)
Values = ArrayLike | Sequence  # what NumPy makes an array of
Scalar = Float[ArrayLike, ""]  # a number, or one that JAX traces


class Rule(NamedTuple):
    """A plasticity rule dw = g_theta(x, y, w, r), as pure functions of theta.

    Attributes:
        init: `key -> theta`, small random parameters.
        apply: `(theta, x, y, w, r) -> dw` for one synapse; five scalars or theta and
            four scalars in, one scalar out. This is the definition of the rule.
        update: `(theta, x, y, w, r) -> dw` for a whole layer; x has shape (pre,), y
            (post,), w (pre, post), r is a scalar. It equals `apply` at every synapse.
        forward_update: `update` for forward-mode derivatives (jax.jvp), which JAX
            refuses to a function with a reverse-mode derivative of its own; None if
            `update` has both.
        theta_vjp: `(theta, x, y, w, r, cotangent) -> gradient`, the derivative of
            sum(cotangent * dw) with respect to theta, over many steps at once: one
            more, last axis in x, y, w, r and cotangent, which `forward_update` takes
            as well. None if there is no faster way than JAX's own.
        free: where in the row that theta makes (`ravel_pytree`) there are parameters
            that matter; None: everywhere.
        linear: dw is linear in theta, so that a factor of dw can be one of theta.
    """

    init: Callable
    apply: Callable
    update: Callable
    forward_update: Callable | None = None
    theta_vjp: Callable | None = None
    free: tuple[int, ...] | None = None
    linear: bool = False

    @property
    def forward_mode(self) -> Rule:
        """The same rule, for derivatives in forward mode (jax.jvp)."""
        return self._replace(update=self.forward_update or self.update)


class Rules(Mapping[str, Rule]):
    """A rule for each plastic projection of a network; theta is a mapping as well.

    It has what a rule has for a whole network: `init`, `free` and `forward_mode`.

    >>> import plastutor as pt
    >>> rules = Rules({"ff": pt.taylor(pt.OJA_ORDERS), "rec": pt.mlp((3,))})
    >>> sorted(rules.init(jax.random.key(0)))
    ['ff', 'rec']
    """

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = {name: rules[name] for name in sorted(rules)}  # as JAX sorts

    def __getitem__(self, projection: str) -> Rule:
        return self._rules[projection]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def __hash__(self) -> int:
        return hash(tuple(self._rules.items()))

    def init(self, key: PRNGKeyArray) -> dict[str, Theta]:
        """Random parameters for each projection."""
        keys = jax.random.split(key, len(self))
        return {name: self[name].init(k) for name, k in zip(self, keys, strict=True)}

    @property
    def free(self) -> tuple[int, ...] | None:
        """As `Rule.free`, in the row that the parameters of all projections make."""
        shapes = jax.eval_shape(self.init, jax.random.key(0))
        found, start = [], 0
        for name, rule in self.items():
            size = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes[name]))
            own = range(size) if rule.free is None else rule.free
            found += [start + k for k in own]
            start += size
        return tuple(found)

    @property
    def forward_mode(self) -> Rules:
        """The same rules, for derivatives in forward mode (jax.jvp)."""
        return Rules({name: rule.forward_mode for name, rule in self.items()})


def as_rules(rule: Rule | Mapping[str, Rule]) -> Rule | Rules:
    """A mapping of rules as one that can be hashed; a single rule stays as it is."""
    return rule if isinstance(rule, Rule | Rules) else Rules(rule)


class Experiment(NamedTuple):
    """What was done to a network and observed. Make one with `make_experiment`.

    A batch of experiments is the same tuple with a leading `exp` axis on every field.
    Time is counted in steps; in accept/reject data a step is one presentation of an
    odour, in choice data a step is one trial.

    Attributes:
        x: stimulus, one row a step; in choice data the odour that was chosen.
        reward: raw reward R received in a step.
        plastic: True where the weights change after the step. In accept/reject data
            that is where the odour was accepted, and so where a trial was completed.
        valid: False where the step is padding.
        w0: weights before the first step; for a network of several plastic projections
            a mapping from their names to weights.
        activity: recorded activity in [0, 1]; NaN where nothing was recorded.
        accept: 1 where the presented odour was accepted, 0 where rejected, else NaN.
        options: the stimuli on offer in a choice, one row each.
        choice: index of the option that was chosen; -1 where there was no choice.
    """

    x: Float[Array, "*exp time pre"]
    reward: Float[Array, "*exp time"]
    plastic: Bool[Array, "*exp time"]
    valid: Bool[Array, "*exp time"]
    w0: PyTree[Float[Array, "*exp _ _"]]
    activity: Float[Array, "*exp time post"] | None = None
    accept: Float[Array, "*exp time"] | None = None
    options: Float[Array, "*exp option pre"] | None = None
    choice: Int[Array, "*exp time"] | None = None


class Trajectory(NamedTuple):
    """What a simulated network did.

    Attributes:
        w: weights after each step, as in w0; None if they were not kept.
        y: activity in each step, from the weights before it.
        logit: log-odds of accepting the presented stimulus; None without a read-out.
        option_logit: the same for every option on offer; None if there is no choice.
    """

    w: PyTree[Float[Array, "*exp time _ _"]] | None
    y: Float[Array, "*exp time post"]
    logit: Float[Array, "*exp time"] | None = None
    option_logit: Float[Array, "*exp time option"] | None = None


class Fit(NamedTuple):
    """What a fit found, and how it went.

    Attributes:
        theta: the best finite parameters (those of the lowest loss).
        losses: loss before each step and after the last, shape (step + 1,).
        thetas: the parameters that belong to `losses`, with a leading step axis.
        status: "finished" (all steps done), "converged" (theta stays, and a step of
            steepest descent gains less than 1 % of the loss), "stalled" (theta stays,
            although such a step gains more), "diverged" (the loss, its gradient or the
            curvature became NaN or infinite) or "interrupted".
        message: one sentence on what happened, at which step, and what to try.
    """

    theta: Theta
    losses: Float[np.ndarray, " step"]
    thetas: Theta
    status: str
    message: str

    def save(self, path: str | Path) -> None:
        """Write the fit to one file; an existing file is replaced as a whole.

        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> fit = Fit(np.ones(2), np.array([1.0, 0.5]), np.ones((2, 2)), "finished", "")
        >>> fit.save(folder + "/fit.msgpack")
        >>> float(Fit.load(folder + "/fit.msgpack").losses[-1])
        0.5
        """
        from flax import serialization

        theta, losses, thetas = jax.tree.map(np.asarray, self[:3])
        arrays = self._replace(theta=theta, losses=losses, thetas=thetas)
        write_whole(Path(path), serialization.to_bytes(arrays))

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read a fit that `save` wrote."""
        from flax import serialization

        try:
            kept: Any = serialization.msgpack_restore(Path(path).read_bytes())
            return cls(**kept)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} does not hold a fit; expected a file written by Fit.save."
            ) from error


class Arrays(Mapping[str, np.ndarray]):
    """Arrays by name, equal and hashed by what they hold, so that JAX compiles once.

    >>> Arrays({"rec": [1, -1]}) == Arrays({"rec": [1, -1]})
    True
    """

    def __init__(self, arrays: Mapping[str, Values]) -> None:
        self._arrays = {name: np.array(arrays[name]) for name in sorted(arrays)}
        held = ((n, a.shape, str(a.dtype), a.tobytes()) for n, a in self.items())
        self._hash = hash(tuple(held))

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arrays):
            return NotImplemented
        return [*self] == [*other] and all(
            a.dtype == other[name].dtype and np.array_equal(a, other[name])
            for name, a in self.items()
        )
