"""A likelihood: one kind of data, and all that the rooms above ask of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from plastutor._types import Experiment, Trajectory


@dataclass(frozen=True)
class Likelihood:
    """One kind of data: where it stands, what predicts it, and how well.

    Calling it gives the mean loss, in nats an observation, over what was observed in
    the valid steps. Simulation, gradients, Gauss-Newton, information, scores and
    held-out predictions ask nothing else of a kind of data, so that one of your own
    goes everywhere. Counts of spikes, for example, with y as their expected number:

    >>> poisson = Likelihood(
    ...     "activity", lambda made: made.y, lambda y, k: y - k * jnp.log(y)
    ... )
    >>> import plastutor as pt
    >>> e = pt.make_experiment([[1.0]], w0=[[0.0]], activity=[[2.0]])
    >>> float(poisson(Trajectory(None, jnp.array([[1.0]])), e))
    1.0

    Attributes:
        field: where an `Experiment` holds the observations. What is NaN there, or below
            zero if they are whole numbers, was not observed.
        predict: `Trajectory -> prediction`, on a scale without bounds if there is one.
        loss: `(prediction, observed) -> -log p` of each observation, up to a constant.
            What was not observed is passed as 0, and its loss is not looked at.
        sample: `(key, prediction) -> observed`, or None.
        whiten: `(prediction, tangents, observed) -> (residuals, tangents)` of one step
            in units of the standard deviation of an observation, tangents with a first
            axis of k. Default, for a loss of each number by itself: from its first two
            derivatives.
        has_noise: the loss is the squared error, of measurements whose noise is
            Gaussian and of unknown size.
    """

    field: str
    predict: Callable
    loss: Callable
    sample: Callable | None = None
    whiten: Callable | None = None
    has_noise: bool = False

    def observed(
        self, experiment: Experiment
    ) -> tuple[Float[Array, "*any"] | Int[Array, "*any"], Bool[Array, "*any"]]:
        """The observations, 0 where there are none, and where there are some.

        Raises:
            ValueError: the experiment has no such observations.
        """
        values = getattr(experiment, self.field)
        if values is None:
            raise ValueError(
                f"pt.{self.field} needs {self.field}, and this experiment has none; "
                f"pass {self.field}=... to make_experiment, or use the likelihood that "
                "fits your data: pt.activity, pt.accept or pt.choice."
            )
        values, valid = jnp.asarray(values), jnp.asarray(experiment.valid)
        floats = jnp.issubdtype(values.dtype, jnp.floating)
        there = ~jnp.isnan(values) if floats else values >= 0
        there &= valid.reshape(*valid.shape, *(1,) * (there.ndim - valid.ndim))
        return jnp.where(there, values, 0), there

    def prediction(self, trajectory: Trajectory) -> Float[Array, "*any"]:
        """What is predicted.

        Raises:
            ValueError: the network makes no such prediction.
        """
        found = self.predict(trajectory)
        if found is None:
            raise ValueError(
                f"pt.{self.field} needs a network with a read-out, BEHAVIOUR or FLY"
                + (", and options." if self.field == "choice" else ".")
            )
        return found

    def sums(
        self, trajectory: Trajectory, experiment: Experiment
    ) -> tuple[Float[Array, ""], Int[Array, ""]]:
        """The sum of the losses, and their number: data may come piece by piece."""
        observed, there = self.observed(experiment)
        losses = self.loss(self.prediction(trajectory), observed)
        return jnp.sum(jnp.where(there, losses, 0)), jnp.sum(there)

    def __call__(
        self, trajectory: Trajectory, experiment: Experiment
    ) -> Float[Array, ""]:
        """The mean loss of what was observed."""
        total, count = self.sums(trajectory, experiment)
        return total / count.astype(total.dtype)

    def whitened(
        self,
        prediction: Float[Array, "*any"],
        tangents: Float[Array, " k *any"],
        experiment: Experiment,
    ) -> tuple[Float[Array, " n"], Float[Array, "k n"], Int[Array, ""]]:
        """Residuals, tangents and the number of observations, for Fisher information.

        Args:
            prediction: of one step.
            tangents: its derivatives along k directions.
            experiment: in this step.

        Returns:
            Both in units of the standard deviation of an observation (of noise: 1),
            and 0 where nothing was observed. The information is a sum of squares of the
            tangents, the gradient of the log-likelihood that of their products with the
            residuals.
        """
        observed, there = self.observed(experiment)
        whiten = self.whiten or self._by_derivatives
        residuals, tangents = whiten(prediction, tangents, observed)
        shape = *there.shape, *(1,) * (residuals.ndim - there.ndim)
        known = jnp.broadcast_to(there.reshape(shape), residuals.shape)
        tangents = jnp.where(known[None], tangents, 0).reshape(len(tangents), -1)
        return jnp.where(known, residuals, 0).ravel(), tangents, jnp.sum(there)

    def _by_derivatives(self, prediction, tangents, observed):
        gradient = jax.grad(lambda u: self.loss(u, observed).sum())
        first, second = jax.jvp(gradient, (prediction,), (jnp.ones_like(prediction),))
        root = jnp.sqrt(jnp.maximum(second, jnp.finfo(second.dtype).tiny))
        return -first / root, tangents * root[None]


def sample(
    likelihood: Likelihood, key: PRNGKeyArray, trajectory: Trajectory
) -> Float[Array, "*any"] | Int[Array, "*any"]:
    """New observations, drawn as the likelihood says they come about.

    With noise (`has_noise`) the standard deviation is 1; scale the difference.

    Raises:
        ValueError: the likelihood does not say how to draw.

    >>> import plastutor as pt
    >>> sure = Trajectory(None, jnp.zeros((1, 1)), logit=jnp.array([50.0]))
    >>> sample(pt.accept, jax.random.key(0), sure).tolist()
    [1.0]
    """
    if likelihood.sample is None:
        raise ValueError(
            f"This likelihood of {likelihood.field} has no sample=; give it one, "
            "(key, prediction) -> observed, to draw from it."
        )
    return likelihood.sample(key, likelihood.prediction(trajectory))
