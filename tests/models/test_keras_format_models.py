"""Whole models in Keras's files, against Keras: graphs, models in models, subclasses, training that goes on."""

import importlib
import inspect

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn
from pycnn.models.keras_format.names import KERAS_NAMES
from pycnn.models.keras_format.operations import CLASSES
from pycnn.registration import registered_objects

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def keras():
    return peer("keras")


def randomize(model, seed=3):
    """Give every weight of a model of either library numbers that no initializer gives; variances are positive."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.1, 0.6, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def chain(K):
    """A Sequential with Sequentials in it."""
    L = K.layers
    inner = K.Sequential(
        [L.Conv2D(4, 2, use_bias=False), L.BatchNormalization(), K.Sequential([L.Conv2D(3, 2)], name="core")]
    )
    return K.Sequential([L.Input((6, 6, 3)), L.Conv2D(4, 2, activation="relu"), inner, L.Flatten(), L.Dense(3)])


def without_input(K):
    """A Sequential that was built by data."""
    model = K.Sequential([K.layers.Conv2D(4, 2), K.layers.GlobalAveragePooling2D(), K.layers.Dense(2)])
    model.build((None, 6, 6, 3))
    return model


def residual(K):
    """A graph with a sum, an operation, and two branches of which the deeper was written last."""
    L = K.layers
    x = inputs = L.Input((6, 6, 3))
    short = L.Conv2D(4, 1, name="short")(x)
    x = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    x = L.ReLU()(x)
    x = L.Conv2D(4, 3, padding="same")(x) + short
    x = L.Add()([x, short, L.DepthwiseConv2D(3, padding="same")(x)])
    return K.Model(inputs, L.Dense(2)(L.GlobalAveragePooling2D()(x)))


def shared(K):
    """One layer called three times, at different depths, and one model called twice."""
    L = K.layers
    entrance = L.Input((6, 6, 3))
    block = K.Model(entrance, L.Conv2D(3, 3, padding="same", name="inside")(entrance), name="block")
    conv = L.Conv2D(3, 3, padding="same", activation="tanh")
    x = inputs = L.Input((6, 6, 3))
    x = conv(block(conv(x)))
    x = L.Concatenate()([x, conv(x), block(x)])
    return K.Model(inputs, L.Flatten()(x))


def outputs_of_models(K):
    """Outputs that are those of models and of calls of a shared layer."""
    L = K.layers
    entrance = L.Input((6, 6, 3))
    block = K.Model(entrance, [L.Conv2D(2, 3)(entrance), L.MaxPooling2D()(entrance)], name="block")
    inputs = L.Input((6, 6, 3))
    first, second = block(inputs)
    again, _ = block(inputs * 2.0)
    return K.Model(inputs, [again, L.Flatten()(second), first])


def many_ends(K):
    """Several inputs and outputs, both named."""
    L = K.layers
    picture, vector = L.Input((6, 6, 3), name="picture"), L.Input((4,), name="vector")
    x = L.Flatten()(L.Conv2D(2, 3)(picture))
    x = L.Concatenate()([L.Dense(4)(x), vector])
    outputs = {"kind": L.Dense(3, activation="softmax", name="kind")(x), "size": L.Dense(1, name="size")(x)}
    return K.Model({"picture": picture, "vector": vector}, outputs)


def arithmetic(K):
    """Operators and functions on symbolic tensors."""
    L, ops = K.layers, K.ops
    x = inputs = L.Input((6, 6, 3))
    x = 1.0 - x / 2.0 + abs(x) * -x
    x = ops.relu(x[:, 1:5]) ** 2
    y = ops.mean(x, axis=[1, 2], keepdims=True)
    x = ops.maximum(x, y) - ops.max(x, axis=-1, keepdims=True)
    x = ops.where(x > 0.5, x, ops.tanh(x))
    x = ops.concatenate([x, ops.sqrt(ops.square(x) + 1.0)], axis=-1)
    x = ops.transpose(ops.reshape(x, (-1, 4, 36)), (0, 2, 1))
    x = ops.squeeze(ops.expand_dims(ops.softmax(x, axis=1), 1), 1)
    return K.Model(inputs, ops.clip(ops.sum(x * np.arange(4, dtype="float32"), axis=-1), 0.0, 1.5))


def time_distributed(K):
    L = K.layers
    step = K.Sequential([L.Input((6, 6, 3)), L.Conv2D(2, 3), L.Flatten()], name="step")
    x = inputs = L.Input((2, 6, 6, 3))
    return K.Model(inputs, L.TimeDistributed(L.Dense(3))(L.TimeDistributed(step)(x)))


def recurrent(K):
    L = K.layers
    inputs = L.Input((6, 6, 3))
    x = L.Bidirectional(L.LSTM(4, return_sequences=True), merge_mode="sum")(L.Reshape((6, 18))(inputs))
    return K.Model(inputs, L.RNN(L.GRUCell(3))(x))


PLAIN = (chain, without_input, residual, shared, outputs_of_models, many_ends, arithmetic, time_distributed, recurrent)
MODELS = {f.__name__: f for f in PLAIN}


def data_for(name):
    picture = normal((5, 6, 6, 3), np.float32)
    if name == "many_ends":
        return {"picture": picture, "vector": normal((5, 4), np.float32, seed=1)}
    return np.stack([picture, picture[::-1]], 1) if name == "time_distributed" else picture


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(outputs[key]) for key in sorted(outputs)]
    return [np.asarray(y) for y in outputs] if isinstance(outputs, list) else [np.asarray(outputs)]


def assert_same_predictions(one, other, x):
    actual, expected = flat(one.predict(x, verbose=0)), flat(other.predict(x, verbose=0))
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_close(a, e, TOLERANCE)


@pytest.mark.parametrize("name", MODELS)
def test_models_both_ways(keras, tmp_path, name):
    theirs, x = randomize(MODELS[name](keras)), data_for(name)
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    assert_same_predictions(ours, theirs, x)
    ours.save(tmp_path / "ours.keras")
    assert_same_predictions(keras.saving.load_model(tmp_path / "ours.keras"), theirs, x)
    assert_same_predictions(pycnn.models.load_model(tmp_path / "ours.keras"), theirs, x)
    ours.save(tmp_path / "ours.pycnn")
    assert_same_predictions(pycnn.models.load_model(tmp_path / "ours.pycnn"), theirs, x)


@pytest.mark.parametrize("name", MODELS)
def test_models_made_here_are_read_by_keras(keras, tmp_path, name):
    ours, x = randomize(MODELS[name](pycnn)), data_for(name)
    ours.save(tmp_path / "ours.keras")
    assert_same_predictions(ours, keras.saving.load_model(tmp_path / "ours.keras"), x)


@pytest.mark.parametrize("name", MODELS)
def test_weights_of_models_both_ways(keras, tmp_path, name):
    theirs, ours, x = randomize(MODELS[name](keras)), MODELS[name](pycnn), data_for(name)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_same_predictions(ours, theirs, x)
    ours.save_weights(tmp_path / "ours.weights.h5")
    other = randomize(MODELS[name](keras), seed=8)
    other.load_weights(tmp_path / "ours.weights.h5")
    assert_same_predictions(other, theirs, x)
    theirs.save(tmp_path / "theirs.keras")
    again = randomize(MODELS[name](pycnn), seed=9)
    again.load_weights(tmp_path / "theirs.keras")
    assert_same_predictions(again, theirs, x)


def subclass(K):
    """A model of attributes, lists and dicts of layers, some private; those after ``layers`` go by that name."""

    class Net(K.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.conv = K.layers.Conv2D(4, 3)
            self.blocks = [K.layers.Dense(4), [K.layers.Dense(4)], K.layers.BatchNormalization(), K.layers.Dense(4)]
            self.named = {"b": K.layers.Dense(3), "a": K.layers.Dense(3)}
            self._hidden = K.layers.Dense(3)
            self.out = K.layers.Dense(2)
            self.pool = K.layers.GlobalAveragePooling2D()

        def call(self, inputs):
            x = self.pool(self.conv(inputs))
            x = self.blocks[3](self.blocks[2](self.blocks[1][0](self.blocks[0](x))))
            return self.out(self._hidden(self.named["a"](self.named["b"](x))))

    model = Net()
    model(np.zeros((1, 6, 6, 3), np.float32))
    return model


def test_weights_of_subclasses_both_ways(keras, tmp_path):
    theirs, ours, x = randomize(subclass(keras)), subclass(pycnn), data_for("subclass")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_same_predictions(ours, theirs, x)
    ours.save_weights(tmp_path / "ours.weights.h5")
    other = randomize(subclass(keras), seed=8)
    other.load_weights(tmp_path / "ours.weights.h5")
    assert_same_predictions(other, theirs, x)


def state_first(K):
    """A layer that makes its state before what is trained, once frozen; Keras writes the state last, always."""

    class StateFirst(K.layers.Layer):
        def build(self, input_shape):
            self.state = self.add_weight(shape=(3,), initializer="zeros", trainable=False, name="state")
            self.factor = self.add_weight(shape=(3,), initializer="ones", name="factor")

        def call(self, inputs):
            return inputs * self.factor + 2 * self.state

    model = K.Sequential([K.layers.Input((6, 6, 3)), StateFirst(), StateFirst()])
    model.layers[1].trainable = False
    for layer, seed in zip(model.layers, (1, 5), strict=True):
        layer.state.assign(normal(3, np.float32, seed))
        layer.factor.assign(normal(3, np.float32, seed + 1))
    return model


def test_what_is_trained_comes_first(keras, tmp_path):
    theirs, ours, x = state_first(keras), randomize(state_first(pycnn)), data_for("state_first")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_same_predictions(ours, theirs, x)


def custom(K, register):
    """A layer and a model of a user's own, written for either library."""

    @register("mine", "Scale")
    class Scale(K.layers.Layer):
        def __init__(self, inner, power=1, **kwargs):
            super().__init__(**kwargs)
            self.inner, self.power = inner, power

        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
            if not self.inner.built:
                self.inner.build(input_shape)

        def call(self, inputs):
            return self.inner(inputs * self.factor**self.power)

        def compute_output_shape(self, input_shape):
            return self.inner.compute_output_shape(input_shape)

        def get_config(self):
            return {**super().get_config(), "inner": K.saving.serialize_keras_object(self.inner), "power": self.power}

        @classmethod
        def from_config(cls, config):
            return cls(**{**config, "inner": K.saving.deserialize_keras_object(config["inner"])})

    x = inputs = K.layers.Input((6, 6, 3))
    x = Scale(K.layers.Dense(2), power=2)(x)
    return K.Model(inputs, x)


