"""Colours by meaning."""

TRUTH = "black"
"""The colour of what is true."""

MODEL = "#0072B2"
"""The colour of what was inferred: blue."""

NULL = "#8C8C8C"
"""The colour of the model that does nothing: grey."""

DATA = "#D55E00"
"""The colour of what was recorded: orange."""
