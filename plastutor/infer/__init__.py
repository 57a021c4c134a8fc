"""Inference: find theta, choose terms, read a network as terms."""

from plastutor.infer._coefficients import (
    coefficient_names as coefficient_names,
    free_coefficients as free_coefficients,
    free_directions as free_directions,
)
from plastutor.infer._distil import (
    Distilled as Distilled,
    States as States,
    distil as distil,
    predicted_gains as predicted_gains,
    visited_states as visited_states,
)
from plastutor.infer._evidence import (
    EvidenceFit as EvidenceFit,
    evidence_fit as evidence_fit,
    first_order_prior as first_order_prior,
    normal_equations as normal_equations,
)
from plastutor.infer._fit import (
    LBFGS as LBFGS,
    fit as fit,
    fit_many as fit_many,
    lowest_loss as lowest_loss,
)
from plastutor.infer._gauss_newton import (
    DampedStep as DampedStep,
    GaussNewton as GaussNewton,
    damped_step as damped_step,
    gauss_newton_terms as gauss_newton_terms,
)
from plastutor.infer._online import (
    fit_online as fit_online,
    stream_gradient as stream_gradient,
)
from plastutor.infer._optima import (
    distinct_optima as distinct_optima,
    fit_restarts as fit_restarts,
    nats_above_best as nats_above_best,
)
from plastutor.infer._selection import (
    Selection as Selection,
    SelectionPath as SelectionPath,
    select_terms as select_terms,
)
from plastutor.infer._spiking import train_spiking as train_spiking
