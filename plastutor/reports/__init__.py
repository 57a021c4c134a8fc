"""Reports: the whole analysis of one's own data, on a page and in a file."""

from plastutor.reports._activity import ActivityReport, Example, report_activity
from plastutor.reports._choices import ChoiceReport, report_choices
from plastutor.reports._saved import load_report, save_report

__all__ = [
    "ActivityReport",
    "ChoiceReport",
    "Example",
    "load_report",
    "report_activity",
    "report_choices",
    "save_report",
]
