"""Teaching: checks for exercises, and figures to play with."""

from plastutor.teaching import checks, living

__all__ = ["checks", "living"]
