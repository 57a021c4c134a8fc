"""Infer synaptic plasticity rules: simulate, compare, differentiate, fit, evaluate.

The modules are the steps of the method, in this order: types, devices, experiments,
rules, mlp, simulate, tasks, trials, slopes, reverse, gradients, spiking, losses,
gauss_newton, fit, online, evidence, evaluate, paired, held_out, population, distil,
uncertainty, selection; then baselines, tables, choices, recordings, report,
activity_report, saved, flies, fly_simulation, results, sweep, plots, living and checks.
"""

from importlib.metadata import version
from pathlib import Path

__version__ = version("plastutor")

style = str(Path(__file__).with_name("plastutor.mplstyle"))
"""The book's look: `matplotlib.pyplot.style.use(plastutor.style)`."""
