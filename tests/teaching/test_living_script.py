"""The script of the figures: it draws what Python draws, and computes the same."""

import json
import re
import shutil
import subprocess
from dataclasses import replace

import jax
import jax.random as jr
import numpy as np
import pytest
from living_figures import (
    FIGURES,
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
from plastutor.teaching.living._component import drawn, rounded, walk as grown
from plastutor.teaching.living._figure import LEFT, RIGHT, Axes, Slider
from plastutor.teaching.living._forgetting import draw_luck, forage
from plastutor.teaching.living._loop import TERMS as TERMS_OF_LOOP, between
from plastutor.teaching.living._recall import walk
from plastutor.teaching.living._weights import TERMS, TOO_FAR


def run(expression: str, cases: list) -> list:
    """What the script gives for each case; the expression sees `living` and `given`."""
    if not shutil.which("node"):
        pytest.skip("node was not found, so the figures' script was not run")
    program = (
        f"const living = {(FOLDER / 'living.js').read_text()};\n"
        "const cases = JSON.parse(require('fs').readFileSync(0));\n"
        f"console.log(JSON.stringify(cases.map((given) => {expression})));"
    )
    done = subprocess.run(
        ["node", "-e", program],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
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
    figure = living.weights(experiment, network=network)
    rng = np.random.default_rng(1)
    size = 0.2 if network is pt.RECORDED else 2.0
    thetas = [
        dict(zip(TERMS, rng.uniform(-size, size, 4), strict=True)) for _ in range(20)
    ]
    cases = [[figure.data, theta] for theta in thetas]
    trajectories = run("living.trajectory(given[0], given[1])", cases)
    ended = 0
    for theta, trajectory in zip(thetas, trajectories, strict=True):
        rule = pt.terms(pt.OJA_ORDERS, **theta)
        w = pt.simulate(pt.taylor(pt.OJA_ORDERS), rule, experiment, network=network).w[
            ..., 0
        ]
        w = np.concatenate([np.asarray(experiment.w0[:, 0])[None], w])
        found = np.array(trajectory["weights"])
        np.testing.assert_allclose(found, w[: len(found)], rtol=1e-5, atol=1e-7)
        if trajectory["end"] is None:
            assert len(found) == 61
        else:
            ended += 1
            assert trajectory["end"] == len(found)
            assert not (np.abs(w[trajectory["end"]]) <= TOO_FAR).all()
    assert ended < 20


def test_a_trajectory_that_diverges_ends_its_line_and_says_where():
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


@pytest.mark.parametrize("xy", [-1.0, 0.0, 1.0, 2.0])
@pytest.mark.parametrize("yyw", [-2.0, -1.0, 0.5])
def test_a_rule_with_a_purpose_is_that_of_the_package(xy, yyw):
    experiment, target = rounded(jr.key(0))
    theta = pt.terms(pt.OJA_ORDERS, xy=xy, yyw=yyw)
    _, parts, status = grown(experiment, target, theta)
    (seen,) = shown(figure_of("component"), [{"xy": xy, "yyw": yyw}])
    assert seen["status"] == status
    axes = Axes(x=(0, 400), y=(-0.2, 2))
    for name, values in zip(("along", "across"), parts, strict=True):
        assert_same_path(seen["series"][name], drawn(axes, values))


@pytest.mark.parametrize("patterns", [2, 5, 40])
@pytest.mark.parametrize("blur", [0.1, 0.3, 0.8])
def test_a_walk_of_phases_is_that_of_the_package(patterns, blur):
    data = figure_of("recall").data
    settings = {"patterns": patterns, "blur": blur}
    (off,) = run("living.recall(given[0], given[1])", [[data, settings]])
    asked, errors = walk(data["patterns"][:patterns], data["blur"], blur)
    apart = np.array(off) - asked  # half a turn either way is the same phase
    assert np.abs(np.sin(apart / 2)).max() < 1e-6
    (drawn,) = shown(figure_of("recall"), [settings])
    assert f"from {errors[0]:.2f} to {errors[1]:.2f} radians" in drawn["status"]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_weights_between_two_neurons_are_those_of_simulate(activation):
    network = LOOP
    if activation == "sigmoid":
        network = replace(LOOP, activation=jax.nn.sigmoid, rates={"rec": 0.3})
    experiment = a_loop(n_pre=3, steps=60)
    figure = living.loop(experiment, network=network)
    rng = np.random.default_rng(1)
    thetas = [
        dict(zip(TERMS_OF_LOOP, rng.uniform(-2, 2, 4), strict=True)) for _ in range(12)
    ]
    thetas += [{"ff_xy": 2.0, "ff_yyw": 2.0, "rec_xy": 2.0, "rec_w": 60.0}]
    cases = [[figure.data, theta] for theta in thetas]
    every = run("living.between(given[0], given[1])", cases)
    for theta, trajectory in zip(thetas, every, strict=True):
        w, end = between(theta, experiment, network)
        np.testing.assert_allclose(trajectory["weights"], w, rtol=1e-5, atol=1e-7)
        assert trajectory["end"] == end
    assert end is not None and 1 < end < 60
    wild = shown(figure, [thetas[-1]])[0]
    assert f"in step {end} one passes" in wild["status"]


def test_noise_shows_the_numbers_that_it_was_given():
    made = fits()
    figure = living.noise(LEVELS, made, NAMES, THETA_TRUE)
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
        plain = living.noise(LEVELS, some, NAMES, THETA_TRUE, level=settings["noise"])
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
    data = living.forgetting(jr.key(5), n_flies=2).data
    rng = np.random.default_rng(3)
    drawn = np.stack([rng.uniform(0, 0.8, 12), rng.uniform(0, 4, 12)], 1)
    cases = [
        [data, data["flies"][k], {"w": -decay, "xr": learning}]
        for decay, learning in drawn
        for k in range(2)
    ]
    found = run("living.forage(given[0], given[1], given[2])", cases)
    rule, eye = pt.taylor(pt.Orders(x=1, w=1, r=1)), 0.75 * np.eye(2)
    for k, (case, fly) in enumerate(zip(cases, found, strict=True)):
        theta = pt.terms(pt.Orders(x=1, w=1, r=1), **case[2])
        choice, reward = np.array(fly["choices"]), np.array(fly["rewards"], float)
        experiment = pt.make_experiment(
            eye[choice], w0=np.zeros((2, 1)), reward=reward, options=eye, choice=choice
        )
        made = pt.simulate(rule, theta, experiment, network=pt.FLY)
        chance = np.asarray(pt.choice_probability(made.option_logit))[:, 0]
        np.testing.assert_allclose(fly["chances"], chance, atol=1e-9)
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
