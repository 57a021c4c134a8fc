"""Populations: one rule for all animals, one for each, and what lies between."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.scipy.special import logsumexp
from jaxtyping import Float, PRNGKeyArray
from scipy import stats

from plastutor._cohorts import Cohort, as_cohort
from plastutor._types import Experiment, Fit, Theta
from plastutor.evaluate._held_out import count_observations
from plastutor.infer import (
    GaussNewton,
    damped_step,
    fit_many,
    free_coefficients,
    free_directions,
    gauss_newton_terms,
)
from plastutor.objectives import Objective

MIN_SPREAD = 1e-6  # as a share of the first guess


class Population(NamedTuple):
    """Animals whose rules are drawn around a common mean.

    Attributes:
        mean: the theta of the population.
        spread: standard deviation between animals of each coefficient that is free,
            in the order of `free`.
        thetas: the theta of each animal, with a leading axis.
        free: indices of these coefficients in the row that theta makes.
        moved: how far the last iteration moved the mean, in standard deviations
            between animals; above 0.1 more steps are needed.
    """

    mean: Theta
    spread: Float[np.ndarray, " k"]
    thetas: Theta
    free: tuple[int, ...]
    moved: float


def _positive(matrix):
    """The same matrix with its eigenvalues made positive."""
    size, directions = jnp.linalg.eigh(matrix)
    return (directions * jnp.abs(size)[..., None, :]) @ directions.mT


@partial(jax.jit, static_argnames=("loss",))
def _information(loss, theta, data, counts):
    """The gradient and the Gauss-Newton matrix of each animal's summed loss."""
    _, directions = free_directions(loss, theta)
    _, gradients, matrices = jax.vmap(
        lambda animal: gauss_newton_terms(loss, theta, directions, animal)
    )(data)
    return counts[:, None] * gradients, counts[:, None, None] * matrices


def _prior(z):
    return (z**2).sum() / 2


@partial(jax.jit, static_argnames=("loss", "max_steps"))
def _expectation_maximisation(loss, max_steps, theta, data, counts, matrices):
    flat, unravel = ravel_pytree(theta)
    free = jnp.array(free_coefficients(loss, theta))

    def theta_of(v):
        return unravel(flat.at[free].set(v))

    def posterior(v, damping, mean, variance, animal, count):
        """A step to the animal's own best theta, and the posterior variance."""
        # In units of the spread: there the prior is the same for every coefficient.
        std = jnp.sqrt(variance)

        def predict(z, animal):
            return (loss.forward or loss.predict)(theta_of(mean + std * z), animal)

        def likelihood(predicted, animal):
            return count * loss.likelihood(predicted, animal)

        own = Objective(predict, likelihood, _prior)
        one = jnp.eye(len(v), dtype=v.dtype)
        z, slack = (v - mean) / std, 8 * float(jnp.finfo(v.dtype).eps)
        made = damped_step(own, z, one, damping, animal, slack=slack)
        units = jnp.outer(std, std)
        precision = units * _positive((made.matrix - one) / units) + one
        uncertainty = variance * jnp.diag(jnp.linalg.inv(precision))
        return mean + std * made.theta, made.damping, uncertainty

    def iterate(state, _):
        each, damping, mean, variance = state
        each, damping, uncertainty = jax.vmap(posterior, (0, 0, None, None, 0, 0))(
            each, damping, mean, variance, data, counts
        )
        after = each.mean(0)
        moved = jnp.abs((after - mean) / jnp.sqrt(variance)).max()
        variance = ((each - after[None]) ** 2 + uncertainty).mean(0)
        return (each, damping, after, jnp.maximum(variance, least)), moved

    # The first guess of the spread: the variance of a fit to one animal alone.
    information = jnp.diag(_positive(matrices).mean(0))
    guess = 1 / jnp.where(information > 0, information, 1)
    least = MIN_SPREAD**2 * guess
    mean = flat[free]
    each = jnp.broadcast_to(mean, (len(counts), len(mean)))
    damping = jnp.broadcast_to(GaussNewton().init(theta), len(counts))
    start = each, damping, mean, guess
    (each, _, mean, variance), moved = jax.lax.scan(iterate, start, None, max_steps)
    return theta_of(mean), jnp.sqrt(variance), jax.vmap(theta_of)(each), moved[-1]


