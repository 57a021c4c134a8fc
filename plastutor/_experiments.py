"""Experiments: make them from arrays, cut them short, refuse what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike
from jaxtyping import Bool
from numpy.typing import DTypeLike

from plastutor._types import Experiment, Theta, Values

OBSERVED = ("activity", "accept", "choice")  # the fields that a loss compares with


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
    return _between(data, 0, steps)


def _between(data: Experiment, start: int, stop: int) -> Experiment:
    """Some of the steps; of an array on disk only these are read."""
    cut = {"x": data.x[..., start:stop, :]}
    if data.activity is not None:
        cut["activity"] = data.activity[..., start:stop, :]
    for name in ("reward", "plastic", "valid", "accept", "choice"):
        if getattr(data, name) is not None:
            cut[name] = getattr(data, name)[..., start:stop]
    return data._replace(**cut)


@dataclass(frozen=True)
class Chunks:
    """A long recording, to be gone through in pieces; see `chunks`."""

    recording: Experiment
    steps: int

    def __iter__(self) -> Iterator[Experiment]:
        length = self.recording.x.shape[-2]
        for start in range(0, length, self.steps):
            yield _between(self.recording, start, min(start + self.steps, length))


def chunks(recording: Experiment, steps: int) -> Chunks:
    """A recording in pieces of so many steps, one after the other.

    The arrays of the recording may lie on disk (np.load with mmap_mode="r"):
    put them into an `Experiment` as they are, and only one piece at a time is read.
    Such values are not checked: x, reward and w0 must hold numbers.

    Args:
        recording: one experiment, or a batch of the same length.
        steps: the length of a piece; the last may be shorter.

    Returns:
        What gives the pieces as often as it is gone through.

    Raises:
        ValueError: the arrays do not fit together, or steps is no whole number above 0.

    >>> e = make_experiment(np.zeros((10, 3)), w0=np.zeros((3, 2)))
    >>> [piece.x.shape[0] for piece in chunks(e, 4)]
    [4, 4, 2]
    """
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps is {steps!r}; expected a whole number from 1 up.")
    _check_shapes(recording)
    return Chunks(recording, steps)


def check_dtype(dtype: DTypeLike | None) -> np.dtype:
    """The floating-point type to use; an error if JAX would silently drop precision.

    >>> check_dtype("float32").name
    'float32'
    """
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
    x: Values,
    *,
    w0: Values | Mapping[str, Values],
    reward: Values | None = None,
    plastic: Values | None = None,
    valid: Values | None = None,
    activity: Values | None = None,
    accept: Values | None = None,
    options: Values | None = None,
    choice: Values | None = None,
    dtype: DTypeLike | None = None,
) -> Experiment:
    """An experiment (or, with a leading axis, a batch) from arrays, checked.

    What is left out is filled in: no reward, every step valid, weights plastic in
    every valid step (in accept/reject data: in every accepted presentation).

    Args:
        x: stimulus, (time, pre) or (exp, time, pre).
        w0: initial weights, (pre, post); with a batch also (exp, pre, post). For a
            network of several plastic projections a mapping from their names.
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

    def optional(value):
        return None if value is None else jnp.asarray(value, dtype)

    x, options = jnp.asarray(x, dtype), optional(options)
    _check_axes(x)
    steps, batch = x.shape[:-1], x.shape[:-2]

    def of_each(value: jax.Array):  # one w0 or set of options may serve a whole batch
        one = batch and value.ndim == 2
        return jnp.broadcast_to(value, (*batch, *value.shape)) if one else value

    if isinstance(w0, Mapping):
        start: Any = {name: of_each(jnp.asarray(w, dtype)) for name, w in w0.items()}
    else:
        start = of_each(jnp.asarray(w0, dtype))
    options = None if options is None else of_each(options)
    if (accept is not None or choice is not None) and reward is None:
        raise ValueError(
            "Choices were given without rewards; pass reward, one number for every "
            f"step, of shape {steps} (zeros if nothing was ever rewarded)."
        )
    accept, reward = optional(accept), optional(reward)
    reward = jnp.zeros(steps, dtype) if reward is None else reward
    valid = jnp.ones(steps, bool) if valid is None else jnp.asarray(valid, bool)
    if plastic is None:
        plastic = valid
        if accept is not None and accept.shape == valid.shape:
            plastic = valid & (accept == 1)
    if valid.shape == steps == reward.shape:  # what stands in the padding is no data
        x = jnp.where(valid[..., None], x, 0)
        reward = jnp.where(valid, reward, 0)
    experiment = Experiment(
        x=x,
        reward=reward,
        plastic=jnp.asarray(plastic, bool),
        valid=valid,
        w0=start,
        activity=optional(activity),
        accept=accept,
        options=options,
        choice=None if choice is None else _indices_of_options(choice),
    )
    check_experiment(experiment)
    return experiment


def _indices_of_options(choice):
    values = jnp.asarray(choice)
    known = not isinstance(values, Tracer) and jnp.issubdtype(values.dtype, jnp.inexact)
    if known and not (values == jnp.round(values)).all():
        raise ValueError(
            "choice holds numbers that are no indices, such as NaN or 0.5; expected 0 "
            "for the first option, 1 for the second, and -1 where there was no choice."
        )
    return values.astype(int)


