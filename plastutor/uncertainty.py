"""Uncertainty: what the data can and cannot tell about a rule that was inferred.

All of it rests on the Fisher information: how sharply the likelihood of the data falls
when theta moves. Directions in which it hardly falls are called sloppy.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float
from scipy import stats

from plastutor.distil import States
from plastutor.experiments import check_experiment
from plastutor.gauss_newton import GaussNewton
from plastutor.losses import Objective, accept_loss, activity_loss, choice_loss
from plastutor.rules import Orders, free_terms, term_names
from plastutor.types import Experiment, Rule, Theta

__all__ = [
    "Coverage",
    "Information",
    "Laplace",
    "Profile",
    "coverage",
    "fisher",
    "laplace",
    "profile",
]

OPTIMIZER = GaussNewton()
FINISHED = 0.3  # standard deviations that a fit may be away from the best one


class Information(NamedTuple):
    """What data say about k coefficients, near theta.

    Information of independent data sets adds up: so do `matrix` and `slope`.

    Attributes:
        matrix: the Fisher information; its inverse is the covariance of the estimate.
        slope: slope of the log-likelihood at theta; 0 where theta is the best fit.
        noise: standard deviation of the measurement noise, given or estimated; 1 for
            choices, which have none.
        count: the number of observations.
    """

    matrix: Float[Array, "k k"]
    slope: Float[Array, " k"]
    noise: Float[Array, ""]
    count: Float[Array, ""]


# --- likelihoods ----------------------------------------------------------------------
# For each kind of data: the prediction on a scale on which it is free (channels last),
# and, for a prediction and its tangents, the residuals and tangents in units of the
# standard deviation of an observation. So the information is a sum of squares.


def _of_activity(life):
    return life.y


def _white_activity(y, tangents, experiment):
    seen = ~jnp.isnan(experiment.activity) & experiment.valid[:, None]
    return jnp.where(seen, experiment.activity - y, 0), tangents * seen[None], seen


def _of_accept(life):
    return life.logit[:, None]


def _white_accept(logit, tangents, experiment):
    """Accepting has the variance p (1 - p), which is also its slope over the logit."""
    accept = experiment.accept[:, None]
    seen = ~jnp.isnan(accept) & experiment.valid[:, None]
    root = jnp.exp((jax.nn.log_sigmoid(logit) + jax.nn.log_sigmoid(-logit)) / 2)
    residual = jnp.where(seen, accept - jax.nn.sigmoid(logit), 0) / root
    return residual, tangents * (root * seen)[None], seen


def _of_choice(life):
    return jax.nn.log_sigmoid(life.option_logit)


def _white_choice(u, tangents, experiment):
    """A softmax of u: covariance diag(p) - p p^T, and its root as one row an option."""
    seen = (experiment.choice >= 0) & experiment.valid
    log_p = jax.nn.log_softmax(u, axis=-1)
    p, root = jnp.exp(log_p), jnp.exp(log_p / 2)
    chosen = jax.nn.one_hot(experiment.choice, u.shape[-1], dtype=u.dtype)
    mean = jnp.sum(tangents * p[None], axis=-1, keepdims=True)
    root_seen = root * seen[:, None]
    residual = jnp.where(seen[:, None], chosen - p, 0) / root
    return residual, (tangents - mean) * root_seen[None], seen


LIKELIHOODS = {
    activity_loss: (_of_activity, _white_activity),
    accept_loss: (_of_accept, _white_accept),
    choice_loss: (_of_choice, _white_choice),
}


# --- Fisher information ---------------------------------------------------------------


def _forget_w0(a, b, residual, ridge):
    """The information about theta that is left when w0 must be learned as well.

    The Schur complement A A^T - A B^T (B B^T + ridge)^-1 B A^T, and A^T times the
    residual likewise; a: (k, time), b: (q, time).
    """
    own = b @ b.T + ridge * jnp.eye(len(b), dtype=b.dtype)
    factor = jnp.linalg.cholesky(own)
    half = partial(jax.scipy.linalg.solve_triangular, factor, lower=True)
    shared, explained = half(b @ a.T), half(b @ residual)
    return a @ a.T - shared.T @ shared, a @ residual - shared.T @ explained


@partial(jax.jit, static_argnames=("loss",))
def _sums(loss, theta, directions, data, ridge):
    """Information, slope, squared residuals and their number, for noise of 1.

    One experiment after the other and in forward mode: weights are never kept, only
    the slopes of one experiment's predictions.
    """
    simulated, (of, white) = loss.forward or loss.predict, LIKELIHOODS[loss.data_loss]
    flat, unravel = ravel_pytree(theta)
    # Neurons do not touch each other, so that in activity the same weight of all
    # neurons can be moved at once. A choice depends on all weights.
    pre, post = data.w0.shape[1:]
    apart = loss.data_loss is activity_loss
    moves = jnp.eye(pre if apart else pre * post, dtype=flat.dtype)
    moves = moves[:, :, None] if apart else moves.reshape(-1, pre, post)
    moves = jnp.broadcast_to(moves, (len(moves), pre, post))

    def add(sums, experiment):
        def predict(flat, w0):
            return of(simulated(unravel(flat), experiment._replace(w0=w0)))

        def tangent(of_theta, of_w0):
            here = flat, experiment.w0
            return jax.jvp(predict, here, (of_theta, of_w0))[1]

        still = jnp.zeros_like(flat), jnp.zeros_like(experiment.w0)
        tangents = jax.vmap(tangent, (0, None))(directions, still[1])
        u = predict(flat, experiment.w0)
        residual, a, seen = white(u, tangents, experiment)
        if ridge is None:
            a = a.reshape(len(a), -1)
            matrix, slope = a @ a.T, a @ residual.ravel()
        else:
            b = jax.vmap(tangent, (None, 0))(still[0], moves)
            _, b, _ = white(u, b, experiment)
            a, b, error = (
                v if apart else v.reshape(*v.shape[:-2], -1, 1)
                for v in (a, b, residual)
            )
            each = jax.vmap(_forget_w0, (-1, -1, -1, None))(a, b, error, ridge)
            matrix, slope = (v.sum(0) for v in each)
        here = matrix, slope, jnp.sum(residual**2), seen.sum().astype(flat.dtype)
        return jax.tree.map(jnp.add, sums, here), None

    k = len(directions)
    zeros = tuple(jnp.zeros(shape, flat.dtype) for shape in ((k, k), k, (), ()))
    return jax.lax.scan(add, zeros, data)[0]


def _checked(loss, theta, data, noise, w0_std):
    """Theta and data as one batch of one precision; a sentence where that fails."""
    kind = getattr(loss, "data_loss", None)
    if not isinstance(loss, Objective) or kind not in LIKELIHOODS:
        raise ValueError(
            "The loss has no likelihood that is known here; expected objective(rule, "
            "data_loss) with activity_loss, accept_loss or choice_loss."
        )
    check_experiment(data)
    if noise is not None and kind is not activity_loss:
        raise ValueError(
            "noise is the measurement noise of recorded activity; choices have none. "
            "Leave it out."
        )
    if w0_std is not None and kind is activity_loss and noise is None:
        raise ValueError(
            "With unknown initial weights the noise cannot be read off the residuals; "
            "pass noise=, for example from a fit with known weights."
        )
    for name, value in (("noise", noise), ("w0_std", w0_std)):
        if value is not None and not (np.ndim(value) == 0 and 0 < value < math.inf):
            raise ValueError(f"{name} is {value!r}; expected one number above 0.")
    if data.x.ndim == 2:
        data = jax.tree.map(lambda leaf: leaf[None], data)
    theta = jax.tree.map(jnp.asarray, theta)
    dtype = jnp.result_type(data.x, data.w0, *jax.tree.leaves(theta))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), theta), data


def _free(theta, only) -> np.ndarray:
    """Indices of the free coefficients in the row that theta makes."""
    size = ravel_pytree(theta)[0].size
    if only is None:
        return np.arange(size)
    if isinstance(only, str) or np.ndim(theta) != 4:
        raise ValueError(
            f"only is {only!r}; expected a sequence of terms, such as ('xy', 'yyw'), "
            "and the theta of a Taylor rule, with its axes x, y, w, r."
        )
    return np.flatnonzero(free_terms(_orders(theta), only))


def _orders(theta) -> Orders:
    return Orders(*(n - 1 for n in np.shape(theta)))


def fisher(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    *,
    only=None,
    noise: float | None = None,
    w0_std: float | None = None,
) -> Information:
    """The Fisher information about theta: how much data say, and in which direction.

    F = sum over observations of J^T V^-1 J, where J are the slopes of the prediction
    and V is the variance of an observation: noise^2 for activity, p (1 - p) for
    accepting (over the logit), diag(p) - p p^T for a choice among options. It is the
    expected one, given the stimuli and rewards that were met, so it is never negative
    (Bishop 2006, ch. 4.3; Mehta et al. 2024 for the likelihoods). A penalty of the loss
    is left out. It can be vmapped over data sets.

    J is computed in forward mode, one experiment after the other: memory is needed for
    the slopes of one experiment's predictions, (k, time, post) numbers for activity and
    (k, time) for accepting, and never for weights over time.

    Args:
        loss: made by `objective` with activity_loss, accept_loss or choice_loss.
        theta: where; normally the best fit.
        data: one experiment or a batch.
        only: the free terms of a Taylor rule, as given to `taylor`; default all
            coefficients of theta.
        noise: standard deviation of the measurement noise, in units of activity;
            default estimated from the residuals. For planned experiments, pass it.
        w0_std: initial weights are known only up to this standard deviation (Gaussian,
            around `data.w0`), and must be learned from the same data; default: known.
            Needs `noise` for activity.

    Returns:
        The information about the k free coefficients, in the order of `term_names`.

    Raises:
        ValueError: no likelihood, unknown terms, or a noise that is no number above 0.

    >>> from plastutor.losses import objective
    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> data = neural_task(jr.key(0), rule, OJA, n_experiments=2, n_post=3, noise=0.1)
    >>> found = fisher(objective(rule, activity_loss), OJA, data, only=("xy", "yyw"))
    >>> found.matrix.shape, round(float(found.noise), 2)
    ((2, 2), 0.1)
    """
    theta, data = _checked(loss, theta, data, noise, w0_std)
    free, flat = _free(theta, only), ravel_pytree(theta)[0]
    directions = np.eye(flat.size)[free].astype(flat.dtype)
    ridge = None if w0_std is None else (noise or 1.0) ** 2 / w0_std**2
    matrix, slope, squares, count = _sums(loss, theta, directions, data, ridge)
    one = jnp.ones((), flat.dtype)
    if noise is not None:
        one = noise * one
    elif loss.data_loss is activity_loss:
        spare = jnp.maximum(count - len(free), 1)
        # A perfect fit has noise 0; the smallest number that can be squared will do.
        one = jnp.sqrt(squares / spare + jnp.finfo(flat.dtype).tiny ** 0.5)
    return Information(matrix / one**2, slope / one**2, one, count)


# --- Laplace --------------------------------------------------------------------------


class Laplace(NamedTuple):
    """A Gaussian around the best fit, with the inverse information as covariance.

    The k free coefficients are in the order of `names`. Directions without information
    are no part of the Gaussian: intervals along them are infinite.

    Attributes:
        theta: the best fit, the mean.
        names: the free coefficients.
        free: their indices in the row that theta makes.
        information: what it was made from (with the prior, if there is one).
        root: W, with a column for each direction with information: the covariance is
            W W^T, and theta + W q has q standard deviations.
        unknown: a column for each direction without information.
        level: the share of the truth that an interval should cover.
        scale: the size of a coefficient that matters.
    """

    theta: Theta
    names: tuple[str, ...]
    free: np.ndarray
    information: Information
    root: Float[np.ndarray, "k informed"]
    unknown: Float[np.ndarray, "k uninformed"]
    level: float
    scale: float

    @property
    def mean(self) -> Float[np.ndarray, " k"]:
        """The free coefficients of the best fit."""
        return np.asarray(ravel_pytree(self.theta)[0], float)[self.free]

    @property
    def covariance(self) -> Float[np.ndarray, "k k"]:
        """Covariance of the coefficients, over the directions with information."""
        return self.root @ self.root.T

    @property
    def std(self) -> Float[np.ndarray, " k"]:
        """Standard deviation of each coefficient; infinite without information."""
        return self.std_along(np.eye(len(self.names)))

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The lower and the upper ends of the intervals of the coefficients."""
        half = self._quantile * self.std
        return self.mean - half, self.mean + half

    @property
    def identifiable(self) -> np.ndarray:
        """True where the half-width of the interval is below `scale`.

        So a coefficient of the size `scale` could be told from zero.
        """
        return self._quantile * self.std < self.scale

    @property
    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvectors of the information, the stiffest first, and their std.

        Returns:
            Standard deviations, shape (k,), infinite without information; and the
            directions, one a row, shape (k, k).
        """
        rows = np.linalg.eigh(np.asarray(self.information.matrix, float))[1].T[::-1]
        return self.std_along(rows), rows

    @property
    def distance(self) -> float:
        """How far theta is from the maximum of the likelihood, in its own std.

        The Newton decrement sqrt(g^T F^-1 g). Above about 0.3 the fit was not finished
        and the intervals are off; a penalty on the loss shows here too.
        """
        return float(np.linalg.norm(self.root.T @ np.asarray(self.information.slope)))

    @property
    def _quantile(self) -> float:
        return float(stats.norm.ppf((1 + self.level) / 2))

    @property
    def _eps(self) -> float:
        return float(np.finfo(self.information.matrix.dtype).eps)

    def std_along(self, rows):
        """Standard deviation of each linear function of the coefficients."""
        std = np.linalg.norm(rows @ self.root, axis=-1)
        # Compared in units in which all coefficients have the same information.
        size = np.sqrt(np.diag(np.asarray(self.information.matrix, float)))
        unit = np.where(size > 0, size, 1)
        lost = np.linalg.norm(rows / unit @ (self.unknown * unit[:, None]), axis=-1)
        whole = np.linalg.norm(rows / unit, axis=-1)
        return np.where(lost > self._eps**0.25 * whole, np.inf, std)

    def sample(self, key, num: int = 100) -> Theta:
        """Draw rules that the data allow: theta with a leading axis `num`.

        Along directions without information they all equal the best fit.
        """
        flat, unravel = ravel_pytree(self.theta)
        draws = jr.normal(key, (num, self.root.shape[1]), flat.dtype)
        moved = draws @ jnp.asarray(self.root.T, flat.dtype)
        return jax.vmap(lambda move: unravel(flat.at[self.free].add(move)))(moved)

    def band(self, rule: Rule, states: States) -> tuple[np.ndarray, np.ndarray]:
        """The interval of dw = g_theta(x, y, w, r) at each of some states.

        What the data say about the rule where it was used is far more certain than its
        coefficients, when these can make up for each other (Gutenkunst et al. 2007).
        The rule is taken as linear in theta near the best fit, as a Taylor rule is.

        Args:
            rule: the rule whose theta this is.
            states: x, y, w and r, arrays of one length; see `visited_states`.

        Returns:
            The lower and the upper end, shape (state,), in units of dw.
        """
        flat, unravel = ravel_pytree(self.theta)

        def dw(flat, *state):
            return rule.apply(unravel(flat), *state)

        given = [jnp.asarray(v, flat.dtype) for v in states]
        slopes = jax.vmap(jax.grad(dw), (None, 0, 0, 0, 0))(flat, *given)
        mean = np.asarray(jax.vmap(dw, (None, 0, 0, 0, 0))(flat, *given), float)
        half = self._quantile * self.std_along(np.asarray(slopes, float)[:, self.free])
        return mean - half, mean + half

    def report(self) -> str:
        """What the data tell and do not tell, in words.

        Terms are named; of a network only the number of directions is told.
        """
        k, quantile = len(self.names), self._quantile
        named, scale = np.ndim(self.theta) == 4, f"+-{self.scale:g}"
        lines = [
            f"{k} coefficients from {int(self.information.count)} observations, noise "
            f"{float(self.information.noise):.3g}; intervals of {100 * self.level:g} %."
        ]
        for name, mean, std, good in zip(
            self.names, self.mean, self.std, self.identifiable, strict=True
        ):
            line = f"  {name:6} {mean:9.3g} +- {quantile * std:.2g}"
            if not np.isfinite(std):
                line = f"  {name:6} the data do not tell it"
            elif not good:
                line += f"  not identifiable: wider than {scale}"
            lines += [line] * named
        std, rows = self.directions
        finite = np.isfinite(std)
        wide = finite & (quantile * std >= self.scale)
        if wide.any():
            ratio = std[finite].max() / std[finite].min()
            lines.append(
                f"Sloppy: along {wide.sum()} of {k} directions the interval is wider "
                f"than {scale}; the widest is {ratio:.2g} times the narrowest. Believe "
                "the band of dw on the states visited, not single coefficients."
            )
            for row, one in [*zip(rows[wide], std[wide], strict=True)][-3:] * named:
                lines.append(
                    f"  {_combination(row, self.names)}: +- {quantile * one:.2g}"
                )
        count = self.unknown.shape[1]
        if count:
            precision = "" if self._eps < 1e-10 else " (in single precision)"
            lines.append(f"Without information{precision}: {count} of {k} directions.")
            plain = _row_reduced(self.unknown.T)
            lines += [f"  {_combination(v, self.names)}" for v in plain] * named
        if self.distance > FINISHED:
            lines.append(
                f"Theta is not the best fit of this likelihood, which lies "
                f"{self.distance:.2g} standard deviations away. Fit on, without a "
                "penalty and with the same knowledge of w0, and ask again."
            )
        return "\n".join(lines)


def _row_reduced(rows):
    """The same space, by rows that each have a coefficient which no other has."""
    rows = rows.copy()
    for i in range(len(rows)):
        pivot = np.abs(rows[i]).argmax()
        rows[i] /= rows[i, pivot]
        others = np.arange(len(rows)) != i
        rows[others] -= np.outer(rows[others, pivot], rows[i])
    return rows


def _combination(direction, names) -> str:
    """A direction in words: its largest coefficients, the largest being 1."""
    direction = direction / direction[np.abs(direction).argmax()]
    order = [k for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > 0.05]
    text = " ".join(f"{direction[k]:+.2f} {names[k]}" for k in order[:4])
    return text + (" ..." if len(order) > 4 else "")


def _names(theta, free) -> tuple[str, ...]:
    if np.ndim(theta) == 4:
        names = term_names(_orders(theta))
    else:
        leaves = jax.tree_util.tree_leaves_with_path(theta)
        names = [
            f"{jax.tree_util.keystr(path)}{list(index)}"
            for path, leaf in leaves
            for index in np.ndindex(np.shape(leaf))
        ]
    return tuple(names[k] for k in free)


def _split(matrix):
    """W with matrix^-1 = W W^T where it has one, and the directions where it has none.

    In units in which every coefficient alone has information 1, so that "singular"
    does not depend on how small a power of w is.
    """
    eps = np.finfo(matrix.dtype).eps
    matrix = np.asarray(matrix, float)
    diagonal = np.diag(matrix)
    unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1))
    stiffness, directions = np.linalg.eigh(matrix * np.outer(unit, unit))
    known = stiffness > eps**0.75 * max(stiffness[-1], 0)
    directions = unit[:, None] * directions
    return directions[:, known] / np.sqrt(stiffness[known]), directions[:, ~known]


def laplace(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    *,
    only=None,
    noise: float | None = None,
    w0_std: float | None = None,
    prior=None,
    level: float = 0.95,
    scale: float = 1.0,
) -> Laplace:
    """Error bars of a fit: a Gaussian as wide as the Fisher information says.

    theta ~ N(best fit, F^-1), the Laplace approximation (MacKay 1992; Bishop 2006, ch.
    4.4). It is right where the log-likelihood is a parabola over the width of the
    interval; `profile` checks that. A singular F is no error: what the data do not tell
    gets infinite intervals, and `report` says so in words.

    Args:
        loss: made by `objective` with activity_loss, accept_loss or choice_loss.
        theta: the best fit, such as `fit(...).theta`.
        data: what was fitted.
        only: the free terms, as given to `taylor`.
        noise: as in `fisher`.
        w0_std: as in `fisher`.
        prior: standard deviation of a Gaussian prior around 0, one number or one for
            each free coefficient; default none.
        level: the share of intervals that should hold the truth.
        scale: the size of a coefficient that matters. One whose interval is wider than
            plus or minus this is called not identifiable.

    Raises:
        ValueError: as `fisher`, or a level that is no share.

    >>> from plastutor.losses import objective
    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule, terms = taylor(OJA_ORDERS), ("xy", "yyw")
    >>> data = neural_task(jr.key(0), rule, OJA, n_experiments=2, n_post=3, noise=0.1)
    >>> found = laplace(objective(rule, activity_loss), OJA, data, only=terms)
    >>> low, high = found.interval
    >>> found.names, bool(low[1] < 1 < high[1])
    (('yyw', 'xy'), True)
    """
    if not 0 < level < 1 or not scale > 0:
        raise ValueError(
            f"level is {level!r} and scale {scale!r}; expected a share such as 0.95 "
            "and a size above 0."
        )
    information = fisher(loss, theta, data, only=only, noise=noise, w0_std=w0_std)
    theta = jax.tree.map(jnp.asarray, theta)
    free = _free(theta, only)
    if prior is not None:
        precision = jnp.broadcast_to(jnp.asarray(prior, float) ** -2.0, len(free))
        information = information._replace(
            matrix=information.matrix + jnp.diag(precision),
            slope=information.slope - precision * ravel_pytree(theta)[0][free],
        )
    if not np.isfinite(np.asarray(information.matrix)).all():
        raise ValueError(
            "The information is not finite: with this theta the weights grow without "
            "bound. Expected the theta of a fit that did not diverge."
        )
    root, unknown = _split(np.asarray(information.matrix))
    names = _names(theta, free)
    return Laplace(theta, names, free, information, root, unknown, level, scale)


# --- profile likelihood ---------------------------------------------------------------


class Profile(NamedTuple):
    """The profile likelihood of one coefficient.

    Attributes:
        values: where the coefficient was held.
        deviance: twice the log-likelihood lost there, after all others were fitted
            again; 0 at the best fit.
        thetas: the fits, with a leading axis.
        low: lower end of the interval; minus infinity if it lies beyond `values`.
        high: upper end; infinity if it lies beyond `values`.
    """

    values: Float[np.ndarray, " value"]
    deviance: Float[np.ndarray, " value"]
    thetas: Theta
    low: float
    high: float


@partial(jax.jit, static_argnames=("loss", "num_steps", "at_once"))
def _profile(loss, theta, data, free, path, across, moves, num_steps, at_once):
    """Loss and theta for each move of one coefficient, the others fitted again."""
    flat, unravel = ravel_pytree(theta)

    def whole(few, move):
        return unravel(flat.at[free].add(path * move + across @ few))

    forward = loss.forward or loss.predict
    of_others = Objective(
        lambda few, given: loss.predict(whole(few, given[1]), given[0]),
        lambda prediction, given: loss.data_loss(prediction, given[0]),
        None,
        lambda few, given: forward(whole(few, given[1]), given[0]),
    )

    def one(move):
        given: Any = data, move
        few = jnp.zeros(across.shape[1], flat.dtype)

        def step(state, _):
            few, damping, _ = OPTIMIZER.step(of_others, state[0], state[1], given)
            return (few, damping), None

        if across.shape[1]:
            state = few, OPTIMIZER.init(few)
            (few, _), _ = jax.lax.scan(step, state, None, length=num_steps)
        return of_others(few, given), whole(few, move)

    return jax.lax.map(one, moves, batch_size=at_once)


def profile(
    loss: Objective,
    theta: Theta,
    data: Experiment,
    term: str,
    *,
    values=None,
    only=None,
    noise: float | None = None,
    level: float = 0.95,
    num_steps: int = 5,
    at_once: int | None = None,
) -> Profile:
    """Hold one coefficient at some values, fit all others again: how much is lost?

    The interval holds the values whose deviance 2 (log L_max - log L) is below the
    quantile of chi-squared with one degree of freedom (Wilks 1938; Venzon and
    Moolgavkar 1988). Unlike that of `laplace` it need not be symmetric, and does not
    depend on how the rule is written.

    Each fit starts where the Laplace approximation expects its end, and runs in
    coordinates in which the likelihood is round, so that a few Gauss-Newton steps do.

    Args:
        loss: made by `objective` with activity_loss, accept_loss or choice_loss.
        theta: the best fit.
        data: what was fitted.
        term: the coefficient, a name such as "xy", as in `Laplace.names`.
        values: where to hold it; default 9 values within 3 standard deviations.
        only: the free terms, as given to `taylor`.
        noise: as in `fisher`; if it is estimated, then once, at the best fit.
        level: the share of intervals that should hold the truth.
        num_steps: Gauss-Newton steps for each value.
        at_once: how many values are run together by vmap; default all. Fewer need less
            memory.

    Raises:
        ValueError: an unknown term, or values that are no numbers.

    >>> from plastutor.losses import objective
    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> data = neural_task(jr.key(0), rule, OJA, n_experiments=2, n_post=3, noise=0.1)
    >>> found = profile(objective(rule, activity_loss), OJA, data, "xy", only=("xy",))
    >>> found.low < 1 < found.high
    True
    """
    around = laplace(loss, theta, data, only=only, noise=noise, level=level)
    if term not in around.names:
        raise ValueError(
            f"There is no free coefficient {term!r}; expected one of "
            f"{', '.join(around.names)}."
        )
    k = around.names.index(term)
    if values is None:
        reach = around.std[k] if np.isfinite(around.std[k]) else around.scale
        values = around.mean[k] + 3 * reach * np.linspace(-1, 1, 9)
    values = np.asarray(values, float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(
            f"values is {values!r}; expected one row of numbers at which to hold "
            f"{term!r}."
        )
    theta, data = _checked(loss, theta, data, noise, None)
    path, across = _around(around, k)
    dtype = ravel_pytree(theta)[0].dtype
    held = np.append(around.mean[k], values)  # the first is not held anywhere
    given = (jnp.asarray(v, dtype) for v in (path, across, held - held[0]))
    losses, thetas = _profile(
        loss, theta, data, around.free, *given, num_steps, at_once or len(held)
    )
    information, losses = around.information, np.asarray(losses, float)
    unit = float(information.count / information.noise**2)
    if loss.data_loss is not activity_loss:
        unit *= 2  # a mean log-likelihood, and not a mean square
    deviance = unit * (losses - np.nanmin(losses))
    order, best = np.argsort(held), held[np.nanargmin(losses)]
    low, high = _ends(held[order], deviance[order], best, level)
    thetas = jax.tree.map(lambda leaf: leaf[1:], thetas)
    return Profile(values, deviance[1:], thetas, low, high)


def _around(around: Laplace, k: int):
    """How all coefficients move with coefficient k, and how they move without it."""
    own, finite = around.root[k], np.isfinite(around.std[k])
    _, size, turned = np.linalg.svd(own[None], full_matrices=True)
    across = turned[1:] if size.any() else turned
    if finite:
        path = around.root @ own / (own @ own)
    else:  # along a direction of which the data know nothing
        path = around.unknown @ np.linalg.pinv(around.unknown)[:, k]
        path = path / path[k]
    return path, around.root @ across.T


def _ends(values, deviance, best, level):
    """Where the signed root of the deviance, nearly a line, crosses the quantile."""
    limit = np.sqrt(stats.chi2.ppf(level, 1))
    root = np.sqrt(np.where(np.isnan(deviance), np.inf, np.maximum(deviance, 0)))
    ends = []
    for side in (-1, 1):
        on = side * (values - best) >= 0
        v, d = values[on][::side], root[on][::side]
        beyond = np.flatnonzero(d > limit)
        if not len(beyond):
            ends.append(side * math.inf)
        elif np.isinf(d[beyond[0]]):  # the weights exploded there
            ends.append(float(v[beyond[0]]))
        else:
            near = slice(beyond[0] - 1, beyond[0] + 1)
            ends.append(float(np.interp(limit, d[near], v[near])))
    return tuple(ends)


# --- coverage -------------------------------------------------------------------------


class Coverage(NamedTuple):
    """How often intervals held the truth.

    Attributes:
        share: of the data sets, for each coefficient.
        low: lower end of the 95 % interval of that share (Clopper and Pearson 1934).
        high: its upper end.
    """

    share: Float[np.ndarray, " k"]
    low: Float[np.ndarray, " k"]
    high: Float[np.ndarray, " k"]


def coverage(truth, low, high) -> Coverage:
    """How often intervals hold the truth, over data sets made with a known rule.

    An honest 95 % interval does so in 95 % of the data sets. Missing intervals (NaN)
    count as failures, infinite ones as successes.

    Args:
        truth: the true coefficients, shape (k,).
        low: lower ends of the intervals, shape (set, k).
        high: upper ends.

    Raises:
        ValueError: the shapes do not fit.

    >>> found = coverage([0.0], low=[[-1.0], [0.5]], high=[[1.0], [1.5]])
    >>> float(found.share[0]), round(float(found.low[0]), 3)
    (0.5, 0.013)
    """
    truth, low, high = (np.asarray(v, float) for v in (truth, low, high))
    if low.ndim != 2 or low.shape != high.shape or truth.shape != low.shape[1:]:
        raise ValueError(
            f"truth has shape {truth.shape}, low {low.shape} and high {high.shape}; "
            "expected (k,) and twice (set, k): one row for each data set."
        )
    held, sets = ((low <= truth) & (truth <= high)).sum(0), len(low)
    least = stats.beta.ppf(0.025, held, sets - held + 1)
    most = stats.beta.ppf(0.975, held + 1, sets - held)
    return Coverage(
        held / sets, np.where(held > 0, least, 0.0), np.where(held < sets, most, 1.0)
    )
