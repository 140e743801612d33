"""BatchNormalization."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, peer, run_layer_test

from pycnn import layers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({}, (3, 2)),
        ({"axis": 1}, (2, 3, 2, 2)),
        ({"center": False}, (2, 3, 2)),
        ({"scale": False, "epsilon": 0.1}, (2, 2, 2, 3)),
    ],
)
def test_batch_normalization(backend, arguments, shape, training, tmp_path):
    make = functools.partial(layers.BatchNormalization, **arguments)
    # An empty batch has no statistics, but outside training it passes; the first weights do not move a shift of 0.
    run_layer_test(make, normal(shape), shape, tmp_path, training)


def test_weights(backend):
    layer = layers.BatchNormalization()
    layer(np.zeros((1, 4)))
    assert list(layer.named_weights()) == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]
    assert [w.numpy()[0] for w in layer.weights] == [1, 0, 0, 1]
    assert layer.count_params() == 16


def test_training_and_inference_against_pytorch(backend):
    torch = peer("torch")
    theirs = torch.nn.BatchNorm2d(3, eps=1e-3, momentum=0.1, dtype=torch.float64)
    ours = layers.BatchNormalization(momentum=0.9, dtype="float64")
    x = normal((4, 5, 6, 3)) * 3 + 1
    for _ in range(3):
        expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy().transpose(0, 2, 3, 1)
        assert_close(ours(x, training=True).numpy(), expected)
        x = x[::-1] * 0.5 + 0.2
    assert_close(ours.moving_mean.numpy(), theirs.running_mean.numpy())
    # PyTorch averages unbiased variances, Keras and pycnn biased ones: undo it, the 1 at the start excepted.
    n = 4 * 5 * 6
    unbiased = theirs.running_var.numpy() - 0.9**3
    assert_close(ours.moving_variance.numpy(), unbiased * (n - 1) / n + 0.9**3)
    ours.set_weights([*ours.get_weights()[:3], theirs.running_var.numpy()])
    theirs.eval()
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy().transpose(0, 2, 3, 1)
    assert_close(ours(x).numpy(), expected)


def test_a_frozen_layer_uses_and_keeps_its_moving_averages(backend):
    layer = layers.BatchNormalization(epsilon=0.0)
    x = normal((8, 3), np.float32)
    layer(x, training=True)
    layer.trainable = False
    before = layer.get_weights()
    y = layer(x, training=True).numpy()
    assert_close(y, (x - before[2]) / np.sqrt(before[3]), 1e-5)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_axis_1_is_channels_first(backend):
    x = normal((4, 5, 6, 3), np.float32)
    last, first = layers.BatchNormalization(), layers.BatchNormalization(axis=1)
    y = last(x, training=True).numpy()
    np.testing.assert_array_equal(first(x.transpose(0, 3, 1, 2), training=True).numpy(), y.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(first.moving_mean.numpy(), last.moving_mean.numpy())


def test_errors(backend):
    with pytest.raises(ValueError, match=r"axis must name an axis of the inputs other than the batch.*axis=4"):
        layers.BatchNormalization(axis=4)(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="axis must be an integer"):
        layers.BatchNormalization(axis=[1, 2])
    layer = layers.BatchNormalization()
    layer(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="size 3 on axis -1"):
        layer(np.zeros((2, 4)))
