"""Noise and missing neurons: the whole grid.

Recovers a rule from recordings of falling quality, by the protocol of Mehta et al.
(2024, Fig. 2D-G) and by `plastutor.infer.evidence_fit`. Two small tables stand beside
the main one: coefficients over training, and how the estimator was tuned.
"""
