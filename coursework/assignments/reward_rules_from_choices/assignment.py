"""Reward rules from choices: what moves the synapses of animals that forage."""

import jax
import jax.numpy as jnp
import numpy as np

import plastutor as pt
from coursework.assignments import Task, as_theta, between

ORDERS = pt.Orders(x=1, w=1, r=1)
TASKS = (
    Task("accept_probability", 2, "function"),
    Task("reward_error", 3, "function"),
    Task("log_likelihood", 4, "function"),
    Task("theta", 5, "result"),
    Task("ceiling", 2, "text"),
    Task("expectation", 2, "text"),
    Task("experiment", 2, "text"),
)
RULE = pt.taylor(ORDERS)
ANIMALS, NEW_ANIMALS, TRIALS_PER_BLOCK = 12, 60, 50
FULL, NONE = 0.95, 0.4


def rule(draw) -> np.ndarray:
    """Reward times stimulus, and one or two terms more."""
    found = {"xr": draw.uniform("xr", 0.8, 1.6)}
    more = draw.one_of("more", (("x",), ("w",), ("r",), ("x", "w"), ("r", "w")))
    if "x" in more:
        found["x"] = draw.one_of("x sign", (-1, 1)) * draw.uniform("x", 0.1, 0.25)
    if "r" in more:
        found["r"] = draw.one_of("r sign", (-1, 1)) * draw.uniform("r", 0.2, 0.5)
    if "w" in more:
        found["w"] = -draw.uniform("w", 0.05, 0.2)
    return np.asarray(pt.terms(ORDERS, **found))


def forage(key, theta) -> dict:
    """What is known of animals: each odour met, whether accepted, what it brought."""
    made = pt.foraging_task(
        key,
        RULE,
        theta,
        n_experiments=NEW_ANIMALS,
        trials_per_block=TRIALS_PER_BLOCK,
        input_std=0.0,
        w_std=0.0,
        dtype="float32",
    )
    batch = made.experiment
    odour = np.where(batch.valid, np.asarray(made.odour), -1)
    parts = {"odour": odour, "accept": batch.accept, "reward": batch.reward}
    return {name: np.asarray(part) for name, part in parts.items()}


def handout(draw) -> dict:
    """Twelve animals, cut to the longest."""
    animals = forage(draw.key("data"), rule(draw))
    longest = (animals["odour"][:ANIMALS] >= 0).sum(1).max()
    return {name: part[:ANIMALS, :longest] for name, part in animals.items()}


def experiments(animals: dict):
    """The same as a batch of experiments; weights start at zero."""
    met = animals["odour"] >= 0
    return pt.make_experiment(
        np.where(met[..., None], 0.75 * np.eye(2)[animals["odour"]], 0),
        w0=np.zeros((2, 10)),
        accept=np.where(met, animals["accept"], np.nan),
        reward=animals["reward"],
        valid=met,
        dtype="float32",
    )


def accept_probability(x, w):
    """From a stimulus (pre,) and weights (pre, post)."""
    return 1 / (1 + np.exp(-5 * np.tanh(x @ w).mean()))


def reward_error(reward, accept):
    """R - E[R] in each presentation; only accepted ones are remembered."""
    memory, errors = [0.0] * 10, []
    for r, a in zip(reward, accept, strict=True):
        errors.append(r - np.mean(memory))
        if a == 1:
            memory = [*memory[1:], r]
    return np.array(errors)


def log_likelihood(theta, odour, accept, reward):
    """The sum of log p over one animal's presentations, weights from zero."""
    theta, w, total = np.asarray(theta)[:, 0], np.zeros((2, 10)), 0.0
    error = reward_error(reward, accept)
    for t, stimulus in enumerate(0.75 * np.eye(2)[odour]):
        p = accept_probability(stimulus, w)
        total += np.log(p if accept[t] else 1 - p)
        if accept[t]:
            x, r = stimulus[:, None], error[t]
            zeroth, first = theta[:, :, 0] + theta[:, :, 1] * r
            dw = zeroth[0] + zeroth[1] * w + first[0] * x + first[1] * x * w
            w = w + dw / 2
    return total


REFERENCE = {
    "accept_probability": accept_probability,
    "reward_error": reward_error,
    "log_likelihood": log_likelihood,
}


def calls(draw) -> list:
    """Four cases for each function."""
    drawn = np.random.default_rng(int(draw.uniform("calls", 0, 2**53)))
    cases = []
    for steps in (1, 8, 25, 40):
        x, w = drawn.uniform(size=2), drawn.normal(size=(2, 10))
        odour, accept = drawn.integers(2, size=(2, steps))
        reward = accept * drawn.integers(2, size=steps).astype(float)
        theta = drawn.uniform(-0.3, 0.3, (2, 1, 2, 2))
        session = dict(odour=odour, accept=accept.astype(float), reward=reward)
        cases += [
            ("accept_probability", dict(x=x, w=w)),
            ("reward_error", dict(reward=reward, accept=session["accept"])),
            ("log_likelihood", dict(theta=theta, **session)),
        ]
    return cases


@jax.jit
def _loss(theta, data):
    trials = 3 * TRIALS_PER_BLOCK
    loss = pt.objective(RULE, pt.accept, network=pt.BEHAVIOUR, trials=trials)
    return loss(jnp.asarray(theta, "float32"), data)


def score(name, value, draw) -> tuple[float, str]:
    """The deviance of new animals that theta explains, beside the true rule's."""
    true = rule(draw)
    theta = as_theta(value, true.shape)
    new = experiments(forage(draw.key("held out"), true))
    nothing, best, own = (float(_loss(t, new)) for t in (0 * true, true, theta))
    if not np.isfinite(own):
        raise ValueError("with this theta the weights grow without bound.")
    says = f"on new animals theta explains {1 - own / nothing:.1%} of the deviance"
    says += f", the true rule {1 - best / nothing:.1%}"
    return between((nothing - own) / (nothing - best), NONE, FULL), says
