"""Checks of the assignments."""
