"""Evaluation: on held-out data, beside other models, with uncertainty."""

from plastutor.evaluate import uncertainty
from plastutor.evaluate._baselines import fixed_weights, logistic_regression, q_learning
from plastutor.evaluate._comparison import (
    ModelComparison,
    bootstrap_interval,
    compare_models,
)
from plastutor.evaluate._held_out import (
    LeftOut,
    animal_losses,
    by_animal,
    count_observations,
    leave_one_out,
    split_in_time,
)
from plastutor.evaluate._population import (
    Population,
    bootstrap_fits,
    cluster_robust_interval,
    fit_population,
    predictive_losses,
)
from plastutor.evaluate._scores import (
    Score,
    null_theta,
    percent_deviance,
    r2,
    score,
    weight_r2,
)

__all__ = [
    "uncertainty",
    "LeftOut",
    "ModelComparison",
    "Population",
    "Score",
    "animal_losses",
    "bootstrap_fits",
    "bootstrap_interval",
    "by_animal",
    "cluster_robust_interval",
    "compare_models",
    "count_observations",
    "fit_population",
    "fixed_weights",
    "leave_one_out",
    "logistic_regression",
    "null_theta",
    "percent_deviance",
    "predictive_losses",
    "q_learning",
    "r2",
    "score",
    "split_in_time",
    "weight_r2",
]
