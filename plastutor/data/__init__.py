"""Data: read choices and recordings of one's own, and files to try."""

from plastutor._tables import read_table as read_table
from plastutor.data import flies as flies
from plastutor.data._choices import (
    Choices as Choices,
    choice_experiments as choice_experiments,
    one_hot as one_hot,
    read_choices as read_choices,
)
from plastutor.data._examples import example_file as example_file
from plastutor.data._recordings import (
    Recording as Recording,
    read_activity as read_activity,
)
