"""Digit scenes described: each digit of ``pycnn.detection.datasets.digit_scenes`` in words. No download.

A sentence is "a", a size, a colour and a digit: "a small red seven". These are 19 words.
"""

import numpy as np

from pycnn.captioning.records import DescribedImages, DescribedRegions
from pycnn.detection.datasets import digit_scenes

SMALL = 20.0
"""Digits that are less high, in pixels as they were written, are small, the others large: the middle of all heights."""
SIZES = ("small", "large")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def describe(label, colour, height):
    """Return the sentence for a digit: 0 to 9, which of ``digit_scenes.COLOUR_NAMES``, and how many pixels high.

    Examples
    --------
    >>> describe(7, digit_scenes.COLOUR_NAMES.index("red"), 14.5)
    'a small red seven'
    """
    return f"a {SIZES[int(height >= SMALL)]} {digit_scenes.COLOUR_NAMES[colour]} {DIGITS[label]}"


def load_data(seed=0, train_size=6000, test_size=400):
    """Make the pictures and their descriptions; it takes a few seconds.

    Parameters
    ----------
    seed, train_size, test_size : int
        As of ``pycnn.detection.datasets.digit_scenes.load_data``, whose images and boxes these are.

    Returns
    -------
    train, test : DescribedImages
        Images (n, 56, 56, 3) uint8, and one to three described boxes in each; ``labels`` are the digits, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn, scikit-image or matplotlib is missing.

    Examples
    --------
    >>> train, test = load_data(train_size=60, test_size=20)
    >>> train.images.shape, len(test), len(train.captions[0].split())
    ((60, 56, 56, 3), 20, 4)
    """
    parts = []
    for scenes in digit_scenes.make_scenes(seed, train_size, test_size):
        captions = list(map(describe, scenes.labels, scenes.colours, scenes.heights))
        bounds = np.cumsum(scenes.counts)
        truth = [
            DescribedRegions(scenes.boxes[end - count : end], captions[end - count : end])
            for count, end in zip(scenes.counts, bounds, strict=True)
        ]
        parts.append(DescribedImages(scenes.images, truth, scenes.split(scenes.labels)))
    return tuple(parts)
