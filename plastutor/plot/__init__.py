"""The recurring figures of the book.

Each draws into an axes and returns it; a report fills a page.
Colours have one meaning in the whole book: truth black, model blue, the model that
does nothing grey, data orange. They differ without colour vision too.
"""

from plastutor.plot._curves import (
    coefficients_over_training,
    loss_over_training,
    per_animal,
    selection_path,
)
from plastutor.plot._reports import activity_report, choice_report
from plastutor.plot._style import DATA, MODEL, NULL, TRUTH
from plastutor.plot._theta import coefficients, heat_map, surface, weights

__all__ = [
    "DATA",
    "MODEL",
    "NULL",
    "TRUTH",
    "activity_report",
    "choice_report",
    "coefficients",
    "coefficients_over_training",
    "heat_map",
    "loss_over_training",
    "per_animal",
    "selection_path",
    "surface",
    "weights",
]
