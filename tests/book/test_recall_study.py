"""The study of recall: only the coupling is wrong where it is said to be."""

import jax.random as jr
import numpy as np
from recall import methods
from recall.settings import PHASE, WRITTEN

from plastutor import memory


def stored():
    drawn = methods.stored_and_cues(jr.key(0), *PHASE, 5, 3, 40)
    patterns, asked, cue = drawn
    return asked, cue, memory.store(WRITTEN, patterns)


def test_the_field_with_the_right_coupling_is_that_of_recall():
    _, cue, w = stored()
    ours = methods.wrong_coupling(cue, w, 5, coupled=WRITTEN)
    found = memory.recall(cue, w, WRITTEN, *PHASE, n_patterns=5).x
    assert np.abs(PHASE[0].difference(ours, found)).max() < 1e-4


def test_with_the_wrong_coupling_the_weights_still_count():
    asked, cue, w = stored()
    ends = [methods.wrong_coupling(cue, scale * w, 5) for scale in (1, 0)]
    assert methods.rms(*ends, PHASE[0]) > 0.1
    alone = PHASE[0].best(cue, PHASE[1])
    assert methods.rms(ends[0], asked, PHASE[0]) > methods.rms(alone, asked, PHASE[0])
