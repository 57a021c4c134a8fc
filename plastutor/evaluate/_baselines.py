"""Baselines: what predicts choices or activity without a plasticity rule.

Each is a function of theta and data like any `objective`, so `fit` and `leave_one_out`
serve them as they serve a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.tree_util import Partial
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from plastutor import likelihoods
from plastutor._types import Experiment, Theta, Trajectory
from plastutor.networks import RECORDED, Network
from plastutor.objectives import Objective


def _chosen(data: Experiment) -> Float[Array, "*exp time option"]:
    """1 at the option that was chosen; all 0 where none was."""
    if data.choice is None or data.options is None:
        raise ValueError(
            "This baseline needs choices; pass options= and choice= to "
            "make_experiment, or read a table with read_choices."
        )
    made = jax.nn.one_hot(data.choice, data.options.shape[-2], dtype=data.reward.dtype)
    return made * data.valid[..., None].astype(made.dtype)


def as_options(value):
    """A trajectory in which each option has a value, for `softmax_choice`."""
    return Trajectory(None, value, option_logit=value)


def _parameters(names, theta):
    """The numbers of theta by their names."""
    if jnp.shape(theta) != (len(names),):
        raise ValueError(
            f"theta has shape {jnp.shape(theta)}; expected ({len(names)},): "
            f"{', '.join(names)}. Start from loss.predict.init(key)."
        )
    return dict(zip(names, jnp.asarray(theta), strict=True))


def check_bias(bias) -> None:
    """A bias is a number of options."""
    if isinstance(bias, float) or bias < 0:
        raise ValueError(
            f"bias is {bias!r}; expected how many options have a value of their own, "
            "such as 1 where there are two."
        )


def _biases(model) -> tuple[str, ...]:
    return tuple(f"bias {k + 1}" for k in range(model.bias))


def add_bias(value, bias):
    """Values of the options, (*any, option), with a bias of all but the first."""
    if not len(bias):
        return value
    if value.shape[-1] != len(bias) + 1:
        raise ValueError(
            f"bias is {len(bias)} and there are {value.shape[-1]} options; expected "
            f"one for each option but the first, bias={value.shape[-1] - 1}."
        )
    every = jnp.concatenate([jnp.zeros(1, bias.dtype), bias])
    return value + every.reshape(*(1,) * (value.ndim - 1), -1)


def values_by_trial(
    step: Callable, value: Callable, start: PyTree, data: Experiment
) -> Float[Array, "*exp time option"]:
    """The value of each option before each choice, from a state that choices move.

    Args:
        step: `(state, chosen, reward) -> state`; chosen (*exp, option) is 1 at what was
            chosen, reward has shape (*exp, 1). Without a choice the state stays.
        value: `state -> value` of each option, (*exp, option).
        start: the first state; leaves that end with the axes (*exp, option), or 1.
        data: choices and rewards.

    >>> import plastutor as pt
    >>> data = pt.data.choice_experiments([[0, 1, 1]], [[0.0, 1.0, 0.0]])
    >>> count = values_by_trial(lambda n, c, r: n + c, lambda n: n, jnp.zeros(2), data)
    >>> count[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    """
    dtype = jnp.result_type(*jax.tree.leaves(start))
    chosen = jnp.moveaxis(_chosen(data).astype(dtype), -2, 0)
    reward = jnp.moveaxis(data.reward.astype(dtype), -1, 0)[..., None]

    def one(state, now):
        chosen, reward = now
        after = step(state, chosen, reward)
        made = chosen.any(-1, keepdims=True)

        def moved(after, before):
            shape = *(1,) * (before.ndim - made.ndim), *made.shape
            return jnp.where(made.reshape(shape), after, before)

        return jax.tree.map(moved, after, state), value(state)

    first = jax.tree.map(
        lambda leaf: (
            jnp.zeros((*leaf.shape[:-1], *chosen.shape[1:]), leaf.dtype)
            + leaf.reshape(*leaf.shape[:-1], *(1,) * (chosen.ndim - 2), leaf.shape[-1])
        ),
        start,
    )
    return jnp.moveaxis(jax.lax.scan(one, first, (chosen, reward))[1], 0, -2)


class History(NamedTuple):
    """The value of every option from the last `lags` rewards and choices."""

    lags: int
    bias: int

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of theta are, in their order."""
        events = [
            f"{e} {k + 1}" for k in range(self.lags) for e in ("reward", "choice")
        ]
        return *events, *_biases(self)

    def init(self, key: PRNGKeyArray) -> Float[Array, " k"]:
        """Where a fit may start: at 0, since there is one optimum."""
        return jnp.zeros(len(self.names))

    def __call__(self, theta: Theta, data: Experiment) -> Trajectory:
        """What is predicted."""
        chosen, theta = _chosen(data), jnp.asarray(theta)
        _parameters(self.names, theta)
        events = jnp.stack([data.reward[..., None] * chosen, chosen], -1)
        pad = [(0, 0)] * (events.ndim - 3) + [(self.lags, 0), (0, 0), (0, 0)]
        padded, steps = jnp.pad(events, pad), events.shape[-3]
        value = jnp.zeros_like(chosen)
        weights = theta[: 2 * self.lags].reshape(self.lags, 2)
        for lag in range(1, self.lags + 1):
            past = padded[..., self.lags - lag : self.lags - lag + steps, :, :]
            value += past @ weights[lag - 1]
        return as_options(add_bias(value, theta[2 * self.lags :]))


def logistic_regression(
    lags: int = 10, *, bias: int = 0, penalty: float = 0.0
) -> Objective:
    """Regression of a choice on the last `lags` rewards and choices.

    theta has 2 * lags weights: for each lag, one for a choice that was rewarded (times
    the reward) and one for a choice. They add to the value of the option that was
    chosen then; a softmax of the values gives the next choice. There is no intercept
    unless there is a bias.
    With two options it is the logistic regression used for matching by Lau and
    Glimcher (2005); with `lags=1` it is win-stay-lose-shift.

    Args:
        lags: how many past trials are looked at.
        bias: how many options have a value of their own: all but the first, so 1 where
            there are two. Default: none.
        penalty: strength of the L2 penalty, added as penalty * sum theta^2.

    Returns:
        A loss; `loss.predict.init(key)` is a theta to start from, and
        `loss.predict.names` says what its numbers are.

    >>> float(logistic_regression(10, penalty=0.1).penalty(jnp.ones(20)).round(2))
    2.0
    """
    check_bias(bias)
    return Objective(History(lags, int(bias)), likelihoods.softmax_choice, _l2(penalty))


@lru_cache
def _l2(strength):
    return Partial(_l2_norm, strength)


def _l2_norm(strength, theta):
    return strength * (theta**2).sum()


class Learner(NamedTuple):
    """A value for each option that follows the reward, a choice kernel, biases."""

    value: bool
    forgetting: bool
    no_reward: bool
    kernel: bool
    bias: int

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of theta are, in their order."""
        there = {
            "logit alpha": self.value,
            "logit forget": self.forgetting,
            "log beta": self.value,
            "no reward": self.no_reward,
            "kernel": self.kernel,
            "logit kernel rate": self.kernel,
        }
        return *(name for name, is_there in there.items() if is_there), *_biases(self)

    def init(self, key: PRNGKeyArray) -> Float[Array, " k"]:
        """Where a fit may start."""
        return jax.random.normal(key, (len(self.names),))

    def __call__(self, theta: Theta, data: Experiment) -> Trajectory:
        """What is predicted."""
        options, theta = _chosen(data).shape[-1], jnp.asarray(theta)
        of = _parameters(self.names, theta)
        rate = {k: jax.nn.sigmoid(v) for k, v in of.items() if k.startswith("logit")}

        def step(state, chosen, reward):
            after = dict(state)
            if self.value:
                worth = reward
                if self.no_reward:
                    worth = jnp.where(reward == 0, of["no reward"], reward)
                q = state["q"]
                learned = q + rate["logit alpha"] * (worth - q)
                kept = 1 - rate["logit forget"] if self.forgetting else 1.0
                after["q"] = jnp.where(chosen > 0, learned, kept * q)
            if self.kernel:
                trace = state["trace"]
                after["trace"] = trace + rate["logit kernel rate"] * (chosen - trace)
            return after

        def value(state):
            drive = 0.0
            if self.value:
                drive += jnp.exp(of["log beta"]) * state["q"]
            if self.kernel:
                drive += of["kernel"] * state["trace"]
            return add_bias(drive, theta[len(theta) - self.bias :])

        zeros = jnp.zeros(options, theta.dtype)
        start = {"q": zeros} if self.value else {}
        start |= {"trace": zeros} if self.kernel else {}
        return as_options(values_by_trial(step, value, start, data))


def q_learning(
    *,
    forgetting: bool = True,
    no_reward: bool = False,
    kernel: bool = False,
    bias: int = 0,
) -> Objective:
    """Q-learning: a value for each option, a softmax choice.

    The chosen option's value moves toward the reward, Q += alpha (R - Q); those of the
    others decay, Q *= 1 - forget; P(k) is the softmax of beta Q_k (Ito and Doya 2009).
    theta = (logit alpha, logit forget, log beta), so that any numbers are legal.

    Args:
        forgetting: the values of options not chosen decay.
        no_reward: what no reward is worth is one more number, in units of the reward;
            else it is worth 0.
        kernel: a habit beside the values: to beta Q_k comes kernel * c_k, where the
            choice trace c_k moves toward 1 where k is chosen and toward 0 elsewhere, by
            the share `kernel rate` in each trial; two more numbers, its logit the last.
        bias: how many options have a value of their own: all but the first, so 1 where
            there are two. Default: none.

    Returns:
        A loss; `loss.predict.init(key)` draws a theta to start from, and
        `loss.predict.names` says what its numbers are.

    >>> theta = jnp.zeros(3)  # alpha = forget = 1/2, beta = 1
    >>> q_learning(forgetting=False, kernel=True).predict.names
    ('logit alpha', 'log beta', 'kernel', 'logit kernel rate')
    """
    check_bias(bias)
    learner = Learner(True, forgetting, no_reward, kernel, int(bias))
    return Objective(learner, likelihoods.softmax_choice, None)


def choice_kernel(*, bias: int = 0) -> Objective:
    """A habit and nothing else: what was chosen lately is chosen again.

    theta = (kernel, logit kernel rate); see `q_learning`. Rewards play no part, so that
    what beats this can have used them.

    Args:
        bias: how many options have a value of their own, as in `q_learning`.

    >>> choice_kernel(bias=1).predict.names
    ('kernel', 'logit kernel rate', 'bias 1')
    """
    check_bias(bias)
    learner = Learner(False, False, False, True, int(bias))
    return Objective(learner, likelihoods.softmax_choice, None)


def fixed_weights(network: Network = RECORDED) -> Objective:
    """Recorded activity without plasticity: weights that never change.

    theta are the weights (pre, post), the same in all experiments. What beats this can
    have learned; what only beats weights drawn at random need not have.

    Args:
        network: its activation gives the activity from x @ theta.

    >>> import plastutor as pt
    >>> one = pt.make_experiment([[0.0]], w0=[[0.0]], activity=[[0.5]])
    >>> float(fixed_weights()(jnp.zeros((1, 1)), one))
    0.0
    """
    return Objective(_fixed(network), likelihoods.activity, None)


@lru_cache
def _fixed(network: Network) -> Callable:
    def predict(theta, data):
        return Trajectory(None, network.activation(data.x @ theta))

    return predict
