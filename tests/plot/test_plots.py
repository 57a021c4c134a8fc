"""Plots: labelled axes, one line for each thing, colours by meaning."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

import plastutor as pt

NAMES = ["one", "y", "x", "xy"]
THETA, TRUE = np.array([0.1, -0.2, 0.3, 0.9]), np.array([0, 0, 0, 1.0])


@pytest.fixture
def ax():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def colours(lines):
    return [to_hex(line.get_color()) for line in lines]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


TRUTH, MODEL, NULL = (to_hex(c) for c in (pt.plot.TRUTH, pt.plot.MODEL, pt.plot.NULL))


def test_the_four_colours_differ():
    assert len({TRUTH, MODEL, NULL, to_hex(pt.plot.DATA)}) == 4


def test_the_style_can_be_used():
    with plt.style.context(pt.style):
        assert not plt.rcParams["axes.spines.top"]


def test_loss_over_training(ax):
    found = pt.Fit(None, np.array([1.0, 0.3, 0.1]), None, "finished", "")
    assert pt.plot.loss_over_training(found, true_loss=0.05, ax=ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step of the optimiser", "loss")
    assert ax.get_yscale() == "log" and colours(ax.lines) == [MODEL, TRUTH]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.losses)
    assert set(ax.lines[1].get_ydata()) == {0.05}
    assert legend(ax) == ["inferred rule", "true rule"]


def test_loss_without_a_truth(ax):
    pt.plot.loss_over_training(pt.Fit(None, np.ones(3), None, "finished", ""), ax=ax)
    assert legend(ax) == ["inferred rule"]


def test_coefficients_over_training(ax):
    thetas = np.arange(5)[:, None, None] * THETA.reshape(2, 2)
    pt.plot.coefficients_over_training(
        thetas, NAMES, theta_true=TRUE.reshape(2, 2), ax=ax
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "step of the optimiser",
        "coefficient",
    )
    assert sorted(colours(ax.lines)) == sorted([NULL] * 3 + [TRUTH, MODEL])
    blue = ax.lines[colours(ax.lines).index(MODEL)]
    np.testing.assert_allclose(blue.get_ydata(), 0.9 * np.arange(5))
    assert [text.get_text() for text in ax.texts] == ["xy"]


def test_coefficients(ax):
    pt.plot.coefficients(THETA.reshape(2, 2), NAMES, theta_true=TRUE, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("term", "coefficient")
    assert [label.get_text() for label in ax.get_xticklabels()] == NAMES
    by_colour = dict(zip(colours(ax.lines), ax.lines, strict=True))
    np.testing.assert_array_equal(by_colour[MODEL].get_ydata(), THETA)
    np.testing.assert_array_equal(by_colour[TRUTH].get_ydata(), TRUE)
    assert legend(ax) == ["inferred", "true"]


def test_names_and_coefficients_must_be_equally_many(ax):
    with pytest.raises(ValueError):
        pt.plot.coefficients(THETA, NAMES[:2], ax=ax)
    with pytest.raises(ValueError):
        pt.plot.coefficients_over_training(THETA[None], NAMES[:2], ax=ax)


def test_weights(ax):
    true, inferred = np.zeros((6, 3)), np.ones((6, 3)) * [1, 2, 3]
    pt.plot.weights(true, inferred, ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "weight")
    assert colours(ax.lines) == [TRUTH, MODEL] * 3
    for k, line in enumerate(ax.lines[1::2]):
        np.testing.assert_array_equal(line.get_ydata(), inferred[:, k])
    assert legend(ax) == ["true rule", "inferred rule"]


def test_per_animal(ax):
    scores = {"rule": [1.0, 2.0, 6.0], "does nothing": [0.0, 0.0, 1.0]}
    pt.plot.per_animal(scores, ax=ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == list(scores)
    assert ax.get_ylabel() == "percent deviance explained"
    # Thin lines: one an animal; zero; and the dots and median of doing nothing.
    assert colours(ax.lines).count(NULL) == 3 + 1 + 2
    dots, median = (line for line in ax.lines if to_hex(line.get_color()) == MODEL)
    np.testing.assert_array_equal(dots.get_ydata(), [1, 2, 6])
    assert float(np.ravel(median.get_ydata())[0]) == 2


def test_the_current_axes_are_the_default(ax):
    plt.sca(ax)
    assert pt.plot.weights(np.zeros((2, 1)), np.zeros((2, 1))) is ax


def test_selection_path_names_the_changes_and_rings_the_selected(ax):
    added, dropped = np.array([-1, 3, 2, -1, 1]), np.array([-1, -1, -1, -1, 3])
    held_out = np.array([[4.0, 6.0], [2, 2], [1, 1], [1, 1], [3, 3]])
    free = np.zeros((5, 2, 2, 1, 1), bool)
    path = pt.infer.SelectionPath(
        added, dropped, added, free * 1.0, free, held_out[:, 0], held_out
    )
    pt.plot.selection_path(
        pt.infer.Selection(free[2] * 1.0, free[2], 2, path), NAMES, ax=ax
    )
    said = [label.get_text() for label in ax.get_xticklabels()]
    assert said == ["+xy", "+x", "\u2212xy +y"]  # the step without a change is left out
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, 1, 3])
    assert ax.lines[1].get_ydata()[0] == 5 and colours(ax.lines)[:2] == [MODEL, NULL]
    assert ax.lines[2].get_xdata() == [2] and legend(ax)[-1] == "selected"


def test_selection_path_says_where_a_second_search_begins(ax):
    added, dropped = np.array([-1, 1, -1, -1]), np.array([-1, -1, -1, 3])
    free = np.zeros((4, 2, 2, 1, 1), bool)
    free[1, 0], free[2], free[3, 0] = True, True, True
    loss = np.array([4.0, 1, 2, 3])
    path = pt.infer.SelectionPath(
        added, dropped, added, free * 1.0, free, loss, loss[:, None]
    )
    pt.plot.selection_path(
        pt.infer.Selection(free[1] * 1.0, free[1], 1, path), NAMES, ax=ax
    )
    said = [label.get_text() for label in ax.get_xticklabels()]
    assert said == ["+y", "4 terms", "\u2212xy"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 2, 3])


def test_heat_map_leaves_out_what_is_not_there(ax):
    pt.plot.heat_map([[0.1, np.nan]], ["a"], [1, 2], ax=ax, title="t")
    assert [text.get_text() for text in ax.texts] == ["0.10"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2"]
    assert ax.get_title() == "t"
