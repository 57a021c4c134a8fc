"""Figures to play with, on a page without a kernel: HTML, SVG and a script of ours.

Python draws each figure for the values that its controls begin with. The script
(living.js) then makes the controls visible and draws the same paths for other values.
Without scripts, and in print, the plain figure remains. Nothing is loaded from
elsewhere, so that a figure also works in Jupyter and in Colab.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from plastutor.losses import choice_probability
from plastutor.rules import HEBB, OJA, OJA_ORDERS, Orders, taylor, terms
from plastutor.simulate import (
    accept_logit,
    remember,
    simulate,
    step_size,
    weight_change,
)
from plastutor.types import FLY, LINEAR, Experiment, Network, identity

__all__ = ["Living", "forgetting", "noise", "weights"]

HERE = files("plastutor")
TOO_FAR = 1000.0  # as in living.js: a weight beyond this ends the life that is drawn
WIDTH, HEIGHT = 400, 250  # of the drawing; 390 pixels of a phone show it at this size
LEFT, RIGHT, TOP, BOTTOM = 50, 382, 10, 205  # the axes in it
ACTIVATIONS = {identity: "identity", jax.nn.sigmoid: "sigmoid", jnp.tanh: "tanh"}


# --- the parts of a figure ------------------------------------------------------------


class Axes(NamedTuple):
    """What the two axes show, and where in the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def spec(self) -> dict[str, list[float]]:
        """For the script: ends of each axis in its own unit, then in the drawing's."""
        return {"x": [*self.x, LEFT, RIGHT], "y": [*self.y, BOTTOM, TOP]}

    def place(self, points) -> list[str]:
        """Points, (n, 2), in the drawing."""
        points = np.asarray(points, float).reshape(-1, 2)
        (x0, x1), (y0, y1) = self.x, self.y
        x = LEFT + (points[:, 0] - x0) / (x1 - x0) * (RIGHT - LEFT)
        y = BOTTOM + (points[:, 1] - y0) / (y1 - y0) * (TOP - BOTTOM)
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]

    def line(self, points) -> str:
        """A path through points."""
        return "M" + "L".join(self.place(points))

    def marks(self, points, height: float = 0.0) -> str:
        """A stroke of the pen upwards for each point; without height it is a dot."""
        return "".join(f"M{place}v{-height:.1f}" for place in self.place(points))


class Series(NamedTuple):
    """A path, how it looks (classes of living.css), and its line in the legend."""

    name: str
    look: str
    path: str
    label: str = ""


class Slider(NamedTuple):
    """A native range input."""

    name: str
    label: str
    low: float
    high: float
    step: float
    value: float

    def html(self, of: str) -> str:
        """The input with its label and its value."""
        me = f"{of}-{self.name}"
        return (
            f'<label for="{me}">{escape(self.label)}</label><input type="range" '
            f'id="{me}" name="{self.name}" min="{self.low:g}" max="{self.high:g}" '
            f'step="{self.step:g}" value="{self.value:g}"><output for="{me}" '
            f'aria-live="off">{self.value:g}</output>'
        )


class Choice(NamedTuple):
    """A native select; the first option is chosen."""

    name: str
    label: str
    options: Sequence[str]
    other: str = ""

    def html(self, of: str) -> str:
        """The select with its label; `other` stands for none of the options."""
        me = f"{of}-{self.name}"
        options = "".join(f"<option>{escape(name)}</option>" for name in self.options)
        if self.other:
            options += f'<option value="">{escape(self.other)}</option>'
        return (
            f'<label for="{me}">{escape(self.label)}</label>'
            f'<select id="{me}" name="{self.name}">{options}</select>'
        )


