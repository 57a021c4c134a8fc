"""Likelihoods: how far what a network did is from what was observed, and penalties."""

from plastutor.likelihoods._activity import activity
from plastutor.likelihoods._choices import accept, choice, choice_probability
from plastutor.likelihoods._labels import spiking_accuracy, spiking_loss
from plastutor.likelihoods._penalties import l1
from plastutor.likelihoods._sums import SUMS

__all__ = [
    "SUMS",
    "accept",
    "activity",
    "choice",
    "choice_probability",
    "l1",
    "spiking_accuracy",
    "spiking_loss",
]
