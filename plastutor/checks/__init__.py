"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises. It prints one sentence and returns True or False. There is one
module for each chapter, of the same name.
"""

from plastutor.checks.a_rule_of_unknown_form import (
    explained_share,
    gain_of_adding,
    smallest_as_good,
)
from plastutor.checks.a_synapse_that_learns import oja_layer, sanger_layer, scaled_decay
from plastutor.checks.agreement import agrees
from plastutor.checks.fifty_reward_rules import index_order, term_name, theta_of
from plastutor.checks.flies_one_by_one import lost, shrink
from plastutor.checks.forgetting_in_flies import choice_a, expected_of_ten
from plastutor.checks.gradients_through_learning import (
    central_difference,
    clipped_step,
    masked_loss,
)
from plastutor.checks.how_far_to_trust import best_plan, half_width
from plastutor.checks.jax_in_ten_minutes import running_expectation, slopes
from plastutor.checks.learning_while_it_happens import (
    diagonal,
    fewest_kept,
    local_trace,
)
from plastutor.checks.noise_and_missing_neurons import (
    log_evidence,
    noise_level,
    posterior_mean,
)
from plastutor.checks.oja_recovery import hebb_with_decay, mean_r2
from plastutor.checks.rewards_from_choices import baited, deviance_explained, shrunk

__all__ = [
    "agrees",
    "baited",
    "best_plan",
    "central_difference",
    "choice_a",
    "clipped_step",
    "deviance_explained",
    "diagonal",
    "expected_of_ten",
    "explained_share",
    "gain_of_adding",
    "fewest_kept",
    "half_width",
    "hebb_with_decay",
    "index_order",
    "local_trace",
    "log_evidence",
    "lost",
    "masked_loss",
    "mean_r2",
    "noise_level",
    "oja_layer",
    "posterior_mean",
    "running_expectation",
    "sanger_layer",
    "scaled_decay",
    "shrink",
    "shrunk",
    "slopes",
    "smallest_as_good",
    "term_name",
    "theta_of",
]
