"""Uncertainty: what the data can and cannot tell about a rule that was inferred.

All of it rests on the Fisher information: how sharply the likelihood of the data falls
when theta moves. Directions in which it hardly falls are called sloppy.
"""

from plastutor.uncertainty.gaussian import Laplace, laplace
from plastutor.uncertainty.information import Information, fisher
from plastutor.uncertainty.intervals import Coverage, coverage
from plastutor.uncertainty.profiles import Profile, profile

__all__ = [
    "Coverage",
    "Information",
    "Laplace",
    "Profile",
    "coverage",
    "fisher",
    "laplace",
    "profile",
]
