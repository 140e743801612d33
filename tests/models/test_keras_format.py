"""Keras's files against Keras itself: one table of models, saved by one and loaded by the other."""

import json

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from keras_layers import CASES, IMAGE, RANDOM, SMALL, VECTOR

import pycnn
from pycnn.models.keras_format.names import KERAS_NAMES
from pycnn.models.keras_format.reading import Reader
from pycnn.models.keras_format.writing import write_config
from pycnn.registration import registered_objects

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def keras():
    return peer("keras")


EXTRA = [
    ("CategoryEncoding", {"num_tokens": 4, "output_mode": "count"}, (2, 3)),
    ("Embedding", {"input_dim": 4, "output_dim": 3, "embeddings_regularizer": "l2"}, (2, 3)),
    ("Embedding", {"input_dim": 4, "output_dim": 3, "mask_zero": True}, (2, 3)),
    ("RandomCrop", {"height": 5, "width": 6}, SMALL),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "data_format": "channels_first", "kernel_regularizer": "l2"}, IMAGE),
    ("Conv2DTranspose", {"filters": 5, "kernel_size": 3, "strides": 2, "output_padding": 1}, IMAGE),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "activity_regularizer": "l1", "trainable": False}, IMAGE),
    ("Dense", {"units": 3, "kernel_constraint": "max_norm", "bias_initializer": "he_normal"}, VECTOR),
    ("BatchNormalization", {"gamma_regularizer": "l1", "beta_constraint": "non_neg", "trainable": False}, IMAGE),
    ("Dropout", {"rate": 0.25, "noise_shape": (None, 1, 1, None), "seed": 1}, IMAGE),
    ("Flatten", {"data_format": "channels_first"}, IMAGE),
    ("Rescaling", {"scale": 0.5, "offset": [1.0, 2.0, 3.0]}, SMALL),
    ("RandomZoom", {"height_factor": 0.2, "width_factor": (0.0, 0.3), "fill_mode": "constant"}, IMAGE),
    ("Activation", {"activation": "leaky_relu"}, VECTOR),
]
"""Cases beside those that all tests of layers share."""


def identity(case):
    return f"{case[0]}-{'-'.join(f'{k}={v}' for k, v in case[1].items())}".replace(" ", "")


def one_layer(K, case):
    """A model of one layer: a Sequential, or if it has several inputs a functional model."""
    name, arguments, shape = case
    layer = getattr(K.layers, name)(**arguments)
    if isinstance(shape, tuple):
        return K.Sequential([K.layers.Input(shape[1:]), layer])
    inputs = [K.layers.Input(s[1:]) for s in shape]
    return K.Model(inputs, layer(inputs))


def data_for(case):
    name, _, shape = case
    if name in ("CategoryEncoding", "Embedding"):
        return np.arange(np.prod(shape)).reshape(shape) % 4
    if isinstance(shape, tuple):
        return normal(shape, np.float32)
    return [normal((4, *s[1:]), np.float32, seed=i) for i, s in enumerate(shape)]


def randomize(model, seed=3):
    """Give every weight of a model of either library numbers that no initializer gives; variances are positive."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("case", [*CASES, *RANDOM, *EXTRA], ids=identity)
def test_every_layer_both_ways(keras, tmp_path, case):
    x = data_for(case)
    theirs = randomize(one_layer(keras, case))
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    expected = np.asarray(theirs.predict(x, verbose=0))
    assert_close(ours.predict(x, verbose=0), expected, TOLERANCE)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert_close(np.asarray(again.predict(x, verbose=0)), expected, TOLERANCE)
    assert_same_settings(again.get_config(), theirs.get_config())


@pytest.mark.parametrize("case", [*CASES, *RANDOM, *EXTRA], ids=identity)
def test_weights_of_every_layer_both_ways(keras, tmp_path, case):
    theirs, ours = randomize(one_layer(keras, case)), one_layer(pycnn, case)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    ours.save_weights(tmp_path / "ours.weights.h5")
    other = randomize(one_layer(keras, case), seed=9)
    other.load_weights(tmp_path / "ours.weights.h5")
    for actual, expected in zip(other.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def assert_same_settings(actual, expected):
    """The configuration that went through pycnn is the one that Keras began with."""
    if isinstance(expected, dict):
        assert set(actual) == set(expected)
        for key in expected:
            if key not in ("shared_object_id", "date_saved"):
                assert_same_settings(actual[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same_settings(a, e)
    else:
        assert actual == expected or float(actual) == pytest.approx(float(expected))


NEEDED = {
    "BinaryIoU": {"target_class_ids": [0, 1]},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "warmup_target": 0.2, "warmup_steps": 2},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 5},
    "ExponentialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "IoU": {"num_classes": 3, "target_class_ids": [0]},
    "InverseTimeDecay": {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PiecewiseConstantDecay": {"boundaries": [2, 4], "values": [0.1, 0.2, 0.3]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 5},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}
"""Arguments of classes that need some."""

CONTAINERS = {"LossScaleOptimizer", "MeanMetricWrapper"}  # of other objects

OBJECTS = [
    (package, name)
    for package in ("initializers", "regularizers", "constraints", "losses", "metrics", "optimizers", "schedules")
    for name in sorted(KERAS_NAMES[package] & set(registered_objects(package)) - CONTAINERS)
]


@pytest.mark.parametrize(("package", "name"), OBJECTS)
def test_every_object_both_ways(keras, package, name):
    module = keras.optimizers.schedules if package == "schedules" else getattr(keras, package)
    theirs = getattr(module, name)(**NEEDED.get(name, {}))
    written = json.loads(json.dumps(keras.saving.serialize_keras_object(theirs)))
    ours = Reader().read(written)
    assert type(ours) is registered_objects(package)[name]
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(write_config(ours))))
    assert type(again) is type(theirs)
    assert_same_settings(again.get_config(), theirs.get_config())


@pytest.mark.parametrize("package", [p for p in KERAS_NAMES if p != "layers"])
def test_names_are_keras_s(keras, package):
    module = keras.optimizers.schedules if package == "schedules" else getattr(keras, package)
    for name in KERAS_NAMES[package]:
        assert isinstance(getattr(module, name), type), name


def test_every_layer_of_keras_s_is_tried():
    tried = {name for name, _, _ in (*CASES, *RANDOM, *EXTRA)}
    elsewhere = {"InputLayer", "Wrapper", "TimeDistributed", "Lambda"}
    elsewhere |= {"RNN", "Bidirectional", "SimpleRNNCell", "LSTMCell", "GRUCell"}
    assert not (set(registered_objects("layers")) & KERAS_NAMES["layers"]) - tried - elsewhere


def test_functions_and_names_in_compile(keras, tmp_path):
    """Losses and metrics as strings, functions and objects go through files of both."""

    def made(K):
        model = K.Sequential([K.layers.Input((4,)), K.layers.Dense(3, activation="softmax")])
        metrics = ["accuracy", K.metrics.TopKCategoricalAccuracy(k=2, name="top"), K.metrics.categorical_accuracy]
        model.compile("sgd", K.losses.categorical_crossentropy, metrics=metrics, weighted_metrics=["mae"])
        return model

    x, y = normal((6, 4), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    theirs = made(keras)
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    here = made(pycnn)
    here.set_weights(theirs.get_weights())
    here.save(tmp_path / "here.keras")
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    for model in (ours, again, here, keras.saving.load_model(tmp_path / "here.keras")):
        results = model.evaluate(x, y, verbose=0, return_dict=True)
        assert {k: float(v) for k, v in results.items()} == pytest.approx(expected, rel=1e-5)
