"""One rule for several projections; and rules and data that do not fit."""

from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest
from test_recurrent import LOOP, MASK, RULES, data, theta_of

import plastutor as pt
from plastutor.networks import Recurrent

__all__ = ["data"]  # the fixture


def test_one_rule_is_shared(data):
    rule, theta = RULES["ff"], theta_of(("ff",))["ff"]
    both = {"ff": rule, "rec": rule}
    named = pt.simulate(both, {"ff": theta, "rec": theta}, data, network=LOOP)
    jax.tree.map(
        np.testing.assert_array_equal,
        pt.simulate(rule, theta, data, network=LOOP),
        named,
    )
    only = pt.simulate(rule, theta, data, network=replace(LOOP, shared=("rec",)))
    assert only.w is not None and (only.w["ff"] == data.w0["ff"][:, None]).all()


def with_w0(data, **changes):
    return data._replace(w0={**data.w0, **changes})


BAD = {
    "one array": (lambda d: d._replace(w0=d.w0["ff"]), "needs a mapping"),
    "unknown": (lambda d: with_w0(d, lat=d.w0["rec"]), "unknown projection 'lat'"),
    "no rec": (lambda d: d._replace(w0={"ff": d.w0["ff"]}), "w0 has ff; expected ff"),
    "ff": (lambda d: with_w0(d, ff=d.w0["rec"]), r"expected \(3, 4\): one row"),
    "out": (lambda d: with_w0(d, out=d.w0["rec"]), r"expected \(4, 1\)"),
    "activity": (
        lambda d: d._replace(activity=d.activity[..., :2]),
        "activity has 2 columns; expected 4",
    ),
}


@pytest.mark.parametrize(("spoil", "says"), BAD.values(), ids=BAD)
def test_data_that_do_not_fit_get_a_sentence(spoil, says, data):
    with pytest.raises(ValueError, match=says):
        pt.simulate(RULES, theta_of(RULES), spoil(data), network=LOOP)


def test_rules_and_parameters_that_do_not_fit_get_a_sentence(data):
    run = partial(pt.simulate, experiment=data, network=LOOP)
    rule, theta = RULES["ff"], theta_of(("ff",))["ff"]
    bad = [
        ({"lat": rule}, {"lat": theta}, "rules are for lat; this experiment has"),
        ({}, {}, "rules are for no projection"),
        ({"ff": rule}, {"rec": theta}, "theta has parameters of rec; expected"),
        ({"ff": rule}, theta, "theta has parameters of one rule"),
        ({"ff": rule}, {"ff": theta[:1]}, r"theta has shape \(1, 3, 2, 2\); expected"),
    ]
    for rules, given, says in bad:
        with pytest.raises(ValueError, match=says):
            run(rules, given)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"masks": {"lat": MASK}}, "masks has the unknown projection 'lat'"),
        ({"signs": {"rec": [1, 2]}}, "other numbers than 1, -1 and 0"),
        ({"rates": {"lat": 1.0}}, "rates has the unknown projection"),
        ({"rates": np.inf}, "expected finite numbers"),
        ({"homeostasis": -1.0}, "homeostasis is -1.0"),
        ({"smoothing": 0.0}, "smoothing 0.0; expected"),
        ({"shared": ("lat",)}, "shared has the unknown projection"),
        ({"between": ()}, "expected the names of projections between the neurons"),
        ({"between": ("ff",)}, "others than 'ff' and 'out'"),
    ],
    ids=str,
)
def test_networks_that_are_none_get_a_sentence(changes, says):
    with pytest.raises(ValueError, match=says):
        Recurrent(**changes)


@pytest.mark.parametrize("what", ["masks", "signs"])
def test_masks_and_signs_have_the_shape_of_the_weights(what, data):
    loop = replace(LOOP, **{what: {"rec": np.ones((2, 2), int)}})
    with pytest.raises(ValueError, match=rf"{what} of 'rec' has shape \(2, 2\)"):
        pt.simulate(RULES, theta_of(RULES), data, network=loop)
