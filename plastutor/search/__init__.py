"""Search: find theta without a gradient."""

from plastutor.search._evolve import evolve as evolve
