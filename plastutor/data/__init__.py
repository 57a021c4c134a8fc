"""Data: read choices and recordings of one's own, and files to try."""

from plastutor.data import flies
from plastutor.data._choices import Choices, choice_experiments, one_hot, read_choices
from plastutor.data._examples import example_file
from plastutor.data._recordings import Recording, read_activity
from plastutor.data._tables import read_table

__all__ = [
    "flies",
    "Choices",
    "Recording",
    "choice_experiments",
    "example_file",
    "one_hot",
    "read_activity",
    "read_choices",
    "read_table",
]
