"""Paired: intervals that cover, and a comparison made of its parts."""

import jax.random as jr
import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

import plastutor as pt


def test_the_interval_covers_the_mean_as_often_as_it_says():
    draw, hits, n_repeats = np.random.default_rng(0), 0, 150
    for k in range(n_repeats):
        sample = draw.normal(size=30)
        low, high = pt.evaluate.bootstrap_interval(
            jr.key(k), np.mean, sample, level=0.8, n_samples=200
        )
        hits += low < 0 < high
    assert abs(hits / n_repeats - 0.8) < 4 * np.sqrt(0.8 * 0.2 / n_repeats)


def test_the_interval_is_that_of_the_mean():
    sample = np.random.default_rng(1).normal(size=200)
    low, high = pt.evaluate.bootstrap_interval(
        jr.key(0), np.mean, sample, n_samples=4000
    )
    width = 2 * 1.96 * sample.std() / np.sqrt(200)
    assert (high - low) / width == pytest.approx(1, abs=0.08)
    assert (high + low) / 2 == pytest.approx(sample.mean(), abs=0.1 * width)


def test_arrays_are_drawn_together():
    values = np.arange(10.0)
    gap = lambda one, other: float((one - other).mean())
    assert pt.evaluate.bootstrap_interval(
        jr.key(0), gap, values + 3, values, n_samples=50
    ) == (3, 3)


def test_paired_equals_what_it_is_made_of():
    draw = np.random.default_rng(0)
    null = draw.uniform(100, 200, 18)
    other = null * draw.uniform(0.8, 1.0, 18)
    one = other - draw.normal(3, 4, 18)
    found = pt.compare_models(jr.key(0), one, other, null)
    assert found.n_better == (one < other).sum() and found.n_animals == 18
    assert found.gain == pytest.approx(100 * (other.sum() - one.sum()) / null.sum())
    low, high = found.interval
    assert low < found.gain < high
    difference = (other - one) / null
    assert found.p_value == wilcoxon(difference).pvalue
    one_sided = pt.compare_models(jr.key(0), one, other, null, alternative="greater")
    assert one_sided.p_value == pytest.approx(found.p_value / 2)
    assert found.effect == pytest.approx(ttest_1samp(difference, 0).statistic / 18**0.5)
    turned = pt.compare_models(jr.key(0), other, one, null)
    assert turned.gain == pytest.approx(-found.gain)
    assert {found.verdict, turned.verdict} == {"better", "worse"}
    assert pt.compare_models(jr.key(0), one, one, null).verdict == "no clear difference"
