"""Fit: on problems with a known answer, and on those that go wrong."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import optax
import pytest

import plastutor as pt

SCALES, CENTRE = jnp.array([1.0, 10.0, 0.5]), jnp.array([1.0, -2.0, 3.0])
OPTIMIZERS = {
    "L-BFGS": pt.infer.LBFGS,
    "Adam": optax.adam(0.1),
    "Gauss-Newton": pt.GaussNewton(),
}

quadratic = pt.objectives.Objective(
    lambda theta, data: SCALES * (theta - data),
    lambda prediction, data: jnp.sum(prediction**2) + 0.25,
    None,
)
SMALL = pt.Orders(x=1, y=2, w=1)  # Oja's two terms are among its twelve
RULE, TRUTH = pt.taylor(SMALL), pt.terms(SMALL, xy=1.0, yyw=-1.0)
LOSS = pt.objective(RULE, pt.activity)


def to_the_cliff(theta, data):
    """Falls with slope 1; beyond 2 there is nothing but NaN."""
    return jnp.where(theta.sum() > 2.01, jnp.nan, -theta.sum())


@pytest.fixture(scope="module")
def data():
    return pt.neural_task(
        jr.key(0), RULE, TRUTH, n_experiments=3, n_steps=8, n_pre=4, n_post=2
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_quadratic_is_solved(name):
    found = pt.fit(
        quadratic, jnp.zeros(3), CENTRE, optimizer=OPTIMIZERS[name], max_steps=300
    )
    np.testing.assert_allclose(found.theta, CENTRE, atol=1e-3)
    assert pt.lowest_loss(found) == pytest.approx(0.25, abs=1e-6)
    assert found.status in ("finished", "converged")


def test_the_default_is_exact_and_stops_by_itself():
    found = pt.fit(quadratic, jnp.zeros(3), CENTRE, max_steps=300)
    np.testing.assert_allclose(found.theta, CENTRE, atol=1e-6)
    assert found.status == "converged" and len(found.losses) < 301
    assert "Converged within" in found.message


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_losses_and_thetas_belong_together(name):
    start = jnp.array([2.0, 0.5, -1.0])
    found = pt.fit(quadratic, start, CENTRE, optimizer=OPTIMIZERS[name], max_steps=7)
    assert found.losses.shape == (8,) and found.thetas.shape == (8, 3)
    np.testing.assert_array_equal(found.thetas[0], start)
    for theta, loss in zip(found.thetas, found.losses, strict=True):
        np.testing.assert_allclose(quadratic(theta, CENTRE), loss, rtol=1e-12)
    np.testing.assert_array_equal(found.theta, found.thetas[found.losses.argmin()])


def test_adam_takes_the_steps_of_adam():
    optimizer, theta = optax.adam(0.1), jnp.zeros(3)
    state = optimizer.init(theta)
    for _ in range(5):
        updates, state = optimizer.update(jax.grad(quadratic)(theta, CENTRE), state)
        theta = optax.apply_updates(theta, updates)
    found = pt.fit(quadratic, jnp.zeros(3), CENTRE, optimizer=optimizer, max_steps=5)
    np.testing.assert_allclose(found.thetas[-1], theta, rtol=1e-12)


def test_theta_may_be_a_number_or_a_tree():
    found = pt.fit(lambda t, data: (t - data) ** 2, 0.0, 3.0)
    assert float(found.theta) == pytest.approx(3, abs=1e-6)
    tree = pt.fit(
        lambda t, data: (t["a"] - 1) ** 2 + jnp.sum((t["b"] - data) ** 2),
        {"a": 0.0, "b": jnp.zeros(2)},
        CENTRE[:2],
        max_steps=30,
    ).theta
    np.testing.assert_allclose([tree["a"], *tree["b"]], [1, *CENTRE[:2]], atol=1e-5)


def test_every_experiment_influences_theta(data):
    def slope(activity):
        noisy = data._replace(activity=activity)
        return jax.grad(LOSS)(TRUTH, noisy)

    noise = 0.1 * np.random.default_rng(0).normal(size=data.activity.shape)
    by_data = jax.jit(jax.jacrev(slope))(data.activity + noise)
    assert by_data.shape == (*SMALL.shape, 3, 8, 2)
    assert (jnp.abs(by_data).sum((0, 1, 2, 3, 5, 6)) > 1e-4).all()


def test_changing_any_experiment_changes_what_is_found(data):
    def found(changed):
        return pt.fit(
            LOSS, pt.terms(SMALL), changed, optimizer=optax.sgd(0.1), max_steps=2
        )

    before = found(data).theta
    for k in range(3):
        other = data._replace(activity=data.activity.at[k].add(0.1))
        assert np.abs(found(other).theta - before).max() > 1e-6


def test_horizons_fit_short_lives_first(data):
    calls = []
    found = pt.fit(
        LOSS,
        pt.terms(SMALL),
        data,
        optimizer=pt.GaussNewton(),
        max_steps=3,
        horizons=(2, 5, 8),
        progress=lambda *at: calls.append(at),
    )
    assert [step for step, _ in calls] == [3, 6, 9]
    assert len(found.losses) == 3 * 4
    for k, horizon in enumerate((2, 5, 8)):
        for i in (4 * k, 4 * k + 3):
            value = LOSS(found.thetas[i], pt.first_steps(data, horizon))
            np.testing.assert_allclose(value, found.losses[i], rtol=1e-9)
    for k in (4, 8):  # each horizon starts where the one before ended
        np.testing.assert_array_equal(found.thetas[k], found.thetas[k - 1])
    # What is found counts at the last horizon, not where a short one was easy.
    np.testing.assert_array_equal(
        found.theta, found.thetas[8 + found.losses[8:].argmin()]
    )


def test_callback_gets_the_step_and_the_loss():
    calls = []
    found = pt.fit(
        quadratic,
        jnp.zeros(3),
        CENTRE,
        optimizer=optax.sgd(1e-3),
        max_steps=50,
        progress=lambda *at: calls.append(at),
    )
    assert [step for step, _ in calls] == [25, 50]
    assert [loss for _, loss in calls] == [found.losses[24], found.losses[49]]


@pytest.mark.parametrize("many", [False, True], ids=["fit", "fit_many"])
def test_an_interrupt_keeps_what_was_found(many):
    def stop(step, loss):
        if step == 50:
            raise KeyboardInterrupt

    settings = {"optimizer": optax.sgd(1e-3), "max_steps": 100, "progress": stop}
    if many:
        found = pt.fit_many(quadratic, jnp.zeros((2, 3)), CENTRE, **settings)[1]
    else:
        found = pt.fit(quadratic, jnp.zeros(3), CENTRE, **settings)
    assert found.status == "interrupted"
    assert "Interrupted after 50 steps" in found.message
    assert len(found.losses) == 51 and found.losses[-1] < found.losses[0]
    np.testing.assert_array_equal(found.theta, found.thetas[-1])


def test_an_interrupted_fit_can_go_on():
    def stop(step, loss):
        raise KeyboardInterrupt

    first = pt.fit(
        quadratic,
        jnp.zeros(3),
        CENTRE,
        optimizer=optax.sgd(1e-3),
        max_steps=50,
        progress=stop,
    )
    whole = pt.fit(
        quadratic, jnp.zeros(3), CENTRE, optimizer=optax.sgd(1e-3), max_steps=50
    )
    rest = pt.fit(
        quadratic, first.theta, CENTRE, optimizer=optax.sgd(1e-3), max_steps=25
    )
    np.testing.assert_allclose(rest.theta, whole.theta, rtol=1e-12)


@pytest.mark.parametrize("rate, bad", [(1.0, 3), (0.1, 21), (0.07, 29)])
def test_divergence_is_reported_at_its_step(rate, bad):
    # theta grows by the rate in each step: 2.01 is passed at step `bad`.
    calls = []
    found = pt.fit(
        to_the_cliff,
        jnp.zeros(1),
        None,
        optimizer=optax.sgd(rate),
        max_steps=100,
        progress=lambda *at: calls.append(at),
    )
    assert found.status == "diverged"
    assert f"nan at step {bad}:" in found.message
    assert f"theta is that of step {bad - 1}," in found.message
    assert "learning rate" in found.message
    np.testing.assert_allclose(found.theta, rate * (bad - 1), rtol=1e-12)
    assert np.isnan(found.losses[bad]) and np.isfinite(found.losses[:bad]).all()
    assert len(found.losses) <= 76, "it stops soon after"
    assert calls[-1][1] == np.inf


def test_a_theta_that_blows_up_is_reported():
    found = pt.fit(
        lambda t, data: jnp.sum(t**4),
        jnp.array([3.0]),
        None,
        optimizer=optax.sgd(1.0),
        max_steps=20,
    )
    assert found.status == "diverged"
    assert np.isfinite(found.theta).all() and pt.lowest_loss(found) == 81


def test_a_hopeless_start_is_said_to_be_one():
    for optimizer in OPTIMIZERS.values():
        loss = pt.objectives.Objective(
            lambda t, data: jnp.where(t > 2, jnp.nan, t),
            lambda prediction, data: jnp.sum(prediction),
            None,
        )
        found = pt.fit(loss, jnp.array([5.0]), None, optimizer=optimizer, max_steps=3)
        assert found.status == "diverged"
        assert "loss of the initial theta is not finite" in found.message
        np.testing.assert_array_equal(found.theta, [5])
        assert pt.lowest_loss(found) == np.inf


def test_divergence_at_a_later_horizon_keeps_the_theta_from_before():
    x = np.full((6, 1), 1.0)
    activity = np.ones((6, 1))
    activity[:2] = 2.0
    made = pt.make_experiment(x, w0=np.ones((1, 1)), activity=activity)

    def loss(theta, e):
        far = e.x.shape[0] > 2
        return jnp.where(far, jnp.nan, 1.0) * jnp.sum((theta - 1) ** 2)

    found = pt.fit(loss, jnp.zeros(2), made, max_steps=10, horizons=(2, 6))
    assert found.status == "diverged"
    np.testing.assert_allclose(found.theta, 1, atol=1e-6)


def test_plain_adam_at_a_high_rate_never_gives_nan():
    rule = pt.taylor(pt.OJA_ORDERS)
    made = pt.neural_task(
        jr.key(1), rule, pt.OJA, n_experiments=3, n_steps=40, n_pre=10, n_post=3
    )
    found = pt.fit_many(
        pt.objective(rule, pt.activity),
        jnp.stack(
            [
                jnp.zeros(pt.OJA_ORDERS.shape),
                jnp.asarray(pt.HEBB),
                3.0 * pt.HEBB - pt.OJA,
            ]
        ),
        made,
        optimizer=optax.adam(0.1),
        max_steps=50,
    )
    for one in found:
        assert np.isfinite(one.theta).all() and np.isfinite(pt.lowest_loss(one))
        assert (one.status == "diverged") == (not np.isfinite(one.losses).all())
    assert "diverged" in [one.status for one in found]


def test_the_default_does_not_diverge_there(data):
    # An unbounded neuron, so that a bold step would be punished.
    made = pt.neural_task(
        jr.key(2), RULE, TRUTH, n_experiments=2, n_pre=4, n_post=2, network=pt.LINEAR
    )
    loss = pt.objective(RULE, pt.activity, network=pt.LINEAR)
    found = pt.fit(loss, pt.terms(SMALL), made, max_steps=50)
    assert found.status != "diverged" and np.isfinite(found.losses).all()
    assert pt.lowest_loss(found) < 1e-2 * found.losses[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_many_fits_equal_separate_ones(name):
    starts = np.random.default_rng(0).normal(size=(3, 3))
    settings = {"optimizer": OPTIMIZERS[name], "max_steps": 10}
    together = pt.fit_many(quadratic, starts, CENTRE, **settings)
    for start, found in zip(starts, together, strict=True):
        alone = pt.fit(quadratic, start, CENTRE, **settings)
        np.testing.assert_allclose(found.theta, alone.theta, rtol=1e-7, atol=1e-9)
        count = min(len(found.losses), len(alone.losses))
        np.testing.assert_allclose(
            found.losses[:count], alone.losses[:count], rtol=1e-6
        )


def test_one_fit_that_diverges_does_not_hurt_the_others():
    starts = jnp.array([[-7.0], [0.0], [5.0]])
    settings = {"optimizer": optax.sgd(0.1), "max_steps": 50}
    calm, wild, hopeless = pt.fit_many(to_the_cliff, starts, None, **settings)
    assert calm.status == "finished"
    np.testing.assert_allclose(calm.theta, -2, rtol=1e-12)
    assert wild.status == "diverged" and "at step 21:" in wild.message
    np.testing.assert_allclose(wild.theta, 2, rtol=1e-12)
    assert "initial theta is not finite" in hopeless.message
    np.testing.assert_array_equal(hopeless.theta, 5)
    assert min([hopeless, calm, wild], key=pt.lowest_loss) is wild


def test_fits_can_have_their_own_data():
    targets = jnp.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    shared = jnp.array(2.0)
    starts = jnp.zeros((2, 3))
    own = pt.fit_many(quadratic, starts, targets, data_axes=0, max_steps=60)
    both = pt.fit_many(
        lambda t, data: jnp.sum((t - data[0] * data[1]) ** 2),
        starts,
        (targets, shared),
        data_axes=(0, None),
        max_steps=60,
    )
    for k in range(2):
        np.testing.assert_allclose(own[k].theta, targets[k], atol=1e-5)
        np.testing.assert_allclose(both[k].theta, 2 * targets[k], atol=1e-5)


def test_lowest_takes_the_best_of_restarts():
    fits = pt.fit_many(
        lambda t, data: jnp.sum((t**2 - 1) ** 2 + 0.3 * t),
        jnp.array([[1.0], [-1.0]]),
        0,
    )
    assert float(min(fits, key=pt.lowest_loss).theta[0]) < 0


def test_single_precision_stays_single(data):
    single = pt.neural_task(
        jr.key(0),
        RULE,
        jnp.asarray(TRUTH, "float32"),
        n_experiments=1,
        n_steps=3,
        n_pre=2,
        n_post=1,
        dtype="float32",
    )
    theta0 = jnp.asarray(pt.terms(SMALL), "float32")
    found = pt.fit(LOSS, theta0, single, optimizer=optax.sgd(0.1), max_steps=2)
    assert found.theta.dtype == np.float32 and found.losses.dtype == np.float32


def test_theta_takes_the_precision_of_the_data(data):
    theta0 = jnp.asarray(pt.terms(SMALL), "float32")
    found = pt.fit(LOSS, theta0, data, optimizer=optax.sgd(0.1), max_steps=2)
    assert found.theta.dtype == np.float64
