"""What has no uncertainty that could be computed gets a sentence."""

import jax
import pytest
from bad_input import check_refusal

import plastutor as pt

SERIES = pt.Orders(x=1, y=1, w=1, r=1)
RULE = pt.taylor(SERIES)
THETA = pt.terms(SERIES, xr=0.8, w=-0.1, yw=-0.2, one=0.05)
LOSS = pt.objective(RULE, pt.activity)


def seen(data):
    return data._replace(options=None, choice=None, accept=None)


BAD = {
    "a plain function": (
        lambda d: pt.fisher(lambda theta, data: 0.0, THETA, d),  # pyright: ignore
        r"no likelihood that is known here; expected objective\(",
    ),
    "noise on choices": (
        lambda d: pt.fisher(
            pt.objective(RULE, pt.accept, network=pt.FLY), THETA, d, noise=1.0
        ),
        "choices have none. Leave it out",
    ),
    "choices where activity is needed": (
        lambda d: pt.fisher(
            pt.objective(RULE, pt.activity, network=pt.FLY),
            THETA,
            d._replace(activity=None),
        ),
        "pt.activity needs activity, and this experiment has none",
    ),
    "activity where choices are needed": (
        lambda d: pt.fisher(
            pt.objective(RULE, pt.choice, network=pt.FLY), THETA, seen(d)
        ),
        "pt.choice needs choice, and this experiment has none",
    ),
    "choices without a read-out": (
        lambda d: pt.fisher(pt.objective(RULE, pt.accept), THETA, d),
        "network has no read-out|needs a network with a read-out",
    ),
    "unknown weights without noise": (
        lambda d: pt.fisher(LOSS, THETA, seen(d), w0_std=1.0),
        "the noise cannot be read off the residuals; pass noise=",
    ),
    "no noise": (
        lambda d: pt.fisher(LOSS, THETA, seen(d), noise=0.0),
        "noise is 0.0; expected one number above 0",
    ),
    "weights known for sure": (
        lambda d: pt.fisher(LOSS, THETA, seen(d), noise=1.0, w0_std=0.0),
        "w0_std is 0.0; expected one number above 0",
    ),
    "a level of 95": (
        lambda d: pt.laplace(LOSS, THETA, seen(d), level=95),
        "level is 95 and scale 1.0; expected a share such as 0.95",
    ),
    "a fit that diverged": (
        lambda d: pt.laplace(LOSS, THETA * 1e300, seen(d)),
        "information is not finite: with this theta the weights grow without bound",
    ),
    "a term that is not free": (
        lambda d: pt.profile(
            pt.objective(pt.taylor(SERIES, ("w", "xy")), pt.activity),
            THETA,
            seen(d),
            "x",
        ),
        "no free coefficient 'x'; expected one of w, xy",
    ),
    "nowhere to hold it": (
        lambda d: pt.profile(LOSS, THETA, seen(d), "x", values=[]),
        r"expected one row of numbers at which to hold 'x'",
    ),
    "the ends of a fit that diverged": (
        lambda d: pt.evaluate.uncertainty.end_deviance(LOSS, THETA * 1e300, seen(d)),
        "information is not finite: with this theta the weights grow without bound",
    ),
    "neurons of choices": (
        lambda d: pt.evaluate.uncertainty.residual_correlation(
            pt.objective(RULE, pt.accept, network=pt.FLY), THETA, d
        ),
        r"likelihood is of accept, in 3 experiment\(s\); expected recorded activity",
    ),
    "neurons of one experiment": (
        lambda d: pt.evaluate.uncertainty.residual_correlation(
            LOSS, THETA, jax.tree.map(lambda leaf: leaf[:1], seen(d))
        ),
        r"of activity, in 1 experiment\(s\).*Cut a long recording into pieces",
    ),
    "intervals of one set": (
        lambda d: pt.evaluate.uncertainty.coverage([0.0], [0.0], [1.0]),
        r"low \(1,\), high \(1,\); expected \(k,\) and twice \(set, k\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case, data):
    act, sentence = BAD[case]
    check_refusal(lambda: act(data), sentence)
