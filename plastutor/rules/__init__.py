"""Rules: how a synapse changes, dw = g_theta(x, y, w, r)."""

from plastutor.rules._doublet import (
    DOUBLET_NAMES as DOUBLET_NAMES,
    Doublet as Doublet,
    doublet as doublet,
    doublet_theta as doublet_theta,
    mean_field_rate as mean_field_rate,
    vogels as vogels,
)
from plastutor.rules._mlp import mlp as mlp
from plastutor.rules._taylor import plain_update as plain_update, taylor as taylor
from plastutor.rules._terms import (
    BEHAVIOUR_ORDERS as BEHAVIOUR_ORDERS,
    HEBB as HEBB,
    OJA as OJA,
    OJA_ORDERS as OJA_ORDERS,
    Orders as Orders,
    free_indices as free_indices,
    free_terms as free_terms,
    reward_covariance as reward_covariance,
    term_names as term_names,
    terms as terms,
)
