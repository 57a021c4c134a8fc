"""The sums behind each likelihood, for data that come piece by piece."""

from __future__ import annotations

from plastutor.likelihoods._activity import activity, activity_sums
from plastutor.likelihoods._choices import accept, accept_sums, choice, choice_sums

SUMS = {activity: activity_sums, accept: accept_sums, choice: choice_sums}
"""`(trajectory, experiment) -> (sum of losses, number of observations)` of each."""
