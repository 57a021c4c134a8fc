"""Tasks: animals that forage."""

import jax.random as jr
from measure import seconds

import plastutor as pt


def main():
    """18 animals x 240 trials of the two-odour task."""
    rule, theta = pt.taylor(pt.BEHAVIOUR_ORDERS), pt.reward_covariance()
    took = seconds(lambda: pt.foraging_task(jr.key(0), rule, theta).experiment.accept)
    print(f"\nSimulate 18 foraging flies x 240 trials, compiled: {took:.3f} s")
