"""Living figures: the script draws what Python draws, and computes what it computes."""

import json
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.teaching.living._figure import LEFT, RIGHT, Slider
from plastutor.teaching.living._forgetting import draw_luck, forage
from plastutor.teaching.living._weights import TERMS, TOO_FAR

PACKAGE = Path(pt.teaching.living.__file__).parent
LEVELS, NAMES = [0.0, 0.2, 0.4], ["x", "xy", "growth"]
TRUTH = [0.0, 1.0, 0.5]


def an_experiment(n_pre=2, steps=300):
    key_x, key_w = jr.split(jr.key(3))
    x = np.round(jr.normal(key_x, (steps, n_pre)), 3)
    w0 = np.round(0.5 * jr.normal(key_w, (n_pre, 1)), 4)
    return pt.make_experiment(x, w0=w0)


def fits(sets=7):
    rng = np.random.default_rng(0)
    shape = len(LEVELS), sets, len(NAMES)
    return {
        name: (rng.normal(size=shape).round(3), rng.random(shape[:2]).round(4))
        for name in ("evidence", "plain <loss>")
    }


FIGURES = {
    "weights": lambda: pt.teaching.living.weights(an_experiment(steps=1000)),
    "noise": lambda: pt.teaching.living.noise(LEVELS, fits(), NAMES, TRUTH),
    "forgetting": lambda: pt.teaching.living.forgetting(jr.key(0)),
}
figure_of = cache(lambda kind: FIGURES[kind]())
every_figure = pytest.mark.parametrize("kind", FIGURES)


def run(expression: str, cases: list) -> list:
    """What the script gives for each case; the expression sees `living` and `given`."""
    if not shutil.which("node"):
        pytest.skip("node was not found, so the figures' script was not run")
    program = (
        f"const living = {(PACKAGE / 'living.js').read_text()};\n"
        "const cases = JSON.parse(require('fs').readFileSync(0));\n"
        f"console.log(JSON.stringify(cases.map((given) => {expression})));"
    )
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def shown(figure, settings: list[dict]) -> list[dict]:
    """The paths and the sentence that the script draws for some settings."""
    kind = figure.data["kind"]
    cases = [[figure.data, one] for one in settings]
    return run(f"living.show.{kind}(given[0], given[1])", cases)


def first_settings(figure) -> dict:
    return {
        c.name: c.value if isinstance(c, Slider) else c.options[0]
        for c in figure.controls
    }


def strokes(path: str) -> list[str]:
    """The commands of a path, without their numbers."""
    return re.findall("[A-Za-z]", path)


def numbers(path: str) -> np.ndarray:
    return np.array(re.findall(r"-?\d+(?:\.\d+)?", path), float)


def assert_same_path(one: str, other: str) -> None:
    assert strokes(one) == strokes(other)
    np.testing.assert_allclose(numbers(one), numbers(other), atol=0.1001)


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


# --- the script and Python ------------------------------------------------------------


@every_figure
@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_script_begins_with_what_python_drew(kind, precision):
    jax.config.update("jax_enable_x64", precision == "double")
    try:
        figure = FIGURES[kind]()
    finally:
        jax.config.update("jax_enable_x64", True)
    (drawn,) = shown(figure, [first_settings(figure)])
    here = {series.name: series.path for series in figure.series}
    assert drawn["series"] and drawn["series"].keys() <= here.keys()
    for name, path in drawn["series"].items():
        assert_same_path(path, here[name])
    assert drawn["status"] == figure.status


