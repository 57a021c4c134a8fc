"""The truncated Taylor series for a whole layer, fast, with derivatives by hand.

Horner's scheme through all powers, number by number: XLA makes one pass over the
synapses, and no array of powers is kept. With the powers of r summed over, into C[a, b,
c], and those of x and y, into A_c = sum_ab C[a, b, c] x^a y^b, a change is

    dw = A_0 + w (A_1 + w (A_2 + ...)).

All but the derivatives over x and w follows from S_c[a] = sum_i x_i^a (g w^c)_i, where
g is the cotangent of dw. `plain_update` of the rule says what all this must equal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from plastutor._devices import sum_rows
from plastutor.rules._terms import Orders


def each_power(v, order: int) -> list:
    """1, v, v^2, ... (products, so that 0^0 is 1)."""
    powers = [jnp.ones_like(v)]
    for _ in range(order):
        powers.append(powers[-1] * v)
    return powers


def _horner(coefficients, v) -> Any:
    """c_0 + v (c_1 + v (c_2 + ...)). None is a coefficient that is always zero."""
    value = None
    for coefficient in reversed(list(coefficients)):
        if value is None:
            value = coefficient
        else:
            value = v * value if coefficient is None else coefficient + v * value
    return value


class FastTaylor(NamedTuple):
    """A Taylor rule's update of a whole layer, and its derivatives.

    Attributes:
        orders: the highest power of each variable.
        free: `theta -> theta`, with zeros where a coefficient is not free.
        there: True for each x^a y^b w^c of which some coefficient is free.
    """

    orders: Orders
    free: Callable
    there: np.ndarray

    def update(self) -> Callable:
        """The change of a layer, with the derivative in reverse mode written out."""
        update = jax.custom_vjp(self.change)
        update.defvjp(lambda *at: (self.change(*at), at), self.vjp)
        return update

    def change(self, theta, x, y, w, r):
        """The change dw of a layer; also of many steps, along one more, last axis."""
        value = _horner(self.by_power_of_w(self.without_r(theta, r), x, y), w)
        return jnp.zeros_like(w) if value is None else jnp.broadcast_to(value, w.shape)

    def without_r(self, theta, r):
        """C: the coefficients of x^a y^b w^c, with the powers of r summed over."""
        theta = jnp.moveaxis(self.free(theta), 3, 0)
        if jnp.ndim(r):  # of many steps: one number a step for a whole layer
            theta, r = theta[..., None, None, None], r[(None,) * 5]
        return _horner(theta, r)

    def by_power_of_w(self, c_abc, x, y) -> list:
        """A_0, A_1, ..., (pre, post) or less, or None where it is always zero.

        The powers of x come first: they are one number for a whole row of synapses, so
        that of each synapse only y and w are read.
        """
        rows, columns, there = x[:, None], y[None], self.there

        def of_x(b, c):
            a = range(self.orders.x + 1)
            return _horner(
                [c_abc[k, b, c] if there[k, b, c] else None for k in a], rows
            )

        return [
            _horner([of_x(b, c) for b in range(self.orders.y + 1)], columns)
            for c in range(self.orders.w + 1)
        ]

    def theta_vjp(self, theta, x, y, w, r, cotangent):
        """The gradient over theta of sum(cotangent * dw), over many steps at once."""
        of_w = [cotangent * power for power in each_power(w, self.orders.w)]
        of_x, of_r = each_power(x, self.orders.x), each_power(r, self.orders.r)
        before = jnp.stack([p * q[None] for p in of_x for q in of_r], axis=1)
        # One row after the other: a product of matrices would first be laid out.
        rows = [
            jnp.einsum("pkt,pt->pk", before, sum_rows(p[None] * q, 1)).sum(0)
            for p in each_power(y, self.orders.y)
            for q in of_w
        ]
        a, b, c, d = self.orders.shape
        return self.free(jnp.stack(rows).reshape(b, c, a, d).transpose(2, 0, 1, 3))

    def vjp(self, at, g):
        """The cotangents of theta, x, y, w and r, from that of dw.

        Recomputing A_c is cheaper than storing it for every step of a simulation.
        """
        theta, x, y, w, r = at
        orders, w_powers = self.orders, np.flatnonzero(self.there.any(axis=(0, 1)))
        c_abc, vjp_r = jax.vjp(self.without_r, theta, r)
        of_x = jnp.stack(each_power(x, orders.x))
        g_powers = [g, *(g * power for power in each_power(w, orders.w)[1:])]
        zeros = jnp.zeros((orders.x + 1, len(y)), g.dtype)
        n_w = range(orders.w + 1)
        sums = [of_x @ g_powers[c] if c in w_powers else zeros for c in n_w]
        of_y = jnp.stack(each_power(y, orders.y))
        # Not a product of matrices: of a whole batch those are slow here.
        g_abc = (jnp.stack(sums)[:, :, None] * of_y[None, None]).sum(-1)
        g_theta, g_r = vjp_r(g_abc.transpose(1, 2, 0))
        g_y = self._y_cotangent(c_abc, sums, y)
        g_x = self._x_cotangent(c_abc, x, y, w, g)
        by_w = self.by_power_of_w(c_abc, x, y)
        derivative = _horner(
            [None if a is None else c * a for c, a in enumerate(by_w)][1:], w
        )
        g_w = jnp.zeros_like(g) if derivative is None else g * derivative
        return g_theta, g_x, g_y, g_w, g_r

    def _x_cotangent(self, c_abc, x, y, w, g):
        """The sum over each row of g times the derivative of a change over x.

        A product with ones adds many numbers of a row at once; XLA's sum does not.
        """
        times = jnp.arange(1, self.orders.x + 1, dtype=x.dtype)[:, None, None]
        orders = self.orders._replace(x=self.orders.x - 1)
        derivative = self._replace(orders=orders, there=self.there[1:])
        value = _horner(derivative.by_power_of_w(times * c_abc[1:], x, y), w)
        return jnp.zeros_like(x) if value is None else (g * value) @ jnp.ones_like(y)

    def _y_cotangent(self, c_abc, sums, y):
        """sum_abc b C[a, b, c] y^(b - 1) S_c[a], number by number.

        Products of such small matrices cost more.
        """

        def of_power(b):
            found = np.argwhere(self.there[:, b])
            each = [b * c_abc[a, b, c] * sums[c][a] for a, c in found]
            return reduce(jnp.add, each) if each else None

        value = _horner([of_power(b) for b in range(1, self.orders.y + 1)], y)
        return jnp.zeros_like(y) if value is None else value
