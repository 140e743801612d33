"""Flatten, Reshape, Permute."""

import functools

import numpy as np
import pytest
from helpers import normal, run_layer_test

from pycnn import layers


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (layers.Flatten, (2, 3, 4, 5), (2, 60)),
        (functools.partial(layers.Flatten, "channels_first"), (2, 3, 4, 5), (2, 60)),
        (layers.Flatten, (2, 3), (2, 3)),
        (functools.partial(layers.Reshape, (4, 3)), (2, 12), (2, 4, 3)),
        (functools.partial(layers.Reshape, (-1, 2)), (2, 3, 4), (2, 6, 2)),
        (functools.partial(layers.Permute, (3, 1, 2)), (2, 3, 4, 5), (2, 5, 3, 4)),
    ],
)
def test_layers(backend, make, shape, expected, tmp_path):
    run_layer_test(make, normal(shape), expected, tmp_path)


def test_flatten_of_single_numbers(backend):
    assert layers.Flatten()(np.zeros(4)).shape == (4, 1)


def test_flatten_of_channels_first_gives_the_order_of_channels_last(backend):
    x = normal((2, 3, 4, 5), np.float32)
    last = layers.Flatten()(x).numpy()
    np.testing.assert_array_equal(layers.Flatten("channels_first")(x.transpose(0, 3, 1, 2)).numpy(), last)


def test_permute_orders_axes(backend):
    x = normal((2, 3, 4, 5), np.float32)
    np.testing.assert_array_equal(layers.Permute((2, 3, 1))(x).numpy(), x.transpose(0, 2, 3, 1))


def test_sizes_that_are_not_known_stay_so():
    assert layers.Flatten().compute_output_shape((None, None, 3)) == (None, None)
    assert layers.Reshape((-1, 3)).compute_output_shape((None, None, 3)) == (None, None, 3)


def test_errors(backend):
    with pytest.raises(ValueError, match=r"Layer 'r' \(Reshape\): target_shape \(5,\) must hold the 6 elements"):
        layers.Reshape(5, name="r")(np.zeros((2, 6)))
    with pytest.raises(ValueError, match=r"at most one of them -1. Received: target_shape=\(-1, -1\)"):
        layers.Reshape((-1, -1))
    with pytest.raises(ValueError, match=r"dims must hold each of 1, 2, ... once. Received: dims=\(1, 3\)"):
        layers.Permute((1, 3))
    with pytest.raises(ValueError, match="must have 3 axes"):
        layers.Permute((2, 1))(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="data_format must be"):
        layers.Flatten("NHWC")
