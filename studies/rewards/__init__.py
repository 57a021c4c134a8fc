"""Reward rules from choices: every table of the chapter.

Simulates foraging animals that learn by a known rule, infers the rule from what they
accept and reject, and scores it on animals not seen (Mehta et al. 2024, Tables 1 to 3,
Figs. 3 and 5 to 7).
"""
