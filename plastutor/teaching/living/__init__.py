"""Figures to play with, on a page without a kernel: HTML, SVG and a script of ours.

Python draws each figure for the values that its controls begin with. The script
(living.js) then makes the controls visible and draws the same paths for other values.
Without scripts, and in print, the plain figure remains. Nothing is loaded from
elsewhere, so that a figure also works in Jupyter and in Colab.
"""

from plastutor.teaching.living._component import component as component
from plastutor.teaching.living._figure import Living as Living
from plastutor.teaching.living._forgetting import forgetting as forgetting
from plastutor.teaching.living._loop import loop as loop
from plastutor.teaching.living._noise import noise as noise
from plastutor.teaching.living._recall import recall as recall
from plastutor.teaching.living._weights import weights as weights
