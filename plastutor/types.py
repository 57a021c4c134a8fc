"""The nouns: what a rule, an experiment, a network, a trajectory and a fit are.

Axis names used in every annotation of the package: `exp` experiments (or animals),
`time` steps (or odour presentations), `pre` inputs, `post` plastic neurons, `option`
things on offer in a choice.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

__all__ = [
    "BEHAVIOUR",
    "FLY",
    "LINEAR",
    "RECORDED",
    "Experiment",
    "Fit",
    "Network",
    "Rule",
    "Theta",
    "Trajectory",
    "check_experiment",
    "first_steps",
    "make_experiment",
]

Theta = Any  # the parameters of a rule: one array (Taylor) or a tree of arrays (MLP)


class Rule(NamedTuple):
    """A plasticity rule dw = g_theta(x, y, w, r), as pure functions of theta.

    Attributes:
        init: `key -> theta`, small random parameters.
        apply: `(theta, x, y, w, r) -> dw` for one synapse; five scalars or theta and
            four scalars in, one scalar out. This is the definition of the rule.
        update: `(theta, x, y, w, r) -> dw` for a whole layer; x has shape (pre,), y
            (post,), w (pre, post), r is a scalar. It equals `apply` at every synapse.
    """

    init: Callable
    apply: Callable
    update: Callable


class Network(NamedTuple):
    """What is fixed about the learner: everything except the rule.

    The weights w (pre, post) give the activity y = activation(x @ w). Where there is a
    read-out, the log-odds of accepting are readout * mean(y). A step changes the
    weights by rate * dw, divided by the number of inputs if `divide_by_pre`. The rule
    sees the reward prediction error r = R - E[R], where E[R] is the mean of the last
    `window` rewards; with `window=0` it sees the raw reward R.

    The four named networks below are those of Mehta et al. (2024) and its code: the
    read-out and the 1/n_pre are in the code only.
    """

    activation: Callable = jax.nn.sigmoid
    readout: float | None = None
    rate: float = 1.0
    divide_by_pre: bool = False
    window: int = 10


def identity(v):
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


class Experiment(NamedTuple):
    """What was done to a network and what was seen. Make one with `make_experiment`.

    A batch of experiments is the same tuple with a leading `exp` axis on every field.
    Time is counted in steps; in accept/reject data a step is one presentation of an
    odour, in choice data a step is one trial.

    Attributes:
        x: stimulus, one row a step; in choice data the odour that was chosen.
        reward: raw reward R received in a step.
        plastic: True where the weights change after the step. In accept/reject data
            that is where the odour was accepted, and so where a trial was completed.
        valid: False where the step is padding.
        w0: weights before the first step.
        activity: recorded activity in [0, 1]; NaN where nothing was recorded.
        accept: 1 where the presented odour was accepted, 0 where rejected, else NaN.
        options: the stimuli on offer in a choice, one row each.
        choice: index of the option that was chosen; -1 where there was no choice.
    """

    x: Float[Array, "*exp time pre"]
    reward: Float[Array, "*exp time"]
    plastic: Bool[Array, "*exp time"]
    valid: Bool[Array, "*exp time"]
    w0: Float[Array, "*exp pre post"]
    activity: Float[Array, "*exp time post"] | None = None
    accept: Float[Array, "*exp time"] | None = None
    options: Float[Array, "*exp option pre"] | None = None
    choice: Int[Array, "*exp time"] | None = None


class Trajectory(NamedTuple):
    """The life of a simulated network.

    Attributes:
        w: weights after each step; None if they were not kept.
        y: activity in each step, from the weights before it.
        logit: log-odds of accepting the presented stimulus; None without a read-out.
        option_logit: the same for every option on offer; None if there is no choice.
    """

    w: Float[Array, "*exp time pre post"] | None
    y: Float[Array, "*exp time post"]
    logit: Float[Array, "*exp time"] | None = None
    option_logit: Float[Array, "*exp time option"] | None = None


class Fit(NamedTuple):
    """What a fit found, and how it went.

    Attributes:
        theta: the best finite parameters (those of the lowest loss seen).
        losses: loss before each step and after the last, shape (step + 1,).
        thetas: the parameters that belong to `losses`, with a leading step axis.
        status: "finished" (all steps done), "converged" (nothing left to gain),
            "diverged" (the loss became NaN or infinite) or "interrupted".
        message: one sentence on what happened, at which step, and what to try.
    """

    theta: Theta
    losses: Float[np.ndarray, " step"]
    thetas: Theta
    status: str
    message: str

    def save(self, path: str | Path) -> None:
        """Write the fit to one file; an existing file is replaced as a whole.

        >>> import numpy as np
        >>> folder = tempfile.mkdtemp()
        >>> fit = Fit(np.ones(2), np.array([1.0, 0.5]), np.ones((2, 2)), "finished", "")
        >>> fit.save(folder + "/fit.msgpack")
        >>> float(Fit.load(folder + "/fit.msgpack").losses[-1])
        0.5
        """
        state = jax.tree.map(np.asarray, self._asdict())
        content = flax.serialization.msgpack_serialize(
            flax.serialization.to_state_dict(
                state | {"status": self.status, "message": self.message}
            )
        )
        path = Path(path)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(partial, path)

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read a fit that `save` wrote."""
        try:
            return cls(**flax.serialization.msgpack_restore(Path(path).read_bytes()))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} does not hold a fit; expected a file written by Fit.save."
            ) from error


