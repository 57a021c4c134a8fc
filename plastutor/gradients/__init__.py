"""Gradients of a loss through learning: reverse, forward, or local to a synapse."""

from plastutor.gradients._forward import (
    ForwardState,
    advance,
    init_state,
    value_and_gradient,
)
from plastutor.gradients._mean_loss import mean_loss
from plastutor.gradients._spiking import diagonal_jacobian, spiking_gradient
from plastutor.gradients._trials import completed_trials, logits_by_trial

__all__ = [
    "ForwardState",
    "advance",
    "completed_trials",
    "diagonal_jacobian",
    "init_state",
    "logits_by_trial",
    "mean_loss",
    "spiking_gradient",
    "value_and_gradient",
]
