"""plot_predictions: which images, and what stands above them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pycnn.visualize import canvas, plot_predictions

IMAGES = np.arange(4)[:, None, None] * np.ones((4, 6, 6))
PROBABILITIES = np.array([[0.9, 0.1, 0], [0.3, 0.7, 0], [0.2, 0.2, 0.6], [0.5, 0.1, 0.4]])
LABELS = np.array([0, 0, 2, 2])


def shown(figure):
    return [
        (a.get_title(), to_hex(a.title.get_color()), a.images[0].get_array()[0, 0]) for a in figure.axes if a.images
    ]


def test_guess_probability_and_truth():
    figure = plot_predictions(IMAGES, PROBABILITIES, LABELS)
    assert figure.get_suptitle() == "2 of 4 right"
    assert shown(figure) == [
        ("0 (90 %)", canvas.GREEN, 0),
        ("1 (70 %)\nis 0", canvas.RED, 1),
        ("2 (60 %)", canvas.GREEN, 2),
        ("0 (50 %)\nis 2", canvas.RED, 3),
    ]


def test_only_what_is_wrong_surest_first():
    figure = plot_predictions(IMAGES[::-1], PROBABILITIES[::-1], LABELS[::-1], only_wrong=True, class_names="abc")
    assert figure.get_suptitle() == "2 of 4 wrong"
    assert [title for title, *_ in shown(figure)] == ["b (70 %)\nis a", "a (50 %)\nis c"]


def test_without_labels():
    figure = plot_predictions(IMAGES, PROBABILITIES, max_images=2)
    assert figure.get_suptitle() == "Predictions, 2 shown"
    assert [(t, c) for t, c, _ in shown(figure)] == [("0 (90 %)", canvas.INK), ("1 (70 %)", canvas.INK)]


def test_class_numbers_and_one_hot_labels():
    figure = plot_predictions(IMAGES[..., None], [0, 1, 2, 0], np.eye(3)[LABELS])
    assert [title for title, *_ in shown(figure)] == ["0", "1\nis 0", "2", "0\nis 2"]


def test_one_probability_is_that_of_class_one():
    figure = plot_predictions(IMAGES, np.array([[0.9], [0.2], [0.6], [0.5]]), [1, 0, 0, 0])
    assert [title for title, *_ in shown(figure)] == ["1 (90 %)", "0 (80 %)", "1 (60 %)\nis 0", "0 (50 %)"]


def test_errors():
    with pytest.raises(ValueError, match="images and predictions must be equally many. Received: 4 images, 3"):
        plot_predictions(IMAGES, PROBABILITIES[:3])
    with pytest.raises(ValueError, match="images and labels must be equally many. Received: 4 images, 2"):
        plot_predictions(IMAGES, PROBABILITIES, [0, 1])
    with pytest.raises(ValueError, match="only_wrong needs labels"):
        plot_predictions(IMAGES, PROBABILITIES, only_wrong=True)
    with pytest.raises(ValueError, match=r"predictions must be \(n,\) class numbers or \(n, classes\)"):
        plot_predictions(IMAGES, np.zeros((4, 2, 2)))
