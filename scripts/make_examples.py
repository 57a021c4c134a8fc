"""Make the two example files of book/data: simulated, by rules that the pages print.

Written with NumPy alone, beside the package, so that what the package finds in these
files is checked by something else. The same numbers come out every time.
"""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "book" / "data"
CHOICE_RULE = {"one": -0.5, "x": 2.5, "r": -1.0, "xr": 2.0, "w": -0.3}
ACTIVITY_RULE = {"xy": 0.9, "w": -0.2}


def choices(animals: int = 10, trials: int = 90) -> str:
    """Mice that choose among three ports by a rule that forgets."""
    draw, rows = np.random.default_rng(0), ["animal,session,trial,choice,reward"]
    theta = CHOICE_RULE
    for animal in range(animals):
        w, rewards = np.zeros(3), [0.0] * 10
        for session in ("morning", "noon"):
            pays = draw.permutation([0.1, 0.4, 0.8])
            for trial in range(trials - draw.integers(30)):
                if draw.random() < 0.05:
                    rows.append(f"mouse {animal},{session},{trial},,")
                    continue
                p = 1 / (1 + np.exp(-0.75 * w))
                taken = draw.choice(3, p=p / p.sum())
                reward = int(draw.random() < pays[taken])
                port = ("left", "middle", "right")[taken]
                rows.append(f"mouse {animal},{session},{trial},{port},{reward}")
                x, r = 0.75 * (np.arange(3) == taken), reward - np.mean(rewards[-10:])
                change = theta["one"] + theta["x"] * x + theta["r"] * r
                change += theta["xr"] * x * r + theta["w"] * w
                w, rewards = w + change / 3, [*rewards, reward]
    return "\n".join(rows) + "\n"


def activity(experiments: int = 16, inputs: int = 6, neurons: int = 5) -> str:
    """Sigmoid neurons whose weights grow by Hebb's term and decay."""
    draw = np.random.default_rng(1)
    heads = [f"x_{i + 1}" for i in range(inputs)] + [
        f"y_{j + 1}" for j in range(neurons)
    ]
    rows = [",".join(["experiment", "step", *heads])]
    for experiment in range(experiments):
        w = np.sqrt(2 / inputs) * draw.normal(size=(inputs, neurons))
        lost = draw.integers(neurons) if experiment % 4 == 1 else None
        for step in range(40 - draw.integers(5)):
            x = np.round(0.5 * draw.normal(size=inputs), 3)
            y = 1 / (1 + np.exp(-x @ w))
            seen = [f"{value:.3f}" for value in y + 0.03 * draw.normal(size=neurons)]
            if lost is not None and step >= 25:
                seen[lost] = ""  # the neuron is lost from sight
            fields = [f"e{experiment + 1:02d}", str(step + 1)]
            rows.append(",".join([*fields, *(f"{value:.3f}" for value in x), *seen]))
            w += ACTIVITY_RULE["xy"] * np.outer(x, y) + ACTIVITY_RULE["w"] * w
    return "\n".join(rows) + "\n"


FILES = {"choices.csv": choices, "activity.csv": activity}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, make in FILES.items():
        (FOLDER / name).write_text(make())
