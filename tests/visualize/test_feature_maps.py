"""plot_feature_maps: the maps are those of the layers, on one scale a layer."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.visualize import plot_feature_maps


@pytest.fixture
def model():
    return pycnn.Sequential(
        [
            layers.Input((12, 12, 1)),
            layers.RandomRotation(0.1),
            layers.Conv2D(4, 3, activation="tanh", name="first"),
            layers.Dropout(0.5),
            layers.MaxPooling2D(2, name="pool"),
            layers.Conv2D(20, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3, name="dense"),
        ]
    )


def headings(figure):
    return [text.get_text() for text in figure.texts if " x " in text.get_text()]


def pictures_of(figure):
    return [axis.images[0] for axis in figure.axes if axis.images]


def ends(figure):
    """The numbers at both ends of the colour scales."""
    return [text.get_text() for text in figure.texts if " x " not in text.get_text()][1:]


def test_maps_are_those_of_the_layers(model):
    image = normal((12, 12, 1), np.float32)
    figure = plot_feature_maps(model, image)
    assert headings(figure) == [
        "input  12 x 12 x 1",
        "first  10 x 10 x 4",
        "pool  5 x 5 x 4",
        "second  3 x 3 x 20, 16 shown",
    ]
    pictures = pictures_of(figure)
    assert len(pictures) == 1 + 4 + 4 + 16
    np.testing.assert_array_equal(pictures[0].get_array(), image[:, :, 0])
    first = model.get_layer("first")(image[None]).numpy()[0]
    for c, picture in enumerate(pictures[1:5]):
        np.testing.assert_array_equal(picture.get_array(), first[:, :, c])
        assert picture.get_clim() == (-np.abs(first).max(), np.abs(first).max())  # tanh: signed, around 0
    assert len({picture.get_clim() for picture in pictures[9:]}) == 1
    assert pictures[9].get_clim()[0] == 0  # relu: from 0
    scale = f"{np.abs(first).max():.3g}"
    assert ends(figure)[:2] == [f"-{scale}", scale]
    assert ends(figure)[4] == "0"


def test_pictures_do_not_overlap(model):
    figure = plot_feature_maps(model, normal((12, 12, 1), np.float32))
    boxes = [axis.get_position() for axis in figure.axes]
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_chosen_layers(model):
    figure = plot_feature_maps(model, normal((12, 12), np.float32), layers=["pool", 4], max_maps=3, title="Mine")
    assert figure.get_suptitle() == "Mine"
    assert headings(figure)[1:] == ["pool  5 x 5 x 4, 3 shown", "second  3 x 3 x 20, 3 shown"]


def test_layers_of_any_model():
    """In a model in a model: what they gave when the whole model ran."""
    inner = pycnn.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(2, 3, name="deep")], name="inner")
    x = pycnn.Input((6, 6, 1))
    model = pycnn.Model(x, layers.Add()([inner(x), inner(x)]))
    image = normal((6, 6, 1), np.float32)
    shown = pictures_of(plot_feature_maps(model, image, ["deep"]))
    np.testing.assert_array_equal(shown[1].get_array(), inner(image[None]).numpy()[0, :, :, 0])
    assert len(shown) == 1 + 2 + 2  # it is called twice


def test_of_many_layers_the_last_of_each_size():
    parts = [layers.Conv2D(2, 3, padding="same", name=f"conv{i}") for i in range(14)]
    parts.insert(7, layers.MaxPooling2D(2, name="pool"))
    figure = plot_feature_maps(pycnn.Sequential(parts), normal((8, 8, 1), np.float32))
    assert headings(figure) == ["input  8 x 8 x 1", "conv6  8 x 8 x 2", "conv13  4 x 4 x 2"]


def test_nan_has_a_colour_of_its_own():
    image = np.ones((4, 4, 1), np.float32)
    image[0, 0] = np.nan
    drawn = pictures_of(plot_feature_maps(layers.Rescaling(3.0), image))[-1]
    assert drawn.get_clim() == (0, 3)
    red, green, blue, _ = drawn.cmap(drawn.norm(drawn.get_array()))[0, 0]
    assert green > red > blue


def test_colour_images_and_single_layers():
    figure = plot_feature_maps(layers.Conv2D(2, 3), np.full((1, 6, 6, 3), 255.0))
    shown = figure.axes[0].images[0].get_array()
    assert shown.shape == (6, 6, 3)
    assert shown.max() <= 1


def test_errors(model):
    with pytest.raises(ValueError, match=r"image must be one image.* Received: image.shape=\(2, 12, 12, 1\)"):
        plot_feature_maps(model, np.zeros((2, 12, 12, 1)))
    with pytest.raises(ValueError, match="Received: layer 'dense', whose output has the shape"):
        plot_feature_maps(model, np.zeros((12, 12, 1)), layers=["dense"])
    with pytest.raises(ValueError, match="model must have a layer with feature maps"):
        plot_feature_maps(pycnn.Sequential([layers.Flatten()]), np.ones((4, 4, 1)))
