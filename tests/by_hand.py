"""Definitions that several tests compare with, written out in plain Python."""

from collections import deque

import numpy as np


def expected_by_hand(reward, completed, window):
    """Convention: a queue of zeros; a completed trial enters it after its own step."""
    queue, expected = deque([0.0] * window, maxlen=window), []
    for r, done in zip(reward, completed, strict=True):
        expected.append(sum(queue) / window if window else 0.0)
        if done and window:
            queue.append(float(r))
    return np.array(expected)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))
