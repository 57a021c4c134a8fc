"""Losses: how far a simulated life is from the data. Small is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from plastutor.simulate import simulate
from plastutor.trials import logits_by_trial
from plastutor.types import RECORDED, Experiment, Network, Rule, Theta, Trajectory

__all__ = [
    "Objective",
    "accept_loss",
    "activity_loss",
    "choice_loss",
    "choice_probability",
    "l1",
    "objective",
]


def _masked_mean(values, mask):
    """Mean of values where mask is True; the others may hold anything, even NaN."""
    return jnp.sum(jnp.where(mask, values, 0)) / jnp.sum(mask)


def _needed(value, name: str, loss: str):
    if value is None:
        raise ValueError(
            f"{loss} needs {name}, and this experiment has none; pass {name}=... to "
            "make_experiment, or use the loss that fits your data: activity_loss, "
            "accept_loss or choice_loss."
        )
    return value


def activity_loss(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean squared error of the activity, over what was recorded.

    L = mean over recorded (step, neuron) of (o - y)^2, in squared units of activity.
    Mehta et al. (2024) use the same with the sum in place of the mean.

    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment([[1.0]], w0=[[0.0]], activity=[[0.5]])
    >>> round(float(activity_loss(Trajectory(None, jnp.array([[0.7]])), e)), 3)
    0.04
    """
    activity = _needed(experiment.activity, "activity", "activity_loss")
    recorded = ~jnp.isnan(activity) & experiment.valid[..., None]
    error = trajectory.y - jnp.where(recorded, activity, 0)
    return _masked_mean(error**2, recorded)


def accept_loss(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean negative log-likelihood of accepting or rejecting, in nats a presentation.

    L = -mean over valid presentations of a log p + (1 - a) log(1 - p), with
    p = sigmoid(logit). Padding does not count.

    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment([[1.0]], w0=[[0.0]], accept=[1.0], reward=[0.0])
    >>> life = Trajectory(None, jnp.zeros((1, 1)), logit=jnp.zeros(1))
    >>> round(float(accept_loss(life, e)), 3)
    0.693
    """
    accept = _needed(experiment.accept, "accept", "accept_loss")
    logit = trajectory.logit
    if logit is None:
        raise ValueError(
            "accept_loss needs a network with a read-out: BEHAVIOUR or FLY."
        )
    seen = ~jnp.isnan(accept) & experiment.valid
    sign = jnp.where(seen, 2 * accept - 1, 0)
    return _masked_mean(-jax.nn.log_sigmoid(sign * logit), seen)


def choice_probability(option_logit: Float[Array, "*any option"]):
    """The probability that each option is the one finally accepted.

    Options are presented at random, each equally often, until one is accepted, with
    probability p_k = sigmoid(logit_k). Then P(k) = p_k / sum_j p_j, whatever was
    rejected before. That is exact when p does not change within a trial and the
    stimuli carry no noise.

    >>> [float(p) for p in choice_probability(jnp.zeros(2))]
    [0.5, 0.5]
    """
    return jax.nn.softmax(jax.nn.log_sigmoid(option_logit), axis=-1)


def choice_loss(trajectory: Trajectory, experiment: Experiment) -> Float[Array, ""]:
    """Mean negative log-likelihood of the choices, in nats a choice.

    L = -mean over choices of log P(choice), see `choice_probability`. It needs only
    what was finally chosen.

    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment([[1.0, 0.0]], w0=jnp.zeros((2, 1)), reward=[0.0],
    ...                     options=jnp.eye(2), choice=[0])
    >>> life = Trajectory(None, jnp.zeros((1, 1)), option_logit=jnp.zeros((1, 2)))
    >>> round(float(choice_loss(life, e)), 3)
    0.693
    """
    choice = _needed(experiment.choice, "choice", "choice_loss")
    logit = _needed(trajectory.option_logit, "options", "choice_loss")
    log_p = jax.nn.log_softmax(jax.nn.log_sigmoid(logit), axis=-1)
    chosen = jax.nn.one_hot(choice, logit.shape[-1], dtype=logit.dtype)
    return _masked_mean(-jnp.sum(log_p * chosen, -1), (choice >= 0) & experiment.valid)


def l1(strength: float) -> Callable[[Theta], Float[Array, ""]]:
    """A penalty that prefers few terms: strength * sum |theta|.

    >>> float(l1(0.5)(jnp.array([1.0, -2.0])))
    1.5
    """

    def penalty(theta):
        sums = [jnp.abs(leaf).sum() for leaf in jax.tree.leaves(theta)]
        return strength * jnp.stack(sums).sum()

    return penalty


@dataclass(frozen=True)  # jax.jit(loss) needs a weak reference: no tuple has them
class Objective:
    """A loss as a function of theta and data: simulate, compare, penalise.

    Attributes:
        predict: `(theta, data) -> Trajectory`.
        data_loss: `(Trajectory, data) -> scalar`.
        penalty: `theta -> scalar`, or None.
        forward: `predict` for forward-mode derivatives, if it needs another form.
        rule: the rule that theta belongs to, if there is one.
        network: the network that lives by it.
    """

    predict: Callable
    data_loss: Callable
    penalty: Callable | None
    forward: Callable | None = None
    rule: Rule | None = None
    network: Network | None = None

    def __call__(self, theta: Theta, data: Experiment) -> Float[Array, ""]:
        """The loss of theta on the data."""
        loss = self.data_loss(self.predict(theta, data), data)
        return loss if self.penalty is None else loss + self.penalty(theta)


def objective(
    rule: Rule,
    data_loss: Callable,
    *,
    network: Network = RECORDED,
    penalty: Callable | None = None,
    trials: int | None = None,
) -> Objective:
    """The function of theta that `fit` makes small.

    Args:
        rule: the plasticity rule whose theta is sought.
        data_loss: activity_loss, accept_loss, choice_loss, or one of your own.
        network: what is fixed about the learner.
        penalty: a function of theta that is added, such as l1(1e-2).
        trials: for accept_loss: the most trials that an animal completed; where one
            went on, the loss is NaN. The same loss, sooner: a scan over trials, and
            not over every odour presented.

    Returns:
        `loss(theta, data)`, a mean over all that was observed in a batch.

    >>> from plastutor.rules import OJA, OJA_ORDERS, taylor
    >>> from plastutor.tasks import neural_task
    >>> rule = taylor(OJA_ORDERS)
    >>> data = neural_task(jax.random.key(0), rule, OJA, n_experiments=2, n_post=3)
    >>> float(objective(rule, activity_loss)(OJA, data))
    0.0
    """

    def predict_by(rule, **how):
        def predict(theta, data):
            if trials is None:
                return simulate(rule, theta, data, network=network, keep_weights=False)
            if data.x.ndim == 3:
                return jax.vmap(lambda one: predict(theta, one))(data)
            return logits_by_trial(
                rule, theta, data, network=network, trials=trials, **how
            )

        return predict

    forward = None
    if rule.forward is not None or trials is not None:
        ahead = rule._replace(update=rule.forward or rule.update)
        forward = predict_by(ahead, **({} if trials is None else {"forward": True}))
    return Objective(predict_by(rule), data_loss, penalty, forward, rule, network)
