"""Layer, group, RMS, unit and local response normalisation."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

import pycnn
from pycnn import layers
from pycnn.autograd import gradcheck
from pycnn.ops.standardize import local_response_norm, standardize


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("LayerNormalization", {}, (3, 4)),
        ("LayerNormalization", {"axis": (1, 2), "epsilon": 0.1}, (2, 3, 2, 2)),
        ("LayerNormalization", {"axis": 1, "center": False}, (2, 3, 2)),
        ("GroupNormalization", {"groups": 2}, (2, 2, 2, 4)),
        ("GroupNormalization", {"groups": 1, "axis": 1, "scale": False}, (2, 3, 2, 2)),
        ("GroupNormalization", {"groups": -1, "axis": 1}, (2, 2, 3)),
        ("RMSNormalization", {"axis": 1, "epsilon": 0.1}, (2, 3, 2)),
        ("UnitNormalization", {"axis": (1, 2)}, (2, 2, 3)),
        ("LocalResponseNormalization", {"alpha": 0.5}, (2, 2, 2, 7)),
        ("LocalResponseNormalization", {"size": 2, "alpha": 2.0, "beta": 0.6, "bias": 0.5, "axis": 1}, (2, 3, 2, 2)),
    ],
)
def test_layers(backend, name, arguments, shape, tmp_path):
    run_layer_test(functools.partial(getattr(layers, name), **arguments), normal(shape), shape, tmp_path)


@pytest.mark.parametrize("axis", [1, (1, 3), -1])
def test_layer_normalization_by_hand(backend, axis):
    x = normal((2, 3, 4, 5)) * 3 + 1
    layer = layers.LayerNormalization(axis, epsilon=0.01, dtype="float64")
    layer(x)
    gamma, beta = (normal(w.shape, seed=i) for i, w in enumerate(layer.weights))
    layer.set_weights([gamma, beta])
    axes = (axis,) if isinstance(axis, int) else axis
    wide = [n if i in [a % 4 for a in axes] else 1 for i, n in enumerate(x.shape)]
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 0.01) * gamma.reshape(wide) + beta.reshape(wide)
    assert_close(layer(x).numpy(), expected)


def test_rms_by_hand(backend):
    x = normal((2, 3, 4))
    layer = layers.RMSNormalization(axis=1, epsilon=0.1, dtype="float64")
    layer(x)
    layer.set_weights([np.array([1.0, 2.0, 3.0])])
    root = np.sqrt((x * x).mean(1, keepdims=True) + 0.1)
    assert_close(layer(x).numpy(), x / root * np.array([1.0, 2.0, 3.0])[:, None])


@pytest.mark.parametrize(
    "arguments", [{}, {"size": 4, "alpha": 2.0}, {"size": 3, "alpha": 0.7, "beta": 0.5, "bias": 2}]
)
def test_local_response_is_pytorchs(backend, arguments):
    torch = peer("torch")
    names = {"bias": "k"}
    theirs = torch.nn.LocalResponseNorm(**{"size": 5, **{names.get(k, k): v for k, v in arguments.items()}})
    x = normal((2, 6, 3, 4))
    leaf = torch.tensor(x, requires_grad=True)
    expected = theirs(leaf)
    expected.backward(torch.tensor(normal(x.shape, seed=1)))
    layer = layers.LocalResponseNormalization(axis=1, dtype="float64", **arguments)
    ours = pycnn.Tensor(x, requires_grad=True)
    y = layer(ours)
    y.backward(normal(x.shape, seed=1))
    assert_close(y.numpy(), expected.detach().numpy())
    assert_close(ours.grad.numpy(), leaf.grad.numpy())
    last = layers.LocalResponseNormalization(dtype="float64", **arguments)(x.transpose(0, 2, 3, 1))
    assert_close(last.numpy(), y.numpy().transpose(0, 2, 3, 1))


def test_a_window_wider_than_the_channels(backend):
    y = local_response_norm([[3.0, 4.0]], size=9, alpha=9.0, beta=0.5, bias=0.0)
    assert_close(y.numpy(), np.float32([[0.6, 0.8]]))


@pytest.mark.parametrize("centre", [True, False])
def test_standardize_has_right_gradients(backend, centre):
    assert gradcheck(lambda x: standardize(x, (0, 2), 0.01, centre), [normal((3, 2, 4))])


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: layers.GroupNormalization(3), (2, 4), "groups must divide the number of channels"),
        (lambda: layers.GroupNormalization(0), None, "groups must be an integer >= 1, or -1"),
        (lambda: layers.GroupNormalization(2, axis=0), (2, 4), "axis must not name the axis of the batch"),
        (lambda: layers.LayerNormalization(axis=3), (2, 4), "axis must be an integer from -2 to 1"),
        (lambda: layers.LocalResponseNormalization(0), None, "size must be an integer >= 1"),
    ],
)
def test_errors(make, shape, message):
    with pytest.raises(ValueError, match=message):
        make()(np.zeros(shape))


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LayerNormalization("a"),
        lambda: layers.GroupNormalization(2, [1, 2]),
        lambda: layers.UnitNormalization(1.5),
        lambda: layers.LocalResponseNormalization(axis=None),
    ],
)
def test_wrong_axes(make):
    with pytest.raises(TypeError, match="axis must be an integer"):
        make()
