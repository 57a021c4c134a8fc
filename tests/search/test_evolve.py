"""Evolution: known minima, the same seed, a file to go on from, wild rules."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import plastutor as pt
from plastutor.objectives import Fresh, component_distance, functional
from plastutor.search import _population as population, evolve

TRUE = jnp.array([1.0, -2.0, 0.5])
RULE = pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
LOSS = functional(
    RULE, component_distance, network=pt.Network(pt.networks.identity, rate=0.02)
)


def bowl(theta, data):
    return ((theta - data) ** 2 * jnp.array([1.0, 10.0, 0.1])).sum()


def sample(key):
    return pt.tasks.component_goals(key, 4, n_steps=200)


def test_a_bowl_is_solved(key):
    found = evolve(key, bowl, jnp.zeros(3), TRUE, generations=300)
    np.testing.assert_allclose(found.theta, TRUE, atol=1e-5)
    assert found.status == "converged" and "Ended by itself" in found.message
    assert len(found.losses) == len(found.thetas) < 300
    assert pt.lowest_loss(found) == pytest.approx(float(bowl(found.theta, TRUE)))


def test_a_tree_of_parameters_keeps_its_form(key):
    found = evolve(key, lambda t, d: (t["a"] - d) ** 2 + t["b"].sum() ** 2,
                   {"a": 0.0, "b": jnp.zeros(2)}, 3.0)  # fmt: skip
    assert float(found.theta["a"]) == pytest.approx(3, abs=1e-3)
    assert found.theta["b"].shape == (2,)


def test_seeds_reproduce_and_numpy_is_left_alone():
    np.random.seed(7)
    expected = np.random.random()
    np.random.seed(7)
    runs = [
        evolve(jr.key(k), bowl, jnp.zeros(3), TRUE, generations=5) for k in (0, 0, 1)
    ]
    assert np.random.random() == expected
    assert (runs[0].thetas == runs[1].thetas).all()
    assert (runs[0].thetas != runs[2].thetas).any()


def test_only_free_coefficients_evolve(key):
    found = evolve(key, LOSS, 0 * pt.OJA, Fresh(sample, key), generations=3)
    held = np.array(found.theta)
    held[[1, 0], [1, 2], [0, 1], 0] = 0
    assert not held.any() and np.asarray(found.theta).any()


def test_oja_is_found_by_its_function(key):
    start = 0 * pt.OJA
    found = evolve(key, LOSS, start, Fresh(sample, key), generations=40, step=0.5)
    goals = sample(jr.key(99))
    assert LOSS(found.theta, goals) < 0.2 * LOSS(start, goals)
    assert found.theta[1, 1, 0, 0] > 0.3 and found.theta[0, 2, 1, 0] < -0.3
    np.testing.assert_allclose(found.theta, found.thetas[-1])


def test_wild_rules_leave_numbers(key):
    loss = functional(pt.taylor(pt.OJA_ORDERS), component_distance)
    goals = pt.tasks.component_goals(key, 2)
    start = 3 * jr.normal(key, pt.OJA.shape)
    found = evolve(key, loss, start, goals, step=3.0, population=50, generations=20)
    assert np.isfinite(found.losses).all() and np.isfinite(found.thetas).all()
    away = int(found.message.split("Of 1,000 rules ")[1].split(" ran")[0])
    assert 10 < away <= 1000


def test_where_all_run_away_it_says_so(key):
    found = evolve(key, lambda t, d: jnp.nan * t.sum(), jnp.zeros(2), None)
    assert found.status == "diverged" and "every rule runs away" in found.message
    assert np.isfinite(found.losses).all()


def test_a_file_goes_on_where_it_ended(key, tmp_path):
    path = tmp_path / "evolution.msgpack"
    whole = evolve(key, bowl, jnp.zeros(3), TRUE, generations=12)
    seen = []

    def stop(generation, value):
        seen.append(value)
        if generation == 5:
            raise KeyboardInterrupt

    part = evolve(
        key, bowl, jnp.zeros(3), TRUE, generations=12, path=path, progress=stop
    )
    assert part.status == "interrupted" and len(part.losses) == 5
    evaluated = []

    def counted(theta, data):
        jax.debug.callback(lambda: evaluated.append(1))
        return bowl(theta, data)

    rest = evolve(key, counted, jnp.zeros(3), TRUE, generations=12, path=path)
    jax.effects_barrier()
    np.testing.assert_array_equal(rest.thetas, whole.thetas)
    assert len(evaluated) == 7  # one program a generation
    again = evolve(key, counted, jnp.zeros(3), TRUE, generations=12, path=path)
    np.testing.assert_array_equal(again.thetas, whole.thetas)
    assert len(evaluated) == 7


def test_an_interruption_before_anything_is_known_goes_through(key, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("plastutor.search._evolve.population_losses", stop)
    with pytest.raises(KeyboardInterrupt):
        evolve(key, bowl, jnp.zeros(3), TRUE)


@pytest.mark.parametrize(
    ("other", "said"),
    [({"step": 0.1}, "another step"), ({"population": 9}, "population")],
)
def test_a_file_of_another_search_is_refused(key, tmp_path, other, said):
    path = tmp_path / "evolution.msgpack"
    evolve(key, bowl, jnp.zeros(3), TRUE, generations=2, path=path)
    with pytest.raises(ValueError, match=said):
        evolve(key, bowl, jnp.zeros(3), TRUE, generations=2, path=path, **other)


def test_a_file_that_is_none_is_refused(key, tmp_path):
    path = tmp_path / "evolution.msgpack"
    path.write_bytes(b"no evolution")
    with pytest.raises(ValueError, match="does not hold an evolution"):
        evolve(key, bowl, jnp.zeros(3), TRUE, path=path)
    assert path.read_bytes() == b"no evolution"


def test_restarts_leave_a_hollow(key):
    """Two hollows; from the shallow one it starts anew until it finds the deep one."""

    def two(theta, data):
        return jnp.minimum((theta + 1) ** 2 + 1, 4 * (theta - 3) ** 2).sum()

    once = evolve(key, two, -jnp.ones(1), None, step=3.0, generations=400)
    more = evolve(key, two, -jnp.ones(1), None, step=3.0, generations=400, restarts=8)
    assert float(more.losses.min()) <= float(once.losses.min())
    assert float(more.theta[0]) == pytest.approx(3, abs=1e-2)
    assert len(more.losses) > len(once.losses)


class Workers:
    """What evolve needs of a Dask client."""

    def __init__(self):
        self.sizes = []

    def nthreads(self):
        return {"a": 1, "b": 2}

    def scatter(self, data, broadcast):
        return data

    def submit(self, function, packed, thetas, data, pure):
        self.sizes.append(len(thetas))
        return function(packed, thetas, data)

    def gather(self, found):
        return found


def test_workers_share_a_generation_and_compile_once(key):
    client, traced = Workers(), []

    def traced_bowl(theta, data):
        traced.append(1)
        return bowl(theta, data)

    here, there = (
        evolve(key, loss, jnp.zeros(3), TRUE, generations=4, client=c)
        for loss, c in ((bowl, None), (traced_bowl, client))
    )
    np.testing.assert_allclose(here.thetas, there.thetas)
    assert client.sizes == [3] * 12  # eight rules for three workers, padded
    unpacked = population._unpacked(population._packed(traced_bowl))
    assert unpacked.__closure__[0].cell_contents == [1]


@pytest.mark.parametrize(
    ("theta0", "how"),
    [
        (jnp.array([jnp.nan]), {}),
        (jnp.zeros(0), {}),
        (jnp.zeros(2), {"step": 0.0}),
        (jnp.zeros(2), {"generations": 0}),
        (jnp.zeros(2), {"population": 2}),
        (jnp.zeros(2), {"restarts": -1}),
    ],
)
def test_what_cannot_be_is_a_sentence(key, theta0, how):
    with pytest.raises(ValueError, match="expected"):
        evolve(key, lambda t, d: t.sum(), theta0, None, **how)


def test_without_the_library_a_sentence(key, monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(ImportError, match="pip install"):
        evolve(key, bowl, jnp.zeros(3), TRUE)


ON_A_CLUSTER = """
import jax, numpy as np
import plastutor as pt
from plastutor.objectives import Fresh, component_distance, functional

def sample(key):
    return pt.tasks.component_goals(key, 4, n_steps=50)

if __name__ == "__main__":
    key, rule = jax.random.key(0), pt.taylor(pt.OJA_ORDERS, only=("xy", "yyw"))
    asked = key, functional(rule, component_distance), 0 * pt.OJA, Fresh(sample, key)
    here = pt.search.evolve(*asked, generations=2)
    with pt.sweeps.all_cores() as client:
        there = pt.search.evolve(*asked, generations=2, client=client)
    np.testing.assert_allclose(here.losses, there.losses, rtol=1e-5)
    assert here.losses[1] != here.losses[0]
"""


def test_a_loss_of_function_travels_to_a_cluster(tmp_path):
    """In a process of its own: functions whose types are checked do not travel."""
    script = tmp_path / "on_a_cluster.py"
    script.write_text(ON_A_CLUSTER)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
