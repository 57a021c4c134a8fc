"""A fit is kept in one file, and comes back as it was."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt


def stored(theta, steps=3):
    thetas = jax.tree.map(lambda leaf: np.stack([leaf] * steps), theta)
    return pt.Fit(
        theta, np.arange(steps) + 0.5, thetas, "finished", "Finished: 2 steps."
    )


def same(one, other):
    assert (one.status, one.message) == (other.status, other.message)
    np.testing.assert_array_equal(one.losses, other.losses)
    for mine, yours in ((one.theta, other.theta), (one.thetas, other.thetas)):
        assert jax.tree.structure(mine) == jax.tree.structure(yours)
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(yours), strict=True):
            assert np.asarray(a).dtype == np.asarray(b).dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_array_comes_back_to_the_bit(tmp_path, dtype):
    draw = np.random.default_rng(0)
    before = stored(jnp.asarray(draw.normal(size=(3, 3, 3, 1)), dtype))
    before.save(tmp_path / "one.fit")
    same(pt.Fit.load(tmp_path / "one.fit"), before)


def test_a_network_comes_back_and_still_works(tmp_path):
    rule = pt.mlp()
    theta = jax.jit(rule.init)(jr.key(0))
    before = stored(theta)
    before.save(str(tmp_path / "mlp.fit"))
    after = pt.Fit.load(str(tmp_path / "mlp.fit"))
    same(after, before)
    assert float(rule.apply(after.theta, 1.0, 2.0, 3.0, 4.0)) == float(
        rule.apply(theta, 1.0, 2.0, 3.0, 4.0)
    )


def test_a_diverged_fit_with_nan_losses_comes_back(tmp_path):
    before = stored(jnp.ones(2))._replace(losses=np.array([1, np.nan, np.inf]))
    before.save(tmp_path / "a")
    same(pt.Fit.load(tmp_path / "a"), before)


@pytest.mark.optax
def test_what_fit_returns_can_be_kept(tmp_path):
    before = pt.fit(lambda t, d: jnp.sum((t - d) ** 2), jnp.zeros(2), 1.0, max_steps=5)
    before.save(tmp_path / "a")
    same(pt.Fit.load(tmp_path / "a"), before)


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path):
    stored(jnp.zeros(2)).save(tmp_path / "a")
    stored(jnp.ones(2)).save(tmp_path / "a")
    assert (pt.Fit.load(tmp_path / "a").theta == 1).all()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "content",
    [b"", b"not a fit at all", b"\x93\x01\x02\x03", b"\x81\xa1a\x01", b"\xc1"],
)
def test_another_file_is_refused_with_a_sentence(tmp_path, content):
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(ValueError, match="wrong does not hold a fit; expected a file"):
        pt.Fit.load(tmp_path / "wrong")


def test_half_a_file_is_refused(tmp_path):
    stored(jnp.ones(50)).save(tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="half does not hold a fit"):
        pt.Fit.load(tmp_path / "half")


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pt.Fit.load(tmp_path / "nowhere")
