"""The objective: simulate, compare with the data, penalise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from jaxtyping import Array, Float

from plastutor._devices import in_groups
from plastutor._experiments import check_experiment, one_precision
from plastutor._simulate import simulate
from plastutor._types import Rule, Rules, Theta, as_rules
from plastutor.gradients import logits_by_trial, mean_loss
from plastutor.likelihoods import Likelihood
from plastutor.networks import RECORDED, AnyNetwork, Forced


@dataclass(frozen=True)  # jax.jit(loss) needs a weak reference: no tuple has them
class Objective:
    """A loss as a function of theta and data: simulate, compare, penalise.

    Attributes:
        predict: `(theta, data) -> Trajectory`.
        likelihood: `(Trajectory, data) -> scalar`, to be made small.
        penalty: `theta -> scalar`, or None.
        forward: `predict` for forward-mode derivatives, if it needs another form.
        rule: the rule that theta belongs to, if there is one.
        network: the network that learns by it.
        mean: `(theta, data) -> scalar`, the same loss without a trajectory in between,
            if there is such a way.
        gradient: "reverse", "forward" or "local"; see `objective`.
    """

    predict: Callable
    likelihood: Callable
    penalty: Callable | None
    forward: Callable | None = None
    rule: Rule | Rules | None = None
    network: AnyNetwork | None = None
    mean: Callable | None = None
    gradient: str = "reverse"

    def __call__(self, theta: Theta, data: Any) -> Float[Array, ""]:
        """The loss of theta on the data."""
        if self.mean is None:
            loss = self.likelihood(self.predict(theta, data), data)
        else:
            loss = self.mean(theta, data)
        return loss if self.penalty is None else loss + self.penalty(theta)


def objective(
    rule: Rule | Mapping[str, Rule],
    likelihood: Callable,
    *,
    network: AnyNetwork = RECORDED,
    penalty: Callable | None = None,
    trials: int | None = None,
    gradient: str = "reverse",
    forced: bool = False,
) -> Objective:
    """The function of theta that `fit` makes small.

    Its gradient can be found in three ways. "reverse" goes back through the experiment;
    it keeps the weights before each of about sqrt(time) blocks, and repeats a block
    when it comes to it. "forward" carries the sensitivity of the weights to each of the
    k parameters along, k times the weights, whatever the length: the same gradient, for
    about k times the work of a simulation. "local" does so with what a synapse itself
    has. It is an approximation wherever dw depends on the activity that the weights
    make, so with choices that pass a hidden layer as well; see `gradients.advance`.

    Args:
        rule: the plasticity rule whose theta is sought; or a mapping from projections
            of the network to rules.
        likelihood: pt.activity, pt.accept, pt.choice, or a `Likelihood` of your own;
            or any function of trajectory and data, which is then all that is known.
        network: what is fixed about the learner.
        penalty: a function of theta that is added, such as l1(1e-2).
        trials: for pt.accept: the most trials that an animal completed; where one
            went on, the loss is NaN. The same loss, sooner: a scan over trials, and
            not over every odour presented.
        gradient: "reverse", "forward" or "local". Gauss-Newton has a way of its own.
        forced: let plasticity see the recorded activity where there is one (teacher
            forcing), as in `simulate`; `loss.network` then does so wherever it goes.

    Returns:
        `loss(theta, data)`, a mean over all that was observed in a batch. The same
        arguments give the same loss, so that JAX need not compile it again.

    Raises:
        ValueError: an unknown gradient; or one that is not reverse, with trials or with
            a plain function as likelihood; or trials that are forced.

    >>> import jax
    >>> import plastutor as pt
    >>> rule, key = pt.taylor(pt.OJA_ORDERS), jax.random.key(0)
    >>> data = pt.neural_task(key, rule, pt.OJA, n_experiments=2, n_post=3)
    >>> float(objective(rule, pt.activity)(pt.OJA, data))
    0.0
    """
    if forced and trials is not None:
        raise ValueError(
            "forced=True shows plasticity the recorded activity, and trials= is for "
            "choices, which have none; leave one of them out."
        )
    network = Forced(network) if forced else network
    bare = _objective(as_rules(rule), likelihood, network, trials, gradient)
    return replace(bare, penalty=penalty)


@lru_cache  # the same functions each time, whatever the penalty
def _objective(rule, likelihood, network, trials, gradient) -> Objective:
    def predict_by(rule, forward=False):
        def predict(theta, data):
            if trials is None:
                return simulate(rule, theta, data, network=network, keep_weights=False)
            if data.x.ndim == 3:
                return in_groups(partial(predict, theta), data)
            how = {"network": network, "trials": trials, "forward": forward}
            return logits_by_trial(rule, theta, data, **how)

        return predict

    forward = None
    if rule.forward_mode != rule or trials is not None:
        forward = predict_by(rule.forward_mode, forward=True)
    parts = predict_by(rule), likelihood, None, forward, rule, network
    if trials is not None or not isinstance(likelihood, Likelihood):
        if gradient != "reverse":
            raise ValueError(
                f"gradient={gradient!r} needs a pt.Likelihood, such as pt.activity, "
                "pt.accept or pt.choice, without trials; leave it out for gradients "
                "through anything else."
            )
        return Objective(*parts)
    mean = mean_loss(rule, network, likelihood.sums, gradient)

    def checked(theta, data):
        check_experiment(data)
        return mean(*one_precision(theta, data))

    return Objective(*parts, checked, gradient)
