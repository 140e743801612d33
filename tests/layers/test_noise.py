"""GaussianNoise, GaussianDropout, AlphaDropout, SpatialDropout."""

import functools

import numpy as np
import pytest
from helpers import normal, run_layer_test

import pycnn
from pycnn import layers

MAKERS = {
    "GaussianNoise": (functools.partial(layers.GaussianNoise, 0.4), (3, 4)),
    "GaussianDropout": (functools.partial(layers.GaussianDropout, 0.4), (3, 4)),
    "AlphaDropout": (functools.partial(layers.AlphaDropout, 0.4), (3, 4)),
    "SpatialDropout1D": (functools.partial(layers.SpatialDropout1D, 0.4), (3, 4, 2)),
    "SpatialDropout2D": (functools.partial(layers.SpatialDropout2D, 0.4), (3, 4, 2, 2)),
}


@pytest.mark.parametrize("name", MAKERS)
def test_layers(backend, name, tmp_path):
    make, shape = MAKERS[name]
    run_layer_test(make, normal(shape), shape, tmp_path)


@pytest.mark.parametrize("name", MAKERS)
def test_seeds_and_dtypes(backend, name):
    make, shape = MAKERS[name]
    x = normal(shape, np.float32)
    one, two = make(seed=3), make(seed=3)
    y = one(x, training=True).numpy()
    assert y.dtype == np.float32
    np.testing.assert_array_equal(two(x, training=True).numpy(), y)
    assert make(seed=3, dtype="float64")(x, training=True).dtype == np.float64
    np.testing.assert_array_equal(one(x, training=False).numpy(), x)


@pytest.mark.parametrize(
    ("layer", "mean", "deviation"),
    [
        (layers.GaussianNoise(0.25, seed=0), 2.0, 0.25),
        (layers.GaussianDropout(0.2, seed=0), 2.0, 2 * 0.5),  # 2 * sqrt(.2 / .8)
    ],
)
def test_moments(backend, layer, mean, deviation):
    y = layer(np.full((300, 300), 2.0), training=True).numpy()
    assert abs(y.mean() - mean) < 0.02
    assert abs(y.std() - deviation) < 0.02


def test_alpha_dropout_keeps_mean_and_variance(backend):
    x = normal((400, 400), np.float32)
    y = layers.AlphaDropout(0.3, seed=0)(x, training=True).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    share = counts.max() / y.size  # all that was dropped has one value
    assert abs(share - 0.3) < 0.01
    limit, scale = -1.7580993, (0.7 * (1 + 0.3 * 1.7580993**2)) ** -0.5
    assert values[counts.argmax()] == pytest.approx(scale * limit * 0.7, rel=1e-5)


def test_alpha_dropout_noise_shape(backend):
    y = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=0)(np.ones((20, 5)), training=True).numpy()
    assert (y == y[:, :1]).all()
    assert len(np.unique(y)) == 2


def test_the_gradient_of_alpha_dropout(backend):
    x = pycnn.Tensor(normal((20, 10)), requires_grad=True)
    y = layers.AlphaDropout(0.5, seed=1, dtype="float64")(x, training=True)
    y.sum().backward()
    scale = (0.5 * (1 + 0.5 * 1.7580993408473766**2)) ** -0.5
    dropped = scale * -1.7580993408473766 * 0.5  # what SELU tends to, scaled and shifted
    kept = ~np.isclose(y.numpy(), dropped, rtol=1e-12)
    assert 0.3 < kept.mean() < 0.7
    np.testing.assert_allclose(x.grad.numpy(), kept * scale, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "map_axes"),
    [
        (layers.SpatialDropout1D(0.5, seed=0), (8, 5, 8), (1,)),
        (layers.SpatialDropout2D(0.5, seed=0), (8, 5, 4, 8), (1, 2)),
        (layers.SpatialDropout2D(0.5, "channels_first", seed=0), (8, 8, 4, 5), (2, 3)),
    ],
)
def test_whole_maps(backend, layer, shape, map_axes):
    y = layer(np.ones(shape), training=True).numpy()
    first = y.min(map_axes, keepdims=True)
    assert (y == first).all()
    assert set(np.unique(y)) == {0.0, 2.0}
    assert 0.2 < (first == 0).mean() < 0.8
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.GaussianNoise(2), r"stddev must lie in \[0, 1\]"),
        (lambda: layers.GaussianDropout(1.0), r"rate must lie in \[0, 1\)"),
        (lambda: layers.AlphaDropout(-0.1), r"rate must lie in \[0, 1\)"),
        (lambda: layers.SpatialDropout2D(0.1, "last"), "data_format must be"),
        (lambda: layers.SpatialDropout2D(0.1)(np.zeros((2, 3))), "inputs must have 4 axes"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
