"""plot_segmentation: which pixels have which colour, and what stands above them."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pycnn.visualize import canvas, plot_segmentation

IMAGES = np.full((2, 2, 4, 3), 0.5, np.float32)
TRUTH = np.array([[[0, 1, 1, 2]] * 2, [[0] * 4] * 2])
FOUND = np.array([[[0, 1, 2, 2]] * 2, [[0] * 4] * 2])
GREY = (0.8, 0.8, 0.8)  # black becomes 0.6


def drawn(figure):
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes]


def tint(number):
    return 0.2 * np.array(GREY) + 0.8 * np.array(to_rgb(canvas.class_colour(number)))


def test_each_class_has_its_colour_and_the_ground_none():
    figure = plot_segmentation(IMAGES, FOUND, TRUTH)
    pictures, truth, found = (drawn(figure)[k : k + 2] for k in (0, 2, 4))
    np.testing.assert_allclose(pictures, IMAGES)
    np.testing.assert_allclose(truth[0], [[GREY, tint(1), tint(1), tint(2)]] * 2, rtol=1e-6)
    np.testing.assert_allclose(found[0], [[GREY, tint(1), tint(2), tint(2)]] * 2, rtol=1e-6)
    for overlay in (truth[1], found[1]):
        np.testing.assert_allclose(overlay, np.broadcast_to(GREY, (2, 4, 3)), rtol=1e-6)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["", "", "truth", "truth", "mean IoU 0.67", "mean IoU 1.00"]  # (1 + 1/2 + 1/2) / 3
    words = {text.get_text(): text.get_color() for text in figure.texts}
    assert {name: words[name] for name in "12"} == {"1": canvas.class_colour(1), "2": canvas.class_colour(2)}


def test_without_truth_and_with_names():
    figure = plot_segmentation(IMAGES, FOUND, class_names=["sky", "dog", "cat"], background=None, title="Animals")
    assert figure.get_suptitle() == "Animals"
    assert len(figure.axes) == 4
    np.testing.assert_allclose(drawn(figure)[3], [[tint(0)] * 4] * 2, rtol=1e-6)
    assert {"sky", "dog", "cat"} <= {text.get_text() for text in figure.texts}


def test_probabilities_are_as_good_as_classes():
    by_class = drawn(plot_segmentation(IMAGES, FOUND))
    for masks in (np.eye(3)[FOUND] * 0.5 + 0.1, np.eye(3)[FOUND].tolist(), FOUND[..., None]):
        np.testing.assert_array_equal(drawn(plot_segmentation(IMAGES, masks)), by_class)
    of_one = drawn(plot_segmentation(IMAGES, np.where(FOUND > 0, 0.6, 0.5)[..., None]))
    np.testing.assert_array_equal(of_one, drawn(plot_segmentation(IMAGES, FOUND > 0)))


def test_ignored_pixels_are_not_judged():
    truth = TRUTH.copy()
    truth[0, :, 2] = truth[1] = 255
    figure = plot_segmentation(IMAGES, FOUND, truth, ignore_class=255)
    assert [axis.get_title() for axis in figure.axes[4:]] == ["mean IoU 1.00", "nothing to judge"]
    np.testing.assert_allclose(drawn(figure)[2][:, 2], [GREY] * 2)
    assert "255" not in {text.get_text() for text in figure.texts}


def test_rows_and_numbers_of_images():
    figure = plot_segmentation([np.zeros((3, 5))] * 5, np.zeros((5, 3, 5), int), max_images=3, columns=2)
    assert figure.get_suptitle() == "Classes of pixels of 5 images, 3 shown"
    assert [image.shape for image in drawn(figure)] == [(3, 5), (3, 5), (3, 5, 3), (3, 5, 3), (3, 5), (3, 5, 3)]
    mixed = plot_segmentation([np.zeros((3, 5)), np.zeros((4, 4, 3))], [np.ones((3, 5), int), np.ones((4, 4), int)])
    assert [image.shape[:2] for image in drawn(mixed)] == [(3, 5), (4, 4)] * 2
    alone = plot_segmentation(np.zeros((3, 5)), np.ones((3, 5), int))
    assert len(alone.axes) == 2


@pytest.mark.parametrize(
    ("images", "masks", "truth", "message"),
    [
        (IMAGES, FOUND[:1], None, "images and masks must be equally many, one or more. Received: 2 images, 1 masks"),
        (IMAGES[:0], FOUND[:0], None, "Received: 0 images, 0 masks"),
        (IMAGES, FOUND, TRUTH[:1], "images and truth must be equally many, one or more. Received: 2 images, 1 truth"),
        (IMAGES, FOUND[:, :1], None, r"masks must have the size of their images, \(2, 4\) .* shape=\(1, 4\)"),
        (IMAGES, FOUND, TRUTH - 1, "truth must be class numbers >= 0.* Received: truth from -1 to 1, int"),
        (IMAGES, FOUND / 2, None, "masks must be class numbers >= 0.* Received: masks from 0.0 to 1.0, float64"),
    ],
)
def test_errors(images, masks, truth, message):
    with pytest.raises(ValueError, match=message):
        plot_segmentation(images, masks, truth)
