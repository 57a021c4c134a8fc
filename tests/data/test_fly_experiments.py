"""Experiments from the choices of flies."""

import fly_archive as made
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import plastutor as pt


def test_choice_experiments(cohort):
    batch = pt.data.flies.experiments(cohort)
    assert isinstance(batch.x, jax.Array)
    assert batch.x.shape == (18, 240, 2) and batch.w0.shape == (18, 2, 1)
    assert batch.x.dtype == jnp.zeros(1).dtype == batch.reward.dtype
    assert batch.options.shape == (18, 2, 2) and batch.accept is None
    np.testing.assert_array_equal(batch.options[7], 0.75 * np.eye(2))
    np.testing.assert_array_equal(batch.valid, batch.plastic)
    np.testing.assert_array_equal(batch.valid.sum(1), [len(f.choice) for f in cohort])
    assert float(jnp.abs(batch.w0).max()) == 0
    batch = jax.tree.map(np.asarray, batch)
    for i in (0, 10, 16):
        n = len(cohort[i].choice)
        np.testing.assert_array_equal(batch.choice[i, :n], cohort[i].choice)
        np.testing.assert_array_equal(
            batch.x[i, :n], 0.75 * np.eye(2)[cohort[i].choice]
        )
        np.testing.assert_array_equal(batch.reward[i, :n], cohort[i].reward)
        assert (batch.choice[i, n:] == -1).all() and not batch.valid[i, n:].any()
        assert not batch.x[i, n:].any() and not batch.reward[i, n:].any()


def test_accept_reject_experiments(cohort):
    batch = pt.data.flies.experiments(cohort, accept_reject=True, stimulus=1.0)
    batch = jax.tree.map(np.asarray, batch)
    assert batch.options is None and batch.choice is None
    assert batch.x.shape[1] == max(len(fly.odour) for fly in cohort)
    for i, fly in enumerate(cohort):
        n = len(fly.odour)
        np.testing.assert_array_equal(batch.x[i, :n], np.eye(2)[fly.odour])
        np.testing.assert_array_equal(batch.accept[i, :n], fly.accept)
        np.testing.assert_array_equal(batch.plastic[i, :n], fly.accept)
        np.testing.assert_array_equal(batch.reward[i, :n][fly.accept], fly.reward)
        assert not batch.reward[i, :n][~fly.accept].any()
        assert np.isnan(batch.accept[i, n:]).all() and not batch.valid[i, n:].any()
        assert batch.valid[i, :n].all() and not batch.plastic[i, n:].any()


@pytest.mark.parametrize(
    ("fly", "options", "sentence"),
    [
        (None, {}, "No flies were given"),
        (made.cohort(0, 1)[0], dict(stimulus=0), "stimulus is 0; expected"),
        (made.cohort(0, 1)[0], dict(stimulus=float("nan")), "stimulus is nan"),
        (
            pt.data.flies.FlyChoices(3, np.zeros(2, int), np.zeros(1)),
            {},
            "Fly 3 has 2 choices, 1 rew",
        ),
        (
            pt.data.flies.FlyChoices(3, np.zeros(0, int), np.zeros(0)),
            {},
            "at least one choice",
        ),
        (
            pt.data.flies.FlyChoices(3, np.zeros(1, int), np.zeros(1)),
            dict(accept_reject=True),
            "Fly 3 has no accept/reject sequence. Its source holds choices only",
        ),
    ],
)
def test_bad_experiments(fly, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pt.data.flies.experiments([] if fly is None else [fly], **options)


def test_the_authors_are_named():
    for part in ("Rajagopalan", "PNAS", "e2221415120", "7449214", "CC BY 4.0"):
        assert part in pt.data.flies.CITATION and part in (pt.data.flies.__doc__ or "")
