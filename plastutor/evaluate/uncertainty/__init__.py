"""Uncertainty: Fisher information, intervals, profiles, and their coverage."""

from plastutor.evaluate.uncertainty._assumptions import (
    EndDeviance as EndDeviance,
    ResidualCorrelation as ResidualCorrelation,
    end_deviance as end_deviance,
    residual_correlation as residual_correlation,
)
from plastutor.evaluate.uncertainty._coverage import (
    Coverage as Coverage,
    coverage as coverage,
)
from plastutor.evaluate.uncertainty._fisher import (
    Information as Information,
    fisher as fisher,
)
from plastutor.evaluate.uncertainty._laplace import (
    Laplace as Laplace,
    laplace as laplace,
)
from plastutor.evaluate.uncertainty._profile import (
    Profile as Profile,
    profile as profile,
)
