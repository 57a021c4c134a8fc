"""Infer synaptic plasticity rules: simulate, compare, differentiate, fit, evaluate.

    import plastutor as pt

gives the everyday names. Rarer ones stay in their rooms (`pt.infer`, `pt.evaluate`,
`pt.data.flies`, `pt.plot`). The rooms, in order, are listed in `plastutor/_rooms.py`.
"""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from pathlib import Path as _Path
from typing import TYPE_CHECKING as _TYPE_CHECKING

from plastutor._cohorts import Cohort as Cohort
from plastutor._experiments import (
    Chunks as Chunks,
    check_dtype as check_dtype,
    check_experiment as check_experiment,
    chunks as chunks,
    first_steps as first_steps,
    make_experiment as make_experiment,
)
from plastutor._simulate import simulate as simulate
from plastutor._types import (
    Experiment as Experiment,
    Fit as Fit,
    Rule as Rule,
    Rules as Rules,
    Theta as Theta,
    Trajectory as Trajectory,
)
from plastutor.infer import (
    GaussNewton as GaussNewton,
    distil as distil,
    evidence_fit as evidence_fit,
    fit as fit,
    fit_many as fit_many,
    fit_restarts as fit_restarts,
    lowest_loss as lowest_loss,
    select_terms as select_terms,
)
from plastutor.likelihoods import (
    Likelihood as Likelihood,
    accept as accept,
    activity as activity,
    choice as choice,
    choice_probability as choice_probability,
    l1 as l1,
)
from plastutor.networks import (
    BEHAVIOUR as BEHAVIOUR,
    FLY as FLY,
    LINEAR as LINEAR,
    RECORDED as RECORDED,
    Network as Network,
)
from plastutor.objectives import objective as objective
from plastutor.rules import (
    BEHAVIOUR_ORDERS as BEHAVIOUR_ORDERS,
    HEBB as HEBB,
    OJA as OJA,
    OJA_ORDERS as OJA_ORDERS,
    Orders as Orders,
    mlp as mlp,
    reward_covariance as reward_covariance,
    taylor as taylor,
    term_names as term_names,
    terms as terms,
)
from plastutor.sweeps import load_results as load_results, select_rows as select_rows
from plastutor.tasks import (
    foraging_task as foraging_task,
    hide_inputs as hide_inputs,
    neural_task as neural_task,
    redraw_w0 as redraw_w0,
)

if _TYPE_CHECKING:
    from plastutor import (
        data as data,
        evaluate as evaluate,
        memory as memory,
        plot as plot,
        reports as reports,
        search as search,
        teaching as teaching,
    )
    from plastutor.data import (
        read_activity as read_activity,
        read_choices as read_choices,
    )
    from plastutor.evaluate import (
        compare_models as compare_models,
        leave_one_out as leave_one_out,
        null_theta as null_theta,
        percent_deviance as percent_deviance,
        r2 as r2,
        score as score,
        weight_r2 as weight_r2,
    )
    from plastutor.evaluate.uncertainty import (
        fisher as fisher,
        laplace as laplace,
        profile as profile,
    )
    from plastutor.reports import (
        report_activity as report_activity,
        report_choices as report_choices,
    )
    from plastutor.teaching import checks as checks

__version__ = _version("plastutor")

style = str(_Path(__file__).with_name("plastutor.mplstyle"))
"""The book's look: `matplotlib.pyplot.style.use(pt.style)`."""

# What loads when it is first used, with SciPy's statistics, Matplotlib and more.
_LATER = {
    "data": "read_activity read_choices",
    "evaluate": "compare_models leave_one_out null_theta percent_deviance r2 score "
    "weight_r2",
    "evaluate.uncertainty": "fisher laplace profile",
    "memory": "",
    "plot": "",
    "reports": "report_activity report_choices",
    "search": "",
    "teaching": "checks",
}
_ROOM = {name: room for room, names in _LATER.items() for name in names.split()}


def __getattr__(name: str):
    """Load a room, or the room of a name, when it is first used."""
    if name in _LATER:
        return _import_module(f"plastutor.{name}")
    if name not in _ROOM:
        raise AttributeError(
            f"plastutor has no {name!r}; see dir(plastutor). What is rarer lies in a "
            "room, such as plastutor.infer or plastutor.evaluate."
        )
    value = getattr(_import_module(f"plastutor.{_ROOM[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All names of the face, also those not loaded yet."""
    return sorted({*globals(), *_ROOM, *(room.split(".")[0] for room in _LATER)})
