"""Online: gradients and fits from a recording that comes piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from plastutor._experiments import one_precision
from plastutor._types import Experiment, Fit, Theta
from plastutor.gradients import ForwardState, advance, init_state, value_and_gradient
from plastutor.objectives import Objective


def _check_loss(loss: Objective) -> None:
    way = getattr(loss, "gradient", None)
    if way not in ("forward", "local"):
        raise ValueError(
            "A stream needs a gradient in forward mode; make the loss with "
            "objective(..., gradient='forward'), or 'local'."
        )


@partial(jax.jit, static_argnames="loss")
def _start(loss, theta, piece) -> ForwardState:
    return init_state(loss.rule, *_args(loss, theta, piece))


@partial(jax.jit, static_argnames="loss")
def _continue(loss, theta, state, piece) -> ForwardState:
    theta, network, piece = _args(loss, theta, piece)
    sums, local = loss.likelihood.sums, loss.gradient == "local"
    return advance(loss.rule, theta, network, sums, state, piece, local=local)


def _args(loss, theta, piece):
    theta, piece = one_precision(theta, piece)
    return theta, loss.network, piece


@partial(jax.jit, static_argnames="loss")
def _finish(loss, theta, state):
    value, gradient = value_and_gradient(loss.rule, theta, state)
    if loss.penalty is None:
        return value, gradient
    penalty, of_penalty = jax.value_and_grad(loss.penalty)(theta)
    return value + penalty, jax.tree.map(jnp.add, gradient, of_penalty)


def stream_gradient(
    loss: Objective, theta: Theta, pieces: Iterable[Experiment]
) -> tuple[Any, Theta]:
    """The loss of a long recording and its gradient, piece by piece.

    The same numbers as jax.value_and_grad(loss)(theta, recording), but only one piece
    at a time is in memory.

    Args:
        loss: made by objective(..., gradient="forward"), or "local".
        theta: where.
        pieces: such as `chunks(recording, 1000)`, or a generator that reads a file. The
            weights start as the w0 of the first piece; those of the others are not
            used.

    Returns:
        The loss, and its gradient in the shape of theta.

    Raises:
        ValueError: a loss that goes backwards, or no pieces.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> key = jax.random.key(0)
    >>> data = pt.neural_task(key, rule, pt.OJA, n_experiments=2, n_post=3)
    >>> loss = pt.objective(rule, pt.activity, gradient="forward")
    >>> value, gradient = stream_gradient(loss, pt.HEBB, pt.chunks(data, 20))
    >>> bool(jnp.allclose(value, loss(pt.HEBB, data))), gradient.shape
    (True, (3, 3, 3, 1))
    """
    _check_loss(loss)
    state = None
    for piece in pieces:
        if state is None:
            state = _start(loss, theta, piece)
        state = _continue(loss, theta, state, piece)
    if state is None:
        raise ValueError("There are no pieces; was the generator used up before?")
    return _finish(loss, theta, state)


def fit_online(
    loss: Objective,
    theta0: Theta,
    pieces: Iterable[Experiment],
    *,
    optimizer: Any = None,
) -> Fit:
    """Learn the rule while the recording comes in: one step of descent for each piece.

    The weights and their sensitivities to theta are carried from piece to piece. So the
    sensitivities depend on the theta of earlier pieces as well: the smaller the steps
    of the optimiser, the less that matters (Williams and Zipser 1989, for recurrent
    networks).

    Args:
        loss: made by objective(..., gradient="forward"), or "local".
        theta0: where to start.
        pieces: as in `stream_gradient`.
        optimizer: any Optax optimiser without a line search; default
            optax.adam(1e-2).

    Returns:
        A `Fit`: `losses` are those of the pieces, each before its step, and `theta` is
        the last one that is finite. A piece in which nothing was recorded is
        simulated, without a step or a loss. Ctrl-C ends the fit, and keeps it.

    Raises:
        ValueError: a loss that goes backwards, or no pieces.
        TypeError: not an Optax optimiser.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=1, n_steps=60, n_post=3
    ... )
    >>> loss = pt.objective(rule, pt.activity, gradient="local")
    >>> found = fit_online(loss, 0 * pt.OJA, pt.chunks(data, 20))
    >>> found.losses.shape, found.status
    ((3,), 'finished')
    """
    _check_loss(loss)
    optimizer = optax.adam(1e-2) if optimizer is None else optimizer
    if not hasattr(optimizer, "update"):
        raise TypeError(
            f"optimizer is {optimizer!r}; expected one of Optax, such as "
            "optax.adam(1e-2)."
        )
    theta = jax.tree.map(jnp.asarray, theta0)
    optimizer_state, state, status = optimizer.init(theta), None, "finished"
    losses, thetas = [], [theta]
    try:
        for piece in pieces:
            if state is None:
                state = _start(loss, theta, piece)
            state = _continue(loss, theta, state, piece)
            if not state.count.sum():
                continue
            value, gradient = _finish(loss, theta, state)
            losses.append(float(value))
            updates, optimizer_state = optimizer.update(
                gradient, optimizer_state, theta
            )
            after = optax.apply_updates(theta, updates)
            numbers = jax.tree.leaves((value, gradient, after))
            if not all(jnp.isfinite(leaf).all() for leaf in numbers):
                status = "diverged"
                break
            theta = after
            thetas.append(theta)
            sums = state.total, state.count, state.gradient
            state = ForwardState(*state[:2], *jax.tree.map(jnp.zeros_like, sums))
    except KeyboardInterrupt:
        status = "interrupted"
    if state is None and status == "finished":
        raise ValueError("There are no pieces; was the generator used up before?")
    message = MESSAGES[status].format(pieces=len(losses))
    joined = jax.tree.map(lambda *each: np.stack(each), *thetas)
    return Fit(theta, np.array(losses), joined, status, message)


MESSAGES = {
    "finished": "Went through {pieces} pieces, with a step after each. If theta still "
    "moves, go on with more of the recording, or take larger steps.",
    "diverged": "The loss or its gradient was not finite after {pieces} pieces: the "
    "weights grew without bound. theta is the last finite one. Try smaller steps or "
    "clipped ones (optax.clip_by_global_norm).",
    "interrupted": "Interrupted after {pieces} pieces; theta is the last one.",
}
