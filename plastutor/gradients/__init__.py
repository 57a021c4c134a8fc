"""Gradients of a loss through learning: reverse, forward, or local to a synapse."""

from plastutor.gradients._eprop import (
    diagonal_jacobian as diagonal_jacobian,
    spiking_gradient as spiking_gradient,
)
from plastutor.gradients._forward import (
    ForwardState as ForwardState,
    advance as advance,
    init_state as init_state,
    value_and_gradient as value_and_gradient,
)
from plastutor.gradients._mean_loss import mean_loss as mean_loss
from plastutor.gradients._trials import (
    completed_trials as completed_trials,
    logits_by_trial as logits_by_trial,
)
