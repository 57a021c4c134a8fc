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
from plastutor.likelihoods import SUMS
from plastutor.networks import check_network
from plastutor.objectives import Objective


def _check_loss(loss: Objective) -> None:
    way = getattr(loss, "gradient", None)
    if way not in ("forward", "local"):
        raise ValueError(
            "A stream needs a gradient that is found on the way forward; make the loss "
            "with objective(..., gradient='forward'), or 'local'."
        )


def _penalty_and_gradient(loss, theta):
    if loss.penalty is None:
        return 0.0, jax.tree.map(jnp.zeros_like, theta)
    return jax.value_and_grad(loss.penalty)(theta)


@partial(jax.jit, static_argnames="loss")
def _start(loss, theta, piece) -> ForwardState:
    return init_state(loss.rule, *_args(loss, theta, piece))


@partial(jax.jit, static_argnames="loss")
def _continue(loss, theta, running, piece) -> ForwardState:
    theta, network, piece = _args(loss, theta, piece)
    sums, local = SUMS[loss.likelihood], loss.gradient == "local"
    return advance(loss.rule, theta, network, sums, running, piece, local=local)


def _args(loss, theta, piece):
    check_network(piece, loss.network)
    theta, piece = one_precision(theta, piece)
    return theta, loss.network, piece


@partial(jax.jit, static_argnames="loss")
def _finish(loss, theta, running):
    value, slope = value_and_gradient(loss.rule, theta, running)
    more, steeper = _penalty_and_gradient(loss, theta)
    return value + more, jax.tree.map(jnp.add, slope, steeper)


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
            life begins with the w0 of the first piece; that of the others is not looked
            at.

    Returns:
        The loss, and its gradient in the shape of theta.

    Raises:
        ValueError: a loss that goes backwards, or no pieces.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> key = jax.random.key(0)
    >>> data = pt.neural_task(key, rule, pt.OJA, n_experiments=2, n_post=3)
    >>> loss = pt.objective(rule, pt.activity, gradient="forward")
    >>> value, slope = stream_gradient(loss, pt.HEBB, pt.chunks(data, 20))
    >>> bool(jnp.allclose(value, loss(pt.HEBB, data))), slope.shape
    (True, (3, 3, 3, 1))
    """
    _check_loss(loss)
    running = None
    for piece in pieces:
        if running is None:
            running = _start(loss, theta, piece)
        running = _continue(loss, theta, running, piece)
    if running is None:
        raise ValueError("There are no pieces; was the generator used up before?")
    return _finish(loss, theta, running)


def fit_online(
    loss: Objective,
    theta0: Theta,
    pieces: Iterable[Experiment],
    *,
    optimizer: Any = None,
) -> Fit:
    """Learn the rule while the recording comes in: one step of descent for each piece.

    The weights and their slopes go on from piece to piece. So the slopes still owe
    something to the theta of earlier pieces: the smaller the steps of the optimiser,
    the less that matters (Williams and Zipser 1989, for recurrent networks).

    Args:
        loss: made by objective(..., gradient="forward"), or "local".
        theta0: where to start.
        pieces: as in `stream_gradient`.
        optimizer: any Optax optimiser without a line search; default
            optax.adam(1e-2).

    Returns:
        A `Fit`: `losses` are those of the pieces, each before its step, and `theta` is
        the last one that is finite. A piece in which nothing was recorded is lived
        through, without a step or a loss. Ctrl-C ends the fit, and keeps it.

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
    state, running, status = optimizer.init(theta), None, "finished"
    losses, thetas = [], [theta]
    try:
        for piece in pieces:
            if running is None:
                running = _start(loss, theta, piece)
            running = _continue(loss, theta, running, piece)
            if not running.count.sum():
                continue
            value, slope = _finish(loss, theta, running)
            losses.append(float(value))
            updates, state = optimizer.update(slope, state, theta)
            after = optax.apply_updates(theta, updates)
            if not all(
                bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(after)
            ):
                status = "diverged"
                break
            theta = after
            thetas.append(theta)
            nothing = (running.total, running.count, running.gradient)
            running = ForwardState(*running[:2], *jax.tree.map(jnp.zeros_like, nothing))
    except KeyboardInterrupt:
        status = "interrupted"
    if running is None and status == "finished":
        raise ValueError("There are no pieces; was the generator used up before?")
    message = MESSAGES[status].format(pieces=len(losses))
    joined = jax.tree.map(lambda *each: np.stack(each), *thetas)
    return Fit(theta, np.array(losses), joined, status, message)


MESSAGES = {
    "finished": "Went through {pieces} pieces, with a step after each. If theta still "
    "moves, go on with more of the recording, or take larger steps.",
    "diverged": "The slope was no longer finite after {pieces} pieces: the weights "
    "grew without bound. theta is the last finite one. Try smaller steps or clipped "
    "ones (optax.clip_by_global_norm).",
    "interrupted": "Interrupted after {pieces} pieces; theta is the last one.",
}
