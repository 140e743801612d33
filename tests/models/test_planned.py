"""Steps that run from a plan do what eager ones do, bit for bit."""

import gc
import threading

import keras_layers
import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import normal

import pycnn
from pycnn import layers, models
from pycnn.models import planned

WITHOUT_GRADIENT = ("RandomRotation", "RandomZoom", "RandomShear", "RandomTranslation")
CASES = [
    case
    for case in keras_layers.CASES + keras_layers.RANDOM
    if isinstance(case[2], tuple) and case[0] not in WITHOUT_GRADIENT
]


@pytest.fixture(autouse=True, params=["copies", "direct"])
def _copies(request, monkeypatch):
    """Whether predictions of one small array are copied, too, or read and written where they are, as large ones."""
    monkeypatch.setattr(planned, "_LEAST_DIRECT", 1 << 40 if request.param == "copies" else 0)


def train(build, batches, eager, **compile_arguments):
    """The losses, weights and predictions after a few steps, and the plans."""
    pycnn.utils.set_random_seed(3)
    model = build()
    model.compile(**{"optimizer": "sgd", "loss": "mse"} | compile_arguments, run_eagerly=eager)
    losses = [model.train_on_batch(x, y) for x, y in batches]
    predictions = [model.predict_on_batch(x) for x, _ in batches]
    return losses, [w.numpy() for w in model.weights], predictions, model


def assert_same(build, batches, planned=("training", "forward"), **compile_arguments):
    losses, weights, predictions, model = train(build, batches, False, **compile_arguments)
    assert sorted(p["step"] for p in model.plans if "calls" in p) == sorted(planned), model.plans
    others = train(build, batches, True, **compile_arguments)
    assert others[3].plans == []
    assert losses == others[0]
    for mine, other in zip(weights + predictions, others[1] + others[2], strict=True):
        np.testing.assert_array_equal(mine, other)
    return model


@pytest.mark.parametrize("backend", ["cpu", cuda_emulated.NAME], indirect=True)
@pytest.mark.parametrize("case", CASES, ids=[f"{c[0]}-{i}" for i, c in enumerate(CASES)])
def test_every_layer(backend, case):
    name, arguments, shape = case

    def build():
        layer = getattr(layers, name)(**arguments)
        return pycnn.Sequential([layers.Input(shape[1:]), layers.Dense(shape[-1]), layer])

    draws = name.startswith("Random")  # on the host, behind a layer with weights
    y_shape = build().output_shape[1:]
    batches = [(normal(shape, "float32", seed), normal((shape[0], *y_shape), "float32", seed)) for seed in range(4)]
    model = assert_same(build, batches, ("forward",) if draws else ("training", "forward"))
    if draws:
        assert {"random numbers are drawn on the host"} == {p["eager"] for p in model.plans if p["step"] == "training"}


def image_model(*first):
    return pycnn.Sequential([layers.Input((6, 6, 2)), *first, layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(2)])


def image_batches(count=4, size=4):
    return [(normal((size, 6, 6, 2), "float32", s), normal((size, 2), "float32", s)) for s in range(count)]


def test_augmentation_in_front_runs_before_the_plan():
    def build():
        return image_model(
            layers.Rescaling(0.5), layers.RandomFlip(seed=1), layers.RandomRotation(0.1), layers.RandomZoom(0.1)
        )

    assert_same(build, image_batches())


def test_random_numbers_go_on_from_a_seed_as_in_eager_steps():
    def build():
        return image_model(layers.Dropout(0.3, seed=4), layers.Dropout(0.3))

    assert_same(build, image_batches())
    pycnn.utils.set_random_seed(3)
    model = build()
    model.compile("sgd", "mse")
    losses = []
    for _ in range(2):  # a seed that is set again starts the numbers of a plan anew, too
        weights = model.get_weights()
        for _ in range(3):
            pycnn.utils.set_random_seed(5)
            losses.append(model.layers[1](np.ones((1, 6, 6, 2)), training=True).numpy().sum())
        model.set_weights(weights)
    assert len(set(losses)) == 1


