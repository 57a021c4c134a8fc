"""Figures to play with, on a page without a kernel: HTML, SVG and a script of ours.

Python draws each figure for the values that its controls begin with. The script
(living.js) then makes the controls visible and draws the same paths for other values.
Without scripts, and in print, the plain figure remains. Nothing is loaded from
elsewhere, so that a figure also works in Jupyter and in Colab.
"""

from plastutor.living.figure import Living
from plastutor.living.foraging import forgetting
from plastutor.living.lives import weights
from plastutor.living.recovery import noise

__all__ = ["Living", "forgetting", "noise", "weights"]
