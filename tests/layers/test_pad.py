"""ZeroPadding2D and Cropping2D."""

import functools

import numpy as np
import pytest
from helpers import normal, run_layer_test

from pycnn import layers


@pytest.mark.parametrize(("padding", "size"), [(1, (6, 7)), ((2, 0), (8, 5)), (((1, 2), (0, 3)), (7, 8))])
def test_zero_padding(backend, padding, size, tmp_path):
    run_layer_test(functools.partial(layers.ZeroPadding2D, padding), normal((2, 4, 5, 2)), (2, *size, 2), tmp_path)


@pytest.mark.parametrize(("cropping", "size"), [(1, (2, 3)), ((1, 0), (2, 5)), (((1, 2), (0, 3)), (1, 2))])
def test_cropping(backend, cropping, size, tmp_path):
    run_layer_test(functools.partial(layers.Cropping2D, cropping), normal((2, 4, 5, 2)), (2, *size, 2), tmp_path)


def test_one_undoes_the_other(backend):
    x = normal((2, 4, 5, 2), np.float32)
    sides = ((1, 2), (0, 3))
    wide = layers.ZeroPadding2D(sides)(x)
    assert wide.numpy().sum() == pytest.approx(x.sum(), rel=1e-5)
    np.testing.assert_array_equal(layers.Cropping2D(sides)(wide).numpy(), x)


@pytest.mark.parametrize("make", [layers.ZeroPadding2D, layers.Cropping2D])
def test_channels_first_gives_the_same(backend, make):
    x, sides = normal((2, 4, 5, 2), np.float32), ((1, 0), (0, 2))
    y = make(sides)(x).numpy()
    other = make(sides, data_format="channels_first")
    np.testing.assert_array_equal(other(x.transpose(0, 3, 1, 2)).numpy(), y.transpose(0, 3, 1, 2))
    assert other.compute_output_shape((None, 2, None, 5)) == (None, 2, None, y.shape[2])


def test_errors(backend):
    for make, argument in ((layers.ZeroPadding2D, "padding"), (layers.Cropping2D, "cropping")):
        for value in (-1, (1, 2, 3), "same", ((1, 2), (3,))):
            with pytest.raises(ValueError, match=f"{argument} must be an integer >= 0.*Received: {argument}="):
                make(value)
    with pytest.raises(ValueError, match=r"would leave nothing.*Received: cropping=\(\(2, 2\), \(0, 0\)\)"):
        layers.Cropping2D((2, 0))(np.zeros((1, 4, 4, 1)))