def fit_population(
    loss: Objective,
    theta: Theta,
    data: Experiment | Cohort,
    *,
    max_steps: int = 60,
) -> Population:
    """Fit each animal's theta and the population that it is drawn from, together.

    Each free coefficient of an animal is drawn from a normal distribution whose mean
    and standard deviation are those that make the data most likely (empirical Bayes;
    the likelihood of an animal is taken as a Gaussian around its best theta, Laplace's
    approximation, in an expectation-maximisation as in Huys et al. 2011). An animal
    about which the data say little stays close to the mean.

    Args:
        loss: made by `objective`, with a loss that is a mean over choices; a penalty
            is left out, for the population takes its place.
        theta: where to start; the fit to all animals together.
        data: a cohort, or a batch with one experiment an animal.
        max_steps: of the expectation-maximisation.

    >>> import plastutor as pt
    >>> draw = np.random.default_rng(0)
    >>> choice, loss = draw.integers(0, 2, (5, 30)), pt.evaluate.logistic_regression(1)
    >>> data = pt.data.choice_experiments(choice, np.ones((5, 30)))
    >>> fit_population(loss, jnp.zeros(2), data).thetas.shape
    (5, 2)
    """
    data = as_cohort(data).by_animal
    counts = count_observations(data)
    _, matrices = _information(loss, theta, data, counts)
    found = _expectation_maximisation(loss, max_steps, theta, data, counts, matrices)
    mean, spread, thetas, moved = jax.tree.map(np.asarray, found)
    free = free_coefficients(loss, theta)
    return Population(mean, spread, thetas, free, float(moved))


@partial(jax.jit, static_argnames=("loss",))
def _summed_losses(loss, thetas, data, counts):
    """The summed loss of every theta on every animal: (theta, animal)."""

    def of_theta(theta):
        return jax.vmap(lambda animal: loss(theta, animal))(data)

    # Not all at once: each simulates every animal.
    values = counts[None] * jax.lax.map(of_theta, thetas, batch_size=64)
    return jnp.where(jnp.isfinite(values), values, jnp.inf)


def predictive_losses(
    key: PRNGKeyArray,
    loss: Objective,
    population: Population,
    data: Experiment | Cohort,
    *,
    given: Experiment | Cohort | None = None,
    n_samples: int = 2000,
) -> Float[np.ndarray, " animal"]:
    """The loss of each new animal, when its own theta is not known but learned.

    Before each choice, what is known of the animal's theta is the population and the
    animal's own choices so far. The product of these predictions is the likelihood
    averaged over the population, -log mean_k exp(-loss(theta_k)), here over `n_samples`
    draws.

    Args:
        key: a JAX random key.
        loss: as for the fit.
        population: from `fit_population`, of other animals or earlier choices.
        data: what is predicted, a cohort or a batch with one experiment an animal.
        given: what is known of the same animals before that, such as the first part
            from `split_in_time`.
        n_samples: draws from the population.

    Returns:
        Summed losses, one an animal, in nats.
    """
    flat, unravel = ravel_pytree(population.mean)
    free = jnp.array(population.free)
    draws = jr.normal(key, (n_samples, len(free)), flat.dtype) * population.spread[None]
    thetas = jax.vmap(lambda draw: unravel(flat.at[free].add(draw)))(draws)

    def losses(data):
        data = as_cohort(data).by_animal
        return _summed_losses(loss, thetas, data, count_observations(data))

    before = 0.0 if given is None else losses(given)
    known = jnp.log(n_samples) if given is None else logsumexp(-before, axis=0)
    return np.asarray(known - logsumexp(-(before + losses(data)), axis=0))


# --- one theta for all, and how sure it is --------------------------------------------


@jax.jit
def _sandwich(gradients, matrices):
    inverse = jnp.linalg.inv(_positive(matrices.sum(0)))
    return inverse @ (gradients.T @ gradients) @ inverse


