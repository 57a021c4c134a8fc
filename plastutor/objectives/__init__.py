"""Objectives: the function of theta that a fit makes small."""

from plastutor.objectives._fresh import Fresh as Fresh, data_at as data_at
from plastutor.objectives._function import (
    End as End,
    Functional as Functional,
    component_distance as component_distance,
    functional as functional,
    rate_distance as rate_distance,
    subspace_distance as subspace_distance,
)
from plastutor.objectives._objective import (
    Objective as Objective,
    objective as objective,
)
