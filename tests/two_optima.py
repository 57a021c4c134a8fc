"""Choices of simulated flies whose likelihood has two optima: x w with either sign."""

import jax
import jax.numpy as jnp
import jax.random as jr

import plastutor as pt

ORDERS = pt.Orders(x=1, w=1, r=1)
RULE = pt.taylor(ORDERS, ("one", "x", "r", "xr", "w", "xw"))
LOSS = pt.objective(RULE, pt.choice, network=pt.FLY)
NEGATIVE = pt.terms(ORDERS, one=-0.15, x=0.9, r=-1.2, xr=1.7, xw=-0.3)
POSITIVE = pt.terms(ORDERS, one=-1.1, x=1.4, r=-0.3, xr=0.7, w=-0.2, xw=0.3)
HOW = {"optimizer": pt.GaussNewton(), "max_steps": 30}


def choices():
    """Six flies of 120 trials, in which theta_xw was -0.472."""
    truth = {"one": -0.325, "x": 1.29, "r": -1.12, "xr": 1.27, "w": -0.066}
    return pt.tasks.choice_task(
        jr.key(1),
        LOSS.predict,
        pt.terms(ORDERS, **truth, xw=-0.472),
        n_experiments=6,
        trials_per_block=40,
    )


def start(key):
    """Near one optimum or the other."""
    side, noise = jr.split(key)
    near = jnp.where(jr.bernoulli(side), POSITIVE, NEGATIVE)
    return near + 0.02 * jr.normal(noise, near.shape) * (near != 0)


def fits(data, count=4):
    """From as many starts, on both sides."""
    starts = jax.vmap(start)(jr.split(jr.key(0), count))
    return pt.fit_many(LOSS, starts, data, **HOW)