def two_outputs():
    x = pycnn.Input((6, 6, 2), name="image")
    y = layers.Conv2D(4, 3, padding="same", use_bias=False, kernel_regularizer="l2")(x)
    y = layers.BatchNormalization()(y)
    y = layers.Activation("relu")(layers.Add()([y, layers.Conv2D(4, 1)(x)]))
    y = layers.Concatenate()([layers.MaxPooling2D(2)(y), layers.AveragePooling2D(2)(y)])
    y = layers.SqueezeExcite(2)(y)
    y = layers.GlobalAveragePooling2D()(y)
    return pycnn.Model(x, {"number": layers.Dense(1)(y), "kind": layers.Dense(3, activation="softmax")(y)})


def test_graphs_with_branches_several_losses_and_weights_of_samples():
    losses = {"number": "huber", "kind": "sparse_categorical_crossentropy"}

    def run(eager):
        pycnn.utils.set_random_seed(0)
        model = two_outputs()
        model.compile("adam", losses, {"number": 0.5, "kind": 2.0}, metrics={"kind": "accuracy"}, run_eagerly=eager)
        x = normal((22, 6, 6, 2), "float32")
        y = {"number": normal((22, 1), "float32"), "kind": np.arange(22) % 3}
        history = model.fit(x, y, 4, 3, verbose=0, sample_weight={"number": np.linspace(0, 1, 22), "kind": np.ones(22)})
        return history.history, model.evaluate(x, y, 4, verbose=0), model.predict(x, 4, verbose=0), model

    mine, others = run(False), run(True)
    assert {p["step"] for p in mine[3].plans if "calls" in p} == {"training", "forward"}
    assert len([p for p in mine[3].plans if "calls" in p]) == 4  # batches of 4, and of the 2 that are left
    assert mine[0] == others[0]
    assert mine[1] == others[1]
    for name in ("number", "kind"):
        np.testing.assert_array_equal(mine[2][name], others[2][name])


def test_wrong_labels_are_found_by_a_plan():
    model = pycnn.Sequential([layers.Input((3,)), layers.Dense(4, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = normal((2, 3), "float32")
    for _ in range(3):
        model.train_step(pycnn.Tensor(x), pycnn.Tensor(np.array([0, 3])))
    with pytest.raises(ValueError, match="class indices from 0 to 3"):
        model.train_step(pycnn.Tensor(x), pycnn.Tensor(np.array([0, 4])))
    assert "calls" in model.plans[0]
    assert not model._plans._lock.locked()  # or all later steps would run eagerly
    model.compile("sgd", "sparse_categorical_crossentropy")
    for _ in range(3):  # also before there is a plan, and after that one is made
        with pytest.raises(ValueError, match="class indices from 0 to 3"):
            model.train_step(pycnn.Tensor(x), pycnn.Tensor(np.array([0, 4])))
    for _ in range(3):
        model.train_step(pycnn.Tensor(x), pycnn.Tensor(np.array([0, 3])))
    assert "calls" in model.plans[0]


def planned_model():
    """A model with a plan of its prediction, and the input of that."""
    model = image_model(layers.BatchNormalization())
    x = normal((2, 6, 6, 2), "float32")
    for _ in range(3):
        model.predict_on_batch(x)
    assert "calls" in model.plans[0]
    return model, x


def eagerly(model, x):
    return model(x, training=False).numpy()


def test_a_plan_follows_its_weights():
    model, x = planned_model()
    model.set_weights([w + 0.25 for w in model.get_weights()])
    np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))
    model.layers[1].kernel.assign_add(np.ones(model.layers[1].kernel.shape))
    np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))
    model.compile("adam", "mse")
    model.fit(x, np.ones((2, 2)), epochs=2, verbose=0)
    np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))


def test_a_plan_follows_its_layers():
    model, x = planned_model()
    model.add(layers.Activation("tanh"))
    for _ in range(3):
        np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))
    model.compile("sgd", "mse")
    for frozen in (False, True, False):
        model.layers[0].trainable = not frozen
        before = model.layers[0].moving_mean.numpy().copy()
        for _ in range(3):
            model.train_on_batch(x, np.ones((2, 2)))
        assert np.array_equal(before, model.layers[0].moving_mean.numpy()) == frozen


class Shouting(layers.Layer):
    """A layer of a user's, which does more than compute."""

    calls = 0

    def call(self, inputs):
        self.calls += 1
        return inputs


