"""Three ways to one gradient: back in time, forward in time, and synapse-local."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest
from memory import temporary_bytes

import plastutor as pt

ORDERS = pt.Orders(x=1, y=1, w=1, r=2)
KINDS = {
    "activity": (pt.activity, pt.RECORDED),
    "accept": (pt.accept, pt.BEHAVIOUR),
    "choice": (pt.choice, pt.FLY),
}
RULES = {
    "taylor": pt.taylor(ORDERS),
    "two terms": pt.taylor(ORDERS, only=("xr", "w")),
    "mlp": pt.mlp((3,), scale=0.3),
}


def recording(kind, steps=23, experiments=2, pre=3, post=2):
    """Drawn data of a kind, with holes, padding, and steps that are not plastic."""
    draw = np.random.default_rng(3)
    shape = (experiments, steps)
    valid = np.ones(shape, bool)
    valid[-1, -4:] = False
    what = {}
    if kind == "activity":
        what["activity"] = draw.uniform(size=(*shape, post))
        what["activity"][0, 5] = np.nan
        what["plastic"] = draw.random(shape) < 0.8
    if kind == "accept":
        what["accept"] = (draw.random(shape) < 0.5).astype(float)
    if kind == "choice":
        what["options"], what["choice"] = (
            np.eye(pre),
            draw.integers(-1, pre, shape),
        )
    return pt.make_experiment(
        draw.normal(size=(*shape, pre)),
        w0=0.3 * draw.normal(size=(experiments, pre, post)),
        reward=(draw.random(shape) < 0.5).astype(float),
        valid=valid,
        **what,
    )


def through_predictions(kind, rule):
    """The plain definition: simulate all, then compare."""
    likelihood, network = KINDS[kind]
    loss = pt.objective(rule, likelihood, network=network)
    return lambda theta, data: likelihood(loss.predict(theta, data), data)


def close(found, wanted, rtol=1e-10):
    size = max(np.abs(leaf).max() for leaf in jax.tree.leaves(wanted))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * size)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("activity", "taylor"),
        pytest.param("activity", "mlp", marks=pytest.mark.weekly),
        pytest.param("accept", "taylor", marks=pytest.mark.weekly),
        ("choice", "mlp"),
        pytest.param("choice", "two terms", marks=pytest.mark.weekly),
    ],
)
def test_all_exact_ways_agree(kind, name, monkeypatch):
    rule, data, (likelihood, network) = RULES[name], recording(kind), KINDS[kind]
    theta = jax.tree.map(lambda leaf: 300 * leaf, pt.taylor(ORDERS).init(jr.key(1)))
    theta = rule.init(jr.key(1)) if name == "mlp" else theta
    plain = jax.jit(jax.value_and_grad(through_predictions(kind, rule)))(theta, data)
    monkeypatch.setattr(
        "plastutor.networks._blocks.MIN_BYTES_IN_BLOCKS", 0
    )  # 23 steps in blocks of 4
    for way in ("reverse", "forward"):
        loss = pt.objective(rule, likelihood, network=network, gradient=way)
        close(jax.jit(jax.value_and_grad(loss))(theta, data), plain)
        close(jax.jit(loss)(theta, data), plain[0])
    close(pt.infer.stream_gradient(loss, theta, pt.chunks(data, 5)), plain)


@pytest.mark.parametrize(
    "kind",
    [
        "choice",
        *(pytest.param(k, marks=pytest.mark.weekly) for k in KINDS if k != "choice"),
    ],
)
def test_reverse_knows_the_gradients_over_stimuli_and_initial_weights(
    kind, monkeypatch
):
    rule, data, (likelihood, network) = RULES["taylor"], recording(kind), KINDS[kind]
    theta = 300 * rule.init(jr.key(1))
    monkeypatch.setattr("plastutor.networks._blocks.MIN_BYTES_IN_BLOCKS", 0)
    loss = pt.objective(rule, likelihood, network=network)

    def of(function):
        def value(theta, x, w0):
            return function(theta, data._replace(x=x, w0=w0))

        return jax.value_and_grad(value, (0, 1, 2))(theta, data.x, data.w0)

    found, plain = of(loss), of(through_predictions(kind, rule))
    close(found, plain)
    close(found[1][0], jax.grad(loss)(theta, data))
    assert all(
        (np.abs(gradient).max(axis=(1, 2)) > 0).all() for gradient in found[1][1:]
    )


def test_local_is_exact_where_the_rule_does_not_see_activity():
    rule, data = pt.taylor(ORDERS, only=("xr", "w")), recording("accept")
    theta = pt.terms(ORDERS, xr=0.7, w=-0.1)
    gradient = {
        way: jax.grad(pt.objective(rule, pt.accept, network=pt.BEHAVIOUR, gradient=way))
        for way in ("reverse", "local")
    }
    close(gradient["local"](theta, data), gradient["reverse"](theta, data))


def cosine(a, b):
    return np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.fixture(scope="module")
def local_against_exact():
    """Cosines for Oja's rule, theta a fifth too small, five seeds each."""

    def of(network, pre):
        rule = pt.taylor(pt.OJA_ORDERS)
        gradients = [
            jax.jit(
                jax.grad(pt.objective(rule, pt.activity, network=network, gradient=g))
            )
            for g in ("reverse", "local")
        ]
        sizes = {"n_experiments": 4, "n_pre": pre, "n_post": 1, "network": network}
        sets = [
            pt.neural_task(jr.key(seed), rule, pt.OJA, **sizes) for seed in range(5)
        ]
        return [
            cosine(*(gradient(0.8 * pt.OJA, data) for gradient in gradients))
            for data in sets
        ]

    return of


