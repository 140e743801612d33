"""Activation, ReLU, LeakyReLU, ELU, Softmax, and reading the argument ``activation``."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers, ops
from pycnn.layers.activation import read_activation
from pycnn.utils import register_serializable

MAKERS = {
    "relu": layers.ReLU,
    "relu6": functools.partial(layers.ReLU, 6.0, 0.1, 0.5),
    "leaky_relu": layers.LeakyReLU,
    "elu": functools.partial(layers.ELU, 0.7),
    "softmax": layers.Softmax,
    "softmax of axis 1": functools.partial(layers.Softmax, 1),
    "activation": functools.partial(layers.Activation, "tanh"),
    "linear": functools.partial(layers.Activation, None),
}


@pytest.mark.parametrize("name", MAKERS)
def test_layers(backend, name, tmp_path):
    run_layer_test(MAKERS[name], normal((3, 2, 4)) * 4, (3, 2, 4), tmp_path)


@pytest.mark.parametrize(
    ("layer", "peer_layer"),
    [
        (layers.LeakyReLU(0.2, dtype="float64"), lambda torch: torch.nn.LeakyReLU(0.2)),
        (layers.ELU(0.7, dtype="float64"), lambda torch: torch.nn.ELU(0.7)),
        (layers.ReLU(6.0, dtype="float64"), lambda torch: torch.nn.ReLU6()),
        (layers.Softmax(1, dtype="float64"), lambda torch: torch.nn.Softmax(1)),
        (layers.Activation("gelu", dtype="float64"), lambda torch: torch.nn.GELU()),
        (layers.Activation("selu", dtype="float64"), lambda torch: torch.nn.SELU()),
    ],
)
def test_against_pytorch(backend, layer, peer_layer):
    torch = peer("torch")
    x = normal((3, 4)) * 4
    assert_close(layer(x).numpy(), peer_layer(torch)(torch.tensor(x)).numpy())


def test_defaults_are_keras_defaults(backend):
    assert_close(layers.LeakyReLU()([[-1.0, 1.0]]).numpy(), [[-0.3, 1.0]], 1e-6)
    assert_close(layers.ELU()([[-1.0]]).numpy(), [[np.expm1(-1)]], 1e-6)


@register_serializable()
def triple(x):
    return x * 3


def test_reading_activations():
    assert read_activation(None) is None
    assert read_activation("linear") is None
    assert read_activation("relu") == "relu"
    assert read_activation(ops.tanh) == "tanh"
    assert read_activation(triple) is triple
    assert layers.Activation(triple).get_config()["activation"] == {"package": "Custom", "function": "triple"}
    assert layers.Activation.from_config(layers.Activation(triple).get_config()).activation is triple
    with pytest.raises(ValueError, match="Unknown activation"):
        read_activation("nope")


def test_functions_that_nobody_registered_cannot_be_saved():
    with pytest.raises(ValueError, match="Only registered objects can be serialised"):
        layers.Activation(lambda x: x).get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ReLU(max_value=-1), "max_value must not be negative. Received: max_value=-1"),
        (lambda: layers.ReLU(negative_slope=-1), "negative_slope must not be negative"),
        (lambda: layers.ReLU(threshold=None), "threshold must not be negative. Received: threshold=None"),
        (lambda: layers.LeakyReLU(None), "negative_slope must not be negative"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
