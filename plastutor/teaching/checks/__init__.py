"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises and never hangs: the reader's function runs in a process of its
own. It prints one sentence and returns True or False. There is one module for each
chapter and for each assignment, of the same name.
"""

from plastutor.teaching.checks._agreement import agrees
from plastutor.teaching.checks.assignments.forgetting_in_simulated_flies import (
    probability_of_odour_one,
    theta_of_flies,
    trials_of_memory,
)
from plastutor.teaching.checks.assignments.recover_a_hidden_rule import (
    loss_on_records,
    percent_of_nothing,
    theta_of_records,
)
from plastutor.teaching.checks.assignments.reward_rules_from_choices import (
    likelihood_of_an_animal,
    probability_of_accepting,
    reward_less_expected,
    theta_of_animals,
)
from plastutor.teaching.checks.assignments.simulate_a_rule import (
    change_in_one_step,
    misfit_on_records,
    three_coefficients,
    trajectory_of_a_network,
)
from plastutor.teaching.checks.choices.fifty_reward_rules import (
    index_order,
    term_name,
    theta_of,
    wrong_backwards,
)
from plastutor.teaching.checks.choices.flies_one_by_one import lost, shrink
from plastutor.teaching.checks.choices.forgetting_in_flies import (
    choice_a,
    expected_of_ten,
    half_time,
)
from plastutor.teaching.checks.choices.rewards_from_choices import (
    baited,
    deviance_explained,
    reward_waits,
    shrunk,
)
from plastutor.teaching.checks.foundations.a_rule_of_unknown_form import (
    explained_share,
    gain_of_adding,
    sets_of_terms,
    smallest_as_good,
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
    hebb_with_decay,
    mean_r2,
    resting_weight,
)
from plastutor.teaching.checks.neighbours.learning_while_it_happens import (
    diagonal,
    fewest_kept,
    local_trace,
)
from plastutor.teaching.checks.reference.jax_in_ten_minutes import (
    derivatives,
    running_expectation,
    traces,
)
from plastutor.teaching.checks.trust.how_far_to_trust import (
    best_plan,
    half_width,
    widening,
)

__all__ = [
    "agrees",
    "baited",
    "best_plan",
    "central_difference",
    "change_in_one_step",
    "choice_a",
    "clipped_step",
    "derivatives",
    "deviance_explained",
    "diagonal",
    "expected_of_ten",
    "explained_share",
    "fewest_kept",
    "gain_of_adding",
    "half_time",
    "half_width",
    "hebb_with_decay",
    "index_order",
    "likelihood_of_an_animal",
    "local_trace",
    "log_evidence",
    "loss_on_records",
    "lost",
    "masked_loss",
    "mean_r2",
    "misfit_on_records",
    "more_experiments",
    "noise_level",
    "oja_layer",
    "percent_of_nothing",
    "posterior_mean",
    "probability_of_accepting",
    "probability_of_odour_one",
    "resting_weight",
    "reward_less_expected",
    "reward_waits",
    "running_expectation",
    "sanger_layer",
    "sets_of_terms",
    "settled_length",
    "shrink",
    "shrunk",
    "smallest_as_good",
    "term_name",
    "theta_of",
    "theta_of_animals",
    "theta_of_flies",
    "theta_of_records",
    "three_coefficients",
    "traces",
    "trajectory_of_a_network",
    "trials_of_memory",
    "widening",
    "wrong_backwards",
]
