"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises and never hangs: the reader's function runs in a process of its
own. It prints one sentence and returns True or False. There is one module for each
chapter and for each assignment, of the same name.
"""

from plastutor.teaching.checks._agreement import agrees
from plastutor.teaching.checks.assignments.forgetting_in_simulated_flies import (
    choice_probability,
    theta_of_flies,
    time_constant,
)
from plastutor.teaching.checks.assignments.recover_a_hidden_rule import (
    loss_on_recordings,
    percent_explained,
    theta_of_recordings,
)
from plastutor.teaching.checks.assignments.reward_rules_from_choices import (
    accept_probability,
    log_likelihood,
    reward_prediction_error,
    theta_of_animals,
)
from plastutor.teaching.checks.assignments.simulate_a_rule import (
    misfit_on_recordings,
    theta_of_three_terms,
    trajectory_of_a_network,
    weight_change,
)
from plastutor.teaching.checks.choices.fifty_reward_rules import (
    asymmetric_indices,
    index_order,
    term_name,
    theta_from_terms,
)
from plastutor.teaching.checks.choices.flies_one_by_one import (
    forgetting_per_trial,
    shrinkage_estimate,
)
from plastutor.teaching.checks.choices.forgetting_in_flies import (
    expected_reward,
    half_time,
    probability_of_a,
)
from plastutor.teaching.checks.choices.rewards_from_choices import (
    bait_probability,
    baited_rewards,
    deviance_explained,
    soft_threshold,
)
from plastutor.teaching.checks.foundations.a_rule_of_unknown_form import (
    count_term_sets,
    explained_variance,
    one_standard_error_rule,
    predicted_gain,
)
from plastutor.teaching.checks.foundations.a_synapse_that_learns import (
    oja_layer,
    sanger_layer,
    settled_length,
)
from plastutor.teaching.checks.foundations.gradients_through_learning import (
    central_difference,
    clipped_step,
    masked_loss,
)
from plastutor.teaching.checks.foundations.noise_and_missing_neurons import (
    log_evidence,
    more_experiments,
    noise_level,
    posterior_mean,
)
from plastutor.teaching.checks.foundations.oja_recovery import (
    fixed_point,
    hebb_with_decay,
    mean_r2,
)
from plastutor.teaching.checks.neighbours.learning_while_it_happens import (
    eligibility_trace,
    fewest_stored,
    jacobian_diagonal,
)
from plastutor.teaching.checks.reference.jax_in_ten_minutes import (
    oja_derivative,
    running_expectation,
    trace_count,
)
from plastutor.teaching.checks.trust.how_far_to_trust import (
    best_plan,
    half_width,
    interval_widening,
)

__all__ = [
    "agrees",
    "baited_rewards",
    "best_plan",
    "central_difference",
    "weight_change",
    "probability_of_a",
    "clipped_step",
    "oja_derivative",
    "deviance_explained",
    "jacobian_diagonal",
    "expected_reward",
    "explained_variance",
    "fewest_stored",
    "predicted_gain",
    "half_time",
    "half_width",
    "hebb_with_decay",
    "index_order",
    "log_likelihood",
    "eligibility_trace",
    "log_evidence",
    "loss_on_recordings",
    "forgetting_per_trial",
    "masked_loss",
    "mean_r2",
    "misfit_on_recordings",
    "more_experiments",
    "noise_level",
    "oja_layer",
    "percent_explained",
    "posterior_mean",
    "accept_probability",
    "choice_probability",
    "fixed_point",
    "reward_prediction_error",
    "bait_probability",
    "running_expectation",
    "sanger_layer",
    "count_term_sets",
    "settled_length",
    "shrinkage_estimate",
    "soft_threshold",
    "one_standard_error_rule",
    "term_name",
    "theta_from_terms",
    "theta_of_animals",
    "theta_of_flies",
    "theta_of_recordings",
    "theta_of_three_terms",
    "trace_count",
    "trajectory_of_a_network",
    "time_constant",
    "interval_widening",
    "asymmetric_indices",
]
