"""What a compiled program needs beside its arguments and its results."""

import jax
import pytest


def temporary_bytes(function, *at):
    report = jax.jit(function).lower(*at).compile().memory_analysis()
    if report is None:
        pytest.skip("this JAX does not say how much memory a program takes")
    return report.temp_size_in_bytes
