"""Select terms: which few terms of a Taylor series do the data ask for?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from plastutor._experiments import check_experiment
from plastutor._types import Experiment, Rules, Theta
from plastutor.infer._distil import predicted_gains
from plastutor.infer._gauss_newton import (
    GaussNewton,
    damped_step,
    gauss_newton_terms,
)
from plastutor.objectives import Objective
from plastutor.rules import Orders, term_names

NEGLIGIBLE = 1e-6  # of the loss without any term: no data distinguish such losses


class SelectionPath(NamedTuple):
    """The sets of terms that a search visited: from none up to the most, and down.

    Then those of a second search, if there was one, from the most terms down. Terms are
    given by their index in `term_names`, and -1 means no term. Of several projections
    the terms of the first one stand before those of the next, in alphabetical order.

    Attributes:
        added: the term that was added.
        dropped: the term that was dropped; with one added, that was an exchange.
        runner_up: the term that would have been added, or dropped, second best.
        theta: the coefficients, fitted with this set of terms and no others.
        free: the set, True at its terms.
        loss: the loss of theta on the experiments that were fitted.
        held_out: its loss on each of the held-out experiments.
    """

    added: Int[Array, " step"]
    dropped: Int[Array, " step"]
    runner_up: Int[Array, " step"]
    theta: PyTree[Float[Array, "step x y w r"]]
    free: PyTree[Bool[Array, "step x y w r"]]
    loss: Float[Array, " step"]
    held_out: Float[Array, "step exp"]


class Selection(NamedTuple):
    """The terms that were selected, and how the search went.

    Attributes:
        theta: the coefficients of the selected terms, fitted once more to all
            experiments, without any penalty; the others are zero.
        free: True at the selected terms.
        chosen: the step of the path at which this set was visited.
        path: every set that was visited.
        diverged: True where the last fit came to a gradient or a curvature that is not
            finite; try fewer `max_terms`, shorter experiments, or float64.
    """

    theta: PyTree[Float[Array, "x y w r"]]
    free: PyTree[Bool[Array, "x y w r"]]
    chosen: Int[Array, ""]
    path: SelectionPath
    diverged: Bool[Array, ""] | bool = False

    @property
    def terms(self) -> list[str]:
        """The names of the selected terms, in the order of `term_names`.

        Of several projections such as "rec xy".
        """

        def of(free):
            names = term_names(Orders(*(n - 1 for n in free.shape)))
            return [names[k] for k in np.flatnonzero(free)]

        if not isinstance(self.free, Mapping):
            return of(self.free)
        return [f"{p} {name}" for p in sorted(self.free) for name in of(self.free[p])]


def _refit(loss, max_steps, max_terms, theta, free, data, of_nothing=jnp.inf):
    """The fit with these terms from theta, or from nothing where that is better.

    Steps are those of `GaussNewton`, along the free terms only. Which terms are free is
    data, so one compiled program serves every set of terms. `of_nothing` is the loss
    without any term. Also whether gradient and matrix were finite before the last step.
    """
    slots = jnp.nonzero(free.ravel(), size=max_terms, fill_value=free.size)[0]
    rows = jax.nn.one_hot(slots, free.size, dtype=theta.dtype)  # no term: a row of 0
    directions = rows.reshape(max_terms, *theta.shape)

    def step(state, _):
        made = damped_step(loss, state[0], directions, state[1], data)
        no_gain = ~(made.after <= of_nothing)  # also where it is not a number
        theta = jnp.where(no_gain, 0, made.theta)
        value = jnp.where(no_gain, of_nothing, made.after)
        return (theta, made.damping), (value, jnp.isfinite(made.gradient).all())

    theta = jnp.where(free, theta, 0)
    start = theta, GaussNewton().init(theta)
    (theta, _), (values, known) = jax.lax.scan(step, start, None, length=max_steps)
    return theta, values[-1], known[-1]


def _visit(loss, refit, train, of_nothing, state, growth):
    """Change the set of terms: one more, one less, or (growth 0) one for another."""
    theta, free, value = state
    none = theta.size
    every = jnp.eye(none, dtype=theta.dtype).reshape(none, *theta.shape)
    _, gradient, matrix = gauss_newton_terms(loss, theta, every, train)
    gains = predicted_gains(theta.ravel(), gradient, matrix, free.ravel())
    out, new = jnp.indices(gains.shape)
    allowed = (out < none).astype(int) == 1 - jnp.maximum(growth, 0)
    allowed &= (new < none).astype(int) == 1 + jnp.minimum(growth, 0)
    best = jax.lax.top_k(jnp.where(allowed, gains, -jnp.inf).ravel(), 2)[1]
    out, new = jnp.divmod(best, none + 1)
    changed = free.ravel().at[out[0]].set(False, mode="drop")
    changed = changed.at[new[0]].set(True, mode="drop").reshape(free.shape)
    found = *refit(theta, changed, train, of_nothing)[:2], changed
    # An exchange is kept only if it does what was predicted.
    keep = (growth != 0) | (found[1] < value)
    theta, value, free = (
        jnp.where(keep, *two) for two in zip(found, (theta, value, free), strict=True)
    )
    runner_up = jnp.where(growth < 0, out[1], new[1])
    terms = jnp.array([new[0], out[0], runner_up])
    terms = jnp.where(keep & (terms < none), terms, -1)
    return (theta, free, value), (*terms, theta, free, value)


def _start(loss, refit, max_terms, train, theta0):
    """The first set, by algebra: the loss is quadratic near a fit of all terms."""
    every = jnp.eye(theta0.size, dtype=theta0.dtype).reshape(-1, *theta0.shape)
    _, gradient, matrix = gauss_newton_terms(loss, theta0, every, train)
    target = matrix @ theta0.ravel() - gradient  # of the best theta: matrix @ theta
    scale = jnp.sqrt(jnp.where(jnp.diag(matrix) > 0, jnp.diag(matrix), 1))

    def add(state, _):
        theta, free = state
        gains = predicted_gains(theta, matrix @ theta - target, matrix, free)
        free = free.at[gains[-1, :-1].argmax()].set(True)
        kept = jnp.where(jnp.outer(free, free), matrix / jnp.outer(scale, scale), 0)
        theta = jnp.linalg.pinv(kept, hermitian=True) @ (target / scale) / scale
        return (theta, free), None

    nothing = jnp.zeros_like(target), jnp.zeros(target.shape, bool)
    (theta, free), _ = jax.lax.scan(add, nothing, None, length=max_terms)
    theta, free = theta.reshape(theta0.shape), free.reshape(theta0.shape)
    theta, value, _ = refit(theta, free, train)
    return theta, free, value


def _simplest(held_out, size, standard_errors):
    """The smallest set whose loss does not differ clearly from that of the best."""
    held_out = jnp.where(jnp.isfinite(held_out), held_out, jnp.inf)
    mean = held_out.mean(1)
    # Paired: what makes an experiment hard is common to all sets.
    worse = held_out - held_out[mean.argmin()][None]
    error = worse.std(1, ddof=1) / jnp.sqrt(worse.shape[1])
    as_good = worse.mean(1) <= standard_errors * error + NEGLIGIBLE * mean[0]
    return jnp.lexsort((mean, jnp.where(as_good, size, size.max() + 1)))[0]


def _shapes(orders):
    """Of theta, which is one array or a mapping from projections."""
    if isinstance(orders, Mapping):
        return {name: orders[name].shape for name in sorted(orders)}
    return orders.shape


def _split(row, shapes):
    """A row of all coefficients as one array for each projection."""
    ends = np.cumsum([math.prod(shape) for _, shape in shapes])
    parts = jnp.split(row, ends[:-1], axis=-1)
    return {
        name: part.reshape(*row.shape[:-1], *shape)
        for (name, shape), part in zip(shapes, parts, strict=True)
    }


@lru_cache  # the same functions each time: nothing is compiled again
def _in_a_row(loss, shapes):
    """The loss of several projections, as one of the row that their thetas make."""

    def of_row(function):
        if function is None:
            return None
        return lambda row, data: function(_split(row, shapes), data)

    ways = {way: of_row(getattr(loss, way)) for way in ("predict", "forward", "mean")}
    return replace(loss, rule=None, **ways)


@partial(jax.jit, static_argnums=(0, 1, 2, 3))
def _select(loss, shape, max_terms, max_steps, train, held_out, errors, theta0=None):
    refit = partial(_refit, loss, max_steps, max_terms)
    theta, free = jnp.zeros(shape, train.x.dtype), jnp.zeros(shape, bool)
    nothing = theta, free, loss(theta, train)
    visit = partial(_visit, loss, refit, train, nothing[-1])

    def search(state, up):
        """The sets from one on: terms are added `up` times, and then dropped."""
        growth = jnp.array([1] * up + [-1, 0] * (max_terms - 1), int)
        first = *-jnp.ones(3, int), *state
        _, visited = jax.lax.scan(visit, state, growth)
        return jax.tree.map(
            lambda one, others: jnp.concatenate([one[None], others]), first, visited
        )

    searches = [search(nothing, max_terms)]
    if theta0 is not None:
        bounded = partial(refit, of_nothing=nothing[-1])
        state = _start(loss, bounded, max_terms, train, theta0.astype(theta.dtype))
        searches.append(search(state, 0))
    added, dropped, runner_up, theta, free, on_fitted = jax.tree.map(
        lambda *parts: jnp.concatenate(parts), *searches
    )

    def losses(theta):
        return jax.vmap(lambda e: loss(theta, e))(held_out)

    on_new = jax.lax.map(losses, theta)
    path = SelectionPath(added, dropped, runner_up, theta, free, on_fitted, on_new)
    size = free.reshape(len(free), -1).sum(1)
    chosen = _simplest(on_new, size, errors)
    together = jax.tree.map(lambda *two: jnp.concatenate(two), train, held_out)
    final, _, known = refit(theta[chosen], free[chosen], together)
    return Selection(final, free[chosen], chosen, path, ~known)


def select_terms(
    loss: Objective,
    orders: Orders | Mapping[str, Orders],
    train: Experiment,
    held_out: Experiment,
    *,
    max_terms: int = 6,
    max_steps: int = 8,
    standard_errors: float = 1.0,
    theta0: Theta | None = None,
) -> Selection:
    """Find the few terms of a Taylor rule that predict experiments not fitted.

    Greedy selection: what each change of the set of terms would gain is predicted from
    the gradient and the Gauss-Newton matrix (`predicted_gains`; for a linear model this
    is orthogonal least squares, Chen, Billings and Luo 1989). The search adds the best
    term up to `max_terms`, and then drops the least needed one, down to one term; after
    each drop it may exchange one term for another. So a term that came early can leave
    again when it proves a poor copy of terms that came later. For every set, all kept
    terms are fitted.

    Where w and y start near zero, as when choices are learned, terms that hold them do
    next to nothing as long as nothing else changes the weights, and what is predicted
    from there is worthless. Then pass a fit of all terms as `theta0`: a second search
    starts with the `max_terms` terms that best stand in for it, and goes down from
    there. It does not replace the first: where the data leave a fit of all terms open,
    chance leads it, and with it what stands in for it.

    Of all sets that were visited, the smallest is taken whose mean held-out loss lies
    within one standard error of the lowest, or as many as you say. It is the standard
    error, over held-out experiments, of the difference between the two. Last, these
    terms are fitted to all experiments.

    It can be mapped: `jax.vmap(partial(select_terms, loss, orders))(train, held_out)`.

    Args:
        loss: made by `objective` with a Taylor rule; its penalty is left out.
        orders: the highest powers in that rule; of several projections a mapping, and
            so are theta and free of what is returned.
        train: a batch of experiments to fit.
        held_out: a batch that only decides how many terms; at least two experiments,
            as many steps as in `train`.
        max_terms: the size at which the search turns back.
        max_steps: steps of Gauss-Newton for each set.
        standard_errors: 0 takes the lowest held-out loss itself.
        theta0: a fit of all terms to `train`. The second search starts with a step of
            the path that has `max_terms` terms at once, and whose `added` is -1.

    Raises:
        ValueError: a sentence on what does not fit.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS)
    >>> made = [pt.neural_task(key, rule, pt.HEBB, n_experiments=4, n_steps=5, n_pre=9,
    ...                     n_post=2) for key in jax.random.split(jax.random.key(0))]
    >>> select_terms(pt.objective(rule, pt.activity), pt.OJA_ORDERS, *made).terms
    ['xy']
    """
    _check(loss, orders, train, held_out, max_terms, max_steps)
    loss, shapes = replace(loss, penalty=None), _shapes(orders)
    rest = max_terms, max_steps, train, held_out, standard_errors
    if not isinstance(shapes, Mapping):
        return _select(loss, shapes, *rest, theta0)
    each = tuple(shapes.items())
    row = None if theta0 is None else ravel_pytree(theta0)[0]
    size = sum(math.prod(shape) for shape in shapes.values())
    found = _select(_in_a_row(loss, each), (size,), *rest, row)
    path = found.path._replace(
        theta=_split(found.path.theta, each), free=_split(found.path.free, each)
    )
    theta, free = _split(found.theta, each), _split(found.free, each)
    return found._replace(theta=theta, free=free, path=path)


def _check(loss, orders, train, held_out, max_terms, max_steps) -> None:
    shapes = _shapes(orders)
    several = isinstance(shapes, Mapping)
    every = list(shapes.values()) if several else [shapes]
    most = sum(math.prod(shape) for shape in every)
    rule = loss.rule
    if several != isinstance(rule, Rules) or (several and {*rule} != {*shapes}):
        has = ", ".join(rule) if isinstance(rule, Rules) else "one rule"
        given = ", ".join(sorted(shapes)) if several else "one rule"
        raise ValueError(
            f"orders are those of {given or 'no projection'}, and the loss has "
            f"{has}; expected Orders for one rule, or a mapping with Orders for each "
            "projection that has a rule."
        )
    for name, value, top in (
        ("max_terms", max_terms, most),
        ("max_steps", max_steps, math.inf),
    ):
        if not isinstance(value, int) or not 1 <= value <= top:
            raise ValueError(
                f"{name} is {value!r}; expected a whole number from 1 to {top}."
            )
    for data in (train, held_out):
        check_experiment(data)
    shape, other = jnp.shape(train.x), jnp.shape(held_out.x)
    if len(shape) != 3 or shape[1:] != other[1:] or other[0] < 2:
        raise ValueError(
            f"train.x has shape {shape} and held_out.x {other}; expected two batches "
            "(exp, time, pre) of equal time and pre, with at least 2 held out."
        )
    if jax.tree.structure(train) != jax.tree.structure(held_out):
        raise ValueError("train and held_out hold different kinds of data.")
    try:
        zeros = {p: jnp.zeros(s) for p, s in shapes.items()} if several else None
        jax.eval_shape(loss, jnp.zeros(shapes) if zeros is None else zeros, train)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(
            f"The loss does not take coefficients of shape {shapes}; expected "
            "objective(taylor(orders), ...) with the same orders."
        ) from error
