"""Reward rules from choices: every table of the chapter, by `make study-rewards`.

Simulates foraging animals that learn by a known rule, infers the rule from what they
accept and reject, and scores it on animals not seen (Mehta et al. 2024, Tables 1 to 3,
Figs. 3 and 5 to 7). One row for each fit goes to book/results/rewards.csv. After Ctrl-C
the same command goes on where it was.
"""

import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax

from plastutor.experiments import first_steps
from plastutor.losses import accept_loss, l1, objective
from plastutor.mlp import mlp
from plastutor.results import read_results
from plastutor.rules import BEHAVIOUR_ORDERS, taylor, term_names, terms
from plastutor.selection import select_terms
from plastutor.simulate import simulate
from plastutor.sweep import all_cores, sweep
from plastutor.tasks import foraging_task, redraw_w0, resample_stimuli
from plastutor.trials import completed_trials
from plastutor.types import BEHAVIOUR

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "book" / "results"
PUBLISHED = RESULTS / "mehta_2024_rewards.csv"
TAYLOR, MLP = taylor(BEHAVIOUR_ORDERS), mlp(scale=0.3)
NAMES = term_names(BEHAVIOUR_ORDERS)
TRAIN, DECIDE, HELD_OUT = 18, 6, 7  # of the 18, 6 decide how many terms there are
W_STD = 0.01
TOO_LARGE = 100.0  # a weight; tanh is at its end long before
READ = 8  # presentations a trial, of an animal that rejects a hundred before it accepts
CHUNK = 3  # fits in a batch: the seeds of one rule


# --- rules as text --------------------------------------------------------------------


def parse(label: str) -> list[tuple[str, float]]:
    """The terms of a rule in the order of its label: "xr - 0.05 w"."""
    found = re.findall(r"([+-]?)\s*([\d.]*)\s*([a-z]+)", label)
    return [(term, float(sign + (size or "1"))) for sign, size, term in found]


def as_printed(label: str) -> dict[str, float]:
    """What a label says: a term that is there twice counts twice."""
    rule: dict[str, float] = {}
    for term, value in parse(label):
        rule[term] = rule.get(term, 0.0) + value
    return rule


def as_simulated(label: str) -> dict[str, float]:
    """What the paper's code made of a label.

    It read the powers in the order r, w, y, x, so that x and r, and y and w changed
    places; and a term that is there twice was written over, not added.
    """
    swapped = str.maketrans("xywr", "rwyx")
    return {
        term
        if term == "one"
        else "".join(sorted(term.translate(swapped), key="xywr".index)): value
        for term, value in parse(label)
    }


def text(rule: dict[str, float]) -> str:
    """A rule as a label, for `parse`.

    >>> text({"xr": 1.0, "w": -0.05})
    'xr - 0.05 w'
    """
    parts = []
    for term, value in rule.items():
        size = f"{abs(value):.3g}"
        parts += ["-" if value < 0 else "+", term if size == "1" else f"{size} {term}"]
    joined = " ".join(parts)
    return joined[2:] if joined.startswith("+") else joined.replace("- ", "-", 1)


def theta_of(label: str) -> np.ndarray:
    """The coefficients of a rule."""
    return np.asarray(terms(BEHAVIOUR_ORDERS, dtype="float32", **as_printed(label)))


def true_rules() -> list[str]:
    """Every rule of the paper's tables, as really simulated and as printed, once."""
    labels = [row["rule"] for row in read_results(PUBLISHED)[1]]
    both = (
        text(read(label)) for read in (as_simulated, as_printed) for label in labels
    )
    return list(dict.fromkeys(both))


# --- settings -------------------------------------------------------------------------


class Setting(NamedTuple):
    """One fit: its data and its method."""

    rule: str = "xr"
    method: str = "selection"  # one of METHODS
    given: str = "odours"  # to the student; "all": also the noise on them, and w0
    l1: float = 0.0
    window: int = 10
    input_mean: str = "0.75"  # several: one of them at random in each presentation
    trials: int = 240
    hidden: int = 10
    seed: int = 0

    @property
    def network(self):
        """The learner."""
        return BEHAVIOUR._replace(window=self.window)

    @property
    def lengths(self) -> list[int]:
        """Presentations that a record has room for: the least that is enough is taken.

        A few lengths and no others, so that few programs are compiled.
        """
        return [self.trials * k for k in (2, 4, 8, 16, 70)]


# The paper's penalty of 0.01 is one of about 0.05 here. Its code took the mean over
# trials x the longest trial, of which three to seven places for each presentation were
# empty, so that the choices weighed less against the penalty.
PAPER = {"method": "l1 and Adam", "l1": 0.05}
METHODS_OF_TABLES = ("selection", "mlp")
VARIED = "0.4 0.75 1.2"  # input_mean


