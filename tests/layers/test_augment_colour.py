"""RandomContrast, RandomBrightness, RandomInvert, RandomErasing, RandomGrayscale."""

import functools

import numpy as np
import pytest
from helpers import assert_close, normal, run_layer_test

from pycnn import layers

MAKERS = {
    "RandomContrast": functools.partial(layers.RandomContrast, 0.3, value_range=(0, 1)),
    "RandomBrightness": functools.partial(layers.RandomBrightness, 0.3, value_range=(0, 1)),
    "RandomInvert": functools.partial(layers.RandomInvert, (0.5, 0.5), value_range=(0, 1)),
    "RandomErasing": functools.partial(layers.RandomErasing, (0.5, 0.5), value_range=(0, 1)),
    "RandomGrayscale": functools.partial(layers.RandomGrayscale, 0.5),
}


def pictures(count=40):
    return np.random.default_rng(0).uniform(0.4, 0.6, (count, 5, 6, 3)).astype(np.float32)


@pytest.mark.parametrize("name", MAKERS)
def test_layers(backend, name, tmp_path):
    run_layer_test(MAKERS[name], normal((3, 4, 5, 3)), (3, 4, 5, 3), tmp_path)


@pytest.mark.parametrize("name", MAKERS)
def test_training_seeds_and_layouts(backend, name):
    x = pictures()
    make = MAKERS[name]
    y = make(seed=2)(x, training=True).numpy()
    assert y.dtype == np.float32
    assert (y != x).any()
    np.testing.assert_array_equal(make(seed=2)(x, training=True).numpy(), y)
    np.testing.assert_array_equal(make()(x, training=False).numpy(), x)
    if name != "RandomErasing":  # its noise is drawn in the layout of the images
        first = make(seed=2, data_format="channels_first")(x.transpose(0, 3, 1, 2), training=True).numpy()
        assert_close(first.transpose(0, 2, 3, 1), y, 1e-6)


@pytest.mark.parametrize(("factor", "low", "high"), [(0.3, 0.7, 1.3), ((0.5, 0.1), 0.9, 1.5), ((0.0, 0.2), 1.0, 1.2)])
def test_contrast(backend, factor, low, high):
    x = pictures(300)
    y = layers.RandomContrast(factor, (0, 1), seed=0)(x, training=True).numpy()
    mean = x.mean((1, 2), keepdims=True)
    multipliers = ((y - mean) * (x - mean)).sum((1, 2)) / ((x - mean) ** 2).sum((1, 2))
    assert_close(multipliers, np.broadcast_to(multipliers[:, :1], (300, 3)), 1e-4)  # all channels alike
    assert low - 1e-4 <= multipliers.min() < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < multipliers.max() <= high + 1e-4


def test_brightness(backend):
    x = pictures(300)
    y = layers.RandomBrightness((-0.1, 0.2), (0, 2), seed=0)(x, training=True).numpy()
    shifts = (y - x).reshape(300, -1)
    assert np.ptp(shifts, axis=1).max() < 1e-6
    assert -0.2 - 1e-6 <= shifts.min() < -0.15
    assert 0.35 < shifts.max() <= 0.4 + 1e-6
    assert layers.RandomBrightness((1.0, 1.0))(np.ones((1, 2, 2, 1)), training=True).numpy().max() == 255


def test_invert(backend):
    x = pictures(200)
    y = layers.RandomInvert((0.3, 0.3), (0, 1), seed=0)(x, training=True).numpy()
    inverted = np.array([(image == 1 - old).all() for image, old in zip(y, x, strict=True)])
    kept = np.array([(image == old).all() for image, old in zip(y, x, strict=True)])
    assert (inverted ^ kept).all()
    assert 0.2 < inverted.mean() < 0.4


@pytest.mark.parametrize("fill_value", [0.25, [0.1, 0.2, 0.3]])
def test_erasing(backend, fill_value):
    x = np.random.default_rng(0).uniform(0.4, 0.6, (200, 20, 30, 3)).astype(np.float32)
    y = layers.RandomErasing((0.6, 0.6), (0.04, 0.25), fill_value, (0, 1), seed=0)(x, training=True).numpy()
    filled = (y == np.float32(fill_value)).all(-1)
    np.testing.assert_array_equal(y[~filled], x[~filled])
    chosen = filled.any((1, 2))
    assert 0.5 < chosen.mean() < 0.7
    for image in filled[chosen]:
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        assert image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()  # one rectangle
        assert 3 <= len(rows) <= 11  # between sqrt(.04) and sqrt(.25) of 20 rows, and one for rounding
        assert 5 <= len(columns) <= 16


def test_noise_fills_by_default(backend):
    y = layers.RandomErasing((1.0, 1.0), (1.0, 1.0), seed=0)(np.full((2, 9, 9, 3), 7.0), training=True).numpy()
    assert y.min() == 0
    assert y.max() == 255
    assert len(np.unique(y)) > 100


def test_grey(backend):
    x = pictures(200)
    y = layers.RandomGrayscale(0.7, seed=0)(x, training=True).numpy()
    grey = (y == y[..., :1]).all((1, 2, 3))
    assert 0.6 < grey.mean() < 0.8
    expected = x @ np.float32([0.2989, 0.587, 0.114])
    assert_close(y[grey][..., 0], expected[grey])
    np.testing.assert_array_equal(y[~grey], x[~grey])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.RandomContrast(1.5), r"factor must be a number.*in \[0, 1\]"),
        (lambda: layers.RandomBrightness((0, 1, 1)), r"factor must be a number.*in \[-1, 1\]"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), "value_range must be a pair"),
        (lambda: layers.RandomErasing(scale=(0.1, 2)), "scale must be a number"),
        (lambda: layers.RandomGrayscale(2), r"factor must lie in \[0, 1\]"),
        (lambda: layers.RandomGrayscale()(np.zeros((1, 2, 2, 1)), training=True), "inputs must have 3 channels"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
