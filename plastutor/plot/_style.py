"""Colours by meaning."""

TRUTH, MODEL, NULL, DATA = "black", "#0072B2", "#8C8C8C", "#D55E00"
