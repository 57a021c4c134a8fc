"""A rule of unknown form: how often a network is read as the terms of the true rule.

Networks are fitted to recordings of three true rules with two terms each, and written
as two terms in three ways.
"""
