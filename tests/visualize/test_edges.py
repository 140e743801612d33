"""plot_edges: which picture each filter gives."""

import numpy as np
import pytest

from pycnn.visualize import plot_edges


def pictures(figure):
    return {axis.get_title(): axis.images[0] for axis in figure.axes if axis.images}


STEP = np.repeat([[0.2] * 8 + [0.8] * 8], 16, axis=0)


def test_signed_filters_are_drawn_around_zero():
    shown = pictures(plot_edges(STEP, ["vertical_edges", "sobel_x"]))
    vertical, sobel = shown["vertical edges"], shown["sobel x"]
    assert vertical.get_clim() == sobel.get_clim() == (-1, 1)
    assert vertical.get_array()[5, 7] == pytest.approx(-1)  # from dark to bright the printed filter is negative
    assert sobel.get_array()[5, 7] == pytest.approx(1)
    assert sobel.get_array()[5, 2] == 0


def test_gradients_are_dark_where_they_are_strong():
    sobel = pictures(plot_edges(STEP, ["sobel"]))["sobel"].get_array()
    assert sobel[5, 7] == pytest.approx(0)
    assert sobel[5, 2] == 1


def test_blur_keeps_colours():
    image = np.zeros((12, 12, 3), np.uint8)
    image[..., 0] = 200
    shown = pictures(plot_edges(image, ["gaussian"]))
    np.testing.assert_allclose(shown["gaussian"].get_array()[6, 6], [200 / 255, 0, 0], atol=1e-5)
    np.testing.assert_allclose(shown["original"].get_array()[6, 6], [200 / 255, 0, 0], atol=1e-6)


@pytest.mark.parametrize("kind", ["bytes", "unit", "byte range", "one channel"])
def test_any_kind_of_image(kind):
    image = {
        "bytes": (255 * STEP).astype(np.uint8),
        "unit": STEP,
        "byte range": 255 * STEP,
        "one channel": STEP[..., None],
    }[kind]
    original = pictures(plot_edges(image, ["box"]))["original"].get_array()
    np.testing.assert_allclose(original, STEP, atol=1 / 255)


def test_arrays_with_titles():
    shown = pictures(plot_edges(STEP, {"my own": np.array([[-1.0, 1.0]]), "edges": "laplacian"}))
    assert set(shown) == {"original", "my own", "edges"}


@pytest.mark.parametrize("shape", [(10, 10), (10, 90), (90, 10), (200, 300)])
def test_panels_are_of_one_area_and_kernels_lie_inside(shape):
    figure = plot_edges(np.random.default_rng(0).random(shape), ["sobel_x"])
    figure.draw_without_rendering()
    assert max(figure.get_size_inches()) < 16
    panel, kernel = figure.axes[1], figure.axes[1].child_axes[0]
    outer, inner = panel.get_window_extent(), kernel.get_window_extent()
    assert outer.x0 < inner.x0 < inner.x1 < outer.x1
    assert outer.y0 < inner.y0 < inner.y1 < outer.y1


def test_errors():
    with pytest.raises(ValueError, match="image must be grey .* Received: image.shape="):
        plot_edges(np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="name must be one of"):
        plot_edges(STEP, ["sobol"])
