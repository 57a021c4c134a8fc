"""Rules: how a synapse changes, dw = g_theta(x, y, w, r)."""

from plastutor.rules._mlp import mlp
from plastutor.rules._taylor import plain_update, taylor
from plastutor.rules._terms import (
    BEHAVIOUR_ORDERS,
    HEBB,
    OJA,
    OJA_ORDERS,
    Orders,
    free_indices,
    free_terms,
    reward_covariance,
    term_names,
    terms,
)

__all__ = [
    "BEHAVIOUR_ORDERS",
    "HEBB",
    "OJA",
    "OJA_ORDERS",
    "Orders",
    "free_indices",
    "free_terms",
    "mlp",
    "plain_update",
    "reward_covariance",
    "taylor",
    "term_names",
    "terms",
]
