"""plot_filters: which weights, in which place, on which scale."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.visualize import plot_filters


def images(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


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


def cell(figure, channel, index, size, rows, columns):
    """The part of a table that shows one channel of one filter, at one pixel a weight."""
    table = figure.axes[0].images[0].get_array()
    step_y, step_x = (table.shape[0] + 4) // rows, (table.shape[1] + 4) // columns  # four pixels between filters
    fine = (step_x - 4) // size
    assert np.ma.getmaskarray(np.ma.masked_invalid(table))[:, step_x - 4 : step_x].all()
    part = table[channel * step_y :, index * step_x :][: step_y - 4, : step_x - 4]
    return part[fine // 2 :: fine, fine // 2 :: fine]


def test_more_channels_make_a_table():
    kernel = normal((3, 3, 5, 4))
    figure = plot_filters(kernel)
    axis = figure.axes[0]
    for channel, index in ((0, 0), (2, 3), (4, 1)):
        np.testing.assert_array_equal(cell(figure, channel, index, 3, 5, 4), kernel[:, :, channel, index])
    assert [t.get_text() for t in axis.get_xticklabels()] == ["0", "1", "2", "3"]
    assert [t.get_text() for t in axis.get_yticklabels()] == [f"in {r}" for r in range(5)]
    assert axis.images[0].get_clim() == (-np.abs(kernel).max(), np.abs(kernel).max())


def test_too_many_are_cut_and_said_so():
    kernel = normal((3, 3, 20, 70))
    figure = plot_filters(kernel, max_filters=7, max_channels=5)
    assert figure.get_suptitle() == "Filters: 70 filters 3 x 3 x 20, the first 7, channels 0 to 4"
    np.testing.assert_array_equal(cell(figure, 4, 6, 3, 5, 7), kernel[:, :, 4, 6])
    assert len(figure.axes[0].get_xticklabels()) == 7


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
