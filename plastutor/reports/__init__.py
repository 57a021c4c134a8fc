"""Reports: the whole analysis of one's own data, on a page and in a file."""

from plastutor.reports._activity import report_activity as report_activity
from plastutor.reports._choices import report_choices as report_choices
from plastutor.reports._report import (
    Matching as Matching,
    Recorded as Recorded,
    Report as Report,
)
from plastutor.reports._saved import (
    load_report as load_report,
    save_report as save_report,
)
