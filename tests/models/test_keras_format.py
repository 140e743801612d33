"""Keras's files against Keras itself: one table of models, saved by one and loaded by the other."""

import numpy as np
import pytest
from helpers import assert_close, normal, peer

import pycnn

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def keras():
    return peer("keras")


def image(L, *layers, shape=(8, 8, 4)):
    """A Sequential of an image and ``layers``."""
    return [L.Input(shape), *layers]


LAYERS = {
    "conv2d": lambda L: L.Conv2D(6, (3, 2), strides=2, padding="same", groups=2, activation="relu"),
    "conv2d_dilated": lambda L: L.Conv2D(6, 3, dilation_rate=2, use_bias=False, kernel_regularizer="l2"),
    "conv2d_first": lambda L: L.Conv2D(6, 3, data_format="channels_first"),
    "conv2d_transpose": lambda L: L.Conv2DTranspose(5, 3, strides=2, padding="same", activation="tanh"),
    "conv2d_transpose_output_padding": lambda L: L.Conv2DTranspose(5, 3, strides=2, output_padding=1),
    "depthwise": lambda L: L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
    "separable": lambda L: L.SeparableConv2D(7, 3, depth_multiplier=2, activation="elu"),
    "dense": lambda L: L.Dense(3, kernel_constraint="max_norm", bias_initializer="ones"),
    "max_pooling": lambda L: L.MaxPooling2D(3, strides=2, padding="same"),
    "average_pooling": lambda L: L.AveragePooling2D(2, padding="same"),
    "global_max": lambda L: L.GlobalMaxPooling2D(keepdims=True),
    "global_average": lambda L: L.GlobalAveragePooling2D(),
    "batch_norm": lambda L: L.BatchNormalization(momentum=0.5, gamma_regularizer="l1"),
    "batch_norm_axis": lambda L: L.BatchNormalization(axis=1, scale=False),
    "dropout": lambda L: L.Dropout(0.25, noise_shape=(None, 1, 1, None), seed=1),
    "activation": lambda L: L.Activation("softplus"),
    "relu": lambda L: L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2),
    "leaky_relu": lambda L: L.LeakyReLU(0.2),
    "elu": lambda L: L.ELU(0.5),
    "softmax": lambda L: L.Softmax(axis=1),
    "flatten": lambda L: L.Flatten(),
    "flatten_first": lambda L: L.Flatten(data_format="channels_first"),
    "reshape": lambda L: L.Reshape((4, -1)),
    "permute": lambda L: L.Permute((3, 1, 2)),
    "zero_padding": lambda L: L.ZeroPadding2D(((1, 0), (2, 3))),
    "cropping": lambda L: L.Cropping2D((1, 2)),
    "up_sampling": lambda L: L.UpSampling2D((2, 3), interpolation="bilinear"),
    "rescaling": lambda L: L.Rescaling(0.5, offset=[1.0, 2.0, 3.0, 4.0]),
    "resizing": lambda L: L.Resizing(5, 11),
    "random_rotation": lambda L: L.RandomRotation(0.2, fill_mode="constant"),
    "random_zoom": lambda L: L.RandomZoom(0.2, (0.0, 0.3)),
    "random_translation": lambda L: L.RandomTranslation(0.2, 0.1),
    "random_shear": lambda L: L.RandomShear(0.2, 0.1),
}
"""One Sequential of each layer, for images of 8x8x4."""


def one_layer(K, make):
    return K.Sequential([K.layers.Input((8, 8, 4)), make(K.layers)])


def randomize(model, seed=3):
    """Give every weight of a model of either library numbers that no initializer gives; variances are positive."""
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_both_ways(keras, tmp_path, name):
    x = normal((2, 8, 8, 4), np.float32)
    theirs = randomize(one_layer(keras, LAYERS[name]))
    theirs.save(tmp_path / "theirs.keras")
    ours = pycnn.models.load_model(tmp_path / "theirs.keras")
    expected = np.asarray(theirs.predict(x, verbose=0))
    assert_close(ours.predict(x, verbose=0), expected, TOLERANCE)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert_close(np.asarray(again.predict(x, verbose=0)), expected, TOLERANCE)
    assert_same_settings(again.get_config(), theirs.get_config())


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
