"""Memory: what a storage rule writes into weights, and how they have to be read."""

from plastutor.memory._priors import Gaussian as Gaussian, VonMises as VonMises
from plastutor.memory._recall import (
    Recall as Recall,
    log_posterior as log_posterior,
    recall as recall,
    recall_error as recall_error,
    subspace_recall as subspace_recall,
)
from plastutor.memory._storage import (
    Covariance as Covariance,
    Fourier as Fourier,
    Gabor as Gabor,
    storage_of as storage_of,
    store as store,
    weight_moments as weight_moments,
)