@dataclass(frozen=True)
class Living:
    """A figure to play with, as the last line of a cell.

    Attributes:
        data: what the script is given.
        alt: what the figure shows, in words.
        svg: the inside of the drawing.
        series: the paths in it; the script draws those anew that it knows.
        controls: sliders and choices.
        status: a sentence on what is seen.
    """

    data: dict[str, Any]
    alt: str
    svg: str
    series: Sequence[Series]
    controls: Sequence[Slider | Choice]
    status: str

    def __repr__(self) -> str:
        return f"Living figure. {self.alt}"

    def _repr_html_(self) -> str:
        """HTML with an id of its own, so that a page can show a figure twice."""
        me = f"living-{uuid.uuid4().hex[:12]}"
        controls = "".join(control.html(me) for control in self.controls)
        paths = "".join(
            f'<path data-series="{s.name}" class="{s.look}" d="{s.path}"/>'
            for s in self.series
        )
        legend = "".join(
            f'<li><svg viewBox="0 0 32 14" aria-hidden="true"><path class="{s.look}" '
            f'd="{legend_mark(s.look)}"/></svg>{escape(s.label)}</li>'
            for s in self.series
            if s.label
        )
        # A "<" in a script could end it.
        data = json.dumps(self.data, separators=(",", ":")).replace("<", "\\u003c")
        script = (HERE / "living.js").read_text()
        return (
            f'<div class="plastutor-living" id="{me}" data-living="{self.data["kind"]}">'
            f"<style>{(HERE / 'living.css').read_text()}</style>"
            f'<form autocomplete="off" hidden>{controls}'
            f'<button type="reset">Reset</button></form>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(self.alt)}" aria-describedby="{me}-status">{self.svg}'
            # Only what lies between the axes is seen of an inner svg.
            f'<svg viewBox="{LEFT} {TOP} {RIGHT - LEFT} {BOTTOM - TOP}" x="{LEFT}" '
            f'y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}">{paths}</svg>'
            f"</svg><ul>{legend}</ul>"
            f'<p id="{me}-status" aria-live="polite">{escape(self.status)}</p>'
            f'<script>{script.strip()}.start("{me}", {data});</script></div>'
        )


def legend_mark(look: str) -> str:
    """How a series looks in the legend: a line, a tick or a dot."""
    kinds = look.split()
    return "M16 12v-10" if "tick" in kinds else "M16 7v0" if "dot" in kinds else "M0 7h32"


def frame(
    axes: Axes,
    xlabel: str,
    ylabel: str,
    xticks: Mapping[float, str],
    yticks: Mapping[float, str],
) -> str:
    """Axes with ticks, their names and units."""
    parts = [f'<path class="axis" d="M{LEFT},{TOP}V{BOTTOM}H{RIGHT}"/>']

    def text(x, y, anchor, words, more=""):
        parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}"{more}>{escape(words)}</text>'
        )

    for value, label in xticks.items():
        x, _ = axes.place([(value, axes.y[0])])[0].split(",")
        parts.append(f'<path class="axis" d="M{x},{BOTTOM}v4"/>')
        text(x, BOTTOM + 17, "middle", label)
    for value, label in yticks.items():
        _, y = axes.place([(axes.x[0], value)])[0].split(",")
        parts.append(f'<path class="axis" d="M{LEFT},{y}h-4"/>')
        text(LEFT - 8, float(y) + 4, "end", label)
    text((LEFT + RIGHT) / 2, HEIGHT - 8, "middle", xlabel)
    middle = (TOP + BOTTOM) / 2
    text(13, middle, "middle", ylabel, f' transform="rotate(-90 13 {middle})"')
    return "".join(parts)


def ticks(*values: float) -> dict[float, str]:
    """Values and how they are written, with a minus sign."""
    return {value: f"{value:g}".replace("-", "\u2212") for value in values}


# --- rule terms -> weights ------------------------------------------------------------

# The rules that have a name here, and the terms with a slider: name, ends, step.
NAMED = {
    "Hebb": {"xy": 1.0},
    "Oja": {"xy": 1.0, "yyw": -1.0},
    "Hebb with a plain decay": {"xy": 1.0, "w": -1.0},
    "anti-Hebb": {"xy": -1.0},
    "do nothing": {},
}
TERMS = {"xy": (-2, 2, 0.1), "yyw": (-2, 2, 0.1), "w": (-4, 4, 0.1), "one": (-2, 2, 0.1)}


