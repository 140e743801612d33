"""Keras's files against Keras itself: one table of models, saved by one and loaded by the other."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer
from keras_layers import CASES, IMAGE, RANDOM, SMALL, VECTOR

import pycnn

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def keras():
    return peer("keras")


EXTRA = [
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
    shape = case[2]
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
