"""SparseConv2D: a convolution with some connections cut."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers

TABLE = [[0, 2], [1], [2, 1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "shape", "expected"),
    [
        ({"kernel_size": 2}, (2, 4, 3, 3), (2, 3, 2, 4)),
        ({"kernel_size": (3, 2), "strides": 2, "padding": "same", "use_bias": False}, (2, 4, 5, 3), (2, 2, 3, 4)),
        ({"kernel_size": 2, "dilation_rate": 2, "data_format": "channels_first"}, (1, 3, 4, 3), (1, 4, 2, 1)),
        ({"kernel_size": 2, "activation": "tanh", "bias_initializer": "ones"}, (1, 3, 3, 4), (1, 2, 2, 4)),
    ],
)
def test_layer(backend, arguments, shape, expected, tmp_path):
    make = functools.partial(layers.SparseConv2D, TABLE, **arguments)
    run_layer_test(make, normal(shape), expected, tmp_path)


def test_is_a_convolution_whose_other_weights_are_zero(backend):
    x, kernel, bias = normal((2, 5, 5, 3)), normal((3, 3, 8), seed=1), normal((4,), seed=2)
    layer = layers.SparseConv2D(TABLE, 3, dtype="float64")
    layer(x)
    layer.set_weights([kernel, bias])
    dense = np.zeros((3, 3, 3, 4))
    for place, (channel, filter_) in enumerate([(0, 0), (2, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 3), (1, 3)]):
        dense[:, :, channel, filter_] = kernel[:, :, place]
    full = layers.Conv2D(4, 3, dtype="float64")
    full(x)
    full.set_weights([dense, bias])
    assert_close(layer(x).numpy(), full(x).numpy())
    np.testing.assert_array_equal(layer.dense_kernel().numpy(), dense)


def test_a_filter_sees_its_channels_alone(backend):
    layer = layers.SparseConv2D(TABLE, 1, use_bias=False, kernel_initializer="ones")
    y = layer(np.array([1.0, 10.0, 100.0]).reshape(1, 1, 1, 3)).numpy().ravel()
    assert y.tolist() == [101, 10, 111, 11]


def test_weights_begin_as_those_of_a_convolution():
    """Glorot: +-sqrt(6 / (fan_in + fan_out)), for 3 channels and 50 filters of 5 x 5."""
    layer = layers.SparseConv2D([[i % 3] for i in range(50)], 5)
    layer.build((None, 9, 9, 3))
    limit = np.sqrt(6 / (25 * 3 + 25 * 50))
    assert 0.99 * limit < np.abs(layer.kernel.numpy()).max() <= limit


@pytest.mark.parametrize("table", [[], [[]], [[0], []], [[0, 0]], [[-1]], [[0.5]], [0, 1], 3 * [None]])
def test_wrong_tables(table):
    with pytest.raises(ValueError, match="connections must hold for each filter the channels that it sees"):
        layers.SparseConv2D(table, 3)


def test_channel_that_is_not_there():
    with pytest.raises(ValueError, match="connections must name channels below 2, .* Received: connections with 2"):
        layers.SparseConv2D(TABLE, 1)(np.zeros((1, 2, 2, 2)))