def test_local_is_close_for_a_neuron_that_learns_slowly(local_against_exact):
    found = local_against_exact(pt.LINEAR, 20)
    assert np.median(found) > 0.999 and max(found) < 1 - 1e-6, found


def test_local_is_off_for_one_that_learns_fast(local_against_exact):
    found = local_against_exact(pt.RECORDED, 100)
    assert 0.5 < np.median(found) < 0.99, found


def temporary(way, steps, pre=20, post=30):
    data = pt.make_experiment(
        np.zeros((steps, pre)),
        w0=np.zeros((pre, post)),
        activity=np.zeros((steps, post)),
    )
    loss = pt.objective(pt.taylor(pt.OJA_ORDERS), pt.activity, gradient=way)
    return temporary_bytes(jax.grad(loss), jnp.asarray(pt.OJA), data)


def test_memory_forward_does_not_grow():
    needed = {temporary("forward", steps) for steps in (1_000, 10_000, 100_000)}
    assert len(needed) == 1


def test_memory_of_reverse_grows_like_the_root():
    few, many = (temporary("reverse", n) for n in (1_000, 100_000))
    assert many < few * 100**0.5
    assert many < 100_000 * 20 * 30 * 8 / 100  # all weights at once


def test_a_file_larger_than_one_piece_is_read_in_pieces(tmp_path):
    data = recording("activity", steps=60, experiments=1)
    data = jax.tree.map(lambda leaf: np.asarray(leaf[0]), data)
    np.save(tmp_path / "x.npy", data.x)
    np.save(tmp_path / "activity.npy", data.activity)
    read = {
        name: np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        for name in ("x", "activity")
    }
    pieces = pt.chunks(data._replace(**read), 7)
    assert all(isinstance(piece.x, np.memmap) for piece in pieces)
    loss = pt.objective(
        RULES["taylor"], pt.activity, gradient="forward", penalty=pt.l1(0.1)
    )
    theta = 0.1 * jr.normal(jr.key(0), ORDERS.shape)
    wanted = jax.value_and_grad(loss)(theta, data)
    close(pt.infer.stream_gradient(loss, theta, pieces), wanted)
    assert isinstance(pieces.recording, pt.Experiment)


@pytest.mark.optax
def test_online_finds_a_rule_from_one_pass():
    rule = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    sizes = {"n_experiments": 1, "n_steps": 3000, "n_pre": 10, "n_post": 5}
    data = pt.neural_task(jr.key(0), rule, pt.OJA, x_std=0.3, **sizes)
    for way in ("forward", "local"):
        loss = pt.objective(rule, pt.activity, gradient=way)
        pieces = pt.chunks(data, 10)
        found = pt.infer.fit_online(
            loss, 0 * pt.OJA, pieces, optimizer=optax.adam(0.05)
        )
        assert found.status == "finished" and found.losses.shape == (300,)
        assert np.abs(found.theta - pt.OJA).max() < 0.1, way
        assert found.losses[-20:].mean() < 0.01 * found.losses[:20].mean()


def test_online_goes_on_where_nothing_was_recorded():
    data = recording("activity", steps=30)
    data = data._replace(activity=data.activity.at[:, 10:20].set(jnp.nan))
    loss = pt.objective(RULES["taylor"], pt.activity, gradient="forward")
    theta = 0.1 * jr.normal(jr.key(0), ORDERS.shape)
    found = pt.infer.fit_online(
        loss, theta, pt.chunks(data, 10), optimizer=optax.sgd(0.0)
    )
    assert found.losses.shape == (2,) and found.status == "finished"
    close(found.losses[0], loss(theta, next(iter(pt.chunks(data, 10)))))


def test_online_says_when_it_diverged():
    data = recording("activity", steps=40)
    loss = pt.objective(RULES["taylor"], pt.activity, gradient="forward")
    found = pt.infer.fit_online(
        loss, pt.terms(ORDERS, w=1e10), pt.chunks(data, 20), optimizer=optax.sgd(1e6)
    )
    assert found.status == "diverged" and "smaller steps" in found.message
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(found.theta))


BAD = {
    "an unknown way": (
        lambda: pt.objective(RULES["taylor"], pt.activity, gradient="sideways"),
        "gradient is 'sideways'; expected 'reverse', 'forward' or 'local'",
    ),
    "trials": (
        lambda: pt.objective(RULES["taylor"], pt.accept, trials=9, gradient="forward"),
        "without trials",
    ),
    "a loss of one's own": (
        lambda: pt.objective(RULES["taylor"], lambda t, d: t.y.sum(), gradient="local"),
        "needs a pt.Likelihood",
    ),
    "backwards through a stream": (
        lambda: pt.infer.stream_gradient(
            pt.objective(RULES["taylor"], pt.activity), 0, []
        ),
        "make the loss with objective(..., gradient='forward')",
    ),
    "no pieces": (
        lambda: pt.infer.stream_gradient(
            pt.objective(RULES["taylor"], pt.activity, gradient="forward"), 0, []
        ),
        "There are no pieces",
    ),
    "pieces of no length": (
        lambda: pt.chunks(recording("activity"), 0),
        "steps is 0; expected a whole number from 1 up",
    ),
    "gradients over weights": (
        lambda: jax.grad(
            lambda data: pt.objective(RULES["taylor"], pt.activity, gradient="forward")(
                jnp.zeros(ORDERS.shape), recording("activity")._replace(w0=data)
            )
        )(recording("activity").w0),
        "knows its gradient over theta and no other",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_gets_a_sentence(case):
    act, sentence = BAD[case]
    with pytest.raises(ValueError) as caught:
        act()
    assert sentence in str(caught.value)
