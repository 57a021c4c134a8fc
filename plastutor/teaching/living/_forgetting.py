"""Forgetting -> choices: flies whose better odour changes, with the same luck."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import PRNGKeyArray

from plastutor._types import Experiment
from plastutor.likelihoods import choice_probability
from plastutor.networks import FLY, accept_logit
from plastutor.rules import Orders, taylor, terms
from plastutor.teaching.living._figure import Axes, Living, Series, Slider, frame, ticks

INPUT, BLOCKS, TRIALS = 0.75, ((0.2, 0.8), (0.9, 0.1), (0.2, 0.8)), 80
FLY_ORDERS = Orders(x=1, w=1, r=1)
DECAY, LEARNING = 0.2, 2.0  # what is shown first


def forgetting(key: PRNGKeyArray, *, n_flies: int = 20) -> Living:
    """Choices of flies that learn by dw = learning * x r - forgetting * w.

    The task has 240 trials with baited rewards, whose probabilities change twice
    (Mehta et al. 2024, appendix A.4). Every value of the sliders meets the same luck.
    The first weights are zero and the stimuli have no noise, so that the odour finally
    chosen can be drawn from `choice_probability`; rejected odours are not simulated.

    Args:
        key: a JAX random key.
        n_flies: 1 to 40.

    Raises:
        ValueError: there are too many flies, or none.

    >>> len(forgetting(jr.key(0), n_flies=2).data["flies"])
    2
    """
    if not 1 <= n_flies <= 40:
        raise ValueError(f"n_flies is {n_flies}; expected 1 to 40.")
    luck, bait = draw_luck(key, n_flies)
    chance, choice, reward = forage(luck, bait, decay=DECAY, learning=LEARNING)
    without = forage(luck, bait, decay=0.0, learning=LEARNING)
    axes = Axes(x=(0, len(BLOCKS) * TRIALS), y=(-0.15, 1.15))
    flies = "1 fly" if n_flies == 1 else f"{n_flies} flies"
    rewards = reward.mean(), without[2].mean()
    return Living(
        data={
            "kind": "forgetting",
            "axes": axes.spec(),
            "input": INPUT,
            "window": FLY.window,
            "flies": [pack(*each) for each in zip(luck, bait, strict=True)],
        },
        alt="The probability that flies choose odour A, over 240 trials in which the "
        "better odour changes twice: with forgetting, without it, and for flies that "
        "learn nothing; ticks at the top and bottom mark the choices of one fly.",
        svg=frame(
            axes,
            "trial",
            "P(A), choosing odour A",
            ticks(0, 80, 160, 240),
            ticks(0, 0.5, 1),
        ),
        series=_series(axes, chance, choice, reward, without[0]),
        controls=[
            Slider("forgetting", "forgetting", 0, 0.8, 0.01, DECAY),
            Slider("learning", "learning", 0, 4, 0.25, LEARNING),
            Slider("flies", "flies", 1, n_flies, 1, n_flies),
        ],
        status=f"A weight loses {50 * DECAY:.1f} % in each trial. Rewards in a trial, "
        f"mean of {flies}: {rewards[0]:.2f}; without forgetting {rewards[1]:.2f}.",
    )


def _series(axes: Axes, chance, choice, reward, chance_without) -> list[Series]:
    """P(A) over trials, what was baited, and ticks for the choices of the first fly."""
    over = lambda values: axes.line(np.stack([np.arange(len(values)), values], 1))
    share = [a / (a + b) for a, b in BLOCKS]
    edges = [(TRIALS * (k + e), s) for k, s in enumerate(share) for e in (0, 1)]

    def marks(paid, height):
        """Upwards from the top for odour A, downwards from the bottom for B."""
        return "".join(
            axes.marks([(t, 1 - took)], -height if took else height)
            for t, took in enumerate(choice[0])
            if reward[0, t] == paid
        )

    nothing, without = over(np.full(choice.shape[1], 0.5)), over(chance_without.mean(0))
    return [
        Series("nothing", "null", nothing, "does nothing"),
        Series("share", "truth dotted", axes.line(edges), "A's share of the baits"),
        Series("with-forgetting", "model", over(chance.mean(0)), "with forgetting"),
        Series("without-forgetting", "model dashed", without, "without"),
        Series("rewarded", "data tick", marks(1, 14), "first fly, rewarded"),
        Series("unrewarded", "null tick", marks(0, 7), "not rewarded"),
    ]


def draw_luck(key: PRNGKeyArray, n_flies: int):
    """The random numbers of each fly, in (0, 1), and where baits of A and B are put.

    The numbers have 12 bits, so that three hexadecimal digits hold one.
    """
    key_luck, key_bait = jr.split(key)
    probability = np.repeat(np.array(BLOCKS), TRIALS, 0)
    shape = (n_flies, *probability.shape)
    bits = np.asarray(jr.randint(key_luck, shape[:2], 0, 4096, "int32"))
    bait = np.asarray(jr.uniform(key_bait, shape, "float32")) < probability
    return (bits + 0.5) / 4096, bait


def pack(luck, bait) -> str:
    """One fly's luck as text, four hexadecimal digits a trial; see living.js."""
    bits = np.round(luck * 4096 - 0.5).astype(int)
    return "".join(
        f"{b:03x}{a_bait + 2 * b_bait:x}"
        for b, (a_bait, b_bait) in zip(bits, bait.astype(int), strict=True)
    )


@jax.jit
@partial(jax.vmap, in_axes=(None, 0, 0))
def _forage(theta, luck, bait):
    rule, options = taylor(FLY_ORDERS), INPUT * jnp.eye(2)
    following = jnp.concatenate([bait[1:], bait[-1:]])

    def step(carry, now):
        state, there = carry
        luck, fresh = now
        chance = choice_probability(accept_logit(FLY, options, state.w))[0]
        choice = (luck >= chance).astype(int)
        reward = there[choice].astype(luck.dtype)
        x, always = options[choice], jnp.array(True)
        state = FLY.step(
            rule, theta, state, Experiment(x, reward, always, always, None)
        )
        there = (there & (jnp.arange(2) != choice)) | fresh
        return (state[0], there), (chance, choice, reward)

    w0 = jnp.zeros((2, 1))
    first = FLY.init_state(Experiment(options, luck, luck, luck, w0))
    return jax.lax.scan(step, (first, bait[0]), (luck, following))[1]


def forage(luck, bait, *, decay: float, learning: float):
    """P(A) before each trial, the choice (0 is A) and the reward, (fly, trial) each."""
    theta = terms(FLY_ORDERS, xr=learning, w=-decay)
    return tuple(map(np.asarray, _forage(theta, jnp.asarray(luck), jnp.asarray(bait))))