def weights(experiment: Experiment, *, network: Network = LINEAR) -> Living:
    """The weights of one neuron under a rule whose terms have sliders.

    The stimuli are rounded to three decimals, which is what the script gets.

    Args:
        experiment: one experiment, up to 2,000 steps, with one neuron and one to three
            inputs, all of its steps plastic.
        network: what is fixed about the neuron; its activation is that of one of the
            four named networks.

    Raises:
        ValueError: the experiment or the network is another one.

    >>> from plastutor.experiments import make_experiment
    >>> e = make_experiment(jnp.ones((50, 2)), w0=jnp.ones((2, 1)))
    >>> weights(e).status
    'The weights stay finite: after 50 steps their length is 3.81.'
    """
    _check_life(experiment, network)
    x = np.round(np.asarray(experiment.x, float), 3)
    w0 = np.round(np.asarray(experiment.w0, float), 4)
    rounded = experiment._replace(x=jnp.asarray(x), w0=jnp.asarray(w0))
    every = -(-len(x) // 200)  # more points than that cannot be told apart
    axes = Axes(x=(0, len(x)), y=(-2, 2))

    def lines(name, theta, look, *labels):
        w, _ = lived(theta, rounded, network)
        kept = np.unique([*range(0, len(w), every), len(w) - 1])
        dashes = ("", " dashed", " dotted")
        labels = (*labels, "", "")
        for k, values in enumerate(w.T):
            path = axes.line(np.stack([kept, values[kept]], 1))
            yield Series(f"{name}-{k + 1}", look + dashes[k], path, labels[k])

    each = [f"this rule, weight {k + 1}" for k in range(len(w0))]
    series = [
        *lines("nothing", 0 * OJA, "null", "does nothing"),
        *lines("oja", OJA, "truth wide", "Oja's rule"),
        *lines("weight", HEBB, "model", *each),
    ]
    w, end = lived(HEBB, rounded, network)
    sliders = [
        Slider(term, f"coefficient of {term}", *ends, NAMED["Hebb"].get(term, 0.0))
        for term, ends in TERMS.items()
    ]
    data = {
        "kind": "weights",
        "axes": axes.spec(),
        "every": every,
        "terms": list(TERMS),
        "named": {
            name: dict.fromkeys(TERMS, 0.0) | known for name, known in NAMED.items()
        },
        "x": x.tolist(),
        "w0": w0[:, 0].tolist(),
        "rate": step_size(network, len(w0)),
        "activation": ACTIVATIONS[network.activation],
    }
    at = ticks(*np.linspace(0, len(x), 5))
    status = (
        f"The weights stay finite: after {len(w) - 1} steps their length is "
        f"{np.hypot.reduce(w[-1]):.2f}."
        if end is None
        else f"The weights run away: in step {end} one passes {TOO_FAR:g}, and the lines "
        "end."
    )
    return Living(
        data=data,
        alt=f"Each weight of a neuron over {len(x)} steps: under the rule of the "
        "sliders, under Oja's rule, and under a rule that does nothing.",
        svg=frame(axes, "step", "weight", at, ticks(-2, -1, 0, 1, 2)),
        series=series,
        controls=[Choice("rule", "rule", list(NAMED), "your own"), *sliders],
        status=status,
    )


def _check_life(experiment: Experiment, network: Network) -> None:
    shapes = np.shape(experiment.x), np.shape(experiment.w0)
    one = len(shapes[0]) == 2 and shapes[0][1] in (1, 2, 3) and shapes[1][1:] == (1,)
    if not one or shapes[0][0] > 2000:
        raise ValueError(
            f"The stimuli have shape {shapes[0]} and the first weights {shapes[1]}; "
            "expected one experiment of up to 2000 steps, (time, pre) and (pre, 1), "
            "with one to three inputs. Take one neuron: w0[:, :1]."
        )
    if not bool(jnp.all(experiment.plastic & experiment.valid)):
        raise ValueError(
            "Some steps are not plastic; expected an experiment in which all are. "
            "Leave plastic and valid out of make_experiment."
        )
    if network.activation not in ACTIVATIONS:
        raise ValueError(
            "The network has an activation that the figure's script does not know; "
            "expected that of RECORDED, BEHAVIOUR, FLY or LINEAR."
        )


def lived(theta, experiment: Experiment, network: Network):
    """Weights before and after each step, (step, pre), and the step that ended them."""
    w = simulate(taylor(OJA_ORDERS), theta, experiment, network=network).w
    assert w is not None
    w = np.concatenate([experiment.w0[None], w])[..., 0]
    wrong = ~(np.abs(w) <= TOO_FAR).all(1)  # NaN is wrong too
    end = int(wrong.argmax()) if wrong.any() else None
    return w[:end], end


# --- noise -> coefficients ------------------------------------------------------------


def noise(
    levels: Sequence[float],
    fits: Mapping[str, tuple[Any, Any]],
    names: Sequence[str],
    truth: Sequence[float],
    *,
    level: float | None = None,
) -> Living:
    """Coefficients that were found at several levels of noise, one dot a data set.

    Args:
        levels: standard deviations of the noise, with equal steps.
        fits: for each way of fitting, the coefficients (level, data set, name) and the
            held-out R2 (level, data set); the first is shown first.
        names: of the coefficients, or of sums of them.
        truth: the true value of each.
        level: the noise that is shown first; default the second level.

    Raises:
        ValueError: the levels have no equal steps, or the shapes do not fit.

    >>> found = (np.ones((2, 3, 1)), np.ones((2, 3)))
    >>> noise([0.0, 0.5], {"plain": found}, ["xy"], [1.0]).status
    'Noise 0.5, plain: median R2 of the weights on new experiments 1.00, in 3 data sets.'
    """
    fits = {
        name: (np.round(np.asarray(theta, float), 3), np.asarray(r2, float))
        for name, (theta, r2) in fits.items()
    }
    _check_frames(levels, fits, names, truth)
    shown = list(levels).index(levels[1] if level is None else level)
    first = next(iter(fits))
    theta, r2 = (values[shown] for values in fits[first])
    sets = len(theta)
    axes = Axes(x=(-0.6, len(names) - 0.4), y=(-2, 2))
    shift = np.linspace(-0.25, 0.25, sets) if sets > 1 else np.zeros(1)
    dots = [
        (k + s, np.clip(v, *axes.y))
        for s, row in zip(shift, theta, strict=True)
        for k, v in enumerate(row)
    ]

    def bars(values):
        values = np.clip(values, *axes.y)
        ends = [[(k - 0.36, v), (k + 0.36, v)] for k, v in enumerate(values)]
        return "".join(map(axes.line, ends))

    outside = int((np.abs(theta) > axes.y[1]).sum())
    status = (
        f"Noise {levels[shown]:g}, {first}: median R2 of the weights on new experiments "
        f"{np.median(r2):.2f}, in {'1 data set' if sets == 1 else f'{sets} data sets'}."
    )
    if outside:
        status += f" {outside} dots lie beyond the axis, and stand at its end."
    step = levels[1] - levels[0]
    data = {
        "kind": "noise",
        "axes": axes.spec(),
        "levels": list(levels),
        "step": step,
        "frames": {
            name: {"theta": theta.tolist(), "r2": np.round(r2, 4).tolist()}
            for name, (theta, r2) in fits.items()
        },
    }
    at = dict(enumerate(names))
    return Living(
        data=data,
        alt="Coefficients found at one level of noise, a dot for each data set, with "
        f"their median and the true value: {', '.join(names)}.",
        svg=frame(axes, "term", "coefficient", at, ticks(-2, -1, 0, 1, 2)),
        series=[
            Series("zero", "null", axes.line([(-0.6, 0), (len(names), 0)]), "does nothing"),
            Series("found", "model dot", axes.marks(dots), "found, one data set"),
            Series("median", "model", bars(np.median(theta, 0)), "median"),
            Series("truth", "truth dashed", bars(truth), "truth"),
        ],
        controls=[
            Slider("noise", "noise", levels[0], levels[-1], step, levels[shown]),
            Slider("sets", "data sets", 1, sets, 1, sets),
            Choice("fit", "fitted by", list(fits)),
        ],
        status=status,
    )


def _check_frames(levels, fits, names, truth) -> None:
    steps = np.diff(levels)
    if len(levels) < 2 or not np.allclose(steps, steps[0]) or steps[0] <= 0:
        raise ValueError(
            f"The levels of noise are {list(levels)}; expected at least two, ascending "
            "with equal steps, such as [0.0, 0.2, 0.4]."
        )
    shapes = {(theta.shape, r2.shape) for theta, r2 in fits.values()}
    sets = next(iter(shapes))[1][1:]
    wanted = ((len(levels), *sets, len(names)), (len(levels), *sets))
    if shapes != {wanted} or len(sets) != 1 or len(truth) != len(names):
        raise ValueError(
            f"The fits have shapes {sorted(shapes)} for {len(levels)} levels, "
            f"{len(names)} names and {len(truth)} true values; expected, for each fit, "
            "coefficients (level, data set, name) and R2 (level, data set)."
        )


# --- forgetting -> choices ------------------------------------------------------------

INPUT, BLOCKS, TRIALS = 0.75, ((0.2, 0.8), (0.9, 0.1), (0.2, 0.8)), 80
FLY_ORDERS = Orders(x=1, w=1, r=1)


def forgetting(
    key, *, decay: float = 0.2, learning: float = 2.0, count: int = 20
) -> Living:
    """Flies that live by dw = learning * x r - decay * w, in a task that turns round.

    240 trials with baited rewards, whose probabilities turn round twice (Mehta et al.
    2024, appendix A.4). Every value of the sliders meets the same luck. The first
    weights are zero and the stimuli have no noise, so that the odour finally chosen is
    drawn from `choice_probability`; its rejections are not simulated.

    Args:
        key: a JAX random key.
        decay: the forgetting that is shown first, from 0 to 0.8.
        learning: the coefficient of x r that is shown first, from 0 to 4.
        count: flies, 1 to 40.

    Raises:
        ValueError: a number beyond its ends.

    >>> len(forgetting(jr.key(0), count=2).data["flies"])
    2
    """
    ends = {"decay": (decay, 0, 0.8), "learning": (learning, 0, 4)}
    for name, (value, low, high) in (ends | {"count": (count, 1, 40)}).items():
        if not low <= value <= high:
            raise ValueError(f"{name} is {value}; expected a number from {low} to {high}.")
    luck, bait = draw_luck(key, count)
    lives = {w: forage(luck, bait, decay=w, learning=learning) for w in (decay, 0.0)}
    (chance, choice, reward), (kept, _, kept_reward) = lives[decay], lives[0.0]
    trials = len(BLOCKS) * TRIALS
    axes = Axes(x=(0, trials), y=(-0.15, 1.15))
    over = lambda values: axes.line(np.stack([np.arange(trials), values], 1))

    def marks(paid, height):
        """Upwards from the top for odour A, downwards from the bottom for B."""
        return "".join(
            axes.marks([(t, 1 - took)], -height if took else height)
            for t, took in enumerate(choice[0])
            if reward[0, t] == paid
        )

    share = [a / (a + b) for a, b in BLOCKS]
    edges = [(TRIALS * (k + e), s) for k, s in enumerate(share) for e in (0, 1)]
    data = {
        "kind": "forgetting",
        "axes": axes.spec(),
        "input": INPUT,
        "window": FLY.window,
        "flies": [pack(*each) for each in zip(luck, bait, strict=True)],
    }
    return Living(
        data=data,
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
        series=[
            Series("nothing", "null", over(np.full(trials, 0.5)), "does nothing"),
            Series("share", "truth dotted", axes.line(edges), "A's share of the rewards"),
            Series("without-forgetting", "model dashed", over(kept.mean(0)), "no forgetting"),
            Series("with-forgetting", "model", over(chance.mean(0)), "with forgetting"),
            Series("rewarded", "data tick", marks(1, 14), "first fly, rewarded"),
            Series("unrewarded", "null tick", marks(0, 7), "not rewarded"),
        ],
        controls=[
            Slider("forgetting", "forgetting", 0, 0.8, 0.01, decay),
            Slider("learning", "learning", 0, 4, 0.25, learning),
            Slider("flies", "flies", 1, count, 1, count),
        ],
        status=f"A weight loses {50 * decay:.1f} % in each trial. Rewards in a trial, mean "
        f"of {'1 fly' if count == 1 else f'{count} flies'}: {reward.mean():.2f}; without "
        f"forgetting {kept_reward.mean():.2f}.",
    )


def draw_luck(key, count: int):
    """What chance has in store for each fly: numbers in (0, 1), and baits of A and B.

    The numbers have 12 bits, so that three hexadecimal digits hold one.
    """
    key_luck, key_bait = jr.split(key)
    probability = np.repeat(np.array(BLOCKS), TRIALS, 0)
    bits = jr.randint(key_luck, (count, len(probability)), 0, 4096)
    bait = jr.bernoulli(key_bait, probability, (count, *probability.shape))
    return (np.asarray(bits) + 0.5) / 4096, np.asarray(bait)


def pack(luck, bait) -> str:
    """One fly's luck as text, four hexadecimal digits a trial; see living.js."""
    bits = np.round(luck * 4096 - 0.5).astype(int)
    return "".join(
        f"{b:03x}{a_bait + 2 * b_bait:x}"
        for b, (a_bait, b_bait) in zip(bits, bait.astype(int), strict=True)
    )


@jax.jit
def _forage(theta, luck, bait):
    rule, options = taylor(FLY_ORDERS), INPUT * jnp.eye(2)
    following = jnp.concatenate([bait[1:], bait[-1:]])

    def step(state, now):
        w, there, memory = state
        luck, fresh = now
        chance = choice_probability(accept_logit(FLY, options, w))[0]
        choice = (luck >= chance).astype(int)
        reward = there[choice].astype(luck.dtype)
        x = options[choice]
        w += weight_change(rule, theta, FLY, x, x @ w, w, reward - memory.mean())
        there = (there & (jnp.arange(2) != choice)) | fresh
        return (w, there, remember(memory, reward, True)), (chance, choice, reward)

    start = jnp.zeros((2, 1)), bait[0], jnp.zeros(FLY.window)
    return jax.lax.scan(step, start, (luck, following))[1]


def forage(luck, bait, *, decay: float, learning: float):
    """P(A) before each trial, the choice (0 is A) and the reward, (fly, trial) each."""
    theta = terms(FLY_ORDERS, xr=learning, w=-decay)
    lives = jax.vmap(_forage, (None, 0, 0))(theta, jnp.asarray(luck), jnp.asarray(bait))
    return tuple(map(np.asarray, lives))
