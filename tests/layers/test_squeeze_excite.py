"""SqueezeExcite."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_layer(backend, data_format, tmp_path):
    shape = (2, 2, 3, 4) if data_format == "channels_last" else (2, 4, 2, 3)
    make = functools.partial(layers.SqueezeExcite, 2, data_format, bias_initializer="ones")
    run_layer_test(make, normal(shape), shape, tmp_path)


def test_by_hand(backend):
    x = normal((2, 3, 3, 8))
    layer = layers.SqueezeExcite(4, dtype="float64")
    layer(x)
    w1, b1, w2, b2 = (normal(w.shape, seed=i) for i, w in enumerate(layer.weights))
    layer.set_weights([w1, b1, w2, b2])
    hidden = np.maximum(x.mean((1, 2)) @ w1 + b1, 0)
    weights = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
    assert_close(layer(x).numpy(), x * weights[:, None, None])


def test_parameters_of_se_resnet_50():
    """Hu et al. add 2,530,992 parameters to ResNet-50: blocks of 256, 512, 1024, 2048 channels."""
    total = 0
    for channels, blocks in ((256, 3), (512, 4), (1024, 6), (2048, 3)):
        layer = layers.SqueezeExcite(16)
        layer.build((None, 7, 7, channels))
        total += blocks * layer.count_params()
    assert total == 2_530_992


def test_few_channels(backend):
    layer = layers.SqueezeExcite()
    layer(np.zeros((1, 2, 2, 3)))
    assert layer.squeeze_kernel.shape == (3, 1)


def test_wrong_ratio():
    with pytest.raises(ValueError, match="ratio must be an integer >= 1. Received: ratio=0"):
        layers.SqueezeExcite(0)
