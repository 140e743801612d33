"""plot_filters: which weights, in which place, on which scale."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.visualize import plot_filters


def images(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.images]


def test_filters_on_one_channel_are_drawn_around_zero():
    kernel = normal((5, 4, 1, 6))
    drawn = images(plot_filters(kernel))
    assert len(drawn) == 6
    for i, image in enumerate(drawn):
        np.testing.assert_array_equal(image.get_array(), kernel[:, :, 0, i])
        assert image.get_clim() == (-np.abs(kernel).max(), np.abs(kernel).max())
        np.testing.assert_allclose(image.cmap(image.norm(0.0))[:3], 1, atol=0.04)  # zero is white


def test_filters_on_colours_are_colours():
    kernel = np.zeros((3, 3, 3, 2))
    kernel[0, 0, 0, 0] = 2.0  # filter 0 wants red
    kernel[1, 1, 2, 1] = -4.0  # filter 1 shuns blue
    first, second = images(plot_filters(kernel))
    np.testing.assert_array_equal(first.get_array()[0, 0], [1, 0.5, 0.5])
    np.testing.assert_array_equal(second.get_array()[1, 1], [0.5, 0.5, 0])
    np.testing.assert_array_equal(second.get_array()[0, 0], [0.5, 0.5, 0.5])


def test_more_channels_make_a_table():
    kernel = normal((3, 3, 5, 4))
    figure = plot_filters(kernel)
    drawn = images(figure)
    assert len(drawn) == 20
    np.testing.assert_array_equal(drawn[4 * 2 + 3].get_array(), kernel[:, :, 2, 3])  # row: channel, column: filter
    assert titles(figure) == ["0", "1", "2", "3"] + [""] * 16
    assert [figure.axes[4 * r].get_ylabel() for r in range(5)] == [f"in {r}" for r in range(5)]


def test_too_many_are_cut_and_said_so():
    figure = plot_filters(normal((3, 3, 20, 70)), max_filters=7, max_channels=5)
    assert len(images(figure)) == 5 * 7
    assert figure.get_suptitle() == "Filters: 70 filters 3 x 3 x 20, the first 7, channels 0 to 4"


def test_sources():
    model = pycnn.Sequential(
        [
            layers.Input((9, 9, 1)),
            layers.ZeroPadding2D(1),
            layers.Conv2D(2, 3, name="first"),
            layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise"),
        ]
    )
    assert plot_filters(model).get_suptitle() == "first: 2 filters 3 x 3"
    assert plot_filters(model, "depthwise").get_suptitle() == "depthwise: 4 filters 3 x 3"
    assert plot_filters(model, -1).get_suptitle() == "depthwise: 4 filters 3 x 3"
    assert plot_filters(model.layers[1], title="Mine").get_suptitle() == "Mine"
    drawn = images(plot_filters(model, "depthwise"))
    kernel = model.get_layer("depthwise").kernel.numpy()
    np.testing.assert_array_equal(drawn[3].get_array(), kernel[:, :, 1, 1])
    assert len(images(plot_filters(pycnn.Tensor(np.ones((3, 3, 1, 1)))))) == 1


def test_zeros_can_be_drawn():
    assert images(plot_filters(np.zeros((3, 3, 1, 1))))[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_filters(np.ones((3, 3))), r"Received: source.shape=\(3, 3\)"),
        (lambda: plot_filters(np.ones((3, 3, 1, 0))), r"Received: source.shape=\(3, 3, 1, 0\)"),
        (lambda: plot_filters(layers.Dense(3, name="d")), "must have a 4-axis kernel.*Received: source='d'"),
        (lambda: plot_filters(layers.Conv2D(3, 3, name="c")), "no weights yet: build it.*Received: source='c'"),
        (lambda: plot_filters(np.ones((3, 3, 1, 1)), layer=0), "only makes sense with a model. Received: layer=0"),
        (lambda: plot_filters(pycnn.Sequential([layers.Dense(2)], name="m")), "a layer with filters.*source='m'"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
