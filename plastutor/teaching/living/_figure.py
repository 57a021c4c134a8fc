"""The parts of a living figure, and its HTML."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

HERE = files("plastutor.teaching.living")
WIDTH, HEIGHT = 400, 250  # of the drawing; 390 pixels of a phone show it at this size
LEFT, RIGHT, TOP, BOTTOM = 50, 382, 10, 205  # the axes in it


class Axes(NamedTuple):
    """What the two axes show, and where in the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def spec(self) -> dict[str, list[float | int]]:
        """For the script: ends of each axis in its own unit, then in the drawing's."""
        return {"x": [*self.x, LEFT, RIGHT], "y": [*self.y, BOTTOM, TOP]}

    def place(self, points: ArrayLike) -> list[str]:
        """Points, (n, 2), in the drawing."""
        points = np.asarray(points, float).reshape(-1, 2)
        (x0, x1), (y0, y1) = self.x, self.y
        x = LEFT + (points[:, 0] - x0) / (x1 - x0) * (RIGHT - LEFT)
        y = BOTTOM + (points[:, 1] - y0) / (y1 - y0) * (TOP - BOTTOM)
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]

    def line(self, points: ArrayLike) -> str:
        """A path through points."""
        return "M" + "L".join(self.place(points))

    def marks(self, points: ArrayLike, height: float | int = 0.0) -> str:
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


class Living(NamedTuple):
    """A figure to play with, as the last line of a cell.

    Attributes:
        data: what the script is given.
        alt: what the figure shows, in words.
        svg: the inside of the drawing.
        series: the paths in it; the script redraws those that it knows.
        controls: sliders and choices.
        status: a sentence on what is shown.
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
        script = (HERE / "living.js").read_text(encoding="utf-8").strip()
        kind = self.data["kind"]
        return (
            f'<div class="plastutor-living" id="{me}" data-living="{kind}">'
            f"<style>{(HERE / 'living.css').read_text(encoding='utf-8')}</style>"
            '<form autocomplete="off" hidden>'
            f'{controls}<button type="reset">Reset</button></form>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'aria-label="{escape(self.alt)}" aria-describedby="{me}-status">{self.svg}'
            # Only what lies between the axes is seen of an inner svg.
            f'<svg viewBox="{LEFT} {TOP} {RIGHT - LEFT} {BOTTOM - TOP}" x="{LEFT}" '
            f'y="{TOP}" width="{RIGHT - LEFT}" height="{BOTTOM - TOP}">{paths}</svg>'
            f"</svg><ul>{legend}</ul>"
            f'<p id="{me}-status" aria-live="polite">{escape(self.status)}</p>'
            f'<script>{script}.start("{me}", {data});</script></div>'
        )


def legend_mark(look: str) -> str:
    """How a series looks in the legend: a line, a tick or a dot."""
    shapes = {"tick": "M16 12v-10", "dot": "M16 7v0"}
    return next((d for kind, d in shapes.items() if kind in look.split()), "M0 7h32")


def frame(
    axes: Axes,
    xlabel: str,
    ylabel: str,
    xticks: Mapping[float | int, str],
    yticks: Mapping[float | int, str],
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


def ticks(*values: float | int) -> dict[float | int, str]:
    """Values and how they are written, with a minus sign."""
    return {value: f"{value:g}".replace("-", "\u2212") for value in values}
