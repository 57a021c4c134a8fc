"""Evidence: a Gaussian prior whose width the data choose, for recordings full of noise.

The plain loss asks every coefficient to explain the noise as well. A prior that expects
a simple rule drops what the data do not support (MacKay 1992, Bishop 2006 ch. 3.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from plastutor._experiments import check_experiment
from plastutor._simulate import simulate
from plastutor._types import Experiment, Rule, Theta
from plastutor.networks import RECORDED, Network
from plastutor.rules import Orders, free_terms, taylor

TAUS = (0.0, 0.5, 1.5, 5.0)
RHOS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
MARGIN = 1.0  # nats: odds of e to one


class EvidenceFit(NamedTuple):
    """What `evidence_fit` found.

    Attributes:
        theta: the posterior mean, shape of the orders; zero where nothing was found.
        std: posterior standard deviation of every coefficient; 0 where not free, and
            infinite where nothing was fitted. Where nothing was found, that of the
            fit that was refused.
        tau: the chosen size of a first-order term; 0 where nothing was found.
        rho: the chosen ratio of all other terms to it.
        noise: estimated standard deviation of what the model leaves unexplained;
            infinite where nothing was fitted.
        gain: log-evidence of the fit over a rule that changes nothing, in nats.
        converged: True where a further step moves no coefficient by more than a tenth
            of its `std` (or a thousandth of the largest coefficient). Else theta is
            the best that was found, and finite.
        fitted: False where every step made the fit worse; theta is the start then.
    """

    theta: Float[Array, "x y w r"]
    std: Float[Array, "x y w r"]
    tau: Float[Array, ""]
    rho: Float[Array, ""]
    noise: Float[Array, ""]
    gain: Float[Array, ""]
    converged: Bool[Array, ""]
    fitted: Bool[Array, ""]

    @property
    def message(self) -> str:
        """A sentence on how it ended; for several data sets, how many and how."""
        of = f"of {self.fitted.size} fits"
        if failed := int((~self.fitted).sum()):
            return (
                f"No step was accepted in {failed} {of}: each made the fit worse. "
                "theta is the start there; try smaller taus, fewer terms, 64 bits."
            )
        if nothing := int((self.tau == 0).sum()):
            return (
                f"Nothing was found in {nothing} {of}: no rule has clearly more "
                "evidence there than none (see gain)."
            )
        if moving := int((~self.converged).sum()):
            return f"The last step still moved theta in {moving} {of}; take more steps."
        return "The last step moved theta by much less than its standard deviation."


def first_order_prior(
    orders: Orders,
    sizes: Sequence[ArrayLike],
    tau: ArrayLike,
    rho: ArrayLike,
) -> Float[Array | np.ndarray, "x y w r"]:
    """Standard deviation of each coefficient before any data are seen.

    A term x^a y^b w^c r^d is expected to change a weight as much as tau x y does in a
    typical step if it is linear in x and w (a + c = 1), and rho^|a + c - 1| times as
    much else: a rule is, to first order, growth by the input and decay of the weight. y
    does not count, since the activity of a sigmoid neuron stays near 1/2.

    Args:
        orders: the highest power of each variable.
        sizes: root mean square of x, y, w and r where the network went.
        tau: effect of a first-order term, in units of the effect of x y.
        rho: between 0 and 1; with 1, all terms are expected equally.

    >>> prior = first_order_prior(Orders(x=1, y=1, w=1), (0.1, 0.5, 0.1, 1.0), 0.5, 0.1)
    >>> round(float(prior[1, 0, 0, 0]), 4), round(float(prior[0, 0, 0, 0]), 4)
    (0.25, 0.0025)
    """
    a, b, c, d = np.indices(orders.shape)
    x, y, w, r = sizes
    return tau * x * y * rho ** np.abs(a + c - 1) / (x**a * y**b * w**c * r**d)


def normal_equations(
    rule: Rule,
    theta: Float[Array, "x y w r"],
    directions: Float[Array | np.ndarray, "k x y w r"],
    data: Experiment,
    *,
    network: Network = RECORDED,
    forced: bool = False,
) -> tuple[Float[Array, "k k"], Float[Array, " k"], Float[Array, ""]]:
    """J^T J, J^T error and error^2, summed over all that was recorded.

    One experiment after the other and in forward mode, so that memory depends neither
    on their number nor on their length.

    Args:
        rule: a Taylor rule.
        theta: where.
        directions: those of theta along which J is taken.
        data: a batch of experiments with `activity`.
        network: what is fixed about the learner.
        forced: as in `evidence_fit`.
    """
    made = partial(
        simulate, rule.forward_mode, network=network, keep_weights=False, forced=forced
    )

    def add(sums, experiment):
        y, tangent = jax.linearize(lambda theta: made(theta, experiment).y, theta)
        recorded = ~jnp.isnan(experiment.activity) & experiment.valid[:, None]
        error = jnp.where(recorded, experiment.activity - y, 0).ravel()
        j = (jax.vmap(tangent)(directions) * recorded[None]).reshape(k, -1)
        return jax.tree.map(jnp.add, sums, (j @ j.T, j @ error, error @ error)), None

    k = len(directions)
    zeros = [jnp.zeros(shape, theta.dtype) for shape in ((k, k), k, ())]
    return jax.lax.scan(add, tuple(zeros), data)[0]


def _sizes(rule, theta, data, network):
    """Root mean square of x, y, w and r along the trajectories that theta gives."""
    made = simulate(rule, theta, data, network=network)
    assert made.w is not None  # they were kept
    w = jnp.concatenate([data.w0[:, None], made.w[:, :-1]], axis=1)
    x, y, w = (jnp.sqrt(jnp.mean(v**2)) for v in (data.x, made.y, w))
    # Twice the weight: where little is known, a prior that allows decay within a step
    # or two lets weights explode. Recorded activity comes without rewards.
    return x, y, 2 * w, 1.0


def _posteriors(hessian, gradient, priors, noise):
    """Posterior mean, standard deviation and log-evidence, by `vmap` over priors."""

    def one(prior):
        # In units of the prior nothing is singular, however small a prior may be.
        factor = _cholesky(hessian, prior, noise)
        scaled = prior * gradient / noise**2
        mean = jax.scipy.linalg.cho_solve((factor, True), scaled)
        identity = jnp.eye(len(prior), dtype=prior.dtype)
        covariance = jax.scipy.linalg.cho_solve((factor, True), identity)
        evidence = scaled @ mean / 2 - jnp.log(jnp.diag(factor)).sum()
        evidence = jnp.where(jnp.isfinite(evidence), evidence, -jnp.inf)
        return prior * mean, prior * jnp.sqrt(jnp.diag(covariance)), evidence

    return jax.vmap(one)(priors)


def _cholesky(hessian, prior, noise):
    """Of the posterior precision in units of the prior."""
    identity = jnp.eye(len(prior), dtype=prior.dtype)
    return jnp.linalg.cholesky(
        prior[:, None] * hessian * prior[None] / noise**2 + identity
    )


class _State(NamedTuple):
    """Where the search stands: coefficients are those that are free."""

    trial: Array  # to be evaluated
    chosen: Array  # the prior under which the trial is the best, by its place
    prior: Array  # the same, as standard deviations
    good: Array  # the last that was accepted
    least: Array  # its negative log-posterior under that prior
    best: tuple  # gain, coefficients, std, prior, noise, converged


@partial(
    jax.jit,
    static_argnames=("orders", "only", "network", "grid", "margin", "steps", "forced"),
)
def _evidence_fit(theta0, data, *, orders, only, network, grid, margin, steps, forced):
    rule, dtype = taylor(orders), theta0.dtype
    mask = np.ones(orders.shape) if only is None else free_terms(orders, only)
    free = np.flatnonzero(mask)
    directions = np.eye(mask.size)[free].reshape(-1, *orders.shape).astype(dtype)
    count = jnp.sum(~jnp.isnan(data.activity) & data.valid[..., None]).astype(dtype)
    some = jax.tree.map(lambda leaf: leaf[:20], data)  # enough for the size of w
    scales = [scale for scale in grid if scale[0]]
    equations = partial(normal_equations, network=network, forced=forced)
    # A perfect fit has noise 0; the smallest number that can be squared will do.
    tiny = jnp.finfo(dtype).tiny ** 0.5

    def unravel(coefficients):
        flat = jnp.zeros(mask.size, dtype).at[free].set(coefficients)
        return flat.reshape(mask.shape)

    def negative_log_posterior(misfit, at, prior):
        """Without what does not depend on theta; the noise is what was left."""
        # A prior of 0 is a term left out.
        in_units = at / jnp.where(prior > 0, prior, 1)
        ratio = (misfit + count * tiny) / (of_none + count * tiny)
        return count / 2 * jnp.log(ratio) + in_units @ in_units / 2

    def step(state, _):
        at = state.trial
        hessian, gradient, misfit = equations(rule, unravel(at), directions, data)
        noise = jnp.sqrt(misfit / count + tiny)
        volume = jnp.log(jnp.diag(_cholesky(hessian, state.prior, noise))).sum()
        loss = negative_log_posterior(misfit, at, state.prior)
        sizes = _sizes(rule, unravel(at), some, network)
        priors = [first_order_prior(orders, sizes, *s).ravel()[free] for s in scales]
        priors = jnp.stack(priors).astype(dtype)
        posteriors = _posteriors(hessian, gradient + hessian @ at, priors, noise)
        evidence = posteriors[2]
        k = jnp.argmax(evidence >= evidence.max() - margin)  # the first, the simplest
        after, std = posteriors[0][k], posteriors[1][state.chosen]
        # A step must lower the negative log-posterior that it was made for.
        good = (loss <= state.least) & jnp.isfinite(jnp.stack([after, std])).all()
        settled = jnp.abs(after - at) <= 0.1 * std + 1e-3 * jnp.abs(after).max()
        found = -loss - volume, at, std, state.chosen, noise, settled.all()
        better = good & (found[0] > state.best[0]) & (state.chosen >= 0)
        best = jax.tree.map(partial(jnp.where, better), found, state.best)
        least = negative_log_posterior(misfit, at, priors[k])
        onward = _State(after, k, priors[k], at, least, best)
        back = state._replace(trial=(state.good + at) / 2, best=best)
        return jax.tree.map(partial(jnp.where, good), onward, back), None

    zero, ones = jnp.zeros((), dtype), jnp.ones(len(free), dtype)
    of_none = equations(rule, unravel(0 * ones), directions[:1], data)[-1]
    start = theta0.ravel()[free]
    none, infinite = jnp.asarray(-1), zero + jnp.inf
    best = -infinite, start, ones * infinite, none, infinite, jnp.zeros((), bool)
    state = _State(start, none, ones, start, infinite, best)
    # The start is evaluated, too.
    best = jax.lax.scan(step, state, None, length=steps + 1)[0].best
    gain, coefficients, std, chosen, noise, converged = best
    fitted = chosen >= 0
    tau, rho = jnp.array(scales, dtype)[chosen]
    # No rule at all is the simplest, where it is asked for.
    nothing = fitted & (len(scales) < len(grid)) & ~(gain > margin)
    return EvidenceFit(
        unravel(jnp.where(nothing, 0, coefficients)),
        unravel(std),
        jnp.where(nothing, 0, tau),
        jnp.where(nothing, 0, rho),
        jnp.where(nothing, jnp.sqrt(of_none / count + tiny), noise),
        gain,
        converged | nothing,
        fitted,
    )


def evidence_fit(
    orders: Orders,
    data: Experiment,
    *,
    only: Sequence[str] | None = None,
    theta0: Theta | None = None,
    network: Network = RECORDED,
    taus: Sequence[float] = TAUS,
    rhos: Sequence[float] = RHOS,
    margin: float = MARGIN,
    max_steps: int = 7,
    forced: bool = False,
) -> EvidenceFit:
    """A Taylor rule from noisy, sparse recordings: Gauss-Newton with a Gaussian prior.

    In each step the model is made linear around the present theta, the noise level is
    estimated from what is left unexplained, and for every pair (tau, rho) the posterior
    and the evidence follow in closed form. Of the pairs whose log-evidence lies within
    `margin` of the best, the first one is taken: the simplest. A step that raises the
    negative log-posterior is halved, and of all that were accepted the one with the
    largest evidence is returned. If its `gain` over no rule at all is not above
    `margin`, nothing was found: theta is zero.

    Nothing is random, so the function can be vmapped over data sets of the same shape.

    Args:
        orders: the highest power of each variable.
        data: a batch of experiments with `activity`. Set inputs that were not recorded
            to 0, their mean: their effect then counts as noise.
        only: the terms that are free; default all of them.
        theta0: where to start; default zero.
        network: what is fixed about the learner.
        taus: sizes of a first-order term to compare, simplest first; see
            `first_order_prior`. With 0 among them, that nothing is found is an answer.
        rhos: ratios of all other terms, simplest first.
        margin: in nats; 1 is odds of e to one.
        max_steps: Gauss-Newton steps.
        forced: let plasticity see the recorded activity where there is one (prediction
            one step ahead), instead of the model's own.

    Raises:
        ValueError: no activity, or an experiment without the leading batch axis.

    >>> import plastutor as pt
    >>> rule, key = pt.taylor(pt.OJA_ORDERS), jax.random.key(0)
    >>> data = pt.neural_task(key, rule, pt.OJA, n_post=5, n_experiments=20,
    ...                       n_steps=10, n_pre=20, noise=0.1)
    >>> round(float(evidence_fit(pt.OJA_ORDERS, data).noise), 2)
    0.1
    """
    if isinstance(only, str) or not (any(taus) and rhos) or max_steps < 1:
        raise ValueError(
            f"only is {only!r}, taus {taus}, rhos {rhos}, max_steps {max_steps}; "
            "expected a sequence of terms (or None), at least one tau above zero and "
            "one rho, and one step or more."
        )
    if data.activity is None or data.x.ndim != 3:
        raise ValueError(
            "evidence_fit needs a batch of experiments (a leading exp axis) with "
            f"activity; x has shape {data.x.shape} and activity is "
            f"{'missing' if data.activity is None else 'there'}."
        )
    check_experiment(data)
    theta0 = np.zeros(orders.shape) if theta0 is None else theta0
    jax.eval_shape(taylor(orders).apply, theta0, *[1.0] * 4)  # a wrong shape raises
    return _evidence_fit(
        jnp.asarray(theta0, data.x.dtype),
        data,
        orders=orders,
        only=None if only is None else tuple(only),
        network=network,
        grid=tuple((tau, rho) for rho in rhos for tau in taus),
        margin=margin,
        steps=max_steps,
        forced=forced,
    )
