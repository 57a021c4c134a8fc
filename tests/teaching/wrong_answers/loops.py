"""Mistakes in the exercises on rules in a loop."""

import numpy as np

WRONG: dict[str, dict[str, tuple]] = {}

WRONG["bounded_weight"] = {
    "every weight above zero": (lambda w, sign: max(w, 0.0), "gives 0.4;"),
    "the size is kept": (lambda w, sign: sign * abs(w), "gives -0.4"),
    "the sign is lost": (lambda w, sign: max(sign * w, 0.0), "gives 0.3"),
}
WRONG["worst_rank"] = {
    "the sign counts": (
        lambda theta, true: max(1 + int((theta > theta[k]).sum()) for k in true),
        "gives 2;",
    ),
    "the best of the true terms": (
        lambda theta, true: min(
            1 + int((np.abs(theta) > abs(theta[k])).sum()) for k in true
        ),
        "gives 1;",
    ),
    "counted from zero": (
        lambda theta, true: max(
            int((np.abs(theta) > abs(theta[k])).sum()) for k in true
        ),
        "gives 0;",
    ),
}
WRONG["softplus_derivative"] = {
    "the function itself": (
        lambda v, sign: sign * np.log1p(np.exp(v)),
        "gives 0.0486",
    ),
    "without the sign": (lambda v, sign: 1 / (1 + np.exp(-v)), "expected -0.0474"),
    "that of the hard bound": (
        lambda v, sign: float(sign * (v > 0)),
        "gives 0;",
    ),
}
