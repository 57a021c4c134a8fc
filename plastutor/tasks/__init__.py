"""Tasks: experiments simulated by a rule that is known."""

from plastutor.tasks._baited import choice_task as choice_task
from plastutor.tasks._foraging import (
    Foraging as Foraging,
    foraging_task as foraging_task,
    resample_stimuli as resample_stimuli,
)
from plastutor.tasks._goals import (
    Goals as Goals,
    component_goals as component_goals,
    rate_goals as rate_goals,
    rate_masks as rate_masks,
)
from plastutor.tasks._patterns import (
    pattern_task as pattern_task,
    recall_task as recall_task,
    spike_patterns as spike_patterns,
)
from plastutor.tasks._recordings import (
    hide_inputs as hide_inputs,
    neural_task as neural_task,
    redraw_w0 as redraw_w0,
)
from plastutor.tasks._recurrent import recurrent_task as recurrent_task
