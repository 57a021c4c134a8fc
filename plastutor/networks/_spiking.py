"""Spiking: neurons that fire, and three ways to the gradient of their weights.

A layer of neurons gets input spikes x_t and classifies them in every step. Its weights
can learn by back-propagation through time, which stores the whole run; by real-time
recurrent learning, which carries the derivative of every state along and is exact; or
by e-prop, which carries along the part of it that stays within a neuron.

Axes: `state` the variables of one neuron, `class` what is told apart; the others as in
`plastutor.types`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

__all__ = [
    "Cell",
    "Layer",
    "accuracy",
    "alif",
    "diagonal_jacobian",
    "gradient",
    "init_layer",
    "lif",
    "loss",
    "pattern_task",
    "run",
    "spike",
    "spike_patterns",
    "train",
]

STEEPNESS = 10.0  # of the sigmoid that lends a spike its derivative


@jax.custom_jvp
def spike(v: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """1 where v is above zero, else 0, with the derivative of a sigmoid.

    The step itself has the derivative zero, from which nothing can be learned. The
    surrogate is that of sigmoid(10 v), as in Lohoff et al. (2025).

    >>> float(spike(0.1)), float(jax.grad(spike)(0.0))
    (1.0, 2.5)
    """
    v = jnp.asarray(v)
    return (v > 0).astype(v.dtype)


@spike.defjvp
def _spike_slope(at, along):
    s = jax.nn.sigmoid(STEEPNESS * at[0])
    return spike(at[0]), STEEPNESS * s * (1 - s) * along[0]


class Cell(NamedTuple):
    """A kind of neuron, as pure functions of its state.

    Neurons meet only in the current: `step` and `fire` are element-wise across neurons.

    Attributes:
        n_state: the number k of state variables of a neuron; they begin at zero.
        step: `(state (k, n), current (n,)) -> state (k, n)`, the next state.
        fire: `state (k, n) -> spikes (n,)`, 0 or 1.
    """

    n_state: int
    step: Callable
    fire: Callable


@lru_cache  # the same arguments give the same Cell, so JAX need not compile it again
def lif(*, leak: float = 0.9) -> Cell:
    """Leaky integrate-and-fire: u <- leak u + (1 - leak) current, a spike where u > 1.

    After a spike u is set to zero before the next step, u <- u - z u (Lohoff et al.
    2025, arXiv 2501.11407). No derivative flows through the z of the reset.

    Args:
        leak: what a step leaves of the potential, between 0 and 1.

    >>> cell = lif()
    >>> [round(float(v), 3) for v in cell.step(jnp.array([[0.5, 1.2]]), jnp.ones(2))[0]]
    [0.55, 0.1]
    """

    def fire(state):
        return spike(state[0] - 1)

    def step(state, current):
        (u,) = state
        u = u - jax.lax.stop_gradient(fire(state)) * u
        return jnp.stack([leak * u + (1 - leak) * current])

    return Cell(1, step, fire)


@lru_cache
def alif(*, leak: float = 0.9, recovery: float = 0.97, strength: float = 0.5) -> Cell:
    """Adaptive integrate-and-fire: every spike raises the neuron's own threshold.

    u as in `lif`, and a <- recovery a + z, with a spike where u > 1 + strength a: the
    adaptive threshold of Bellec et al. (2020, Nature Communications 11:3625). No
    derivative flows through the z of the reset, but it does through the z that feeds a.

    Args:
        leak: what a step leaves of the potential, between 0 and 1.
        recovery: what a step leaves of the adaptation, between 0 and 1.
        strength: by how much a spike raises the threshold.

    >>> cell = alif()
    >>> float(cell.fire(jnp.array([[1.2], [0.0]]))[0])  # rested: the threshold is 1
    1.0
    >>> float(cell.fire(jnp.array([[1.2], [1.0]]))[0])  # after a spike it is 1.5
    0.0
    """

    def fire(state):
        return spike(state[0] - 1 - strength * state[1])

    def step(state, current):
        u, a = state
        z = fire(state)
        u = u - jax.lax.stop_gradient(z) * u
        return jnp.stack([leak * u + (1 - leak) * current, recovery * a + z])

    return Cell(2, step, fire)


class Layer(NamedTuple):
    """The weights of a spiking layer and its read-out.

    Attributes:
        w_in: from inputs to neurons.
        w_out: from neurons to the log-odds of the classes.
        w_rec: from neurons to neurons, one step later; None without recurrence.
    """

    w_in: Float[Array, "pre post"]
    w_out: Float[Array, "post class"]
    w_rec: Float[Array, "post post"] | None = None


@partial(jax.jit, static_argnames=("n_pre", "n_post", "n_class", "recurrent"))
def init_layer(
    key,
    n_pre: int,
    n_post: int,
    n_class: int,
    *,
    recurrent: bool = True,
    gain: float = 15.0,
    gain_rec: float = 2.0,
) -> Layer:
    """Random weights, normal with a standard deviation of gain / sqrt(rows).

    Spikes are rare, and `lif` takes in a tenth of a current, so that neurons fire only
    at a gain well above 1. That of the read-out is 1.

    Args:
        key: for the weights.
        n_pre: the number of inputs.
        n_post: the number of neurons.
        n_class: the number of classes.
        recurrent: whether the neurons send spikes to each other.
        gain: of the weights from the inputs.
        gain_rec: of the weights between neurons. The larger, the more e-prop misses.

    >>> init_layer(jax.random.key(0), 20, 8, 5).w_rec.shape
    (8, 8)
    """
    k_in, k_rec, k_out = jax.random.split(key, 3)
    w_in = gain * jax.random.normal(k_in, (n_pre, n_post)) / n_pre**0.5
    w_out = jax.random.normal(k_out, (n_post, n_class)) / n_post**0.5
    if not recurrent:
        return Layer(w_in, w_out)
    w_rec = gain_rec * jax.random.normal(k_rec, (n_post, n_post)) / n_post**0.5
    return Layer(w_in, w_out, w_rec)


def _at_rest(cell: Cell, layer: Layer):
    return jnp.zeros((cell.n_state, layer.w_in.shape[1]), layer.w_in.dtype)


def _sources(cell: Cell, layer: Layer, state, x):
    """All that drives a neuron in one step: inputs, and the spikes before."""
    return x if layer.w_rec is None else jnp.concatenate([x, cell.fire(state)])


def _hidden(layer: Layer):
    """The weights of `_sources`, one row each."""
    if layer.w_rec is None:
        return layer.w_in
    return jnp.concatenate([layer.w_in, layer.w_rec])


def run(
    cell: Cell, layer: Layer, x: Float[Array, "time pre"]
) -> Float[Array, "time post"]:
    """The spikes of a layer at rest that gets the inputs x.

    >>> layer = init_layer(jax.random.key(0), 20, 8, 5)
    >>> run(lif(), layer, jnp.ones((100, 20))).shape
    (100, 8)
    """
    w = _hidden(layer)

    def step(state, x):
        state = cell.step(state, _sources(cell, layer, state, x) @ w)
        return state, cell.fire(state)

    return jax.lax.scan(step, _at_rest(cell, layer), x)[1]


def _log_p(layer: Layer, z):
    return jax.nn.log_softmax(z @ layer.w_out)


def _one_loss(cell, layer, x, label):
    return -_log_p(layer, run(cell, layer, x))[:, label].mean()


def loss(
    cell: Cell,
    layer: Layer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
) -> Float[Array, ""]:
    """Cross-entropy of the labels (nats), the mean over examples and steps.

    In step t the layer holds the classes for likely by softmax(z_t @ w_out).

    >>> layer = init_layer(jax.random.key(0), 20, 8, 5)
    >>> silent = loss(lif(), layer, jnp.zeros((3, 100, 20)), jnp.arange(3))
    >>> round(float(jnp.exp(silent)), 3)  # without a spike it can only guess: 1 in 5
    5.0
    """
    return jax.vmap(partial(_one_loss, cell, layer))(x, label).mean()


def accuracy(
    cell: Cell,
    layer: Layer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
) -> Float[Array, ""]:
    """The share of examples whose class has the highest probability over all steps.

    >>> layer = init_layer(jax.random.key(0), 20, 8, 5)
    >>> x = jnp.zeros((4, 100, 20))
    >>> float(accuracy(lif(), layer, x, jnp.array([0, 0, 0, 3])))  # ties go to 0
    0.75
    """
    z = jax.vmap(partial(run, cell, layer))(x)
    return (_log_p(layer, z).sum(1).argmax(-1) == label).mean()


def _along_each_state(function, state):
    """One jvp call for each state variable, along that of all neurons at once."""
    k, n = state.shape
    one_hot = jnp.broadcast_to(jnp.eye(k, dtype=state.dtype)[:, :, None], (k, k, n))
    return jax.vmap(lambda along: jax.jvp(function, (state,), (along,))[1])(one_hot)


def diagonal_jacobian(
    step: Callable, state: Float[Array, "state post"], current: Float[Array, " post"]
) -> Float[Array, "state state post"]:
    """How a neuron's next state depends on its state: [to, from, neuron].

    Where `step` is element-wise across neurons, the derivatives with respect to the
    states of other neurons are zero. The rest, one k x k block a neuron, is k calls of
    jax.jvp: a tangent that is one for the same variable of every neuron gives a column
    of all blocks.

    Args:
        step: `Cell.step`.
        state: where the derivative is taken.
        current: the same for the current.

    >>> cell = lif()
    >>> block = diagonal_jacobian(cell.step, jnp.array([[0.5, 1.2]]), jnp.zeros(2))
    >>> [round(float(v), 3) for v in block[0, 0]]  # the second neuron has just fired
    [0.9, 0.0]
    """
    return _along_each_state(lambda s: step(s, current), state).swapaxes(0, 1)


def _online(cell, layer, x, label, feedback, exact):
    """Loss and gradient of one example, in one pass forward.

    The influence is d state / d w: in e-prop of a neuron's own weights on its state,
    (state, source, post); in real-time recurrent learning of all weights on all states,
    (state, neuron, source, post).
    """
    w, n = _hidden(layer), layer.w_in.shape[1]
    own = jnp.eye(n, dtype=w.dtype)[None, :, None]

    def step(t, carry):
        state, influence, total, d_w, d_out = carry
        sources = _sources(cell, layer, state, x[t])
        current = sources @ w
        one = jnp.ones_like(current)
        of_current = jax.jvp(partial(cell.step, state), (current,), (one,))[1]
        direct = of_current[:, None] * sources[None, :, None]
        if exact:

            def whole(state):
                return cell.step(state, _sources(cell, layer, state, x[t]) @ w)

            jacobian = jax.jacfwd(whole)(state)
            influence = jnp.tensordot(jacobian, influence) + own * direct[:, None]
        else:
            rows = diagonal_jacobian(cell.step, state, current)[:, :, None]
            influence = direct + jnp.stack([(row * influence).sum(0) for row in rows])
        state = cell.step(state, current)
        z = cell.fire(state)
        log_p = _log_p(layer, z)
        error = jnp.exp(log_p).at[label].add(-1)
        of_state = _along_each_state(cell.fire, state) * (error @ feedback)[None]
        if exact:
            d_w += jnp.tensordot(of_state, influence)
        else:
            d_w += (of_state[:, None] * influence).sum(0)
        return state, influence, total - log_p[label], d_w, d_out + jnp.outer(z, error)

    shape = (cell.n_state, n, *w.shape) if exact else (cell.n_state, *w.shape)
    begin = (
        _at_rest(cell, layer),
        jnp.zeros(shape, w.dtype),
        jnp.zeros((), w.dtype),
        jnp.zeros_like(w),
        jnp.zeros_like(layer.w_out),
    )
    # Not a scan over x: for a batch it would first lay x out anew, with time in front.
    end = jax.lax.fori_loop(0, len(x), step, begin)
    total, d_w, d_out = jax.tree.map(lambda v: v / len(x), end[2:])
    n_pre = layer.w_in.shape[0]
    d_rec = None if layer.w_rec is None else d_w[n_pre:]
    return total, Layer(d_w[:n_pre], d_out, d_rec)


def _check_batch(layer, x, label):
    n_pre = layer.w_in.shape[0]
    if x.ndim != 3 or x.shape[2] != n_pre or label.shape != x.shape[:1]:
        raise ValueError(
            f"x has shape {x.shape} and label {label.shape}; expected (exp, time, "
            f"{n_pre}) and (exp,). Give a single example a first axis: x[None]."
        )


def gradient(
    cell: Cell,
    layer: Layer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    how: str = "bptt",
    feedback: Float[Array, "class post"] | None = None,
) -> tuple[Float[Array, ""], Layer]:
    """The loss of a batch, and its gradient with respect to all weights.

    With the state s_t, the spikes z_t and the loss L_t of a step, "eprop" adds up

        dL/dw = sum_t  dL_t/dz_t  dz_t/ds_t  G_t,    G_t = H_t G_{t-1} + F_t,

    where F_t = ds_t/dw holds only the step itself and H_t = ds_t/ds_{t-1} only a
    neuron's own state (Bellec et al. 2020; in this form Lohoff et al. 2025). Without
    recurrence nothing is missing. With it, what a spike does to later spikes of other
    neurons is, and to the neuron's own by way of `w_rec`. Keeping H_t whole is
    "rtrl", exact real-time recurrent learning (Williams & Zipser 1989).

    | how | exact | memory | work of a step |
    | --- | --- | --- | --- |
    | "bptt" | yes | grows with time | as that of the run |
    | "eprop" | without recurrence | state x weights | the same |
    | "rtrl" | yes | state x post x weights | (state x post)^2 x weights |

    Args:
        cell: the kind of neuron.
        layer: where the gradient is taken.
        x: inputs.
        label: the right classes.
        how: "bptt", "eprop" or "rtrl".
        feedback: what carries the error of the read-out to the neurons, for "eprop";
            default w_out.T, which is exact. A fixed random one does without symmetric
            weights (Lillicrap et al. 2016).

    Returns:
        The loss (nats), the mean over examples and steps, and its gradient.

    Raises:
        ValueError: an unknown way; feedback where it has no place; shapes that differ.

    >>> layer = init_layer(jax.random.key(0), 20, 8, 5)
    >>> x, label = jnp.ones((2, 50, 20)), jnp.array([0, 1])
    >>> value, slope = gradient(lif(), layer, x, label, how="eprop")
    >>> slope.w_rec.shape
    (8, 8)
    """
    if how not in ("bptt", "eprop", "rtrl"):
        raise ValueError(f"how is {how!r}; expected 'bptt', 'eprop' or 'rtrl'.")
    if feedback is not None and how != "eprop":
        raise ValueError(
            f"how={how!r} is exact and takes no feedback. Leave it out, or use "
            "how='eprop'."
        )
    _check_batch(layer, x, label)
    if feedback is not None and feedback.shape != layer.w_out.shape[::-1]:
        raise ValueError(
            f"feedback has shape {feedback.shape}; expected "
            f"{layer.w_out.shape[::-1]}: one row a class, as in w_out.T."
        )
    return _gradient(cell, layer, x, label, feedback, how)


@partial(jax.jit, static_argnames=("cell", "how"))
def _gradient(cell, layer, x, label, feedback, how):
    if how == "bptt":
        return jax.value_and_grad(partial(loss, cell))(layer, x, label)
    back = layer.w_out.T if feedback is None else feedback
    one = partial(_online, cell, layer, feedback=back, exact=how == "rtrl")
    each = jax.vmap(lambda x, label: one(x, label))(x, label)
    return jax.tree.map(lambda v: v.mean(0), each)


def spike_patterns(
    key, *, n_class: int = 8, n_pre: int = 40, n_steps: int = 50, n_spikes: int = 3
) -> Int[Array, "class pre spike"]:
    """The times, in steps, at which each input of each class should fire.

    All inputs of all classes fire equally often, so the classes differ only in *when*.

    >>> spike_patterns(jax.random.key(0)).shape
    (8, 40, 3)
    """
    return jax.random.randint(key, (n_class, n_pre, n_spikes), 0, n_steps)


@partial(jax.jit, static_argnames=("n_examples", "n_steps"))
def pattern_task(
    key,
    patterns: Int[Array, "class pre spike"],
    n_examples: int,
    *,
    n_steps: int = 50,
    jitter: float = 2.0,
    missing: float = 0.3,
    background: float = 0.02,
) -> tuple[Float[Array, "exp time pre"], Int[Array, " exp"]]:
    """Noisy examples of the patterns, and their classes, which take turns.

    Args:
        key: for the noise.
        patterns: what `spike_patterns` made.
        n_examples: how many examples.
        n_steps: the length of an example; a spike moved beyond an end comes in at the
            other, so that counts say nothing.
        jitter: standard deviation of a spike's time, in steps.
        missing: the probability that a spike is left out.
        background: the probability of one more spike of an input in a step.

    Returns:
        The number of spikes of each input in each step, and the index of the class.

    >>> patterns = spike_patterns(jax.random.key(0))
    >>> x, label = pattern_task(jax.random.key(1), patterns, 6)
    >>> x.shape, label.shape
    ((6, 50, 40), (6,))
    """
    n_class, n_pre, _ = patterns.shape
    k_jitter, k_missing, k_background = jax.random.split(key, 3)
    label = jnp.arange(n_examples) % n_class
    at = patterns[label]  # (exp, pre, spike)
    moved = jnp.round(jitter * jax.random.normal(k_jitter, at.shape)).astype(at.dtype)
    at = (at + moved) % n_steps
    there = jax.random.bernoulli(k_missing, 1 - missing, at.shape)
    shape = (n_examples, n_steps, n_pre)
    x = jax.random.bernoulli(k_background, background, shape).astype(float)
    example = jnp.arange(n_examples)[:, None, None]
    pre = jnp.arange(n_pre)[None, :, None]
    return x.at[example, at, pre].add(there.astype(float)), label


@partial(jax.jit, static_argnames=("cell", "how", "num_steps", "batch"))
def train(
    key,
    cell: Cell,
    layer: Layer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    how: str = "bptt",
    feedback: Float[Array, "class post"] | None = None,
    num_steps: int = 200,
    batch: int = 16,
    rates: tuple[float, float, float] = (0.1, 0.03, 0.001),
) -> tuple[Layer, Float[Array, " step"]]:
    """Adam on batches of examples, by any of the gradients.

    Args:
        key: for the choice of examples.
        cell: the kind of neuron.
        layer: where to begin.
        x: inputs.
        label: the right classes.
        how: as in `gradient`.
        feedback: as in `gradient`.
        num_steps: the number of updates.
        batch: the number of examples in an update.
        rates: the rates of Adam for w_in, w_out and w_rec; 0 freezes. Where w_rec moves
            fast, the exact gradient through many steps explodes.

    Returns:
        The layer at the end, and the loss of each batch before its update.

    >>> patterns = spike_patterns(jax.random.key(0), n_class=2)
    >>> x, label = pattern_task(jax.random.key(1), patterns, 50)
    >>> layer = init_layer(jax.random.key(2), 40, 8, 2)
    >>> _, losses = train(jax.random.key(3), lif(), layer, x, label, num_steps=30)
    >>> bool(losses[-1] < losses[0])
    True
    """
    adam: Any = optax.scale_by_adam()

    def moved(w, rate, change) -> Any:
        return None if w is None else w - rate * change

    def update(carry, at):
        layer, memory = carry
        one = {"how": how, "feedback": feedback}
        value, slope = gradient(cell, layer, x[at], label[at], **one)
        change, memory = adam.update(slope, memory)
        return (Layer(*map(moved, layer, rates, change)), memory), value

    at = jax.random.randint(key, (num_steps, batch), 0, len(label))
    (layer, _), losses = jax.lax.scan(update, (layer, adam.init(layer)), at)
    return layer, losses
