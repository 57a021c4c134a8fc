"""What is no rule gets a sentence."""

import pytest
from bad_input import check_refusal

import plastutor as pt

BAD = {
    "unknown letter": (
        lambda: pt.terms(pt.OJA_ORDERS, xz=1.0),
        r"term 'xz' has the unknown letter 'z'.*x \(pre\), y \(post\), w \(weight\)",
    ),
    "empty term": (
        lambda: pt.rules.free_terms(pt.OJA_ORDERS, ("",)),
        "The term '' is empty. A term",
    ),
    "power above the order": (
        lambda: pt.terms(pt.OJA_ORDERS, yyyw=1.0),
        r"'yyyw' holds y to the power 3, but the series stops at 2",
    ),
    "reward in a rule without": (
        lambda: pt.terms(pt.OJA_ORDERS, xr=1.0),
        r"'xr' holds r to the power 1, but the series stops at 0.*Orders\(r=1",
    ),
    "the same term twice": (
        lambda: pt.terms(pt.OJA_ORDERS, xy=1.0, yx=2.0),
        "'xy' and 'yx' are the same term.*sum of the two",
    ),
    "a free term twice": (
        lambda: pt.taylor(pt.OJA_ORDERS, ("xy", "one", "xy")),
        "'xy' and 'xy' are the same term",
    ),
    "an unknown free term": (
        lambda: pt.taylor(pt.OJA_ORDERS, ("q",)),
        "unknown letter 'q'",
    ),
    "a bare term": (
        lambda: pt.taylor(pt.OJA_ORDERS, "xy"),
        r"only is 'xy'; .*\('xy',\)",
    ),
    "negative order": (
        lambda: pt.taylor(pt.Orders(x=-1)),
        "The order of x is -1; expected",
    ),
    "fractional order": (lambda: pt.taylor(pt.Orders(w=1.5)), "The order of w is 1.5"),
    "a layer without units": (
        lambda: pt.mlp((10, 0)),
        r"hidden is \(10, 0\); expected",
    ),
    "a bare number of units": (lambda: pt.mlp(10), r"hidden is 10; expected .*\(10,\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence(case):
    check_refusal(*BAD[case])
