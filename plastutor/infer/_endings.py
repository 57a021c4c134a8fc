"""How a fit ended: a status that is checked, the best theta, and a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from plastutor._types import Fit
from plastutor.objectives import Fresh

REST = 10  # steps in which theta stayed; Gauss-Newton raises its damping meanwhile


class Stage(NamedTuple):
    """The steps taken at one horizon."""

    losses: Any
    thetas: Any


def holds(condition: Callable, ndim: int, *trees: Any) -> np.ndarray | np.bool_:
    """Where it holds for every number, on the first `ndim` axes of all leaves."""
    each = jax.tree.leaves(jax.tree.map(condition, *trees))
    return np.all([one.reshape(*one.shape[:ndim], -1).all(-1) for one in each], axis=0)


@partial(jax.jit, static_argnames=("loss", "axes"))
def _descent_gains(loss, axes, theta, gradient, value, spread, data):
    """Whether a step of steepest descent clearly lowers the loss, for each fit.

    Or whether its values at one theta lie apart, since rounding decides them.

    What counts is 0.5 % of the loss and 5e-7 of that of the null theta. On a plane one
    step gains just as much; shorter ones are tried too, for the loss may fall off.
    """

    def one(theta, gradient, value, spread, data):
        flat, unravel = ravel_pytree(theta)
        way, _ = ravel_pytree(gradient)
        peak = jnp.where(way.any(), jnp.abs(way).max(), 1)
        way = way / peak  # its square can not overflow
        shares = jnp.exp2(jnp.arange(-12, 14, 0.5, dtype=flat.dtype))

        def at(k, carry):
            """The null theta first, which says how much is enough, and then steps."""
            enough, gains = carry
            step = enough / peak / jnp.maximum(way @ way, 1) * shares[k - 1]
            after = loss(unravel(jnp.where(k == 0, 0, flat - step * way)), data)
            null = jnp.where(jnp.isfinite(after), jnp.abs(after), 0)
            enough = jnp.where(k == 0, 5e-3 * jnp.abs(value) + 5e-7 * null, enough)
            return enough, gains | ((k > 0) & (after < value - enough))

        start = jnp.zeros_like(value), jnp.array(False)
        enough, gains = jax.lax.fori_loop(0, len(shares) + 1, at, start)
        return gains | (spread > enough)

    return (one if axes is None else jax.vmap(one, (0, 0, 0, 0, *axes)))(
        theta, gradient, value, spread, data
    )


def endings(loss, axes, stage, gradient, data, interrupted) -> np.ndarray:
    """How each fit ended, if its losses are finite: a key of MESSAGES.

    With fresh data no step is a last one, and an optimiser that rests has only stopped.
    """
    ndim = stage.losses.ndim - 1
    gradient = jax.tree.map(np.asarray, gradient)
    known = holds(np.isfinite, ndim, gradient)
    if interrupted:
        return np.where(known, "interrupted", "no gradient")
    theta = jax.tree.map(lambda leaf: leaf[-1], stage.thetas)
    late = jax.tree.map(lambda leaf: leaf[-1 - REST :], stage.thetas)
    at_rest = holds(lambda all, last: all == last[None], ndim + 1, late, theta).all(0)
    at_rest &= not isinstance(data, Fresh)
    ended = np.where(at_rest, "converged", "finished")
    if (at_rest & known).any():
        value, least = stage.losses[-1], np.fmin.reduce(stage.losses)
        with np.errstate(invalid="ignore"):  # inf - inf, of fits that diverged
            spread = stage.losses[-1 - REST :].max(0) - least
        gains = _descent_gains(loss, axes, theta, gradient, value, spread, data)
        ended = np.where(at_rest & gains, "stalled", ended)
    return np.where(known, ended, "no gradient")


def report(stages: Sequence[Stage], ended: str, last: bool = False) -> Fit:
    """The best finite theta of the last stage that has one, and a sentence.

    Or the last finite one: where each loss is of other data the lowest is luck.
    """
    losses = np.concatenate([stage.losses for stage in stages])
    thetas = jax.tree.map(
        lambda *parts: np.concatenate(parts), *(stage.thetas for stage in stages)
    )
    finite = np.isfinite(losses)
    bad = int((~finite).argmax())  # the first, if there is one
    start = len(losses) - len(stages[-1].losses)
    if not finite[start:].any():
        best = bad - 1
    elif last:
        best = int(np.flatnonzero(finite)[-1])
    else:
        best = start + int(np.where(finite, losses, np.inf)[start:].argmin())
    theta = jax.tree.map(lambda leaf: jnp.asarray(leaf[max(best, 0)]), thetas)
    if not finite.all():
        ended = "no start" if best < 0 else "diverged"
    message = MESSAGES[ended].format(
        steps=len(losses) - len(stages),
        loss=losses[max(best, 0)],
        best=best,
        bad=bad,
        value=losses[bad],
    )
    status = "diverged" if ended in ("no start", "no gradient") else ended
    return Fit(theta, losses, thetas, status, message)


MESSAGES = {
    "no start": "The loss of the initial theta is not finite: the weights grow without "
    "bound already there. Start from smaller coefficients, or scale the stimuli down.",
    "diverged": "The loss became {value} at step {bad}: the weights grew without "
    "bound. theta is that of step {best}, with loss {loss:.4g}. Try the default "
    "optimiser, a lower learning rate, horizons that grow, or clipped gradients "
    "(optax.clip_by_global_norm; they do not help Adam).",
    "no gradient": "After {steps} steps the gradient or the curvature is not finite, "
    "although the loss is: the weights grew without bound. theta is that of step "
    "{best}, with loss {loss:.4g}. Start from smaller coefficients, let horizons grow, "
    "or use float64.",
    "interrupted": "Interrupted after {steps} steps at loss {loss:.4g}; theta is the "
    "best so far. Pass it as theta0 to go on.",
    "converged": "Converged within {steps} steps at loss {loss:.4g}: no step lowers it "
    "further, nor does steepest descent by more than 1 %.",
    "stalled": "Stalled within {steps} steps at loss {loss:.4g}: theta stays where it "
    "is, although steepest descent would lower the loss, or rounding decides it. Go on "
    "from theta with another optimiser, start elsewhere, or use float64.",
    "finished": "Finished {steps} steps at loss {loss:.4g}. If the loss still falls, "
    "raise max_steps.",
}
