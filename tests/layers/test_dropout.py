"""Dropout."""

import functools

import numpy as np
import pytest
from helpers import normal, run_layer_test

import pycnn
from pycnn import layers


def test_dropout(backend, tmp_path):
    run_layer_test(functools.partial(layers.Dropout, 0.4), normal((3, 4)), (3, 4), tmp_path)


def test_outside_training_nothing_happens(backend):
    x = normal((3, 4), np.float32)
    np.testing.assert_array_equal(layers.Dropout(0.5)(x).numpy(), x)
    np.testing.assert_array_equal(layers.Dropout(0.0)(x, training=True).numpy(), x)


def test_share_and_scale(backend):
    y = layers.Dropout(0.2, seed=1)(np.ones((200, 100)), training=True).numpy()
    assert set(np.unique(y)) == {np.float32(0), np.float32(1.25)}
    assert abs((y == 0).mean() - 0.2) < 0.01


def test_the_gradient_goes_where_the_values_went(backend):
    x = pycnn.Tensor(np.ones((20, 10), np.float32), requires_grad=True)
    y = layers.Dropout(0.5)(x, training=True)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.numpy())


def test_everything_may_be_dropped(backend):
    assert not layers.Dropout(1)(np.ones((2, 3)), training=True).numpy().any()


def test_whole_maps(backend):
    y = layers.Dropout(0.5, noise_shape=(None, 1, 1, None))(np.ones((8, 5, 5, 8)), training=True).numpy()
    assert (y == y[:, :1, :1]).all()
    assert 0 < (y == 0).mean() < 1


def test_seeds(backend):
    x = np.ones((10, 10))

    def choices(layer):
        return [layer(x, training=True).numpy() for _ in range(2)]

    one, two = choices(layers.Dropout(0.5, seed=3)), choices(layers.Dropout(0.5, seed=3))
    np.testing.assert_array_equal(one, two)
    assert (one[0] != one[1]).any()
    pycnn.utils.set_random_seed(5)
    one = choices(layers.Dropout(0.5))
    pycnn.utils.set_random_seed(5)
    np.testing.assert_array_equal(one, choices(layers.Dropout(0.5)))


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_wrong_rate(rate):
    with pytest.raises(ValueError, match=rf"rate must lie in \[0, 1\]. Received: rate={rate}"):
        layers.Dropout(rate)


def test_wrong_seed():
    with pytest.raises(ValueError, match="seed must be an integer >= 0 or None. Received: seed='x'"):
        layers.Dropout(0.5, seed="x")