def settings():
    """All of the study, in the order in which it is run."""
    for method in METHODS_OF_TABLES:
        for rule in true_rules():
            yield from (Setting(rule, method, seed=seed) for seed in range(3))
    families = (PAPER, {}, {"method": "mlp"})
    for seed in range(10):
        for given in ("odours", "all"):
            yield from (Setting(**how, given=given, seed=seed) for how in families)
            yield Setting(method="all terms", given=given, seed=seed)
        for rule in ("xr", "xxr"):
            for mean in ("0.75", VARIED):
                for given in ("odours", "all"):
                    yield Setting(rule, given=given, input_mean=mean, seed=seed)
        for strength in (0.001, 0.005, 0.01, 0.25):
            yield Setting(method="l1 and Adam", l1=strength, seed=seed)
        for how in families:
            for window in (5, 20):
                yield Setting(**how, window=window, seed=seed)
            for mean in ("0.25", "0.5", "1.0", "1.25"):
                yield Setting(**how, input_mean=mean, seed=seed)
    for trials, hidden in SCALE:
        yield Setting(method="gradient", trials=trials, hidden=hidden)
        for seed in range(3):
            yield Setting(trials=trials, hidden=hidden, seed=seed)


SCALE = [(trials, 10) for trials in (30, 60, 120, 240, 480, 960, 1920)]
SCALE += [(240, hidden) for hidden in (50, 100, 500, 1000)]


# --- data -----------------------------------------------------------------------------


def animals(setting: Setting, presentations: int, key, theta):
    """25 animals that learn by a rule, as they were and as the student sees them.

    Returns:
        Two batches of experiments, and the trials that each animal completed.
    """
    key_life, key_mean, key_noise, key_w0 = jr.split(key, 4)
    means = jnp.array([float(mean) for mean in setting.input_mean.split()])
    mean = jr.choice(key_mean, means, (presentations, 1))
    made = foraging_task(
        key_life,
        TAYLOR,
        theta,
        n_experiments=TRAIN + HELD_OUT,
        trials_per_block=setting.trials // 3,
        max_presentations=presentations,
        input_mean=mean,  # pyright: ignore  # one for each presentation
        n_post=setting.hidden,
        w_std=W_STD,
        network=setting.network,
    )
    seen = resample_stimuli(key_noise, made, input_mean=mean[None])  # pyright: ignore
    return made.experiment, redraw_w0(key_w0, seen, std=W_STD), made.completed


