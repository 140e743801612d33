"""DepthwiseConv2D and SeparableConv2D."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers

ARGUMENTS = [
    ({"kernel_size": 3}, (4, 3)),
    ({"kernel_size": (2, 3), "strides": 2, "padding": "same", "depth_multiplier": 3, "activation": "tanh"}, (3, 3)),
    ({"kernel_size": 2, "dilation_rate": 2, "use_bias": False, "depth_multiplier": 2}, (4, 3)),
]


@pytest.mark.parametrize(("arguments", "size"), ARGUMENTS)
def test_depthwise(backend, arguments, size, tmp_path):
    channels = 2 * arguments.get("depth_multiplier", 1)
    make = functools.partial(layers.DepthwiseConv2D, **arguments)
    run_layer_test(make, normal((2, 6, 5, 2)), (2, *size, channels), tmp_path)


@pytest.mark.parametrize(("arguments", "size"), ARGUMENTS)
def test_separable(backend, arguments, size, tmp_path):
    make = functools.partial(layers.SeparableConv2D, 3, **arguments)
    run_layer_test(make, normal((2, 6, 5, 2)), (2, *size, 3), tmp_path)


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_against_pytorch(backend, multiplier):
    torch = peer("torch")
    x = normal((2, 7, 6, 4))
    theirs = torch.nn.Conv2d(4, 4 * multiplier, 3, 2, 1, groups=4, dtype=torch.float64)
    ours = layers.DepthwiseConv2D(3, 2, 1, multiplier, dtype="float64")
    ours.build((None, 7, 6, 4))
    kernel = theirs.weight.detach().numpy().reshape(4, multiplier, 3, 3).transpose(2, 3, 0, 1)
    ours.set_weights([kernel, theirs.bias.detach().numpy()])
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy()
    assert_close(ours(x).numpy(), expected.transpose(0, 2, 3, 1))


def test_separable_is_depthwise_then_a_1x1_convolution(backend):
    x = normal((2, 7, 6, 4))
    layer = layers.SeparableConv2D(5, 3, depth_multiplier=2, activation="relu", dtype="float64")
    layer.build((None, 7, 6, 4))
    layer.set_weights([normal(w.shape, seed=i) for i, w in enumerate(layer.weights)])
    assert list(layer.named_weights()) == ["depthwise_kernel", "pointwise_kernel", "bias"]
    depthwise = layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, dtype="float64")
    pointwise = layers.Conv2D(5, 1, activation="relu", dtype="float64")
    depthwise.build((None, 7, 6, 4))
    pointwise.build((None, 5, 4, 8))
    depthwise.set_weights(layer.get_weights()[:1])
    pointwise.set_weights(layer.get_weights()[1:])
    assert_close(layer(x).numpy(), pointwise(depthwise(x)).numpy())


@pytest.mark.parametrize("make", [layers.DepthwiseConv2D, functools.partial(layers.SeparableConv2D, 5)])
def test_channels_first_gives_the_same(backend, make):
    last, first = make(3, padding="same"), make(3, padding="same", data_format="channels_first")
    x = normal((2, 6, 5, 3))
    y = last(x)
    first.build((None, 3, 6, 5))
    first.set_weights(last.get_weights())
    np.testing.assert_array_equal(first(x.transpose(0, 3, 1, 2)).numpy(), y.numpy().transpose(0, 3, 1, 2))


def test_wrong_arguments(backend):
    with pytest.raises(ValueError, match="depth_multiplier must be an integer >= 1. Received: depth_multiplier=0"):
        layers.DepthwiseConv2D(3, depth_multiplier=0)
    layer = layers.DepthwiseConv2D(3)
    layer(np.zeros((1, 8, 8, 2)))
    with pytest.raises(ValueError, match="size 2 on axis -1"):
        layer(np.zeros((1, 8, 8, 3)))
