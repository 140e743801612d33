"""Scenes to detect digits in: one to three real handwritten digits on a piece of a real photograph. No download.

Each picture has 56 x 56 pixels and three colours. The digits are scikit-learn's, enlarged, in colours that stand out.
Digits and photographs of the training pictures do not occur in the test pictures.
"""

from typing import NamedTuple

import numpy as np

from pycnn.datasets import digits, photographs
from pycnn.datasets.digit_crops import check_request, in_turn
from pycnn.datasets.digit_ink import COLOURS, HALF, contrasting_colours, draw_ink, ink_boxes, paint
from pycnn.detection.records import AnnotatedImages, GroundTruth

SIZE = 56
HEIGHTS = (14, 26)
"""Of the digits, in pixels: the smallest and the largest."""
MOST = 3
"""Digits in a picture."""
OVERLAP = 0.05
"""The part of a box that another one of its picture may cover, at most."""
_WINDOW = HEIGHTS[1] + 1
_SPAN = np.arange(_WINDOW)
CLASS_NAMES = tuple(map(str, range(10)))
COLOUR_NAMES = tuple(COLOURS)


class DigitScenes(NamedTuple):
    """Pictures, and all that is known of the digits in them: one row a digit, those of a picture together.

    The attributes are ``images`` (n, 56, 56, 3) uint8; ``counts`` (n,), how many digits are in each; and of each digit
    ``boxes`` (m, 4) float32, the extent of the ink; ``labels`` (m,), 0 to 9; ``colours`` (m,), which of
    ``COLOUR_NAMES``; ``heights`` (m,), in pixels: of the digit as it was written, whose edge may be without ink.
    ``masks`` (n, 56, 56) uint8 has the class of each pixel: 0 is ground, 1 + its label is a digit that inks half of it.
    """

    images: np.ndarray
    counts: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    colours: np.ndarray
    heights: np.ndarray
    masks: np.ndarray

    def split(self, column):
        """Return the rows of a column, such as ``scenes.colours``, as a list with an array for each picture."""
        return np.split(column, np.cumsum(self.counts)[:-1])


def load_data(seed=0, train_size=6000, test_size=400):
    """Make the pictures and their truth; it takes a few seconds.

    Parameters
    ----------
    seed : int
        Of places, sizes, colours and backgrounds. Which digits are training digits does not depend on it: those of
        ``pycnn.datasets.digits.load_data()``, three quarters of all.
    train_size, test_size : int
        Numbers of pictures. Of each part every digit is used as often as every other one, or once more.

    Returns
    -------
    train, test : AnnotatedImages
        Images (n, 56, 56, 3) uint8 and the classes "0" to "9". Digits are 14 to 26 pixels high; a box is the extent
        of the ink, and no box covers more than 5 % of another one.

    Raises
    ------
    ImportError
        If scikit-learn, scikit-image or matplotlib is missing.

    Examples
    --------
    >>> train, test = load_data(train_size=60, test_size=20)
    >>> train.images.shape, len(test), test.class_names[7]
    ((60, 56, 56, 3), 20, '7')
    """
    parts = []
    for scenes in make_scenes(seed, train_size, test_size):
        truth = map(GroundTruth, scenes.split(scenes.boxes), scenes.split(scenes.labels))
        parts.append(AnnotatedImages(scenes.images, truth, CLASS_NAMES))
    return tuple(parts)


def make_scenes(seed=0, train_size=6000, test_size=400):
    """Make the pictures of ``load_data``, and return what it leaves out, too: colours, heights, and where the ink is.

    Returns
    -------
    train, test : DigitScenes

    Examples
    --------
    >>> scenes, _ = make_scenes(train_size=2, test_size=1)
    >>> len(scenes.labels) == len(scenes.boxes) == sum(scenes.counts.tolist())
    True
    >>> {COLOUR_NAMES[i] for i in scenes.colours} <= {"red", "green", "blue", "yellow", "white", "black"}
    True
    >>> set((scenes.masks[scenes.masks > 0] - 1).tolist()) == set(scenes.labels.tolist())
    True
    """
    check_request(seed, train_size, test_size)
    sizes, names = (train_size, test_size), (photographs.TRAINING, photographs.TEST)
    return tuple(
        _make(*real, count, photos, np.random.default_rng([part, int(seed)]))
        for part, (real, count, photos) in enumerate(zip(digits.load_data(), sizes, names, strict=True))
    )


def _make(digit_images, labels, count, photos, generator):
    """Put one to ``MOST`` digits on each of ``count`` pieces of photographs."""
    counts = generator.integers(1, MOST + 1, count)
    chosen = in_turn(counts.sum(), len(labels), generator)
    heights, tops, lefts, boxes = _arrange(digit_images[chosen, ..., 0], counts, generator)
    images = photographs.random_pieces(photos, count, SIZE, generator)
    masks = np.zeros(images.shape[:3], np.uint8)
    colours, first = np.empty(len(chosen), np.int64), np.cumsum(counts) - counts
    for k in range(MOST):  # the k-th digit of every picture that has so many
        pictures = np.flatnonzero(counts > k)
        mine = first[pictures] + k
        ink, rows, columns = _draw(digit_images[chosen[mine], ..., 0], heights[mine], tops[mine], lefts[mine])
        around = pictures[:, None, None], rows[:, :, None], columns[:, None]
        ground = images[around]
        colours[mine], shades = contrasting_colours(ground, ink, generator)
        images[around] = paint(ground, ink, shades)
        masks[around] = np.where(ink >= HALF, labels[chosen[mine], None, None] + 1, masks[around])
    return DigitScenes(images, counts, boxes, labels[chosen], colours, heights, masks)


def _draw(digit_images, heights, tops, lefts):
    """The ink of each digit in the window around it, and the window's rows and columns in the picture."""
    y, x = (np.minimum(first.astype(int), SIZE - _WINDOW) for first in (tops, lefts))
    return draw_ink(digit_images, heights, tops - y, lefts - x, _WINDOW), *(c[:, None] + _SPAN for c in (y, x))


def _arrange(digit_images, counts, generator):
    """Heights, places and boxes of all digits; those of a picture are drawn until they leave each other free."""
    owners = np.repeat(np.arange(len(counts)), counts)
    rank = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)  # 0 is the first one of a picture
    placed, boxes = np.empty((3, len(owners))), np.empty((len(owners), 4), np.float32)
    pending = np.ones(len(counts), bool)
    while pending.any():
        mine = np.flatnonzero(pending[owners])
        heights = generator.uniform(*HEIGHTS, len(mine))
        tops, lefts = generator.random((2, len(mine))) * (SIZE - heights)
        ink, rows, columns = _draw(digit_images[mine], heights, tops, lefts)
        placed[:, mine] = heights, tops, lefts
        boxes[mine] = ink_boxes(ink) + np.stack([columns[:, 0], rows[:, 0]] * 2, axis=1)
        pending[:] = False
        for k in range(1, MOST):
            later = np.flatnonzero(rank == k)
            for back in range(1, k + 1):
                crowded = _covered(boxes[later], boxes[later - back]) > OVERLAP
                pending[owners[later[crowded]]] = True
    return *placed, boxes


def _covered(boxes, others):
    """The part of the smaller one of two boxes that the other one covers."""
    low, high = np.maximum(boxes[:, :2], others[:, :2]), np.minimum(boxes[:, 2:], others[:, 2:])
    smaller = np.minimum(*((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others)))
    return np.maximum(high - low, 0).prod(axis=1) / smaller
