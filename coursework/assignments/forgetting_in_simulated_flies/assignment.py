"""Forgetting in flies: do these flies forget, beyond a habit that they all have?"""

import jax
import jax.numpy as jnp
import numpy as np

import plastutor as pt
from coursework.assignments import Task, as_theta, between

ORDERS = pt.Orders(x=1, w=1, r=1)
TASKS = (
    Task("choice_probability", 5, "function"),
    Task("time_constant", 2, "function"),
    Task("theta", 5, "result"),
    Task("forgets", 2, "result"),
    Task("unseen", 2, "text"),
    Task("alternatives", 2, "text"),
    Task("control", 2, "text"),
)
RULES = {"ff": pt.taylor(ORDERS), "kernel": pt.taylor(ORDERS)}
LOSS = pt.objective(RULES, pt.choice, network=pt.networks.Parallel(tuple(RULES)))
FLIES, NEW_FLIES = 18, 60
FULL, NONE = 0.8, 0.3


def rule(draw) -> np.ndarray:
    """Of the values, and of the habit that every fly has.

    In half of the class's cohorts values fade as well. In the others they are small
    beside a strong habit.
    """
    values = {"xr": draw.uniform("xr", 6.0, 8.0)}
    habit = {"x": draw.uniform("habit", 1.0, 2.0), "w": -draw.uniform("fades", 0.4, 1)}
    if draw.one_of("forgets", (True, False)):
        values["w"] = -draw.uniform("w", 0.4, 0.7)
    else:  # what does not fade becomes as large by smaller steps
        values["xr"] /= 7
        habit["x"] += 2
    return np.stack([pt.terms(ORDERS, **values), pt.terms(ORDERS, **habit)])


def by_projection(theta) -> dict:
    """The two parts of theta by their names."""
    return dict(zip(RULES, jnp.asarray(theta, "float32"), strict=True))


def simulate(key, theta) -> pt.Experiment:
    """Flies in the task of the chapter; which odour is which is drawn for each."""
    key_task, key_side = jax.random.split(key)
    made = pt.tasks.choice_task(
        key_task, LOSS.predict, by_projection(theta), n_experiments=NEW_FLIES
    )
    other = np.asarray(jax.random.bernoulli(key_side, shape=(NEW_FLIES, 1)))
    choice = np.asarray(made.choice) ^ other
    return pt.data.choice_experiments(list(choice), list(np.asarray(made.reward)))


def handout(draw) -> dict:
    """Eighteen flies, 240 trials each."""
    flies = simulate(draw.key("data"), rule(draw))
    names = ("choice", "reward")
    return {name: np.asarray(getattr(flies, name))[:FLIES] for name in names}


def choice_probability(theta, choice, reward):
    """The chance, before each trial of one fly, that it ends with odour 1."""
    theta, w, chances = np.asarray(theta)[:, :, 0], np.zeros((2, 2)), []
    remembered = np.concatenate([np.zeros(10), reward])
    for t, chosen in enumerate(choice):
        p = 1 / (1 + np.exp(-0.75 * w.sum(0)))
        chances.append(p[1] / p.sum())
        r, x = reward[t] - remembered[t : t + 10].mean(), 0.75 * np.eye(2)[chosen]
        zeroth, first = np.moveaxis(theta[..., 0] + theta[..., 1] * r, 1, 0)[..., None]
        dw = zeroth[:, 0] + zeroth[:, 1] * w + (first[:, 0] + first[:, 1] * w) * x
        w = w + dw / 2
    return np.array(chances)


def time_constant(theta):
    """Trials in which a fading weight loses all but a third; infinite without."""
    rate = -theta[0, 0, 1, 0] / 2
    return 1 / rate if rate > 0 else np.inf


REFERENCE = {"choice_probability": choice_probability, "time_constant": time_constant}


def calls(draw) -> list:
    """Four cases for each function; one rule does not forget."""
    drawn = np.random.default_rng(int(draw.uniform("calls", 0, 2**53)))
    cases = []
    for trials, fades in ((1, True), (12, False), (25, True), (40, True)):
        theta = drawn.uniform(-0.3, 0.3, (2, 2, 1, 2, 2))
        theta[0, 0, 0, 1, 0] = -drawn.uniform(0.05, 0.5) if fades else 0
        choice = drawn.integers(2, size=trials)
        reward = drawn.integers(2, size=trials).astype(float)
        given = dict(theta=theta, choice=choice, reward=reward)
        cases += [
            ("choice_probability", given),
            ("time_constant", dict(theta=theta[0])),
        ]
    return cases


@jax.jit
def _loss(theta, data):
    return LOSS(by_projection(theta), data)


def score(name, value, draw) -> tuple[float, str]:
    """Whether values fade; theta by the choices of flies that nobody was given."""
    true = rule(draw)
    if name == "forgets":
        if not isinstance(value, bool):
            raise ValueError("forgets is not True or False.")
        right = value == bool(true[0, 0, 0, 1, 0])
        return float(right), "right" if right else "these flies were made otherwise"
    theta = as_theta(value, true.shape)
    new = simulate(draw.key("held out"), true)
    nothing, best, own = (float(_loss(t, new)) for t in (0 * true, true, theta))
    if not np.isfinite(own):
        raise ValueError("with this theta the weights grow without bound.")
    says = f"on new flies theta explains {1 - own / nothing:.1%} of the deviance"
    says += f", the true rule {1 - best / nothing:.1%}"
    return between((nothing - own) / (nothing - best), NONE, FULL), says
