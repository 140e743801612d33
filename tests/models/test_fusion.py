"""Layers that are computed together give what they give one by one."""

import numpy as np
import pytest
from helpers import assert_close, normal

import pycnn
from pycnn import initializers, layers
from pycnn.analysis.tap import tapped
from pycnn.models.fusion import Fused


def together(model):
    """The names of the layers that are one step each."""
    steps = [step[1] for step in model._graph._steps] if model._graph is not None else model._steps
    return [tuple(layer.name for layer in step.layers) for step in steps if isinstance(step, Fused)]


def norm(name):
    return layers.BatchNormalization(
        name=name,
        gamma_initializer="random_normal",
        beta_initializer="random_normal",
        moving_mean_initializer="random_normal",
        moving_variance_initializer=initializers.RandomUniform(0.5, 2.0),
    )


def residual_block():
    """A bottleneck's end: both ways into the sum have a batch norm."""
    x = pycnn.Input((7, 6, 4))
    y = layers.ReLU(name="relu1")(norm("bn1")(layers.Conv2D(8, 3, 2, "same", use_bias=False, name="conv1")(x)))
    y = norm("bn2")(layers.Conv2D(6, 3, padding="same", bias_initializer="random_normal", name="conv2")(y))
    z = norm("bn0")(layers.Conv2D(6, 1, 2, name="conv0")(x))
    y = layers.Activation("relu", name="relu2")(layers.Add(name="add")([y, z]))
    y = layers.Activation("relu6", name="relu3")(
        norm("bn3")(layers.DepthwiseConv2D(3, depth_multiplier=2, name="dw")(y))
    )
    return pycnn.Model(x, layers.Activation("softmax")(y))


def one_by_one(model, call):
    with tapped(model.flatten_layers()[1:], lambda layer, y: y):
        return call()


def test_what_is_computed_together():
    assert sorted(together(residual_block())) == [
        ("conv0", "bn0", "add", "relu2"),
        ("conv1", "bn1", "relu1"),
        ("conv2", "bn2"),
        ("dw", "bn3", "relu3"),
    ]


def test_outside_of_training_the_batch_norms_are_in_the_filters():
    model, x = residual_block(), normal((3, 7, 6, 4), "float32")
    expected = one_by_one(model, lambda: model(x, training=False).numpy())
    assert_close(model(x, training=False).numpy(), expected, 1e-6)
    for _ in range(3):
        y = model.predict_on_batch(x)
        assert_close(y, expected, 1e-5)
    conv, bn = model.get_layer("conv2"), model.get_layer("bn2")
    fused = Fused([conv, bn])
    features = normal((2, 4, 3, 8), "float32")
    with pycnn.no_grad():
        for change in (conv.kernel, conv.bias, bn.gamma, bn.beta, bn.moving_mean, bn.moving_variance):
            before = fused(pycnn.Tensor(features)).numpy()
            change.assign(change.numpy() * 0.5 + 0.5)
            after = fused(pycnn.Tensor(features)).numpy()
            assert_close(after, bn(conv(features)).numpy(), 1e-5)
            assert not np.allclose(before, after)


def test_a_training_step_is_the_same_bit_for_bit():
    def steps(alone):
        pycnn.utils.set_random_seed(0)
        model = residual_block()
        model.compile("adam", "mse")
        x, y = normal((6, 7, 6, 4), "float32"), normal((6, 2, 1, 12), "float32")
        for _ in range(4):
            if alone:
                one_by_one(model, lambda: model.train_on_batch(x, y))
            else:
                model.train_on_batch(x, y)
        return [w.numpy() for w in model.weights]

    for a, b in zip(steps(True), steps(False), strict=True):
        assert_close(a, b, 1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_frozen_batch_norms_and_gradients_of_inputs(training):
    model, x = residual_block(), pycnn.Tensor(normal((2, 7, 6, 4), "float32"), requires_grad=True)
    model.get_layer("bn2").trainable = False
    gradients = []
    for y in (model(x, training=training), one_by_one(model, lambda: model(x, training=training))):
        x.zero_grad()
        (y**2).sum().backward()
        gradients.append(x.grad.numpy())
    assert_close(gradients[0], gradients[1], 1e-5)


def test_sequences():
    model = pycnn.Sequential(
        [
            layers.Input((6, 6, 2)),
            layers.RandomFlip(),
            layers.Conv2D(4, 3, name="a"),
            norm("b"),
            layers.ReLU(6.0, name="c"),
            layers.Conv2D(4, 1, activation="relu"),
            norm("d"),
            layers.Activation("tanh", name="e"),
            layers.Conv2D(4, 1, name="f"),
            layers.Activation("sigmoid", name="g"),
            layers.Flatten(),
        ]
    )
    assert together(model) == [("a", "b", "c"), ("d", "e"), ("f", "g")]
    x = normal((2, 6, 6, 2), "float32")
    expected = one_by_one(model, lambda: model(x, training=False).numpy())
    assert_close(model.predict_on_batch(x), expected, 1e-5)


class Louder(layers.ReLU):
    """A layer of a user's."""

    def call(self, inputs):
        return super().call(inputs) * 2


@pytest.mark.parametrize(
    "second",
    [
        lambda: Louder(),
        lambda: layers.ReLU(negative_slope=0.1),
        lambda: layers.Activation("softmax"),
        lambda: layers.Activation(lambda x: x * 2),
        lambda: layers.BatchNormalization(axis=1),
        lambda: layers.ReLU(dtype="float64"),
    ],
)
def test_what_stays_alone(second):
    model = pycnn.Sequential([layers.Input((6, 6, 2)), layers.Conv2D(4, 3), second()])
    assert together(model) == []
    x = pycnn.Input((6, 6, 2))
    assert together(pycnn.Model(x, second()(layers.Conv2D(4, 3)(x)))) == []


def test_what_is_wanted_twice_stays_alone():
    x = pycnn.Input((6, 6, 2))
    y = layers.Conv2D(2, 1)(x)
    z = layers.ReLU()(y)
    assert together(pycnn.Model(x, [y, z])) == []
    assert together(pycnn.Model(x, layers.Concatenate()([y, z]))) == []
    assert together(pycnn.Model(x, layers.Add()([y, y]))) == []
    wide = layers.Conv2D(2, (1, 6))(x)
    assert together(pycnn.Model(x, layers.Add()([wide, y]))) == []  # it is stretched
    regular = layers.Conv2D(2, 1, activity_regularizer="l2")(x)
    assert together(pycnn.Model(x, layers.ReLU()(regular))) == []


def test_errors_name_the_layer():
    model = pycnn.Sequential([layers.Conv2D(4, 3, name="narrow"), layers.BatchNormalization(), layers.ReLU()])
    model.build((None, None, None, 2))
    with pycnn.no_grad(), pytest.raises(ValueError, match="'narrow'"):
        model(np.ones((1, 2, 2, 2)), training=False)