def test_inputs_by_name_may_come_in_any_order():
    a, b = pycnn.Input((3,), name="a"), pycnn.Input((3,), name="b")
    model = pycnn.Model({"a": a, "b": b}, layers.Subtract()([a, b]))
    x, y = normal((2, 3), "float32"), normal((2, 3), "float32", 1)
    for _ in range(3):
        np.testing.assert_array_equal(model.predict_on_batch({"a": x, "b": y}), x - y)
        np.testing.assert_array_equal(model.predict_on_batch({"b": y, "a": x}), x - y)
    assert len([p for p in model.plans if "calls" in p]) == 2


def test_moving_averages_that_a_plan_changes_are_seen():
    model = image_model(layers.Conv2D(2, 1), layers.BatchNormalization(center=False, scale=False))
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    for x, y in image_batches(6):
        model.train_on_batch(x, y)
        np.testing.assert_allclose(model.predict_on_batch(x), eagerly(model, x), rtol=1e-5, atol=1e-6)
    assert sorted(p["step"] for p in model.plans if "calls" in p) == ["forward", "training"]


def test_initializers_and_constraints_of_ones_own_do_not_matter():
    def ones(shape, dtype=None):
        return np.ones(shape, dtype)

    def build():
        return image_model(layers.Conv2D(2, 3, kernel_initializer=ones, kernel_constraint=lambda w: w * 0.5))

    assert_same(build, image_batches())
    regular = image_model(layers.Conv2D(2, 3, kernel_regularizer=lambda w: (w * w).sum()))
    regular.compile("sgd", "mse", jit_compile=True)
    for x, y in image_batches():
        regular.train_on_batch(x, y)
    assert regular.plans == []


def test_the_oldest_plan_makes_room_for_another():
    model, _ = planned_model()
    for size in (3, 4, 5, 6, 7, 8, 9, 2, 10, 11, 12):
        for _ in range(2):
            model.predict_on_batch(normal((size, 6, 6, 2), "float32"))
    assert [p["shapes"][0][0] for p in model.plans] == [6, 7, 8, 9, 2, 10, 11, 12]


@pytest.mark.parametrize("layer", [Shouting(), layers.Lambda(lambda x: x * 2), layers.Activation(lambda x: x + 1)])
def test_what_is_not_pycnns_own_runs_eagerly(layer):
    layer.calls = 0
    model = image_model(layer)
    model.compile("sgd", "mse")
    for x, y in image_batches():
        model.train_on_batch(x, y)
        model.predict_on_batch(x)
    assert model.plans == []
    assert not isinstance(layer, Shouting) or layer.calls == 10  # with two for the shapes
    model = image_model()
    model.compile("sgd", lambda t, y: ((t - y) ** 2).mean(axis=-1))
    for x, y in image_batches():
        model.train_on_batch(x, y)
    assert model.plans == []


def test_what_fails_only_while_it_is_recorded_runs_eagerly(monkeypatch):
    def fail(*arguments):
        raise AttributeError("recorded arrays have no flags")

    monkeypatch.setattr(pycnn.get_backend(), "record", fail)
    model = image_model()
    model.compile("sgd", "mse")
    for x, y in image_batches():
        model.train_on_batch(x, y)
    assert [p["eager"] for p in model.plans] == ["AttributeError('recorded arrays have no flags')"]


def test_jit_compile_says_what_runs_eagerly(capsys):
    x, y = np.ones((2, 4, 4, 3)), np.ones((2, 4, 4, 2))
    model = pycnn.Sequential([layers.Input((4, 4, 3)), layers.Dense(2), layers.RandomFlip()], name="flipped")
    model.compile("sgd", "mse", jit_compile=True)
    for _ in range(3):
        model.train_on_batch(x, y)
    message = "pycnn: flipped runs its training step eagerly: random numbers are drawn on the host\n"
    assert capsys.readouterr().out == message
    model.compile("sgd", "mse", jit_compile=True, run_eagerly=True)
    model.train_on_batch(x, y)
    assert capsys.readouterr().out == "pycnn: flipped runs eagerly: run_eagerly=True\n"
    model.compile("sgd", "mse", jit_compile=False)
    for _ in range(3):
        model.train_on_batch(x, y)
    assert model.plans == []


