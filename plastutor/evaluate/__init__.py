"""Evaluation: on held-out data, beside other models, with uncertainty."""

from plastutor.evaluate import uncertainty as uncertainty
from plastutor.evaluate._baselines import (
    choice_kernel as choice_kernel,
    fixed_weights as fixed_weights,
    logistic_regression as logistic_regression,
    q_learning as q_learning,
)
from plastutor.evaluate._comparison import (
    ModelComparison as ModelComparison,
    bootstrap_interval as bootstrap_interval,
    compare_models as compare_models,
)
from plastutor.evaluate._held_out import (
    LeftOut as LeftOut,
    animal_losses as animal_losses,
    count_observations as count_observations,
    leave_one_out as leave_one_out,
    split_in_time as split_in_time,
)
from plastutor.evaluate._population import (
    Population as Population,
    bootstrap_fits as bootstrap_fits,
    cluster_robust_interval as cluster_robust_interval,
    fit_population as fit_population,
    predictive_losses as predictive_losses,
)
from plastutor.evaluate._recurrent import (
    leave_one_out_stopped as leave_one_out_stopped,
    recurrent_network as recurrent_network,
)
from plastutor.evaluate._scores import (
    Score as Score,
    null_theta as null_theta,
    percent_deviance as percent_deviance,
    r2 as r2,
    score as score,
    weight_r2 as weight_r2,
)
