"""Subsampling2D: the pooling of LeNet-5."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers


@pytest.mark.parametrize(
    ("arguments", "shape", "expected"),
    [
        ({}, (2, 4, 5, 3), (2, 2, 2, 3)),
        ({"pool_size": (1, 3), "activation": "lecun_tanh", "bias_initializer": "ones"}, (1, 2, 6, 2), (1, 2, 2, 2)),
        ({"data_format": "channels_first", "coefficient_initializer": "ones"}, (1, 3, 4, 4), (1, 3, 2, 2)),
    ],
)
def test_layer(backend, arguments, shape, expected, tmp_path):
    run_layer_test(functools.partial(layers.Subsampling2D, **arguments), normal(shape), expected, tmp_path)


def test_by_hand(backend):
    x = normal((2, 4, 6, 2))
    layer = layers.Subsampling2D(2, "lecun_tanh", dtype="float64")
    layer(x)
    layer.set_weights([np.array([0.5, -2.0]), np.array([0.1, 0.2])])
    sums = x.reshape(2, 2, 2, 3, 2, 2).sum(axis=(2, 4))
    assert_close(layer(x).numpy(), 1.7159 * np.tanh(2 / 3 * (sums * [0.5, -2.0] + [0.1, 0.2])))


def test_begins_as_average_pooling(backend):
    x = normal((1, 6, 6, 3))
    expected = x.reshape(1, 2, 3, 3, 2, 3).mean(axis=(2, 4))
    assert_close(layers.Subsampling2D((3, 2), dtype="float64")(x).numpy(), expected)
