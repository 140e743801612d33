"""Models of mixed dtype policies: training, plans, files, backups; the same on every backend, and as Keras does it."""

import ml_dtypes  # noqa: F401  which tells NumPy of bfloat16
import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import assert_close, normal, peer

import pycnn
from pycnn import config, layers
from pycnn.optimizers import SGD, Adam, LossScaleOptimizer

POLICIES = ["mixed_float16", "mixed_bfloat16"]

# Keras with the torch backend reads weights in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array:DeprecationWarning")


def data(n=12):
    y = np.arange(n) % 3
    return (normal((n, 6, 6, 2), np.float32) + y[:, None, None, None]).astype("f4"), y


def network(K=pycnn):
    return K.Sequential(
        [
            K.Input((6, 6, 2)),
            K.layers.Conv2D(4, 3, activation="relu"),
            K.layers.BatchNormalization(),
            K.layers.MaxPooling2D(),
            K.layers.Flatten(),
            K.layers.Dense(3, activation="softmax", dtype="float32"),
        ]
    )


def trained(policy, optimizer, epochs=2, **options):
    config.set_dtype_policy(policy)
    config.set_random_seed(1)
    model = network()
    config.set_dtype_policy(None)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    model.fit(*data(), batch_size=6, epochs=epochs, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("policy", POLICIES)
def test_training_is_that_of_float32_but_for_rounding(backend, policy):
    rough, fine = trained(policy, SGD(0.05)), trained("float32", SGD(0.05))
    tolerance = {"mixed_float16": 2e-3, "mixed_bfloat16": 2e-2}[policy]
    assert {weight.dtype.name for weight in rough.weights} == {"float32"}
    assert_close(*(np.concatenate([w.ravel() for w in model.get_weights()]) for model in (rough, fine)), tolerance)
    assert not np.array_equal(rough.get_weights()[0], fine.get_weights()[0])
    assert rough.predict(data()[0], verbose=0).dtype == "float32"


@pytest.mark.parametrize("backend", ["cpu", cuda_emulated.NAME], indirect=True)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_plan_gives_what_eager_steps_give(backend, policy):
    planned, eager = trained(policy, SGD(0.05), 3), trained(policy, SGD(0.05), 3, run_eagerly=True)
    assert {plan["step"]: plan.get("eager") for plan in planned.plans} == {"training": None}
    for a, b in zip(planned.weights, eager.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    x, y = data()
    for model in (planned, eager):
        model.predict(x, verbose=0)
    np.testing.assert_array_equal(planned.predict(x, verbose=0), eager.predict(x, verbose=0))
    assert planned.evaluate(x, y, verbose=0) == eager.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_scale_that_is_too_large_comes_down(eagerly):
    """Each step beyond float16 halves it, planned or not, and without a warning; the weights then go their way."""
    optimizer = LossScaleOptimizer(SGD(0.05), initial_scale=2.0**40, dynamic_growth_steps=4)
    model = trained("mixed_float16", optimizer, 12, run_eagerly=eagerly)
    assert model.optimizer is optimizer
    assert optimizer.dynamic_scale.item() < 2.0**24
    assert 0 < optimizer.iterations < 24
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_small_gradients_do_not_vanish():
    """Of so small a loss the gradients lie below float16's smallest number: only scaled ones arrive."""
    x, y = data()

    def moved(**options):
        config.set_dtype_policy("mixed_float16")
        model = pycnn.Sequential(
            [pycnn.Input((6, 6, 2)), layers.Conv2D(3, 6), layers.Activation("tanh"), layers.Flatten()]
        )
        model.compile(SGD(1e3), "mse", loss_weights=1e-7, **options)
        before = model.get_weights()[0]
        model.fit(x, np.eye(3)[y], verbose=0)
        return np.abs(model.get_weights()[0] - before).max()

    assert moved(auto_scale_loss=False) < 0.2 * moved()


def test_who_scales_the_loss():
    def optimizer_of(policy, optimizer="adam", **options):
        config.set_dtype_policy(policy)
        model = network()
        model.compile(optimizer, "sparse_categorical_crossentropy", **options)
        return model.optimizer

    wrapped = optimizer_of("mixed_float16")
    assert type(wrapped) is LossScaleOptimizer
    assert type(wrapped.inner_optimizer) is Adam
    assert wrapped.name == "loss_scale_optimizer"
    own = LossScaleOptimizer(SGD(), 4.0)
    assert optimizer_of("mixed_float16", own) is own
    assert type(optimizer_of("mixed_float16", auto_scale_loss=False)) is Adam
    assert type(optimizer_of("mixed_bfloat16")) is Adam
    assert type(optimizer_of("float32")) is Adam


def test_keras_scales_the_same_and_trains_the_same():
    """From a scale that is small enough for Keras's gradients of weights, which are rounded, too."""
    peer("torch")
    keras = peer("keras")
    keras.utils.set_random_seed(1)  # of other weights, about one of 50, rounding lets another number be the maximum
    keras.config.set_dtype_policy("mixed_float16")
    config.set_dtype_policy("mixed_float16")
    try:
        theirs, ours = network(keras), network()
    finally:
        keras.config.set_dtype_policy("float32")
    ours.set_weights(theirs.get_weights())
    x, y = data()
    for K, model in ((keras, theirs), (pycnn, ours)):
        optimizer = K.optimizers.LossScaleOptimizer(K.optimizers.SGD(0.05), 16.0, dynamic_growth_steps=3)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=6, epochs=2, shuffle=False, verbose=0)
    assert [layer.compute_dtype for layer in ours.layers] == [layer.compute_dtype for layer in theirs.layers]
    assert ours.optimizer.dynamic_scale.item() == float(theirs.optimizer.dynamic_scale)
    assert ours.optimizer.step_counter.item() == int(theirs.optimizer.step_counter)
    assert_close(*(np.concatenate([w.ravel() for w in model.get_weights()]) for model in (ours, theirs)), 2e-3)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_graph_with_operators(policy):
    config.set_dtype_policy(policy)
    x = pycnn.Input((6, 6, 2))
    y = layers.Conv2D(2, 3, padding="same")(x)
    y = layers.Activation("relu")(y + layers.BatchNormalization()(y) * 2)
    y = layers.Dense(1, dtype="float32")(layers.GlobalAveragePooling2D()(y))
    model = pycnn.Model(x, y)
    fine = pycnn.Model.from_config(pycnn.models.clone_model(model).get_config() | {"name": "fine"})
    assert [layer.compute_dtype for layer in fine.layers] == [layer.compute_dtype for layer in model.layers]
    assert model.layers[1].output.dtype == policy.removeprefix("mixed_")
    assert model.output.dtype == "float32"
    for each in (model, fine):
        each.compile("sgd", "mse")
    fine.set_weights(model.get_weights())
    for each in (model, fine):
        each.fit(data()[0], data()[1], batch_size=6, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(data()[0], verbose=0), fine.predict(data()[0], verbose=0))


def test_layers_of_float32_inside_are_not_rounded():
    """Fused or not: convolution and batch norm of float32 in a model whose policy is half as wide."""
    config.set_dtype_policy("mixed_bfloat16")
    rough = pycnn.Sequential(
        [pycnn.Input((6, 6, 2)), layers.Conv2D(4, 3, dtype="float32"), layers.BatchNormalization(dtype="float32")]
    )
    config.set_dtype_policy(None)
    fine = pycnn.Sequential([pycnn.Input((6, 6, 2)), layers.Conv2D(4, 3), layers.BatchNormalization()])
    weights = [np.abs(normal(w.shape, np.float32)) for w in rough.get_weights()]
    for model in (rough, fine):
        model.set_weights(weights)
    assert_close(rough.predict(data()[0], verbose=0), fine.predict(data()[0], verbose=0), 2e-6)


def test_training_steps_of_ones_own():
    config.set_dtype_policy("mixed_float16")
    model, optimizer = network(), LossScaleOptimizer(SGD(0.05))
    loss_of = pycnn.losses.SparseCategoricalCrossentropy()
    x, y = data()
    losses = []
    for _ in range(8):
        model.zero_grad()
        loss = loss_of(y, model(x, training=True))
        optimizer.scale_loss(loss).backward()
        optimizer.apply([v.grad for v in model.trainable_weights], model.trainable_weights)
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "Huber", "Dice"])
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_losses_and_metrics_of_half_wide_outputs_are_computed_in_float32(name, half):
    y, p = np.eye(3, dtype="f4")[[0, 2, 1, 0]], np.random.default_rng(0).dirichlet([1] * 3, 4).astype(half)
    loss = getattr(pycnn.losses, name)()
    predictions = pycnn.Tensor(p, requires_grad=True)
    value = loss(y, predictions)
    assert value.dtype == "float32"
    assert value.item() == pytest.approx(loss(y, p.astype("f4")).item(), rel=1e-6)
    value.backward()
    assert predictions.grad.dtype == half
    config.set_dtype_policy(f"mixed_{half}")
    model = pycnn.Sequential([pycnn.Input((3,)), layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=["mae", "accuracy"])
    found = model.evaluate(p.astype("f4"), y, verbose=0)
    error = p.astype("f4") - y
    assert found[1] == pytest.approx((p.argmax(1) == y.argmax(1)).mean())
    assert [found[0], found[2]] == pytest.approx([(error**2).mean(), np.abs(error).mean()], rel=1e-6)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("suffix", ["pycnn", "keras"])
def test_files(tmp_path, policy, suffix):
    model = trained(policy, Adam(0.01))
    model.save(tmp_path / f"model.{suffix}")
    again = pycnn.models.load_model(tmp_path / f"model.{suffix}")
    assert [layer.dtype_policy for layer in again.layers] == [layer.dtype_policy for layer in model.layers]
    assert again.dtype_policy.name == policy
    assert type(again.optimizer) is type(model.optimizer)
    for each in (model, again):
        each.fit(*data(), batch_size=6, shuffle=False, verbose=0)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if policy == "mixed_float16":
        assert again.optimizer.step_counter.item() == model.optimizer.step_counter.item() == 6


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fit", [False, True])
def test_files_of_keras_both_ways(tmp_path, policy, fit):
    peer("torch")
    keras = peer("keras")
    keras.config.set_dtype_policy(policy)
    try:
        theirs = network(keras)
    finally:
        keras.config.set_dtype_policy("float32")
    theirs.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, y = data()
    if fit:
        theirs.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    assert ours.dtype_policy.name == policy
    assert [la.dtype_policy.name for la in ours.layers] == [la.dtype_policy.name for la in theirs.layers]
    steps = int(theirs.optimizer.iterations)  # it may have left one out
    assert ours.optimizer.iterations == steps
    assert_close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), 2e-2)
    ours.fit(x, y, batch_size=6, shuffle=False, verbose=0)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert [la.dtype_policy.name for la in again.layers] == [la.dtype_policy.name for la in theirs.layers]
    assert int(again.optimizer.iterations) == ours.optimizer.iterations == steps + 2
    for a, b in zip(again.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if policy == "mixed_float16":
        before = int(theirs.optimizer.step_counter) if fit else 0
        assert int(again.optimizer.step_counter) == ours.optimizer.step_counter.item() == before + 2
        scale = float(theirs.optimizer.dynamic_scale) if fit else 2.0**15
        assert float(again.optimizer.dynamic_scale) == ours.optimizer.dynamic_scale.item() == scale
    else:
        assert not hasattr(again.optimizer, "dynamic_scale")


def test_a_backup_holds_the_scale(tmp_path):
    def model():
        config.set_dtype_policy("mixed_float16")
        config.set_random_seed(1)
        model = network()
        optimizer = LossScaleOptimizer(Adam(0.01), initial_scale=2.0**40, dynamic_growth_steps=2)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        return model

    class Stop(pycnn.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def fit(model, *callbacks):
        model.fit(*data(), batch_size=6, epochs=20, shuffle=False, verbose=0, callbacks=list(callbacks))

    whole, first, second = model(), model(), model()
    fit(whole)
    with pytest.raises(KeyboardInterrupt):
        fit(first, pycnn.callbacks.BackupAndRestore(tmp_path / "backup"), Stop())
    fit(second, pycnn.callbacks.BackupAndRestore(tmp_path / "backup"))
    assert second.optimizer.iterations > 0
    assert second.optimizer.dynamic_scale.item() == whole.optimizer.dynamic_scale.item()
    assert second.optimizer.iterations == whole.optimizer.iterations
    for a, b in zip(second.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