def test_layers_of_ones_own_both_ways(keras, tmp_path):
    theirs, x = randomize(custom(keras, keras.saving.register_keras_serializable)), data_for("custom")
    theirs.save(tmp_path / "theirs.keras")
    with pytest.raises(ValueError, match="Scale"):
        pycnn.models.load_model(tmp_path / "theirs.keras")
    custom(pycnn, pycnn.saving.register_keras_serializable)
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    assert_same_predictions(ours, theirs, x)
    ours.save(tmp_path / "ours.keras")
    assert_same_predictions(keras.saving.load_model(tmp_path / "ours.keras"), theirs, x)


OPTIMIZERS = {
    "SGD": {"momentum": 0.9, "nesterov": True},
    "SGD of gradients gathered": {"gradient_accumulation_steps": 4},
    "Adam": {"amsgrad": True, "clipnorm": 0.5},
    "Adam with averages": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 4},
    "AdamW": {},
    "Nadam": {},
    "RMSprop": {"momentum": 0.5, "centered": True},
    "Adagrad": {},
    "Adadelta": {},
    "Adamax": {},
    "Ftrl": {},
    "Lion": {},
    "LossScaleOptimizer": {"initial_scale": 64.0, "dynamic_growth_steps": 5},
}


def trained(K, optimizer, arguments, fit=True):
    model = randomize(chain(K))
    rate = K.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5) if optimizer == "SGD" else 0.01
    given = K.optimizers.Adam(rate) if optimizer == "LossScaleOptimizer" else rate
    model.compile(
        getattr(K.optimizers, optimizer.split()[0])(given, **arguments),
        K.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    if fit:
        model.fit(*training_data(), batch_size=5, epochs=3, shuffle=False, verbose=0)
    return model


def training_data():
    return normal((10, 6, 6, 3), np.float32), np.arange(10) % 3


def go_on(model):
    model.fit(*training_data(), batch_size=5, epochs=2, shuffle=False, verbose=0)
    return model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on_equally(keras, tmp_path, optimizer):
    """The state of the optimizer goes with the model: the next steps are those of the library that it came from."""
    x, _ = training_data()
    theirs = trained(keras, optimizer, OPTIMIZERS[optimizer])
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    go_on(theirs)
    assert_close(np.asarray(go_on(ours).predict(x, verbose=0)), np.asarray(theirs.predict(x, verbose=0)), 1e-4)
    assert_close(np.asarray(go_on(again).predict(x, verbose=0)), np.asarray(theirs.predict(x, verbose=0)), 1e-4)
    assert float(ours.evaluate(*training_data(), verbose=0)[1]) == pytest.approx(
        float(theirs.evaluate(*training_data(), verbose=0)[1])
    )


@pytest.mark.parametrize("fit", [False, True])
def test_a_compiled_model_that_made_no_step(keras, tmp_path, fit):
    model = trained(pycnn, "Adam", {}, fit)
    model.save(tmp_path / "ours.keras")
    theirs = keras.saving.load_model(tmp_path / "ours.keras")
    assert int(theirs.optimizer.iterations.numpy()) == (6 if fit else 0)
    assert pycnn.models.load_model(tmp_path / "ours.keras").optimizer.iterations == (6 if fit else 0)
    go_on(theirs), go_on(model)
    x, _ = training_data()
    assert_close(np.asarray(theirs.predict(x, verbose=0)), np.asarray(model.predict(x, verbose=0)), 1e-4)
    assert pycnn.models.load_model(tmp_path / "ours.keras", compile=False).compiled is False


def test_several_losses_and_metrics_both_ways(keras, tmp_path):
    def compiled(K):
        model = randomize(many_ends(K))
        model.compile(
            K.optimizers.Adam(0.01),
            {"kind": "sparse_categorical_crossentropy", "size": K.losses.MeanAbsoluteError(reduction="sum")},
            loss_weights={"kind": 0.5, "size": 2.0},
            metrics={"kind": ["accuracy"], "size": [K.metrics.MeanAbsoluteError(name="error")]},
        )
        return model

    x = data_for("many_ends")
    y = {"kind": np.arange(5) % 3, "size": normal((5, 1), np.float32, seed=4)}
    theirs = compiled(keras)
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    compiled(pycnn).save(tmp_path / "here.keras")
    models = [ours, *(keras.saving.load_model(tmp_path / f"{name}.keras") for name in ("ours", "here"))]
    for model in (theirs, *models):
        model.fit(x, y, batch_size=5, epochs=2, verbose=0)
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    for model in models:
        results = model.evaluate(x, y, verbose=0, return_dict=True)
        assert {k: float(v) for k, v in results.items()} == pytest.approx(expected, rel=1e-4)


def test_every_optimizer_of_keras_s_is_tried():
    tried = {name.split()[0] for name in OPTIMIZERS}
    assert tried == set(registered_objects("optimizers")) & KERAS_NAMES["optimizers"]


def test_operations_are_keras_s(keras):
    """The table of operations says what Keras says."""
    for name, (module, arguments) in CLASSES.items():
        cls = getattr(importlib.import_module(module), name)
        theirs = [p for p in inspect.signature(cls.__init__).parameters if p not in ("self", "name")]
        assert list(arguments) == [p for p in theirs if p in arguments], name
        assert set(theirs) - set(arguments) <= {
            *("antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value", "data_format"),
            "sparse",
        }, name
