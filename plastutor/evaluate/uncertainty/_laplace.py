"""Laplace: a Gaussian around the best fit, and what it says in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.typing import ArrayLike
from jaxtyping import Float, PRNGKeyArray
from scipy import stats

from plastutor._types import Experiment, Rule, Theta
from plastutor.evaluate.uncertainty._fisher import Information, fisher
from plastutor.infer import States, coefficient_names, free_coefficients
from plastutor.objectives import Objective

FINISHED = 0.3  # standard deviations that a fit may be away from the best one


class Laplace(NamedTuple):
    """A Gaussian around the best fit, with the inverse information as covariance.

    The k free coefficients are in the order of `names`. Directions without information
    are no part of the Gaussian: intervals along them are infinite.

    Attributes:
        theta: the best fit, the mean.
        names: the free coefficients; of several projections such as "rec xy".
        free: their indices in the row that theta makes.
        information: what it was made from (with the prior, if there is one).
        root: W, with a column for each direction with information: the covariance is
            W W^T, and theta + W q has q standard deviations.
        unknown: a column for each direction without information.
        level: how often an interval should hold the true value.
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

        So a coefficient of the size `scale` would differ clearly from zero.
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
        return float(
            np.linalg.norm(self.root.T @ np.asarray(self.information.gradient))
        )

    @property
    def _quantile(self) -> float:
        return float(stats.norm.ppf((1 + self.level) / 2))

    @property
    def _eps(self) -> float:
        return float(np.finfo(self.information.matrix.dtype).eps)

    def std_along(self, rows: Float[np.ndarray, "*row k"]) -> Float[np.ndarray, "*row"]:
        """Standard deviation of each linear function of the coefficients.

        Args:
            rows: the factors of the coefficients.
        """
        std = np.linalg.norm(rows @ self.root, axis=-1)
        # Compared in units in which all coefficients have the same information.
        size = np.sqrt(np.diag(np.asarray(self.information.matrix, float)))
        unit = np.where(size > 0, size, 1)
        unknown = np.linalg.norm(rows / unit @ (self.unknown * unit[:, None]), axis=-1)
        total = np.linalg.norm(rows / unit, axis=-1)
        return np.where(unknown > self._eps**0.25 * total, np.inf, std)

    def sample(self, key: PRNGKeyArray, n_samples: int = 100) -> Theta:
        """Draw rules that the data allow: theta with a leading axis of samples.

        Along directions without information they all equal the best fit.

        Args:
            key: a JAX random key.
            n_samples: how many rules.
        """
        flat, unravel = ravel_pytree(self.theta)
        draws = jr.normal(key, (n_samples, self.root.shape[1]), flat.dtype)
        moved = draws @ jnp.asarray(self.root.T, flat.dtype)
        return jax.vmap(lambda move: unravel(flat.at[self.free].add(move)))(moved)

    def band(
        self,
        rule: Rule | Mapping[str, Rule],
        states: States,
        *,
        projection: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The interval of dw = g_theta(x, y, w, r) at each of some states.

        What the data say about the rule where it was used is far more certain than its
        coefficients, when these can make up for each other (Gutenkunst et al. 2007).
        The rule is taken as linear in theta near the best fit, as a Taylor rule is.

        Args:
            rule: the rule whose theta this is; or rules, by projection.
            states: x, y, w and r, arrays of one length; see `visited_states`.
            projection: whose rule, if there are several.

        Returns:
            The lower and the upper end, shape (state,), in units of dw.

        Raises:
            ValueError: a projection without a rule, or none where there are several.
        """
        flat, unravel = ravel_pytree(self.theta)
        known: dict[str | None, Rule] = (
            {None: rule} if isinstance(rule, Rule) else {**rule}
        )
        if projection not in known:
            raise ValueError(
                f"projection is {projection!r}; expected one of "
                f"{', '.join(map(repr, known))}."
            )

        def dw(flat, *state):
            theta = unravel(flat)
            own = theta if projection is None else theta[projection]
            return known[projection].apply(own, *state)

        given = [jnp.asarray(v, flat.dtype) for v in states]
        gradients = jax.vmap(jax.grad(dw), (None, 0, 0, 0, 0))(flat, *given)
        mean = np.asarray(jax.vmap(dw, (None, 0, 0, 0, 0))(flat, *given), float)
        std = self.std_along(np.asarray(gradients, float)[:, self.free])
        half = self._quantile * std
        return mean - half, mean + half

    def report(self) -> str:
        """What is identifiable and what is not, in words.

        Terms are named; of a network only the number of directions is given.
        """
        k, quantile = len(self.names), self._quantile
        named = not any("[" in name for name in self.names)  # terms, not a network
        scale, width = f"+-{self.scale:g}", max(6, *map(len, self.names))
        lines = [
            f"{k} coefficients from {int(self.information.count)} observations, noise "
            f"{float(self.information.noise):.3g}; intervals of {100 * self.level:g} %."
        ]
        for name, mean, std, good in zip(
            self.names, self.mean, self.std, self.identifiable, strict=True
        ):
            line = f"  {name:{width}} {mean:9.3g} +- {quantile * std:.2g}"
            if not np.isfinite(std):
                line = f"  {name:{width}} not identifiable: no information"
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
        if count := self.unknown.shape[1]:
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
    noise: float | None = None,
    w0_std: float | None = None,
    prior: ArrayLike | Sequence | None = None,
    level: float = 0.95,
    scale: float = 1.0,
) -> Laplace:
    """Error bars of a fit: a Gaussian as wide as the Fisher information says.

    theta ~ N(best fit, F^-1), the Laplace approximation (MacKay 1992; Bishop 2006, ch.
    4.4). It is right where the log-likelihood is a parabola over the width of the
    interval: `end_deviance` says where it is not, and `profile` tells the interval
    then, also across several optima, of which this Gaussian knows but one. It takes
    residuals as independent, of neurons as of steps: `residual_correlation` checks
    neurons, and `pt.evaluate.cluster_robust_interval` does without.

    A singular F is no error: what is not identifiable gets infinite intervals, and
    `report` says so in words.

    Args:
        loss: made by `objective` with pt.activity, pt.accept or pt.choice.
        theta: the best fit, such as `fit(...).theta`.
        data: what was fitted.
        noise: as in `fisher`.
        w0_std: as in `fisher`.
        prior: standard deviation of a Gaussian prior around 0, one number or one for
            each free coefficient; default none.
        level: the share of intervals that should hold the true value.
        scale: the size of a coefficient that matters. One whose interval is wider than
            plus or minus this is called not identifiable.

    Raises:
        ValueError: as `fisher`, or a level that is no share.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jax.random.key(0), rule, pt.OJA, n_experiments=2, n_post=3, noise=0.1
    ... )
    >>> found = laplace(pt.objective(rule, pt.activity), pt.OJA, data)
    >>> low, high = found.interval
    >>> found.names, bool(low[1] < 1 < high[1])
    (('yyw', 'xy'), True)
    """
    if not 0 < level < 1 or not scale > 0:
        raise ValueError(
            f"level is {level!r} and scale {scale!r}; expected a share such as 0.95 "
            "and a size above 0."
        )
    information = fisher(loss, theta, data, noise=noise, w0_std=w0_std)
    theta = jax.tree.map(jnp.asarray, theta)
    free = np.array(free_coefficients(loss, theta))
    if prior is not None:
        precision = jnp.broadcast_to(jnp.asarray(prior, float) ** -2.0, len(free))
        information = information._replace(
            matrix=information.matrix + jnp.diag(precision),
            gradient=information.gradient - precision * ravel_pytree(theta)[0][free],
        )
    if not np.isfinite(np.asarray(information.matrix)).all():
        raise ValueError(
            "The information is not finite: with this theta the weights grow without "
            "bound. Expected the theta of a fit that did not diverge."
        )
    root, unknown = _split(np.asarray(information.matrix))
    names = coefficient_names(loss, theta)
    return Laplace(theta, names, free, information, root, unknown, level, scale)
