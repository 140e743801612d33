"""Layers of several inputs."""

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import layers
from pycnn.autograd import gradcheck

BY_HAND = {
    "Add": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Multiply": lambda a, b: a * b,
    "Average": lambda a, b: (a + b) / 2,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize(
    ("shape_a", "shape_b", "middle"),
    [((3, 4), (3, 4), ()), ((2, 3, 4), (2, 1, 4), ()), ((2, 4), (2, 3, 4), (1,)), ((2, 5, 3, 4), (2, 4), (1, 1))],
)
def test_elementwise(backend, name, shape_a, shape_b, middle):
    a, b = normal(shape_a, seed=1), normal(shape_b, seed=2)
    layer = getattr(layers, name)(dtype="float64")
    y = layer([a, b])
    wide = [x.reshape(x.shape[0], *(1,) * (max(len(shape_a), len(shape_b)) - x.ndim), *x.shape[1:]) for x in (a, b)]
    expected = BY_HAND[name](*wide)
    assert_close(y.numpy(), expected)
    assert layer.compute_output_shape([(None, *shape_a[1:]), (None, *shape_b[1:])]) == (None, *expected.shape[1:])
    assert gradcheck(lambda *xs: layer(list(xs)), [a, b])
    assert not layer.weights
    functional = getattr(layers, name.lower())([a, b])
    assert_close(functional.numpy(), expected)


def test_more_than_two(backend):
    a, b, c = (normal((2, 3), seed=i) for i in range(3))
    assert_close(layers.add([a, b, c]).numpy(), a + b + c)
    assert_close(layers.average((a, b, c)).numpy(), (a + b + c) / 3)
    assert_close(layers.maximum([a, b, c]).numpy(), np.maximum(np.maximum(a, b), c))
    assert_close(layers.add([a]).numpy(), a)


def test_concatenate(backend):
    a, b = normal((2, 3, 4, 2)), normal((2, 3, 4, 5), seed=1)
    layer = layers.Concatenate()
    assert_close(layer([a, b]).numpy(), np.concatenate([a, b], -1))
    assert layer.compute_output_shape([(None, None, 4, 2), (None, 3, 4, 5)]) == (None, 3, 4, 7)
    assert layer.compute_output_shape([(None, 3, 4, 2), (None, 3, 4, None)]) == (None, 3, 4, None)
    assert_close(layers.concatenate([a, a], axis=1).numpy(), np.concatenate([a, a], 1))
    assert gradcheck(lambda *xs: layers.Concatenate(2, dtype="float64")(list(xs)), [a[..., :1], b[..., :1]])


@pytest.mark.parametrize(
    ("axes", "shapes", "formula"),
    [
        (1, [(3, 4), (3, 4)], "bi,bi->b"),
        (-1, [(2, 3, 4), (2, 5, 4)], "bij,bkj->bik"),
        ((1, 2), [(2, 3, 5), (2, 10, 3)], "bij,bki->bjk"),
        ((2, 1), [(2, 3, 5), (2, 5)], "bij,bj->bi"),
        ((1, 1), [(2, 3), (2, 3, 4, 2)], "bi,bijk->bjk"),
        ((2, 3), [(2, 3, 4, 2), (2, 2, 2, 4)], "bijk,blmj->biklm"),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_dot(backend, axes, shapes, formula, normalize):
    a, b = normal(shapes[0]), normal(shapes[1], seed=1)
    layer = layers.Dot(axes, normalize, dtype="float64")
    pair = (axes, axes) if isinstance(axes, int) else axes
    left, right = (
        x / np.sqrt((x * x).sum(axis, keepdims=True)) if normalize else x for x, axis in zip((a, b), pair, strict=True)
    )
    expected = np.einsum(formula, left, right)
    expected = expected[:, None] if expected.ndim == 1 else expected
    assert_close(layer([a, b]).numpy(), expected)
    assert layer.compute_output_shape([(None, *s[1:]) for s in shapes]) == (None, *expected.shape[1:])
    assert gradcheck(lambda *xs: layer(list(xs)), [a, b])
    assert_close(layers.dot([a, b], axes, normalize=normalize, dtype="float64").numpy(), expected)


@pytest.mark.parametrize("layer", [layers.Add(), layers.Concatenate(axis=1), layers.Dot((1, 2), True)])
def test_configuration(layer):
    twin = layers.deserialize(layers.serialize(layer))
    assert twin.get_config() == layer.get_config()
    assert type(twin) is type(layer)


def test_integers_become_floats(backend):
    y = layers.Add()([np.full((1, 2), 200, np.uint8), np.full((1, 2), 100, np.uint8)])
    assert y.dtype == np.float32
    assert y.tolist() == [[300.0, 300.0]]


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (layers.Add, (3, 4), "Add must be called on a list of tensors. Received: input_shape="),
        (layers.Concatenate, (3, 4), "Concatenate must be called on a list"),
        (layers.Add, [], "Add must be called on a list"),
        (layers.Add, [(3, 4), (3, 5)], r"must be equal, or 1.*\(None, 4\), \(None, 5\)"),
        (layers.Subtract, [(3, 4)] * 3, "Subtract must be called on a list of 2 tensors"),
        (layers.Concatenate, [(3, 4), (3, 4, 1)], "agree in all axes but axis=-1"),
        (layers.Concatenate, [(3, 4, 2), (3, 5, 2)], "agree in all axes but axis=-1"),
        (lambda: layers.Dot(1), [(3, 4), (3, 5)], "same size along the axes"),
        (lambda: layers.Dot(1), [(3, 4)] * 3, "Dot must be called on a list of 2"),
        (lambda: layers.Dot(0), [(3, 4)] * 2, "axes must not name the axis of the batch. Received: axes=0"),
        (lambda: layers.Dot(2), [(3, 4)] * 2, "axes must be an integer from -2 to 1"),
        (lambda: layers.Dot((1, 2, 3)), None, "axes must be an integer or a pair of integers"),
    ],
)
def test_errors(make, inputs, message):
    with pytest.raises(ValueError, match=message):
        make()([np.zeros(s) for s in inputs] if isinstance(inputs, list) else np.zeros(inputs))


def test_different_batches():
    with pytest.raises(ValueError, match="same batch size"):
        layers.Add().compute_output_shape([(3, 4), (2, 4)])


def test_symbolic_inputs():
    a, b = pycnn.Input((4, 1)), pycnn.Input((3,))
    assert layers.add([a, b]).shape == (None, 4, 3)
