"""Figures to play with: their HTML, and what is refused."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from living_figures import (
    FOLDER,
    LEVELS,
    LOOP,
    NAMES,
    THETA_TRUE,
    a_loop,
    an_experiment,
    every_figure,
    figure_of,
    fits,
)

import plastutor as pt
from plastutor.teaching import living


class Page(HTMLParser):
    """The elements of some HTML, each with its attributes."""

    def __init__(self, html: str):
        super().__init__()
        self.elements = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def every(self, *tags: str) -> list[dict]:
        return [attributes for tag, attributes in self.elements if tag in tags]


@every_figure
def test_two_figures_share_no_id(kind):
    figure = figure_of(kind)
    page = Page(figure._repr_html_() + figure._repr_html_())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) >= 8


@every_figure
def test_nothing_is_loaded_from_elsewhere(kind):
    html = figure_of(kind)._repr_html_()
    assert not re.search(r"https?:|//\w+\.|@import|url\(|\b(src|href)=", html)
    assert not re.search(r"\b((import|require|fetch|eval)\b *\(|window\b\.)", html)
    assert html.count("</script>") == 1  # no data can end the script


@every_figure
def test_a_figure_is_small(kind):
    assert len(figure_of(kind)._repr_html_()) < 60_000


@every_figure
def test_every_control_has_a_label_and_shows_its_value(kind):
    page = Page(figure_of(kind)._repr_html_())
    (form,) = page.every("form")
    assert "hidden" in form  # until the script has started
    (svg,) = [a for a in page.every("svg") if a.get("role") == "img"]
    assert len(svg["aria-label"].split()) > 12
    (status,) = page.every("p")
    assert status["aria-live"] == "polite" and status["id"] == svg["aria-describedby"]
    labels = {a["for"] for a in page.every("label")}
    outputs = {a["for"] for a in page.every("output")}
    sliders = page.every("input")
    assert sliders and {a["id"] for a in sliders + page.every("select")} == labels
    assert {a["id"] for a in sliders} == outputs
    for a in sliders:
        low, high, step, value = (float(a[k]) for k in ("min", "max", "step", "value"))
        assert low <= value <= high
        assert abs((value - low) / step - round((value - low) / step)) < 1e-9


@every_figure
def test_series_have_names_of_their_own_and_a_legend(kind):
    figure = figure_of(kind)
    names = [series.name for series in figure.series]
    assert len(names) == len(set(names))
    looks = {series.look.split()[0] for series in figure.series}
    labelled = {s.look.split()[0] for s in figure.series if s.label}
    assert looks == labelled <= {"truth", "model", "null", "data"}
    assert figure.alt in repr(figure)


def test_colours_have_the_meaning_that_they_have_in_plots():
    css = (FOLDER / "living.css").read_text(encoding="utf-8")
    for name in ("MODEL", "NULL", "DATA"):
        rule = rf"\.{name.lower()} {{\s*stroke: {getattr(pt.plot, name).lower()};"
        assert re.search(rule, css), f"{name} has another colour in living.css"
    assert re.search(r"\.truth {\s*stroke: currentColor;", css)


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: living.weights(
                pt.make_experiment(np.ones((5, 4)), w0=np.ones((4, 1)))
            ),
            "one to three inputs",
        ),
        (
            lambda: living.weights(
                pt.make_experiment(np.ones((5, 2)), w0=np.ones((2, 3)))
            ),
            "Take one neuron",
        ),
        (
            lambda: living.weights(
                pt.make_experiment(np.ones((2001, 2)), w0=np.ones((2, 1)))
            ),
            "2000 steps",
        ),
        (
            lambda: living.weights(
                pt.make_experiment(
                    np.ones((5, 2)), w0=np.ones((2, 1)), plastic=np.arange(5) > 2
                )
            ),
            "not plastic",
        ),
        (
            lambda: living.weights(
                an_experiment(), network=pt.LINEAR._replace(activation=jnp.sin)
            ),
            "activation",
        ),
        (
            lambda: living.loop(a_loop(w0={"ff": np.ones((2, 2))}), network=LOOP),
            "one to three inputs and w0 of ff",
        ),
        (
            lambda: living.loop(an_experiment(), network=LOOP),
            "no names; expected one experiment",
        ),
        (lambda: living.loop(a_loop(n_pre=4), network=LOOP), "three inputs"),
        (lambda: living.loop(a_loop(steps=1001), network=LOOP), "1000 steps"),
        (
            lambda: living.loop(
                a_loop()._replace(plastic=jnp.arange(200) > 2), network=LOOP
            ),
            "not plastic",
        ),
        (
            lambda: living.loop(a_loop(), network=replace(LOOP, homeostasis=0.1)),
            "masks, signs, homeostasis",
        ),
        (
            lambda: living.noise([0.0, 0.2, 0.3], fits(), NAMES, THETA_TRUE),
            "equal steps",
        ),
        (
            lambda: living.noise(LEVELS[:2], fits(), NAMES, THETA_TRUE),
            "level, data set, name",
        ),
        (
            lambda: living.noise(LEVELS, fits(), NAMES, THETA_TRUE[:1]),
            "true values",
        ),
        (lambda: living.forgetting(jr.key(0), n_flies=0), "n_flies is 0"),
    ],
)
def test_wrong_input_gets_a_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