def test_results_are_the_callers_own():
    model, x = planned_model()
    first = model.predict_on_batch(x)
    kept = first.copy()
    model.predict_on_batch(x + 1)
    np.testing.assert_array_equal(first, kept)


def test_large_arrays_are_not_copied(monkeypatch):
    monkeypatch.setattr(planned, "_LEAST_DIRECT", 1 << 15)
    model = pycnn.Sequential([layers.Input((24, 24, 16)), layers.Conv2D(8, 3, padding="same"), layers.ReLU()])
    x = normal((2, 24, 24, 16), "float32")
    for _ in range(3):
        model.predict_on_batch(x)
    (plan,) = model._plans._plans.values()
    plan.plan.run = None  # which copies
    before = x.copy()
    np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))
    np.testing.assert_array_equal(x, before)
    x.flags.writeable = False
    np.testing.assert_array_equal(model.predict_on_batch(x), eagerly(model, x))
    plan.plan.run = type(plan.plan).run.__get__(plan.plan)
    np.testing.assert_array_equal(model.predict_on_batch(x[:, ::-1]), eagerly(model, x[:, ::-1]))  # not in a row
    other = normal((2, 24, 24, 16), "float32", 1)
    np.testing.assert_array_equal(model.predict(other, verbose=0), eagerly(model, other))
    model.set_weights([w + 1 for w in model.get_weights()])
    np.testing.assert_array_equal(model.predict_on_batch(other), eagerly(model, other))


@pytest.mark.parametrize(
    "predict",
    [
        lambda model, x: model.predict_step(pycnn.Tensor(x)).numpy(),
        lambda model, x: model.predict_on_batch(x),
    ],
    ids=["predict_step", "predict_on_batch"],
)
def test_threads_may_share_a_model(predict):
    model, x = planned_model()
    inputs = [x + i for i in range(4)]
    expected = [eagerly(model, a) for a in inputs]
    wrong = []

    def work(i):
        for _ in range(50):
            if not np.array_equal(predict(model, inputs[i]), expected[i]):
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_plans_leave_no_cycles_and_are_forgotten():
    gc.collect()
    gc.disable()
    try:
        model, _ = planned_model()
        model.compile("sgd", "mse")
        for size in range(2, 14):
            for _ in range(2):
                model.train_on_batch(normal((size, 6, 6, 2), "float32"), np.ones((size, 2)))
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert len(model.plans) == 8
    copied = models.clone_model(model)
    assert copied.plans == []


@pytest.mark.parametrize("dropout", [0, 0.5])
def test_steps_of_a_graph_of_the_device_are_those_of_kernels(dropout):
    """With what is random, what changes at each step, and labels."""

    def build():
        head = [layers.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU()]
        tail = [layers.MaxPooling2D(2), layers.Flatten(), layers.Dropout(dropout), layers.Dense(4)]
        return pycnn.Sequential(head + tail)

    batches = [(normal((5, 6, 6, 2), "float32", i), np.arange(5) % 4) for i in range(4)]
    loss = pycnn.losses.SparseCategoricalCrossentropy(from_logits=True)
    cuda_emulated.install()
    pycnn.set_backend(cuda_emulated.NAME)
    model = assert_same(build, batches, optimizer="adam", loss=loss)
    assert {plan["step"]: plan["calls"] for plan in model.plans} == {"training": 1 + (dropout > 0), "forward": 1}


def test_batch_normalisation_is_folded_once_for_many_batches():
    """On the device by a graph of its own, launched when weights have changed."""
    cuda_emulated.install()
    pycnn.set_backend(cuda_emulated.NAME)
    model = pycnn.Sequential([layers.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization()])
    model.compile("sgd", "mse")
    x = normal((5, 6, 6, 2), "float32")
    eager = model(x, training=False).numpy()
    for _ in range(3):
        np.testing.assert_allclose(model.predict_on_batch(x), eager, atol=1e-5)
    (planned,) = model._plans._plans.values()
    assert len(planned.plan.fixed_calls) == 1
    model.weights[0].assign(model.weights[0] * 2)
    np.testing.assert_allclose(model.predict_on_batch(x), 2 * eager, atol=1e-5)  # there is no bias, and no mean