def first_steps(data: Experiment, steps: int) -> Experiment:
    """The same experiments, cut off after their first `steps` steps.

    >>> e = make_experiment(np.zeros((10, 3)), w0=np.zeros((3, 2)))
    >>> first_steps(e, 4).x.shape
    (4, 3)
    """
    if not 1 <= steps <= data.x.shape[-2]:
        raise ValueError(
            f"Cannot keep the first {steps} steps of an experiment of "
            f"{data.x.shape[-2]} steps; ask for a number from 1 to that."
        )
    cut = {"x": data.x[..., :steps, :]}
    if data.activity is not None:
        cut["activity"] = data.activity[..., :steps, :]
    for name in ("reward", "plastic", "valid", "accept", "choice"):
        if getattr(data, name) is not None:
            cut[name] = getattr(data, name)[..., :steps]
    return data._replace(**cut)


def check_dtype(dtype):
    """The floating-point type to use; an error if JAX would silently drop precision."""
    if dtype is None:
        return jnp.zeros(()).dtype
    dtype = np.dtype(dtype)
    if dtype == np.float64 and not jax.config.jax_enable_x64:  # pyright: ignore
        raise ValueError(
            "float64 was asked for, but JAX runs in 32-bit mode and would round to "
            "float32. Call jax.config.update('jax_enable_x64', True) first, before "
            "any array is made."
        )
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, not {dtype}.")
    return dtype


def make_experiment(
    x,
    *,
    w0,
    reward=None,
    plastic=None,
    valid=None,
    activity=None,
    accept=None,
    options=None,
    choice=None,
    dtype=None,
) -> Experiment:
    """An experiment (or, with a leading axis, a batch) from arrays, checked.

    What is left out is filled in: no reward, every step valid, weights plastic in
    every valid step (in accept/reject data: in every accepted presentation).

    Args:
        x: stimulus, (time, pre) or (exp, time, pre).
        w0: initial weights, (pre, post); with a batch also (exp, pre, post).
        reward: raw reward in each step, (time,) or (exp, time).
        plastic: may the weights change after the step? Same shape as reward.
        valid: False where a step is padding. Same shape as reward.
        activity: recorded activity (time, post); NaN where nothing was recorded.
        accept: 1 accepted, 0 rejected, NaN neither; same shape as reward.
        options: stimuli on offer, (option, pre).
        choice: index of the chosen option, -1 for none; same shape as reward.
        dtype: float32 or float64; default JAX's own.

    Raises:
        ValueError: a sentence that names what does not fit and what was expected.

    >>> e = make_experiment(np.ones((5, 3)), w0=np.zeros((3, 2)))
    >>> e.valid.shape, bool(e.plastic.all())
    ((5,), True)
    """
    dtype = check_dtype(dtype)

    def array(value, kind=dtype):
        return None if value is None else jnp.asarray(value, kind)

    x, w0 = array(x), array(w0)
    if x.ndim not in (2, 3):
        raise ValueError(
            f"x has shape {x.shape}; expected (time, pre) for one experiment or "
            "(exp, time, pre) for a batch."
        )
    steps = x.shape[:-1]
    if x.ndim == 3:  # one w0 or one set of options may serve a whole batch
        if w0.ndim == 2:
            w0 = jnp.broadcast_to(w0, (x.shape[0], *w0.shape))
        options = array(options)
        if options is not None and options.ndim == 2:
            options = jnp.broadcast_to(options, (x.shape[0], *options.shape))
    if (accept is not None or choice is not None) and reward is None:
        raise ValueError(
            "Choices were given without rewards; pass reward, one number for every "
            f"step, of shape {steps} (zeros if nothing was ever rewarded)."
        )
    valid = jnp.ones(steps, bool) if valid is None else array(valid, bool)
    if plastic is None:
        plastic = valid if accept is None else valid & (array(accept) == 1)
    reward = jnp.zeros(steps, dtype) if reward is None else array(reward)
    if valid.shape == steps == reward.shape:  # what stands in the padding is no data
        x = jnp.where(valid[..., None], x, 0)
        reward = jnp.where(valid, reward, 0)
    experiment = Experiment(
        x=x,
        reward=reward,
        plastic=array(plastic, bool),
        valid=valid,
        w0=w0,
        activity=array(activity),
        accept=array(accept),
        options=array(options),
        choice=array(choice, int),
    )
    check_experiment(experiment)
    return experiment