def data_of(setting: Setting, keys, thetas):
    """What the students are given: several rules, each with its key.

    Returns:
        Experiments (fit, animal, ...), cut after the longest life; for every fit the
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
    by_trial = jax.vmap(partial(completed_trials, trials=setting.trials))(own)
    life = simulate(TAYLOR, theta, by_trial, network=setting.network)
    return jnp.abs(life.w).max((1, 2, 3))


# --- methods: (setting, key, train) -> theta, loss, steps left out --------------------


def descend(optimizer, steps, loss, theta, data):
    """The parameters of the lowest loss that an optimiser met, and this loss."""
    optimizer = optax.with_extra_args_support(optimizer)
    value_and_grad = optax.value_and_grad_from_state(lambda t: loss(t, data))

    def step(carry, _):
        theta, state, best, least = carry
        value, grad = value_and_grad(theta, state=state)
        better = value < least  # never true for NaN
        best = jax.tree.map(partial(jnp.where, better), theta, best)
        least = jnp.where(better, value, least)
        updates, state = optimizer.update(
            grad, state, theta, value=value, grad=grad, value_fn=lambda t: loss(t, data)
        )
        return (optax.apply_updates(theta, updates), state, best, least), None

    start = theta, optimizer.init(theta), theta, jnp.inf
    (_, _, best, least), _ = jax.lax.scan(step, start, None, length=steps)
    return best, least


def loss_of(setting, rule=TAYLOR, penalty=None):
    """What the choices say against a rule."""
    return objective(
        rule,
        accept_loss,
        network=setting.network,
        penalty=penalty,
        trials=setting.trials,
    )


def all_terms(setting, key, train):
    """All 81 terms, without a penalty."""
    return *descend(optax.lbfgs(), 100, loss_of(setting), TAYLOR.init(key), train), 0


def by_selection(setting, key, train):
    """A few terms, chosen on animals left aside, and fitted without a penalty."""
    fitted, aside = (
        jax.tree.map(lambda leaf, part=part: leaf[part], train)
        for part in (slice(TRAIN - DECIDE), slice(TRAIN - DECIDE, TRAIN))
    )
    theta0, _, _ = all_terms(setting, key, fitted)
    loss = loss_of(setting)
    theta = select_terms(
        loss,
        BEHAVIOUR_ORDERS,
        fitted,
        aside,
        max_terms=4,
        num_steps=5,
        standard_errors=2,
        theta0=theta0,
    ).theta
    return theta, loss(theta, train), 0


def by_network(setting, key, train):
    """A small network in the place of the rule."""
    loss, theta = loss_of(setting, MLP), MLP.init(key)
    return *descend(optax.lbfgs(), 200, loss, theta, train), 0


def as_the_paper(setting, key, train, epochs=351):
    """All 81 terms, L1, and Adam with one animal a step.

    But where a simulated life has no end, and its gradient is not finite, the step is
    left out, and counted.
    """
    loss = loss_of(setting, TAYLOR, l1(setting.l1))
    optimizer = optax.apply_if_finite(optax.adam(1e-3), np.iinfo(np.int32).max)

    def step(carry, experiment):
        theta, state = carry
        updates, state = optimizer.update(jax.grad(loss)(theta, experiment), state)
        return (optax.apply_updates(theta, updates), state), None

    def epoch(carry, _):
        return jax.lax.scan(step, carry, train)[0], None

    theta = TAYLOR.init(key)
    start = theta, optimizer.init(theta)
    (theta, state), _ = jax.lax.scan(epoch, start, None, length=epochs)
    return theta, loss(theta, train), state.total_notfinite


METHODS = {
    "selection": by_selection,
    "all terms": all_terms,
    "mlp": by_network,
    "l1 and Adam": as_the_paper,
}


# --- scores ---------------------------------------------------------------------------


def r2(true, predicted, seen):
    """R2 of every column over the rows that were seen, and their mean."""
    true, predicted = (jnp.where(seen[:, None], v, 0) for v in (true, predicted))
    off = jnp.where(seen[:, None], true - true.sum(0, keepdims=True) / seen.sum(), 0)
    return jnp.mean(1 - ((true - predicted) ** 2).sum(0) / (off**2).sum(0))


def scores(setting, rule, theta, theta_true, animal):
    """R2 of weights and activity, percent deviance of the fit and of the truth.

    Last R2 of weights and activity where the weights do not change at all.
    """
    by_trial = completed_trials(animal, setting.trials)
    trial = jnp.cumsum(animal.plastic & animal.valid) - (animal.plastic & animal.valid)

    def life(rule, theta):
        w = simulate(rule, theta, by_trial, network=setting.network).w
        assert w is not None
        before = jnp.concatenate([animal.w0[None], w])[trial]
        y = jnp.tanh((animal.x[..., None] * before).sum(1))
        return w.reshape(len(w), -1), y, loss_of(setting, rule)(theta, animal)

    w, y, loss = life(rule, theta)
    w_true, y_true, loss_true = life(TAYLOR, theta_true)
    w_fixed, y_fixed, nothing = life(TAYLOR, jnp.zeros_like(theta_true))
    found = jnp.array(
        [
            r2(w_true, w, by_trial.valid),
            r2(y_true, y, animal.valid),
            100 * (1 - loss / nothing),
            100 * (1 - loss_true / nothing),
            r2(w_true, w_fixed, by_trial.valid),
            r2(y_true, y_fixed, animal.valid),
        ]
    )
    # An animal whose simulated life has no end is the worst that can be.
    return jnp.where(jnp.isfinite(found), found, -jnp.inf)


@partial(jax.jit, static_argnums=0)
def fit_and_score(setting: Setting, keys, thetas_true, data):
    """For each fit: what its method found, and the scores of its 7 held-out animals.

    One fit after the other: on a CPU nothing is gained by more of them at once, since
    18 animals fill the cache. On a GPU give `map` a batch_size.
    """
    rule = MLP if setting.method == "mlp" else TAYLOR

    def one(given):
        key, theta_true, data = given
        train, held_out = (
            jax.tree.map(lambda leaf, part=part: leaf[part], data)
            for part in (slice(TRAIN), slice(TRAIN, None))
        )
        most = min(READ * setting.trials, train.x.shape[1])
        train = jax.vmap(partial(first_steps, steps=most))(train)
        theta, loss, left_out = METHODS[setting.method](setting, key, train)
        each = jax.vmap(lambda e: scores(setting, rule, theta, theta_true, e))(held_out)
        return theta, loss, each, left_out

    return jax.lax.map(one, (keys, thetas_true, data))


def cost_of_gradient(setting: Setting, theta, data) -> dict[str, str]:
    """Time and memory of one loss and gradient over the animals of one fit."""
    train = jax.tree.map(lambda leaf: leaf[0, :TRAIN], data)
    run = jax.jit(jax.value_and_grad(loss_of(setting))).lower(theta, train).compile()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(run(theta, train))
        times.append(time.perf_counter() - start)
    memory = run.memory_analysis().temp_size_in_bytes
    return {
        "status": "finished",
        "gradient_ms": f"{1e3 * min(times):.2f}",
        "memory_mb": f"{memory / 1e6:.1f}",
    }


def status(unfinished, largest, loss, each, left_out=0) -> str:
    """Whether a row is what it seems, in words."""
    problems = []
    grown = ~(largest < TOO_LARGE)
    if grown.any():
        problems.append(
            f"the true rule diverges: weights beyond {TOO_LARGE:g} in {grown.sum()} of "
            f"{len(grown)} animals"
        )
    if unfinished:
        problems.append(f"{unfinished} animals did not complete all trials")
    lost = np.isneginf(each[:, 2]).sum()
    if not np.isfinite(loss):
        problems.append("the fit diverged")
    elif lost:
        problems.append(f"the fit diverges in {lost} of {len(each)} held-out animals")
    if left_out:
        problems.append(
            f"no finite gradient in {left_out} steps, which were left out; the paper's "
            "fit would have ended there"
        )
    return "; ".join(problems) or "finished"


SCORES = ["r2_weights", "r2_activity", "deviance", "ceiling"]
SCORES += ["r2_weights_nothing", "r2_activity_nothing"]
COLUMNS = ["status", "loss", *SCORES, "found", "true_terms", "seconds"]
COLUMNS += ["gradient_ms", "memory_mb"]


def run(batch: list[dict]) -> list[dict]:
    """The rows of settings that differ in rule and seed only."""
    several = [Setting(**setting) for setting in batch]
    shared = several[0]
    thetas = jnp.stack([jnp.asarray(theta_of(one.rule)) for one in several])
    keys = jnp.stack([jr.split(jr.key(one.seed)) for one in several])
    start = time.perf_counter()
    data, unfinished, largest = data_of(shared, keys[:, 0], thetas)
    if shared.method == "gradient":
        return [cost_of_gradient(shared, thetas[0], data)]
    # One program for all rules, seeds and stimuli: they are data.
    program = shared._replace(rule="", seed=0, given="", input_mean="")
    found = fit_and_score(program, keys[:, 1], thetas, data)
    found = jax.tree.map(np.asarray, found)
    seconds = (time.perf_counter() - start) / len(several)
    rows = []
    for k, setting in enumerate(several):
        theta, loss, each, left_out = jax.tree.map(lambda leaf, k=k: leaf[k], found)
        row = {
            "status": status(unfinished[k], largest[k], loss, each, left_out),
            "loss": f"{loss:.5f}",
            "seconds": f"{seconds:.2f}",
        }
        row |= {
            name: f"{value:.4f}"
            for name, value in zip(SCORES, np.median(each, 0), strict=True)
        }
        if setting.method != "mlp":
            values = dict(zip(NAMES, theta.ravel().tolist(), strict=True))
            largest_first = sorted(NAMES, key=lambda name: -abs(values[name]))[:8]
            row["found"] = text(
                {name: values[name] for name in largest_first if values[name]}
            )
            row["true_terms"] = text(
                {name: values[name] for name in as_printed(setting.rule)}
            )
        rows.append(row)
    return rows


SOURCES = [
    ROOT / "plastutor" / f"{name}.py"
    for name in (
        "types",
        "experiments",
        "devices",
        "rules",
        "mlp",
        "simulate",
        "tasks",
        "trials",
        "gradients",
        "losses",
        "distil",
        "gauss_newton",
        "selection",
    )
]
SOURCES += [ROOT / "studies" / "rewards.py"]


def main(*only_methods: str):
    """Run every row that is not yet in the table."""
    wanted = dict.fromkeys(settings())  # some rows serve two comparisons
    with all_cores() as client:
        sweep(
            run,
            [
                one._asdict()
                for one in wanted
                if not only_methods or one.method in only_methods
            ],
            RESULTS / "rewards.csv",
            columns=COLUMNS,
            batch_over=("rule", "seed"),
            batch_size=CHUNK,
            client=client,
            header={"made by": "make study-rewards"},
            code=SOURCES,
        )


if __name__ == "__main__":
    # The workers look for the functions of a module, and this one has no name here.
    from rewards import main

    main(*sys.argv[1:])
