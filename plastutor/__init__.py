"""Infer synaptic plasticity rules: simulate, compare, differentiate, fit, evaluate.

    import plastutor as pt

gives the everyday names. Rarer ones stay in their rooms (`pt.infer`, `pt.evaluate`,
`pt.data.flies`, `pt.plot`). The rooms, in order, are listed in `plastutor/_rooms.py`.
"""

from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from plastutor._experiments import (
    Chunks,
    check_dtype,
    check_experiment,
    chunks,
    first_steps,
    make_experiment,
)
from plastutor._simulate import simulate
from plastutor._types import Experiment, Fit, Rule, Theta, Trajectory
from plastutor.infer import (
    GaussNewton,
    distil,
    evidence_fit,
    fit,
    fit_many,
    fit_restarts,
    lowest_loss,
    select_terms,
)
from plastutor.likelihoods import accept, activity, choice, choice_probability, l1
from plastutor.networks import BEHAVIOUR, FLY, LINEAR, RECORDED, Network
from plastutor.objectives import objective
from plastutor.rules import (
    BEHAVIOUR_ORDERS,
    HEBB,
    OJA,
    OJA_ORDERS,
    Orders,
    mlp,
    reward_covariance,
    taylor,
    term_names,
    terms,
)
from plastutor.sweeps import load_results, select_rows
from plastutor.tasks import foraging_task, hide_inputs, neural_task, redraw_w0

if TYPE_CHECKING:
    from plastutor import data, evaluate, plot, reports, teaching
    from plastutor.data import read_activity, read_choices
    from plastutor.evaluate import (
        compare_models,
        leave_one_out,
        null_theta,
        percent_deviance,
        r2,
        score,
        weight_r2,
    )
    from plastutor.evaluate.uncertainty import fisher, laplace, profile
    from plastutor.reports import report_activity, report_choices
    from plastutor.teaching import checks

__version__ = version("plastutor")

style = str(Path(__file__).with_name("plastutor.mplstyle"))
"""The book's look: `matplotlib.pyplot.style.use(pt.style)`."""

# What loads when it is first used, with SciPy's statistics, Matplotlib and more.
_LATER = {
    "data": "read_activity read_choices",
    "evaluate": "compare_models leave_one_out null_theta percent_deviance r2 score "
    "weight_r2",
    "evaluate.uncertainty": "fisher laplace profile",
    "plot": "",
    "reports": "report_activity report_choices",
    "teaching": "checks",
}
_ROOM = {name: room for room, names in _LATER.items() for name in names.split()}

__all__ = [  # noqa: F822
    "BEHAVIOUR",
    "BEHAVIOUR_ORDERS",
    "Chunks",
    "Experiment",
    "FLY",
    "Fit",
    "GaussNewton",
    "HEBB",
    "LINEAR",
    "Network",
    "OJA",
    "OJA_ORDERS",
    "Orders",
    "RECORDED",
    "Rule",
    "Theta",
    "Trajectory",
    "accept",
    "activity",
    "check_dtype",
    "check_experiment",
    "checks",
    "choice",
    "choice_probability",
    "chunks",
    "compare_models",
    "data",
    "distil",
    "evaluate",
    "evidence_fit",
    "first_steps",
    "fisher",
    "fit",
    "fit_many",
    "fit_restarts",
    "foraging_task",
    "gradients",
    "hide_inputs",
    "infer",
    "l1",
    "laplace",
    "leave_one_out",
    "likelihoods",
    "load_results",
    "lowest_loss",
    "make_experiment",
    "mlp",
    "networks",
    "neural_task",
    "null_theta",
    "objective",
    "objectives",
    "percent_deviance",
    "plot",
    "profile",
    "r2",
    "read_activity",
    "read_choices",
    "redraw_w0",
    "report_activity",
    "report_choices",
    "reports",
    "reward_covariance",
    "rules",
    "score",
    "select_rows",
    "select_terms",
    "simulate",
    "style",
    "sweeps",
    "tasks",
    "taylor",
    "teaching",
    "term_names",
    "terms",
    "weight_r2",
]


def __getattr__(name: str):
    """Load a room, or the room of a name, when it is first used."""
    if name in _LATER:
        return import_module(f"plastutor.{name}")
    if name not in _ROOM:
        raise AttributeError(
            f"plastutor has no {name!r}; see dir(plastutor). What is rarer lies in a "
            "room, such as plastutor.infer or plastutor.evaluate."
        )
    value = getattr(import_module(f"plastutor.{_ROOM[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All names of the face, also those not loaded yet."""
    return sorted({*globals(), *__all__})
