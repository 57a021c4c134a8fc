"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises and never hangs: the reader's function runs in a process of its
own. It prints one sentence and returns True or False. There is one module for each
chapter and for each assignment, of the same name.
"""

from plastutor.teaching.checks._agreement import agrees as agrees
from plastutor.teaching.checks.assignments.forgetting_in_simulated_flies import (
    choice_probability as choice_probability,
    theta_of_flies as theta_of_flies,
    time_constant as time_constant,
)
from plastutor.teaching.checks.assignments.recover_a_hidden_rule import (
    loss_on_recordings as loss_on_recordings,
    percent_explained as percent_explained,
    theta_of_recordings as theta_of_recordings,
)
from plastutor.teaching.checks.assignments.reward_rules_from_choices import (
    accept_probability as accept_probability,
    log_likelihood as log_likelihood,
    reward_prediction_error as reward_prediction_error,
    theta_of_animals as theta_of_animals,
)
from plastutor.teaching.checks.assignments.simulate_a_rule import (
    misfit_on_recordings as misfit_on_recordings,
    theta_of_three_terms as theta_of_three_terms,
    trajectory_of_a_network as trajectory_of_a_network,
    weight_change as weight_change,
)
from plastutor.teaching.checks.choices.fifty_reward_rules import (
    asymmetric_indices as asymmetric_indices,
    index_order as index_order,
    term_name as term_name,
    theta_from_terms as theta_from_terms,
)
from plastutor.teaching.checks.choices.flies_one_by_one import (
    forgetting_per_trial as forgetting_per_trial,
    shrinkage_estimate as shrinkage_estimate,
)
from plastutor.teaching.checks.choices.forgetting_in_flies import (
    choice_kernel as choice_kernel,
    half_time as half_time,
    probability_of_a as probability_of_a,
)
from plastutor.teaching.checks.choices.rewards_from_choices import (
    bait_probability as bait_probability,
    baited_rewards as baited_rewards,
    deviance_explained as deviance_explained,
    soft_threshold as soft_threshold,
)
from plastutor.teaching.checks.foundations.a_rule_of_unknown_form import (
    count_term_sets as count_term_sets,
    explained_variance as explained_variance,
    one_standard_error_rule as one_standard_error_rule,
    predicted_gain as predicted_gain,
)
from plastutor.teaching.checks.foundations.a_synapse_that_learns import (
    oja_layer as oja_layer,
    sanger_layer as sanger_layer,
    settled_length as settled_length,
)
from plastutor.teaching.checks.foundations.gradients_through_learning import (
    central_difference as central_difference,
    clipped_step as clipped_step,
    masked_loss as masked_loss,
)
from plastutor.teaching.checks.foundations.noise_and_missing_neurons import (
    log_evidence as log_evidence,
    more_experiments as more_experiments,
    noise_level as noise_level,
    posterior_mean as posterior_mean,
)
from plastutor.teaching.checks.foundations.oja_recovery import (
    fixed_point as fixed_point,
    hebb_with_decay as hebb_with_decay,
    mean_r2 as mean_r2,
)
from plastutor.teaching.checks.function.how_to_read_a_memory import (
    best_phase as best_phase,
    gabor_coupling as gabor_coupling,
    weight_noise as weight_noise,
)
from plastutor.teaching.checks.function.rules_from_their_function import (
    alpha_for_rate as alpha_for_rate,
    share_of_steepest as share_of_steepest,
    sign_blind_distance as sign_blind_distance,
)
from plastutor.teaching.checks.loops.rules_in_a_loop import (
    bounded_weight as bounded_weight,
    softplus_derivative as softplus_derivative,
    worst_rank as worst_rank,
)
from plastutor.teaching.checks.neighbours.learning_while_it_happens import (
    eligibility_trace as eligibility_trace,
    fewest_stored as fewest_stored,
    jacobian_diagonal as jacobian_diagonal,
)
from plastutor.teaching.checks.reference.jax_in_ten_minutes import (
    oja_derivative as oja_derivative,
    running_expectation as running_expectation,
    trace_count as trace_count,
)
from plastutor.teaching.checks.trust.how_far_to_trust import (
    best_plan as best_plan,
    half_width as half_width,
    interval_widening as interval_widening,
)
