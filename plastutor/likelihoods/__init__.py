"""Likelihoods: how far what a network did is from what was observed, and penalties."""

from plastutor.likelihoods._activity import activity as activity
from plastutor.likelihoods._choices import (
    accept as accept,
    choice as choice,
    choice_probability as choice_probability,
    likelihood_of as likelihood_of,
    softmax_choice as softmax_choice,
)
from plastutor.likelihoods._labels import (
    spiking_accuracy as spiking_accuracy,
    spiking_loss as spiking_loss,
)
from plastutor.likelihoods._likelihood import Likelihood as Likelihood, sample as sample
from plastutor.likelihoods._penalties import l1 as l1
