"""Taps: which layers are heard, and that nothing of them stays behind."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.analysis.tap import layer_inside, outputs_of_layers, tapped

X = normal((2, 6, 6, 3), np.float32)


def nested():
    inner = pycnn.Sequential([layers.Conv2D(2, 3, name="conv"), layers.ReLU(name="relu")], name="inner")
    x = pycnn.Input((6, 6, 3))
    return pycnn.Model(x, layers.GlobalAveragePooling2D(name="mean")(inner(x)), name="outer")


class Twice(pycnn.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(3, 3, padding="same", name="conv")

    def call(self, inputs):
        return self.conv(self.conv(inputs))


def test_outputs_are_those_of_the_layers():
    model = nested()
    heard = outputs_of_layers(model, X)
    assert [layer.name for layer, _ in heard] == ["conv", "relu", "inner", "mean"]
    conv = model.get_layer("inner").get_layer("conv")
    np.testing.assert_array_equal(heard[0][1].numpy(), conv(X).numpy())
    np.testing.assert_array_equal(heard[-1][1].numpy(), model(X).numpy())
    assert not any(y.requires_grad for _, y in heard)


def test_a_subclass_that_calls_a_layer_twice():
    model = Twice()
    (_, first), (_, second) = outputs_of_layers(model, X)
    np.testing.assert_array_equal(first.numpy(), model.conv(X).numpy())
    np.testing.assert_array_equal(second.numpy(), model(X).numpy())
    assert len(outputs_of_layers(model.conv, X)) == 1


def test_what_a_tap_returns_goes_on_and_nothing_stays():
    model = nested()
    before = model(X).numpy()
    inner = model.get_layer("inner")
    with tapped([inner, inner], lambda layer, y: y * 0 + 7):
        np.testing.assert_array_equal(model(X).numpy(), np.full((2, 2), 7.0))
    np.testing.assert_array_equal(model(X).numpy(), before)
    with pytest.raises(ZeroDivisionError), tapped([inner], lambda layer, y: 1 / 0):
        model(X)
    np.testing.assert_array_equal(model(X).numpy(), before)
    assert "call" not in vars(inner)


def test_layer_inside():
    model = nested()
    inner = model.get_layer("inner")
    conv = inner.layers[0]
    assert layer_inside(model, "inner") is layer_inside(model, 1) is inner
    assert layer_inside(model, "conv") is layer_inside(model, conv) is conv
    with pytest.raises(ValueError, match="There is no such layer. There are: .*conv, relu.* Received: layer='cone'"):
        layer_inside(model, "cone")
    with pytest.raises(ValueError, match="layer must be one inside of the model 'outer'. Received: layer="):
        layer_inside(model, layers.ReLU())
    parts = [pycnn.Sequential([layers.Input((4,)), layers.Dense(4, name="same")]) for _ in range(2)]
    with pytest.raises(ValueError, match="There are several of this name"):
        layer_inside(pycnn.Sequential(parts), "same")
