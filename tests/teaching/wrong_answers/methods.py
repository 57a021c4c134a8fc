"""Mistakes in the exercises on neighbouring methods."""

import jax
import jax.numpy as jnp

WRONG: dict[str, dict[str, tuple]] = {}

WRONG["fewest_stored"] = {
    "all of them": (lambda steps: steps, "gives 1; expected 2"),
    "twice the root": (lambda steps: 2 * int(steps**0.5), "gives 2; expected 3"),
    "a last block forgotten": (
        lambda steps: min(b + steps // b for b in range(1, steps + 1)),
        "gives 6; expected 7",
    ),
}
WRONG["eligibility_trace"] = {
    "the past is forgotten": (
        lambda trace, of_w, of_theta: of_w * trace + of_theta,
        "gives 0.6231; expected 0.7531",
    ),
    "the weight's part is forgotten": (
        lambda trace, of_w, of_theta: trace + of_theta,
        "gives 0.77; expected 0.7531",
    ),
    "the slopes exchanged": (
        lambda trace, of_w, of_theta: trace + of_theta * trace + of_w,
        "gives 0.0832; expected 0.7531",
    ),
}
WRONG["jacobian_diagonal"] = {
    "the whole Jacobian": (
        lambda function, at: jax.jacfwd(function)(at),
        "shape (1, 1), [[0.5403]]",
    ),
    "the value": (lambda function, at: function(at), "gives [-0.8415]"),
    "the numbers themselves as tangent": (
        lambda function, at: jax.jvp(function, (at,), (at,))[1],
        "That is the right size with the wrong sign",
    ),
    "summed": (
        lambda function, at: jax.jvp(function, (at,), (jnp.ones_like(at),))[1].sum(),
        "shape (), 0.5403",
    ),
}
