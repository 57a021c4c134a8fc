"""A report says whether the fit to all animals has other optima."""

from two_optima import LOSS, choices, fits

import plastutor as pt
from plastutor.reports._analysis import _optima


def test_other_optima_are_counted():
    data = choices()
    both = fits(data)
    found = _optima(LOSS, both, data)
    reached = int((pt.infer.nats_above_best(LOSS, both, data) < 1).sum())
    assert 0 < reached < len(both)
    assert found == {
        "within 1 nat of it": reached,
        "other optima within 8 units of deviance": 1,
    }
    best = min(both, key=pt.lowest_loss)
    alone = _optima(LOSS, [best, best], data)
    assert [*alone.values()] == [2, 0]
