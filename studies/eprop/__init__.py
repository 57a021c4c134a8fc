"""Accuracy of a spiking network by BPTT, e-prop and less, with and without a memory.

Two tasks: temporal patterns, which need no connections between neurons, and store and
recall after a delay, which does.
"""
