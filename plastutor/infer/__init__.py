"""Inference: find theta, choose terms, read a network as terms."""

from plastutor.infer._distil import (
    Distilled,
    States,
    distil,
    predicted_gains,
    visited_states,
)
from plastutor.infer._evidence import (
    EvidenceFit,
    evidence_fit,
    first_order_prior,
    normal_equations,
)
from plastutor.infer._fit import LBFGS, fit, fit_many, fit_restarts, lowest_loss
from plastutor.infer._gauss_newton import GaussNewton, gauss_newton_terms
from plastutor.infer._online import fit_online, stream_gradient
from plastutor.infer._selection import Selection, SelectionPath, select_terms
from plastutor.infer._spiking import train_spiking

__all__ = [
    "Distilled",
    "EvidenceFit",
    "GaussNewton",
    "LBFGS",
    "Selection",
    "SelectionPath",
    "States",
    "distil",
    "evidence_fit",
    "first_order_prior",
    "fit",
    "fit_many",
    "fit_online",
    "fit_restarts",
    "gauss_newton_terms",
    "lowest_loss",
    "normal_equations",
    "predicted_gains",
    "select_terms",
    "stream_gradient",
    "train_spiking",
    "visited_states",
]
