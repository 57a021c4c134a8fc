"""Checks of the chapters of the part function."""
