"""Convolution, pooling, padding and so on of sequences; test_keras_peer.py compares them with Keras."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

import pycnn
from pycnn import layers

CASES = {
    "Conv1D": ({"filters": 3, "kernel_size": 3, "padding": "causal", "bias_initializer": "ones"}, (6, 3)),
    "Conv1DTranspose": ({"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 1}, (14, 3)),
    "DepthwiseConv1D": ({"kernel_size": 2, "depth_multiplier": 2}, (5, 4)),
    "SeparableConv1D": ({"filters": 3, "kernel_size": 3, "padding": "same", "strides": 2}, (3, 3)),
    "MaxPooling1D": ({"pool_size": 3, "strides": 2, "padding": "same"}, (3, 2)),
    "AveragePooling1D": ({"pool_size": 2}, (3, 2)),
    "GlobalMaxPooling1D": ({"keepdims": True}, (1, 2)),
    "GlobalAveragePooling1D": ({"keepdims": True}, (1, 2)),
    "ZeroPadding1D": ({"padding": (2, 1)}, (9, 2)),
    "Cropping1D": ({"cropping": (2, 1)}, (3, 2)),
    "UpSampling1D": ({"size": 2}, (12, 2)),
}
ONE_LAYOUT = {"Cropping1D", "UpSampling1D"}


@pytest.mark.parametrize("name", CASES)
def test_layers(backend, name, tmp_path):
    arguments, expected = CASES[name]
    run_layer_test(functools.partial(getattr(layers, name), **arguments), normal((2, 6, 2)), (2, *expected), tmp_path)


@pytest.mark.parametrize("name", sorted(set(CASES) - ONE_LAYOUT))
def test_channels_first_gives_the_same(backend, name):
    arguments, (steps, channels) = CASES[name]
    x = normal((2, 6, 2), np.float32)
    last = getattr(layers, name)(**arguments)
    y = last(x).numpy()
    first = getattr(layers, name)(**arguments, data_format="channels_first")
    first(x.transpose(0, 2, 1))
    first.set_weights(last.get_weights())
    assert_close(first(x.transpose(0, 2, 1)).numpy(), y.transpose(0, 2, 1))
    assert first.compute_output_shape((None, 2, 6)) == (None, channels, steps)
    assert last.compute_output_shape((None, None, 2))[-1] == channels
    pycnn.config.set_image_data_format("channels_first")
    assert getattr(layers, name)(**arguments).data_format == "channels_first"


def test_convolution_by_hand(backend):
    layer = layers.Conv1D(1, 2, dilation_rate=2)
    layer(np.zeros((1, 5, 1)))
    layer.set_weights([np.array([[[1.0]], [[10.0]]]), np.array([0.5])])
    assert layer(np.array([1.0, 2, 3, 4, 5]).reshape(1, 5, 1)).numpy().ravel().tolist() == [31.5, 42.5, 53.5]


def test_causal_outputs_see_no_later_input(backend):
    layer = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    x = normal((1, 8, 3), np.float32)
    y = layer(x).numpy()
    x[:, 5:] += 1
    other = layer(x).numpy()
    np.testing.assert_array_equal(other[:, :5], y[:, :5])
    assert (other[:, 5:] != y[:, 5:]).any()


def test_global_pooling_without_keepdims(backend):
    x = normal((2, 6, 3), np.float32)
    assert_close(layers.GlobalMaxPooling1D()(x).numpy(), x.max(1))
    layer = layers.GlobalAveragePooling1D(data_format="channels_first")
    assert_close(layer(x).numpy(), x.mean(2))
    assert layer.compute_output_shape((None, 6, 3)) == (None, 6)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: layers.Conv1D(2, 3, padding="full"), "padding must be one of valid, same, causal"),
        (lambda: layers.DepthwiseConv1D(3, padding="causal"), "padding must be one of valid, same"),
        (lambda: layers.Conv1D(2, (3, 3)), "kernel_size must be an integer >= 1"),
        (lambda: layers.Conv1D(3, 2, groups=2), "groups must divide the number of filters"),
        (lambda: layers.Conv1D(2, 2, groups=2)(np.zeros((1, 5, 3))), "groups must divide the input channels"),
        (lambda: layers.Conv1D(2, 7)(np.zeros((1, 5, 3))), "zero or negative"),
        (lambda: layers.Conv1D(2, 3)(np.zeros((1, 5, 5, 3))), "inputs must have 3 axes"),
        (lambda: layers.MaxPooling1D(padding="causal"), "padding must be 'valid' or 'same'"),
        (lambda: layers.Cropping1D((3, 2))(np.zeros((1, 5, 3))), "cropping would leave nothing"),
        (lambda: layers.ZeroPadding1D(-1), "padding must be an integer >= 0"),
        (lambda: layers.UpSampling1D(0), "size must be an integer >= 1"),
    ],
)
def test_errors(act, message):
    with pytest.raises(ValueError, match=message):
        act()
