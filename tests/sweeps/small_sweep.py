"""A small sweep: six settings, and runs that can be asked what they were asked."""

import sys

import cloudpickle

import plastutor as pt

# Workers cannot import this file: its functions travel whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

SETTINGS = [{"noise": n, "seed": seed} for n in (0.0, 0.5) for seed in range(3)]


def double(batch):
    return [{"twice": 2 * one["seed"] + one["noise"]} for one in batch]


def never(batch):
    raise AssertionError("nothing is left to run")


class Asked:
    """A run that remembers its batches."""

    def __init__(self, run=double):
        self.run, self.batches = run, []

    def __call__(self, batch):
        self.batches.append([(one["noise"], one["seed"]) for one in batch])
        return self.run(batch)


def choosy(batch):
    if any(one["seed"] == 1 for one in batch):
        raise ValueError("seed 1 is unlucky.\nIt always was.")
    return double(batch)


def fill(path, run=double, settings=SETTINGS, **options):
    return pt.sweeps.sweep(run, settings, path, columns=["twice"], **options)
