"""The mark of the book, its favicon; run it to make book/_static/mark.png anew.

Two neurons and the synapse between them, which grew.
"""

from pathlib import Path

import matplotlib.pyplot as plt

import plastutor as pt

TARGET = Path(__file__).parent.parent / "_static" / "mark.png"

figure = plt.figure(figsize=(2, 2))
ax = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1), aspect="equal")
ax.axis("off")
ax.fill([0.30, 0.62, 0.75, 0.34], [0.34, 0.75, 0.62, 0.30], color=pt.plot.NULL, lw=0)
ax.add_patch(plt.Circle((0.25, 0.25), 0.17, color=pt.plot.DATA))
ax.add_patch(plt.Circle((0.72, 0.72), 0.24, color=pt.plot.MODEL))
figure.savefig(TARGET, dpi=64, transparent=True, metadata={"Software": None})
