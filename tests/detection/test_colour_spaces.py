"""Colour spaces and Gaussian filters, against scikit-image and SciPy."""

import numpy as np
import pytest
from helpers import assert_close
from scipy import ndimage
from skimage import color

from pycnn.detection import colour_spaces

RGB = np.random.default_rng(0).random((9, 7, 3)).astype(np.float32)
CORNERS = np.float32([[[r, g, b] for g in (0, 1) for b in (0, 0.5, 1)] for r in (0, 0.02, 1)])


@pytest.mark.parametrize("rgb", [RGB, CORNERS], ids=["random", "corners"])
def test_hsv_and_lab_are_those_of_scikit_image(rgb):
    assert_close(colour_spaces.to_hsv(rgb), color.rgb2hsv(rgb.astype(np.float64)))
    lab = color.rgb2lab(rgb.astype(np.float64))
    assert_close(colour_spaces.to_lab(rgb), (lab + np.array([0, 128, 128])) / [100, 255, 255])


def test_by_hand():
    rgb = np.float32([[[1, 0, 0], [0.25, 0.5, 0.25], [0, 0, 0]]])
    np.testing.assert_allclose(colour_spaces.to_hsv(rgb), [[[0, 1, 1], [1 / 3, 0.5, 0.5], [0, 0, 0]]], atol=1e-7)
    np.testing.assert_allclose(colour_spaces.to_hue(rgb), [[[0], [1 / 3], [0]]], atol=1e-7)
    np.testing.assert_allclose(colour_spaces.to_intensity(rgb), [[[1 / 3], [1 / 3], [0]]], rtol=1e-6)
    np.testing.assert_allclose(
        colour_spaces.to_rgi(rgb), [[[1, 0, 1 / 3], [0.25, 0.5, 1 / 3], [1 / 3, 1 / 3, 0]]], rtol=1e-6
    )


@pytest.mark.parametrize("space", colour_spaces.SPACES)
def test_all_channels_are_float32_from_0_to_1(space):
    image = colour_spaces.SPACES[space](np.concatenate([RGB, CORNERS.repeat(2, axis=1)[:, :7]]))
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.min() >= 0
    assert image.max() <= 1 + 1e-6


@pytest.mark.parametrize("sigma", [0.5, 0.8, 2.0])
def test_filters_are_those_of_scipy(sigma):
    def expected(orders):
        return ndimage.gaussian_filter(RGB.astype(np.float64), (sigma, sigma, 0), (*orders, 0), mode="reflect")

    assert_close(colour_spaces.blur(RGB, sigma), expected((0, 0)))
    assert_close(colour_spaces.slopes(RGB, sigma), np.stack([expected((1, 0)), expected((0, 1))]))


def test_no_blur():
    np.testing.assert_array_equal(colour_spaces.blur(RGB, 0), RGB)


def test_a_ramp_has_its_slope():
    ramp = np.float32(3 * np.arange(20)[:, None, None] - np.arange(15)[:, None])
    down, right = colour_spaces.slopes(ramp)[:, 5:-5, 5:-5]
    np.testing.assert_allclose(down, 3, rtol=2e-4)
    np.testing.assert_allclose(right, -1, rtol=2e-4)
