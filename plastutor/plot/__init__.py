"""The recurring figures of the book.

Each draws into an axes and returns it; a report fills a page.
Colours have one meaning in the whole book: truth black, model blue, the model that
does nothing grey, data orange. They differ without colour vision too.
"""

from plastutor.plot._curves import (
    coefficients_over_training as coefficients_over_training,
    loss_over_training as loss_over_training,
    per_animal as per_animal,
    selection_path as selection_path,
)
from plastutor.plot._reports import (
    activity_report as activity_report,
    choice_report as choice_report,
)
from plastutor.plot._style import (
    DATA as DATA,
    MODEL as MODEL,
    NULL as NULL,
    TRUTH as TRUTH,
)
from plastutor.plot._theta import (
    coefficients as coefficients,
    heat_map as heat_map,
    surface as surface,
    weights as weights,
)
