"""The data: animals that learn by a known rule, and what the student is given."""

from functools import partial

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

import plastutor as pt

from .settings import HELD_OUT, TAYLOR, TRAIN, W_STD, Setting


def animals(setting: Setting, presentations: int, key, theta):
    """25 animals that learn by a rule, as they were and as the student sees them.

    Returns:
        Two batches of experiments, and the trials that each animal completed.
    """
    key_task, key_mean, key_noise, key_w0 = jr.split(key, 4)
    means = jnp.array([float(mean) for mean in setting.input_mean.split()])
    mean = jr.choice(key_mean, means, (presentations, 1))
    made = pt.foraging_task(
        key_task,
        TAYLOR,
        theta,
        n_experiments=TRAIN + HELD_OUT,
        trials_per_block=setting.trials // 3,
        max_presentations=presentations,
        input_mean=mean,  # one for each presentation
        n_post=setting.hidden,
        w_std=W_STD,
        network=setting.network,
    )
    seen = pt.tasks.resample_stimuli(key_noise, made, input_mean=mean[None])
    return made.experiment, pt.redraw_w0(key_w0, seen, std=W_STD), made.completed


def data_of(setting: Setting, keys, thetas):
    """What the students are given: several rules, each with its key.

    Returns:
        Experiments (fit, animal, ...), cut after the longest session; for every fit the
        animals that did not come to the end; the largest weight in every animal.
    """
    # An animal that its rule taught to reject may need 70 presentations a trial.
    for presentations in (setting.lengths[1], setting.lengths[-1]):
        own, seen, completed = jax.vmap(partial(animals, setting, presentations))(
            keys, thetas
        )
        if (completed == setting.trials).all():
            break
    data = own if setting.given == "all" else seen
    longest = int(data.valid.sum(-1).max())
    steps = min(length for length in setting.lengths if length >= longest)
    cut = {
        name: getattr(data, name)[:, :, :steps]
        for name in ("x", "reward", "plastic", "valid", "accept")
    }
    largest = jax.vmap(partial(largest_weights, setting))(thetas, own)
    unfinished = (completed < setting.trials).sum(1)
    return data._replace(**cut), np.asarray(unfinished), np.asarray(largest)


def largest_weights(setting, theta, own):
    """The largest weight of every animal, with its own stimuli."""
    by_trial = jax.vmap(partial(pt.gradients.completed_trials, trials=setting.trials))(
        own
    )
    made = pt.simulate(TAYLOR, theta, by_trial, network=setting.network)
    return jnp.abs(made.w).max((1, 2, 3))