def check_experiment(experiment: Experiment) -> None:
    """Raise a sentence if an experiment does not hang together; see `Experiment`.

    Shapes are always checked. Values are checked where they are known, that is,
    outside `jax.jit`.
    """
    _check_shapes(experiment)
    leaves = jax.tree.leaves(experiment)
    if not any(isinstance(leaf, Tracer) for leaf in leaves):
        _check_values(experiment)


def _check_axes(x) -> None:
    if jnp.ndim(x) not in (2, 3):
        raise ValueError(
            f"x has shape {jnp.shape(x)}; expected (time, pre) for one experiment or "
            "(exp, time, pre) for a batch."
        )


def _check_shapes(experiment: Experiment) -> None:
    x, w0 = experiment.x, experiment.w0
    _check_axes(x)
    steps, batch, pre = x.shape[:-1], x.shape[:-2], x.shape[-1]
    one_a_step = ("reward", "valid", "plastic", "accept", "choice")
    expected: dict[str, tuple] = {name: steps for name in one_a_step}
    if isinstance(w0, Mapping):  # what they connect, their network knows
        for name, weights in w0.items():
            if weights.shape[: len(batch)] != batch:
                raise ValueError(
                    f"w0 of {name!r} has shape {weights.shape} but x has shape "
                    f"{x.shape}: expected the first axis of x, one row an experiment."
                )
    elif w0.shape[:-2] != batch or w0.ndim < 2 or w0.shape[-2] != pre:
        raise ValueError(
            f"w0 has shape {w0.shape} but x has shape {x.shape}: w0 needs one row for "
            f"each of the {pre} inputs, that is shape {(*batch, pre, 'post')}."
        )
    else:
        expected["activity"] = (*steps, w0.shape[-1])
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
        options.ndim != x.ndim
        or (options.shape[:-2], options.shape[-1]) != (batch, pre)
    ):
        raise ValueError(
            f"options has shape {options.shape}; expected {(*batch, 'option', pre)}: "
            f"one row for each option, with the {pre} inputs of x."
        )


def _check_values(experiment: Experiment) -> None:
    valid = np.asarray(experiment.valid)
    if not valid.any():
        raise ValueError("Every step is masked: valid is False everywhere.")
    w0 = experiment.w0 if isinstance(experiment.w0, Mapping) else {"w0": experiment.w0}
    for name, value in {"x": experiment.x, "reward": experiment.reward, **w0}.items():
        bad = ~np.isfinite(np.asarray(value))
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
        choice, n_options = np.asarray(experiment.choice), experiment.options.shape[-2]
        bad = valid & ((choice < -1) | (choice >= n_options))
        if bad.any():
            raise ValueError(
                f"choice is {choice[_first(bad)]} at index {_first(bad)}; expected 0 "
                f"to {n_options - 1} (there are {n_options} options), or -1 for none."
            )
        if (choice[valid] < 0).all():
            raise ValueError("choice is -1 in every valid step: nothing to fit.")


def _first(bad) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(bad)[0])


def answer_steps(n_steps: int, n_answer: int | None) -> int:
    """How many of the last steps of an example count: n_answer, or all if None.

    Raises:
        ValueError: fewer than one, or more than there are.

    >>> answer_steps(50, None), answer_steps(50, 10)
    (50, 10)
    """
    if n_answer is None:
        return n_steps
    if not 1 <= n_answer <= n_steps:
        raise ValueError(
            f"n_answer is {n_answer}; expected a number of steps from 1 to {n_steps}, "
            "the length of an example. Leave it out to count all."
        )
    return n_answer


def hide(data: Experiment, hidden: Bool[ArrayLike, "*exp time"]) -> Experiment:
    """The same experiments, with some of what was observed hidden from the loss.

    Args:
        data: one experiment or a batch.
        hidden: True at the steps to hide; an axis may have size 1.

    >>> one = np.ones((2, 1))
    >>> e = make_experiment(one, w0=np.zeros((1, 1)), activity=one)
    >>> hide(e, np.array([False, True])).activity.tolist()
    [[1.0], [nan]]
    """

    def blank(values):
        if values is None:
            return None
        nothing = jnp.nan if jnp.issubdtype(values.dtype, jnp.floating) else -1
        mask = jnp.expand_dims(hidden, tuple(range(jnp.ndim(hidden), values.ndim)))
        return jnp.where(mask, nothing, values)

    return data._replace(**{name: blank(getattr(data, name)) for name in OBSERVED})


def one_precision(theta: Theta, data: Experiment) -> tuple[Theta, Experiment]:
    """The same numbers, all in the largest precision among them."""
    theta, data = jax.tree.map(jnp.asarray, (theta, data))
    with jax.numpy_dtype_promotion("standard"):  # to mix precisions is allowed here
        dtype = jnp.result_type(data.x, *jax.tree.leaves((data.w0, theta)))

    def cast(leaf):
        numbers = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf.astype(dtype) if numbers else leaf

    return jax.tree.map(cast, (theta, data))
