"""The study of e-prop: what is learned from, how a training ended, rows made again."""

import numpy as np
import pytest
from eprop import methods
from eprop.settings import N_NEW, N_TRAIN, task
from test_studies import TABLES, kept


@pytest.mark.parametrize(
    ("accuracy", "loss", "status"),
    [(0.5, 0.7, "finished"), (0.5, np.nan, "diverged"), (np.nan, 0.7, "diverged")],
)
def test_a_training_has_a_status(accuracy, loss, status):
    assert methods.status(accuracy, loss) == status


def test_every_seed_has_its_own_examples_and_layer():
    one = task("recall", 20)
    (x, layer, feedback, label, _), (x_other, layer_other, *_) = (
        methods.prepare(seed, one) for seed in (0, 1)
    )
    assert x.shape == (N_TRAIN + N_NEW, 40, 12) and feedback.shape == (2, 32)
    assert {v.dtype.name for v in (x, *layer, feedback)} == {"float32"}
    assert (x != x_other).any() and (layer.w_rec != layer_other.w_rec).all()
    assert (feedback != layer.w_out.T).all()
    assert np.mean(np.asarray(label)[N_TRAIN:]) == 0.5


def test_a_frozen_layer_recalls_nothing_after_forty_steps():
    found = [
        float(row["accuracy"])
        for row in kept("eprop")[1]
        if (row["task"], row["delay"], row["method"]) == ("recall", "40", "frozen")
    ]
    assert abs(np.mean(found) - 0.5) < 0.05 and len(found) == 10


@pytest.mark.weekly
def test_trainings_can_be_made_again():
    first = TABLES["eprop"].again[0].items()
    settings = [row for row in TABLES["eprop"].rows() if first <= row.items()]
    new = methods.run(settings)
    for setting, row in zip(settings, new, strict=True):
        key = {name: str(value) for name, value in setting.items()}.items()
        (old,) = [old for old in kept("eprop")[1] if key <= old.items()]
        assert row["status"] == old["status"]
        assert float(row["accuracy"]) == pytest.approx(float(old["accuracy"]), abs=0.01)
