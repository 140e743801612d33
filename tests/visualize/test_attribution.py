"""plot_grad_cam, plot_saliency: which maps are drawn, where, on which scale."""

import numpy as np
import pytest
from helpers import normal

import pycnn
from pycnn import layers
from pycnn.visualize import grad_cam, plot_grad_cam, plot_saliency, saliency

IMAGES = np.abs(normal((3, 8, 8, 3), np.float32)) / 4


@pytest.fixture
def model():
    return pycnn.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="tanh", name="conv"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def images(figure):
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes if axis.images]


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.images and axis.get_title()]


def test_saliency_is_drawn_beneath_the_images(model):
    drawn = images(plot_saliency(model, IMAGES, target=1))
    maps = saliency(model, IMAGES, target=1)
    for i in range(3):
        np.testing.assert_allclose(drawn[i], np.clip(IMAGES[i], 0, 1))
        np.testing.assert_allclose(drawn[3 + i], maps[i] / np.percentile(maps[i], 99), rtol=1e-5)


def test_grad_cam_is_laid_over_the_images(model):
    """Where the map is 0 the picture stays grey; the brighter its colours, the more the map says."""
    drawn = images(plot_grad_cam(model, IMAGES * 0, target=2))
    cam = grad_cam(model, IMAGES * 0, target=2)
    assert not cam.any()
    for overlay in drawn[3:]:
        np.testing.assert_allclose(overlay, np.broadcast_to(overlay[0, 0], overlay.shape))
    drawn = images(plot_grad_cam(model, IMAGES, target=2, pictures=np.full((3, 8, 8), 0.5)))
    cam = grad_cam(model, IMAGES, target=2)
    for i in range(3):
        assert drawn[i].shape == (8, 8)
        order = np.argsort(cam[i].ravel())
        brightness = drawn[3 + i].sum(axis=-1).ravel()[order]
        if cam[i].any():
            assert brightness[-1] == brightness.max() > brightness[0]


def test_titles_say_the_class_and_its_probability(model):
    probabilities = model(IMAGES).numpy()
    best = probabilities.argmax(axis=1)
    expected = [f"{'abc'[c]} ({100 * p[c]:.0f} %)" for c, p in zip(best, probabilities, strict=True)]
    assert titles(plot_grad_cam(model, IMAGES, class_names="abc")) == expected
    assert titles(plot_saliency(model, IMAGES, [0, 1, 2])) == [
        f"{c} ({100 * probabilities[c, c]:.0f} %)" for c in range(3)
    ]
    assert titles(plot_saliency(model, IMAGES, target=lambda y: y[:, 0])) == []
    model.layers[-1].activation = pycnn.activations.get("linear")
    assert titles(plot_grad_cam(model, IMAGES, target=2)) == ["2", "2", "2"]


def test_rows_of_images_and_rows_of_maps_take_turns(model):
    figure = plot_saliency(model, IMAGES, columns=2)
    drawn = images(figure)
    assert [image.ndim for image in drawn] == [3, 3, 2, 2, 3, 2]
    scale = figure.axes[-1]
    assert scale.get_ylim() == (0, 1)
    assert scale.get_ylabel() == "share of the map's 99th percentile"


def test_errors(model):
    with pytest.raises(ValueError, match="Received: 3 images, 2 pictures"):
        plot_grad_cam(model, IMAGES, pictures=IMAGES[:2])
    with pytest.raises(ValueError, match="Received: 0 images, 0 pictures"):
        plot_saliency(model, IMAGES[:0])
