"""Experiments: what is filled in, what is cut, what is refused."""

import jax
import numpy as np
import pytest

import plastutor as pt

STEPS, PRE, POST = 6, 3, 2


def made(batch=(), **more):
    x = np.arange(np.prod([*batch, STEPS, PRE]), dtype=float)
    x = x.reshape(*batch, STEPS, PRE)
    return pt.make_experiment(x, w0=np.ones((PRE, POST)), **more)


def test_what_is_left_out_is_filled_in():
    e = made()
    assert (e.reward == 0).all() and e.valid.all() and e.plastic.all()
    assert e.activity is e.accept is e.options is e.choice is None


def test_in_accept_data_only_accepted_presentations_are_plastic():
    accept = [1, 0, np.nan, 1, 1, 0]
    e = made(accept=accept, reward=np.zeros(STEPS), valid=[1, 1, 1, 1, 0, 1])
    np.testing.assert_array_equal(e.plastic, [1, 0, 0, 1, 0, 0])


def test_plastic_can_be_given():
    plastic = [0, 1, 0, 1, 0, 1]
    np.testing.assert_array_equal(made(plastic=plastic).plastic, plastic)


def test_what_stands_in_the_padding_is_no_data():
    x = np.ones((STEPS, PRE))
    x[4:], reward = np.nan, np.array([1, 1, 1, 1, np.nan, np.inf])
    valid = np.arange(STEPS) < 4
    e = pt.make_experiment(x, w0=np.ones((PRE, POST)), reward=reward, valid=valid)
    np.testing.assert_array_equal(e.reward, [1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(e.x, np.where(valid[:, None], 1, 0) * np.ones(PRE))


def test_one_w0_and_one_set_of_options_serve_a_whole_batch():
    e = made(
        (4,),
        reward=np.zeros((4, STEPS)),
        options=np.eye(PRE),
        choice=np.zeros((4, STEPS), int),
    )
    assert e.w0.shape == (4, PRE, POST) and e.options.shape == (4, PRE, PRE)
    np.testing.assert_array_equal(e.options[3], np.eye(PRE))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_number_has_the_dtype_asked_for(dtype):
    e = made(dtype=dtype, activity=np.zeros((STEPS, POST)), reward=np.ones(STEPS))
    assert {e.x.dtype, e.w0.dtype, e.reward.dtype, e.activity.dtype} == {
        np.dtype(dtype)
    }


def test_the_default_dtype_is_double_in_double_precision():
    assert pt.check_dtype(None) == np.float64  # as the tests run


def test_the_default_dtype_is_single_in_single_precision(single_precision):
    assert pt.check_dtype(None) == np.float32


def test_first_steps_cuts_every_field_in_time_and_nothing_else():
    draw = np.random.default_rng(0)
    whole = pt.make_experiment(
        draw.normal(size=(2, STEPS, PRE)),
        w0=draw.normal(size=(PRE, POST)),
        reward=draw.normal(size=(2, STEPS)),
        valid=draw.integers(0, 2, (2, STEPS)) + np.eye(2, STEPS),
        activity=draw.normal(size=(2, STEPS, POST)),
        accept=draw.integers(0, 2, (2, STEPS)),
        options=draw.normal(size=(2, PRE)),
        choice=draw.integers(0, 2, (2, STEPS)),
    )
    cut = pt.first_steps(whole, 4)
    for name in ("x", "reward", "plastic", "valid", "activity", "accept", "choice"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name)[:, :4])
    np.testing.assert_array_equal(cut.w0, whole.w0)
    np.testing.assert_array_equal(cut.options, whole.options)
    pt.check_experiment(cut)
    assert pt.first_steps(whole, STEPS).x.shape == whole.x.shape


def test_first_steps_of_one_experiment_leaves_what_is_not_there():
    cut = pt.first_steps(made(), 1)
    assert cut.x.shape == (1, PRE) and cut.activity is None and cut.choice is None


def test_values_are_checked_only_where_they_are_known():
    @jax.jit
    def inside(e):
        pt.check_experiment(e)
        return e.x.sum()

    e = made()
    assert float(inside(e._replace(x=e.x * np.nan))) != 0
    with pytest.raises(ValueError, match="w0 has shape"):
        inside(e._replace(w0=e.w0[:2]))
    with pytest.raises(ValueError, match="x is not finite"):
        pt.check_experiment(e._replace(x=e.x * np.nan))
