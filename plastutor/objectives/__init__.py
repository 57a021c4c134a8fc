"""Objectives: the function of theta that a fit makes small."""

from plastutor.objectives._objective import (
    Objective as Objective,
    objective as objective,
)
