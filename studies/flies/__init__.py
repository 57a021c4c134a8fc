"""Forgetting in flies: the long tables of the chapters.

Real flies: models beside each other on flies not seen, and on trials to come. Simulated
cohorts, with and without forgetting, through the same procedure: false alarms, power,
and how well the rate is found.
"""
