"""Teaching: checks for exercises, and figures to play with."""

from plastutor.teaching import checks as checks, living as living