def cluster_robust_interval(
    loss: Objective,
    theta: Theta | list[Theta],
    data: Experiment | Cohort,
    *,
    level: float = 0.95,
) -> tuple[np.ndarray, np.ndarray]:
    """Intervals over animals, or over experiments: for a fit to all, which may differ.

    The spread of the animals' own gradients g at the fit says how far another cohort
    would have moved it: the covariance is H^-1 (sum of g g^T) H^-1 with the
    Gauss-Newton matrix H (the cluster-robust "sandwich" of Liang and Zeger 1986). With
    m animals and k coefficients it is taken times m / (m - k), and Student's t has
    m - k degrees of freedom: with few animals the plain one is too narrow.

    Of recorded activity each experiment counts as an animal. What neurons share within
    an experiment, such as noise, widens the interval as it should, where `laplace`
    takes every residual as independent; `pt.evaluate.uncertainty.residual_correlation`
    says whether they are. Experiments must be independent, and several times as many as
    coefficients: with 20 of them and 12 coefficients an interval says little.

    It is an interval around one optimum, which tells nothing of another one. Where
    `fit_restarts` names several, pass the thetas of all (`pt.infer.distinct_optima`): a
    coefficient is known only as far as their intervals agree.

    Args:
        loss: made by `objective`, with a loss that is a mean over choices or over
            recorded activity; a penalty is left out.
        theta: the best fit; or a list of several optima.
        data: what was fitted, a cohort or a batch with one experiment an animal.
        level: what the interval should cover.

    Returns:
        The lower and the upper ends of the free coefficients, in the order of theta;
        of several optima with a leading axis, (optimum, k).

    Raises:
        ValueError: no more animals than coefficients, or an empty list.

    >>> import plastutor as pt
    >>> rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    >>> data = pt.neural_task(
    ...     jr.key(0), rule, pt.OJA, n_experiments=9, n_post=3, noise=0.1
    ... )
    >>> loss = pt.objective(rule, pt.activity)
    >>> low, high = cluster_robust_interval(loss, pt.OJA, data)
    >>> bool(low[1] < 1 < high[1])
    True
    """
    if isinstance(theta, list):
        if not theta:
            raise ValueError(
                "The list of thetas is empty; expected one or several optima, such as "
                "[fit.theta for fit in pt.infer.distinct_optima(loss, fits, data)]."
            )
        every = [cluster_robust_interval(loss, one, data, level=level) for one in theta]
        low, high = (np.stack(ends) for ends in zip(*every, strict=True))
        return low, high
    free = free_coefficients(loss, theta)
    cohort = as_cohort(data)
    data, n_animals = cohort.by_animal, cohort.n_animals
    spare = n_animals - len(free)
    if spare < 1:
        raise ValueError(
            f"There are {n_animals} animals for {len(free)} coefficients; an "
            "interval over animals needs more animals than coefficients."
        )
    counts = count_observations(data)
    of_each = _information(loss, theta, data, counts)
    covariance = np.asarray(_sandwich(*of_each))
    std = np.sqrt(np.diag(covariance) * n_animals / spare)
    half = stats.t.ppf((1 + level) / 2, spare) * std
    mean = np.asarray(ravel_pytree(theta)[0])[list(free)]
    return mean - half, mean + half


def bootstrap_fits(
    key: PRNGKeyArray,
    loss: Objective,
    theta: Theta,
    data: Experiment | Cohort,
    *,
    n_samples: int = 200,
    **how: Any,
) -> list[Fit]:
    """Fits to resampled cohorts: animals drawn with replacement.

    Args:
        key: a JAX random key.
        loss: made by `objective`.
        theta: the best fit to all; every fit begins there.
        data: a cohort, or a batch with one experiment an animal.
        n_samples: cohorts.
        **how: optimizer and max_steps, as for `fit_many`.
    """
    data = as_cohort(data).by_animal
    shape = n_samples, data.x.shape[0]
    draws = jr.randint(key, shape, 0, shape[1])
    cohorts = jax.tree.map(
        lambda leaf: leaf[draws].reshape(n_samples, -1, *leaf.shape[2:]), data
    )
    starts = jax.tree.map(
        lambda leaf: jnp.stack([jnp.asarray(leaf)] * n_samples), theta
    )
    return fit_many(loss, starts, cohorts, data_axes=0, **how)
