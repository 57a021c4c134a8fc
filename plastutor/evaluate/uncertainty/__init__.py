"""Uncertainty: Fisher information, intervals, profiles, and their coverage."""

from plastutor.evaluate.uncertainty._coverage import Coverage, coverage
from plastutor.evaluate.uncertainty._fisher import Information, fisher
from plastutor.evaluate.uncertainty._laplace import Laplace, laplace
from plastutor.evaluate.uncertainty._profile import Profile, profile

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
