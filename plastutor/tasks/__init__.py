"""Tasks: experiments simulated by a rule that is known."""

from plastutor.tasks._foraging import Foraging, foraging_task, resample_stimuli
from plastutor.tasks._patterns import pattern_task, spike_patterns
from plastutor.tasks._recordings import hide_inputs, neural_task, redraw_w0

__all__ = [
    "Foraging",
    "foraging_task",
    "hide_inputs",
    "neural_task",
    "pattern_task",
    "redraw_w0",
    "resample_stimuli",
    "spike_patterns",
]
