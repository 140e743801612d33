"""LocallyConnected2D."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers


@pytest.mark.parametrize(
    ("arguments", "shape", "expected"),
    [
        ({"kernel_size": 2}, (2, 4, 3, 2), (2, 3, 2, 2)),
        ({"kernel_size": (3, 2), "strides": 2, "use_bias": False}, (2, 5, 5, 1), (2, 2, 2, 2)),
        ({"kernel_size": 3, "padding": "same", "strides": (2, 1), "activation": "tanh"}, (2, 4, 3, 1), (2, 2, 3, 2)),
        ({"kernel_size": 2, "data_format": "channels_first"}, (2, 2, 3, 4), (2, 2, 2, 3)),
    ],
)
def test_layer(backend, arguments, shape, expected, tmp_path):
    make = functools.partial(layers.LocallyConnected2D, 2, **{"bias_initializer": "ones"} | arguments)
    run_layer_test(make, normal(shape), expected, tmp_path)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_with_the_same_filter_everywhere_it_is_a_convolution(backend, padding):
    x = normal((2, 6, 5, 3))
    conv = layers.Conv2D(4, 3, strides=2, padding=padding, dtype="float64", bias_initializer="ones")
    expected = conv(x).numpy()
    local = layers.LocallyConnected2D(4, 3, strides=2, padding=padding, dtype="float64")
    local(x)
    places = expected.shape[1] * expected.shape[2]
    kernel = np.broadcast_to(conv.kernel.numpy().reshape(1, 27, 4), (places, 27, 4))
    local.set_weights([kernel, np.ones(local.bias.shape)])
    assert_close(local(x).numpy(), expected)


def test_each_place_has_its_own_filter(backend):
    layer = layers.LocallyConnected2D(1, 1)
    layer(np.ones((1, 1, 2, 1)))
    layer.set_weights([np.array([[[10.0]], [[100.0]]]), np.array([[[1.0], [2.0]]])])
    assert layer(np.ones((1, 1, 2, 1))).numpy().ravel().tolist() == [11.0, 102.0]


def test_errors(backend):
    with pytest.raises(ValueError, match="padding must be 'valid' or 'same'"):
        layers.LocallyConnected2D(2, 3, padding="causal")
    with pytest.raises(ValueError, match="Height, width and channels must be known"):
        layers.LocallyConnected2D(2, 3).build((None, None, 5, 1))
    layer = layers.LocallyConnected2D(2, 3)
    layer(np.zeros((1, 5, 5, 1)))
    with pytest.raises(ValueError, match="size 5 on axis 1"):
        layer(np.zeros((1, 6, 5, 1)))
