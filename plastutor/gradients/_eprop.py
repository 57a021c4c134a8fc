"""Gradients of a spiking network: back through time, e-prop, and exact forward."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from plastutor._experiments import answer_steps
from plastutor.likelihoods import spiking_loss
from plastutor.networks import Cell, SpikingLayer


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

    >>> from plastutor.networks import lif
    >>> cell = lif()
    >>> block = diagonal_jacobian(cell.step, jnp.array([[0.5, 1.2]]), jnp.zeros(2))
    >>> [round(float(v), 3) for v in block[0, 0]]  # the second neuron has just fired
    [0.9, 0.0]
    """
    return _along_each_state(lambda s: step(s, current), state).swapaxes(0, 1)


def _online(cell, layer, x, label, feedback, exact, n_answer):
    """Loss and gradient of one example, in one pass forward.

    The influence is d state / d w: in e-prop of a neuron's own weights on its state,
    (state, source, post); in real-time recurrent learning of all weights on all states,
    (state, neuron, source, post).
    """
    w, n = layer.w_hidden, layer.w_in.shape[1]
    own = jnp.eye(n, dtype=w.dtype)[None, :, None]

    def step(t, carry):
        state, influence, total, d_w, d_out = carry
        sources = layer.sources(cell, state, x[t])
        current = sources @ w
        one = jnp.ones_like(current)
        of_current = jax.jvp(partial(cell.step, state), (current,), (one,))[1]
        direct = of_current[:, None] * sources[None, :, None]
        if exact:

            def whole(state):
                return cell.step(state, layer.sources(cell, state, x[t]) @ w)

            jacobian = jax.jacfwd(whole)(state)
            influence = jnp.tensordot(jacobian, influence) + own * direct[:, None]
        else:
            rows = diagonal_jacobian(cell.step, state, current)[:, :, None]
            influence = direct + jnp.stack([(row * influence).sum(0) for row in rows])
        state = cell.step(state, current)
        z = cell.fire(state)
        log_p = layer.log_probability(z)
        counts = t >= len(x) - n_answer
        error = jnp.where(counts, jnp.exp(log_p).at[label].add(-1), 0)
        of_state = _along_each_state(cell.fire, state) * (error @ feedback)[None]
        if exact:
            d_w += jnp.tensordot(of_state, influence)
        else:
            d_w += (of_state[:, None] * influence).sum(0)
        total -= jnp.where(counts, log_p[label], 0)
        return state, influence, total, d_w, d_out + jnp.outer(z, error)

    shape = (cell.n_state, n, *w.shape) if exact else (cell.n_state, *w.shape)
    start = (
        layer.initial_state(cell),
        jnp.zeros(shape, w.dtype),
        jnp.zeros((), w.dtype),
        jnp.zeros_like(w),
        jnp.zeros_like(layer.w_out),
    )
    # Not a scan over x: for a batch it would first copy x, with time in front.
    end = jax.lax.fori_loop(0, len(x), step, start)
    total, d_w, d_out = jax.tree.map(lambda v: v / n_answer, end[2:])
    n_pre = layer.w_in.shape[0]
    d_rec = None if layer.w_rec is None else d_w[n_pre:]
    return total, SpikingLayer(d_w[:n_pre], d_out, d_rec)


def spiking_gradient(
    cell: Cell,
    layer: SpikingLayer,
    x: Float[Array, "exp time pre"],
    label: Int[Array, " exp"],
    *,
    how: str = "bptt",
    feedback: Float[Array, "class post"] | None = None,
    n_answer: int | None = None,
) -> tuple[Float[Array, ""], SpikingLayer]:
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
        n_answer: how many of the last steps have a loss; default all.

    Returns:
        The loss (nats), the mean over examples and steps, and its gradient.

    Raises:
        ValueError: an unknown way; feedback where it has no place; shapes that differ;
            fewer or more answering steps than there are.

    >>> from plastutor.networks import init_spiking_layer, lif
    >>> layer = init_spiking_layer(jax.random.key(0), 20, 8, 5)
    >>> x, label = jnp.ones((2, 50, 20)), jnp.array([0, 1])
    >>> value, gradient = spiking_gradient(lif(), layer, x, label, how="eprop")
    >>> gradient.w_rec.shape
    (8, 8)
    """
    if how not in ("bptt", "eprop", "rtrl"):
        raise ValueError(f"how is {how!r}; expected 'bptt', 'eprop' or 'rtrl'.")
    if feedback is not None and how != "eprop":
        raise ValueError(
            f"how={how!r} is exact and takes no feedback. Leave it out, or use "
            "how='eprop'."
        )
    n_pre = layer.w_in.shape[0]
    if x.ndim != 3 or x.shape[2] != n_pre or label.shape != x.shape[:1]:
        raise ValueError(
            f"x has shape {x.shape} and label {label.shape}; expected (exp, time, "
            f"{n_pre}) and (exp,). Give a single example a first axis: x[None]."
        )
    if feedback is not None and feedback.shape != layer.w_out.shape[::-1]:
        raise ValueError(
            f"feedback has shape {feedback.shape}; expected "
            f"{layer.w_out.shape[::-1]}: one row a class, as in w_out.T."
        )
    n_answer = answer_steps(x.shape[1], n_answer)
    return _gradient(cell, layer, x, label, feedback, how, n_answer)


@partial(jax.jit, static_argnames=("cell", "how", "n_answer"))
def _gradient(cell, layer, x, label, feedback, how, n_answer):
    if how == "bptt":
        loss = partial(spiking_loss, cell, n_answer=n_answer)
        return jax.value_and_grad(loss)(layer, x, label)
    back = layer.w_out.T if feedback is None else feedback
    how_far = {"exact": how == "rtrl", "n_answer": n_answer}
    one = partial(_online, cell, layer, feedback=back, **how_far)
    each = jax.vmap(lambda x, label: one(x, label))(x, label)
    return jax.tree.map(lambda v: v.mean(0), each)