@pytest.mark.parametrize(
    "network",
    [pt.LINEAR, pt.RECORDED, pt.BEHAVIOUR, pt.FLY],
    ids=["linear", "recorded", "behaviour", "fly"],
)
def test_weights_are_those_of_simulate(network):
    experiment = an_experiment(n_pre=3, steps=60)
    figure = pt.teaching.living.weights(experiment, network=network)
    rng = np.random.default_rng(1)
    size = 0.2 if network is pt.RECORDED else 2.0
    thetas = [
        dict(zip(TERMS, rng.uniform(-size, size, 4), strict=True)) for _ in range(20)
    ]
    lives = run("living.life(given[0], given[1])", [[figure.data, t] for t in thetas])
    ended = 0
    for theta, life in zip(thetas, lives, strict=True):
        rule = pt.terms(pt.OJA_ORDERS, **theta)
        w = pt.simulate(pt.taylor(pt.OJA_ORDERS), rule, experiment, network=network).w[
            ..., 0
        ]
        w = np.concatenate([np.asarray(experiment.w0[:, 0])[None], w])
        found = np.array(life["weights"])
        np.testing.assert_allclose(found, w[: len(found)], rtol=1e-5, atol=1e-7)
        if life["end"] is None:
            assert len(found) == 61
        else:
            ended += 1
            assert life["end"] == len(found)
            assert not (np.abs(w[life["end"]]) <= TOO_FAR).all()
    assert ended < 20


def test_a_life_that_diverges_ends_its_line_and_says_where():
    figure = figure_of("weights")
    settings = dict.fromkeys(TERMS, 0.0) | {"rule": ""}
    wild, calm = shown(figure, [settings | {"xy": 2.0, "yyw": 2.0, "w": 4.0}, settings])
    end = int(re.search(r"in step (\d+)", wild["status"])[1])
    assert 1 < end < 1000 and "stay finite: after 1000 steps" in calm["status"]
    for path in wild["series"].values():
        assert "NaN" not in path and "Infinity" not in path
        right = numbers(path)[0::2].max()
        width = RIGHT - LEFT
        assert abs(right - (LEFT + width * (end - 1) / 1000)) < 0.1


def test_noise_shows_the_numbers_that_it_was_given():
    made = fits()
    figure = pt.teaching.living.noise(LEVELS, made, NAMES, TRUTH)
    rng = np.random.default_rng(2)
    drawn = [
        {"noise": float(level), "sets": int(rng.integers(1, 8)), "fit": str(fit)}
        for level in LEVELS
        for fit in made
        for _ in range(4)
    ]
    for settings, seen in zip(drawn, shown(figure, drawn), strict=True):
        fit, count = settings["fit"], settings["sets"]
        some = {fit: tuple(values[:, :count] for values in made[fit])}
        plain = pt.teaching.living.noise(
            LEVELS, some, NAMES, TRUTH, level=settings["noise"]
        )
        paths = {series.name: series.path for series in plain.series}
        for name, path in seen["series"].items():
            assert_same_path(path, paths[name])
        assert seen["status"] == plain.status
        # The medians on paper, back in their own unit.
        level = LEVELS.index(settings["noise"])
        low, high, bottom, top = figure.data["axes"]["y"]
        heights = numbers(seen["series"]["median"])[1::4]
        values = low + (heights - bottom) / (top - bottom) * (high - low)
        wanted = np.median(some[fit][0][level], axis=0)
        np.testing.assert_allclose(values, wanted, atol=0.002)


def test_choices_are_those_of_simulate():
    luck, bait = draw_luck(jr.key(5), 2)
    data = pt.teaching.living.forgetting(jr.key(5), count=2).data
    rng = np.random.default_rng(3)
    drawn = np.stack([rng.uniform(0, 0.8, 12), rng.uniform(0, 4, 12)], 1)
    cases = [
        [data, data["flies"][k], {"w": -decay, "xr": learning}]
        for decay, learning in drawn
        for k in range(2)
    ]
    found = run("living.forage(given[0], given[1], given[2])", cases)
    rule, eye = pt.taylor(pt.Orders(x=1, w=1, r=1)), 0.75 * np.eye(2)
    for k, (case, life) in enumerate(zip(cases, found, strict=True)):
        theta = pt.terms(pt.Orders(x=1, w=1, r=1), **case[2])
        choice, reward = np.array(life["choices"]), np.array(life["rewards"], float)
        lived = pt.make_experiment(
            eye[choice], w0=np.zeros((2, 1)), reward=reward, options=eye, choice=choice
        )
        seen = pt.simulate(rule, theta, lived, network=pt.FLY)
        chance = np.asarray(pt.choice_probability(seen.option_logit))[:, 0]
        np.testing.assert_allclose(life["chances"], chance, atol=1e-9)
        np.testing.assert_array_equal(choice, luck[k % 2] >= chance)
        np.testing.assert_array_equal(reward, collected(bait[k % 2], choice))
        here = forage(luck, bait, decay=-case[2]["w"], learning=case[2]["xr"])
        np.testing.assert_allclose(here[0][k % 2], chance, atol=1e-9)


