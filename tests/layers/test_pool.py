"""Pooling layers, global ones too."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers

POOLS = [layers.MaxPooling2D, layers.MinPooling2D, layers.AveragePooling2D]
GLOBAL = [layers.GlobalMaxPooling2D, layers.GlobalMinPooling2D, layers.GlobalAveragePooling2D]
ARGUMENTS = [
    ({}, (3, 2)),
    ({"pool_size": 3, "strides": 2, "padding": "same"}, (3, 3)),
    ({"pool_size": 3, "strides": 2, "padding": ((1, 0), (1, 1)), "ceil_mode": True}, (3, 3)),
    ({"pool_size": (1, 2), "strides": (2, 1), "data_format": "channels_first"}, (3, 4)),
]


@pytest.mark.parametrize("make", POOLS)
@pytest.mark.parametrize(("arguments", "size"), ARGUMENTS)
def test_pooling(backend, make, arguments, size, tmp_path):
    first = "data_format" in arguments
    x = normal((2, 6, 5, 2))
    x, shape = (x.transpose(0, 3, 1, 2), (2, 2, *size)) if first else (x, (2, *size, 2))
    run_layer_test(functools.partial(make, **arguments), x, shape, tmp_path)


@pytest.mark.parametrize("make", GLOBAL)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_global_pooling(backend, make, keepdims, data_format, tmp_path):
    first = data_format == "channels_first"
    x = normal((2, 3, 4, 5) if first else (2, 4, 5, 3))
    shape = ((2, 3, 1, 1) if first else (2, 1, 1, 3)) if keepdims else (2, 3)
    if make is not layers.GlobalMaxPooling2D and make is not layers.GlobalMinPooling2D:
        run_layer_test(functools.partial(make, data_format, keepdims), x, shape, tmp_path)
    y = make(data_format, keepdims)(x).numpy()
    reduce = {"Max": np.max, "Min": np.min, "Ave": np.mean}[make.__name__[6:9]]
    assert_close(y, reduce(x, axis=(2, 3) if first else (1, 2), keepdims=keepdims), 1e-6)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (layers.MaxPooling2D, [[5, 7], [13, 15]]),
        (layers.MinPooling2D, [[0, 2], [8, 10]]),
        (layers.AveragePooling2D, [[2.5, 4.5], [10.5, 12.5]]),
    ],
)
def test_by_hand(backend, make, expected):
    assert make(2)(np.arange(16.0).reshape(1, 4, 4, 1)).numpy()[0, :, :, 0].tolist() == expected


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_average_against_pytorch(backend, ceil_mode, count_include_pad):
    torch = peer("torch")
    x = normal((2, 7, 6, 3))
    theirs = torch.nn.AvgPool2d(3, 2, 1, ceil_mode, count_include_pad)
    ours = layers.AveragePooling2D(3, 2, 1, ceil_mode=ceil_mode, count_include_pad=count_include_pad, dtype="float64")
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    assert_close(ours(x).numpy(), expected)


def test_average_of_padding_counts_data_only(backend):
    y = layers.AveragePooling2D(2, padding="same")(np.ones((1, 3, 3, 1))).numpy()
    assert y[0, :, :, 0].tolist() == [[1, 1], [1, 1]]


def test_strides_default_to_the_window():
    assert layers.MaxPooling2D(3).strides == (3, 3)
    assert layers.MaxPooling2D().compute_output_shape((None, None, 7, 2)) == (None, None, 3, 2)


def test_other_names():
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.MinPool2D is layers.MinPooling2D
    assert layers.AvgPool2D is layers.AveragePooling2D
    assert layers.GlobalAvgPool2D is layers.GlobalAveragePooling2D


def test_errors(backend):
    with pytest.raises(ValueError, match=r"Layer 'p' \(MaxPooling2D\): Computed output size would be zero or negative"):
        layers.MaxPooling2D(3, name="p")(np.zeros((1, 2, 8, 1)))
    with pytest.raises(ValueError, match="pool_size must be an integer"):
        layers.MaxPooling2D(0)
    with pytest.raises(ValueError, match="must have 4 axes"):
        layers.GlobalMaxPooling2D()(np.zeros((2, 3)))
