"""Checks for the exercises: they say what is wrong by the first counter-example.

A check never raises and never hangs: the reader's function runs in a process of its
own. It prints one sentence and returns True or False. There is one module for each
chapter and for each assignment, of the same name.
"""

from plastutor.checks.a_rule_of_unknown_form import (
    explained_share,
    gain_of_adding,
    sets_of_terms,
    smallest_as_good,
)
from plastutor.checks.a_synapse_that_learns import (
    oja_layer,
    sanger_layer,
    settled_length,
)
from plastutor.checks.agreement import agrees
from plastutor.checks.fifty_reward_rules import (
    index_order,
    term_name,
    theta_of,
    wrong_backwards,
)
from plastutor.checks.flies_one_by_one import lost, shrink
from plastutor.checks.forgetting_in_flies import choice_a, expected_of_ten, half_time
from plastutor.checks.forgetting_in_simulated_flies import (
    probability_of_odour_one,
    theta_of_flies,
    trials_of_memory,
)
from plastutor.checks.gradients_through_learning import (
    central_difference,
    clipped_step,
    masked_loss,
)
from plastutor.checks.how_far_to_trust import best_plan, half_width, widening
from plastutor.checks.jax_in_ten_minutes import running_expectation, slopes, traces
from plastutor.checks.learning_while_it_happens import (
    diagonal,
    fewest_kept,
    local_trace,
)
from plastutor.checks.noise_and_missing_neurons import (
    log_evidence,
    more_experiments,
    noise_level,
    posterior_mean,
)
from plastutor.checks.oja_recovery import hebb_with_decay, mean_r2, resting_weight
from plastutor.checks.recover_a_hidden_rule import (
    loss_on_records,
    percent_of_nothing,
    theta_of_records,
)
from plastutor.checks.reward_rules_from_choices import (
    likelihood_of_a_life,
    probability_of_accepting,
    reward_less_expected,
    theta_of_animals,
)
from plastutor.checks.rewards_from_choices import (
    baited,
    deviance_explained,
    reward_waits,
    shrunk,
)
from plastutor.checks.simulate_a_rule import (
    change_in_one_step,
    life_of_a_network,
    misfit_on_records,
    three_coefficients,
)

__all__ = [
    "agrees",
    "baited",
    "best_plan",
    "central_difference",
    "change_in_one_step",
    "choice_a",
    "clipped_step",
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
    "life_of_a_network",
    "likelihood_of_a_life",
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
    "slopes",
    "smallest_as_good",
    "term_name",
    "theta_of",
    "theta_of_animals",
    "theta_of_flies",
    "theta_of_records",
    "three_coefficients",
    "traces",
    "trials_of_memory",
    "widening",
    "wrong_backwards",
]