def collected(bait, choice):
    """Baited rewards: what was put out stays until it is chosen."""
    there, rewards = np.zeros(2, bool), []
    for fresh, took in zip(bait, choice, strict=True):
        there = there | fresh
        rewards.append(there[took])
        there[took] = False
    return np.array(rewards)


def test_forgetting_changes_the_choices():
    figure = figure_of("forgetting")
    settings = first_settings(figure)
    slow, fast, none = shown(
        figure, [settings | {"forgetting": rate} for rate in (0.05, 0.8, 0.0)]
    )
    slow, fast, none = (seen["series"] for seen in (slow, fast, none))
    assert none["with-forgetting"] == none["without-forgetting"]
    assert slow["without-forgetting"] == fast["without-forgetting"]
    # With fast forgetting the fly stays close to one half.
    spread = [np.ptp(numbers(seen["with-forgetting"])[1::2]) for seen in (slow, fast)]
    assert spread[0] > 2 * spread[1] > 0


# --- the element ----------------------------------------------------------------------


@every_figure
def test_two_figures_share_no_id(kind):
    figure = figure_of(kind)
    page = Page(figure._repr_html_() + figure._repr_html_())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 8


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
    css = (PACKAGE / "living.css").read_text()
    for name in ("MODEL", "NULL", "DATA"):
        rule = rf"\.{name.lower()} {{\s*stroke: {getattr(pt.plot, name).lower()};"
        assert re.search(rule, css), f"{name} has another colour in living.css"
    assert re.search(r"\.truth {\s*stroke: currentColor;", css)


# --- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: pt.teaching.living.weights(
                pt.make_experiment(np.ones((5, 4)), w0=np.ones((4, 1)))
            ),
            "one to three inputs",
        ),
        (
            lambda: pt.teaching.living.weights(
                pt.make_experiment(np.ones((5, 2)), w0=np.ones((2, 3)))
            ),
            "Take one neuron",
        ),
        (
            lambda: pt.teaching.living.weights(
                pt.make_experiment(np.ones((2001, 2)), w0=np.ones((2, 1)))
            ),
            "2000 steps",
        ),
        (
            lambda: pt.teaching.living.weights(
                pt.make_experiment(
                    np.ones((5, 2)), w0=np.ones((2, 1)), plastic=np.arange(5) > 2
                )
            ),
            "not plastic",
        ),
        (
            lambda: pt.teaching.living.weights(
                an_experiment(), network=pt.LINEAR._replace(activation=jnp.sin)
            ),
            "activation",
        ),
        (
            lambda: pt.teaching.living.noise([0.0, 0.2, 0.3], fits(), NAMES, TRUTH),
            "equal steps",
        ),
        (
            lambda: pt.teaching.living.noise(LEVELS[:2], fits(), NAMES, TRUTH),
            "level, data set, name",
        ),
        (
            lambda: pt.teaching.living.noise(LEVELS, fits(), NAMES, TRUTH[:1]),
            "true values",
        ),
        (lambda: pt.teaching.living.forgetting(jr.key(0), count=0), "count is 0"),
    ],
)
def test_wrong_input_gets_a_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
