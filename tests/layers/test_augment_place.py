"""CenterCrop, RandomCrop, RandomFlip."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

import pycnn
from pycnn import layers


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (functools.partial(layers.CenterCrop, 2, 3), (2, 2, 3, 2)),
        (functools.partial(layers.CenterCrop, 6, 3), (2, 6, 3, 2)),
        (functools.partial(layers.RandomCrop, 2, 3, seed=0), (2, 2, 3, 2)),
        (layers.RandomFlip, (2, 4, 5, 2)),
    ],
)
def test_layers(backend, make, expected, tmp_path):
    run_layer_test(make, normal((2, 4, 5, 2)), expected, tmp_path)


def test_centre(backend):
    x = np.arange(20.0).reshape(1, 4, 5, 1)
    np.testing.assert_array_equal(layers.CenterCrop(2, 3)(x).numpy(), x[:, 1:3, 1:4])
    np.testing.assert_array_equal(layers.CenterCrop(3, 2)(x).numpy(), x[:, 0:3, 1:3])


def test_random_crops_are_parts_of_the_images(backend):
    x = np.arange(2 * 36.0).reshape(2, 6, 6, 1)
    layer = layers.RandomCrop(3, 4, seed=0)
    places = set()
    for _ in range(60):
        y = layer(x, training=True).numpy()
        top, left = divmod(int(y[0, 0, 0, 0]), 6)
        places.add((top, left))
        np.testing.assert_array_equal(y, x[:, top : top + 3, left : left + 4])
    assert places == {(i, j) for i in range(4) for j in range(3)}


def test_crops_outside_training_and_of_small_images(backend):
    x = normal((1, 8, 6, 2), np.float32)
    expected = layers.Resizing(4, 4, crop_to_aspect_ratio=True)(x).numpy()
    np.testing.assert_array_equal(layers.RandomCrop(4, 4)(x, training=False).numpy(), expected)
    small = layers.RandomCrop(9, 9)(x, training=True)
    np.testing.assert_array_equal(small.numpy(), layers.CenterCrop(9, 9)(x).numpy())


@pytest.mark.parametrize(
    ("mode", "images"),
    [
        ("horizontal", lambda x: [x, x[:, ::-1]]),
        ("vertical", lambda x: [x, x[::-1]]),
        ("horizontal_and_vertical", lambda x: [x, x[:, ::-1], x[::-1], x[::-1, ::-1]]),
    ],
)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_flips(backend, mode, images, data_format):
    x = np.broadcast_to(np.arange(12.0, dtype=np.float32).reshape(3, 2, 2), (200, 3, 2, 2))
    expected = images(x[0])
    layer = layers.RandomFlip(mode, seed=1, data_format=data_format)
    if data_format == "channels_first":
        y = layer(x.transpose(0, 3, 1, 2), training=True).numpy().transpose(0, 2, 3, 1)
    else:
        y = layer(x, training=True).numpy()
    counts = [sum((image == wanted).all() for image in y) for wanted in expected]
    assert sum(counts) == 200
    assert min(counts) > 0.6 * 200 / len(expected)
    np.testing.assert_array_equal(layer(x, training=False).numpy(), x)


def test_the_gradient_is_flipped_back(backend):
    x = pycnn.Tensor(normal((4, 3, 3, 1)), requires_grad=True)
    y = layers.RandomFlip("horizontal", seed=0, dtype="float64")(x, training=True)
    y.backward(y.numpy())
    assert_close(x.grad.numpy(), x.numpy())


def test_seeds(backend):
    x = normal((5, 4, 4, 1), np.float32)
    for make in (functools.partial(layers.RandomFlip, seed=3), functools.partial(layers.RandomCrop, 2, 2, seed=3)):
        one, two = make(), make()
        np.testing.assert_array_equal(one(x, training=True).numpy(), two(x, training=True).numpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomFlip("left"), "mode must be 'horizontal'"),
        (lambda: layers.CenterCrop(0, 3), "height must be an integer >= 1"),
        (lambda: layers.RandomCrop(3, 2.5), "width must be an integer >= 1"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