def check_experiment(experiment: Experiment) -> None:
    """Raise a sentence if an experiment does not hang together; see `Experiment`.

    Shapes are always checked. Values are checked where they are known, that is,
    outside `jax.jit`.
    """
    _check_shapes(experiment)
    if not any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(experiment)):
        _check_values(experiment)


def _check_shapes(experiment: Experiment) -> None:
    x, w0 = experiment.x, experiment.w0
    if jnp.ndim(x) not in (2, 3):
        raise ValueError(
            f"x has shape {jnp.shape(x)}; expected (time, pre) or (exp, time, pre)."
        )
    steps, batch, pre = x.shape[:-1], x.shape[:-2], x.shape[-1]
    if w0.shape[:-2] != batch or w0.ndim < 2 or w0.shape[-2] != pre:
        raise ValueError(
            f"w0 has shape {w0.shape} but x has shape {x.shape}: w0 needs one row for "
            f"each of the {pre} inputs, that is shape {(*batch, pre, 'post')}."
        )
    post = w0.shape[-1]
    expected = dict.fromkeys(("reward", "plastic", "valid", "accept", "choice"), steps)
    expected["activity"] = (*steps, post)
    meaning = {"activity": "one column for each column of w0"}
    for name, shape in expected.items():
        value = getattr(experiment, name)
        if value is not None and jnp.shape(value) != shape:
            raise ValueError(
                f"{name} has shape {jnp.shape(value)}; expected {shape}: one row for "
                f"each step of x, {meaning.get(name, 'one number a step')}."
            )
    options, choice = experiment.options, experiment.choice
    if (options is None) != (choice is None):
        raise ValueError(
            "options and choice belong together: pass what was on offer, shape "
            "(option, pre), and the index of what was chosen, shape (time,)."
        )
    if options is not None and (
        options.ndim != x.ndim or (options.shape[:-2], options.shape[-1]) != (batch, pre)
    ):
        raise ValueError(
            f"options has shape {options.shape}; expected {(*batch, 'option', pre)}: "
            f"one row for each option, with the {pre} inputs of x."
        )


def _check_values(experiment: Experiment) -> None:
    valid = np.asarray(experiment.valid)
    if not valid.any():
        raise ValueError("Every step is masked: valid is False everywhere.")
    for name in ("x", "reward", "w0"):
        bad = ~np.isfinite(np.asarray(getattr(experiment, name)))
        if bad.any():
            raise ValueError(
                f"{name} is not finite at index {_first(bad)}; expected numbers. Mark "
                "steps without data with make_experiment(..., valid=...)."
            )
    if experiment.activity is not None:
        activity = np.asarray(experiment.activity)[valid]
        if np.isinf(activity).any():
            raise ValueError(
                "activity is infinite somewhere; use NaN where nothing was recorded."
            )
        if np.isnan(activity).all():
            raise ValueError("activity is NaN in every valid step: nothing to fit.")
    if experiment.accept is not None:
        accept = np.asarray(experiment.accept)[valid]
        if not np.isin(accept[~np.isnan(accept)], (0, 1)).all():
            raise ValueError("accept must be 1 (accepted), 0 (rejected) or NaN (none).")
        if np.isnan(accept).all():
            raise ValueError("accept is NaN in every valid step: nothing to fit.")
    if experiment.choice is not None and experiment.options is not None:
        choice, count = np.asarray(experiment.choice), experiment.options.shape[-2]
        bad = valid & ((choice < -1) | (choice >= count))
        if bad.any():
            raise ValueError(
                f"choice is {choice[_first(bad)]} at index {_first(bad)}; expected 0 to "
                f"{count - 1} (there are {count} options), or -1 for no choice."
            )
        if (choice[valid] < 0).all():
            raise ValueError("choice is -1 in every valid step: nothing to fit.")


def _first(bad) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])
