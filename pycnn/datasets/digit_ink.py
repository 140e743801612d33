"""Digits of 8 x 8 pixels drawn into pictures: at any size and place, in a colour that stands out.

Whole batches are drawn at once, one digit in each picture; for several in a picture the functions are called again.
"""

import numpy as np

COLOURS = {
    "red": (0.85, 0.10, 0.10),
    "green": (0.10, 0.65, 0.15),
    "blue": (0.10, 0.25, 0.90),
    "yellow": (0.98, 0.88, 0.10),
    "white": (0.97, 0.97, 0.97),
    "black": (0.04, 0.04, 0.04),
}
"""Name -> red, green and blue, in 0..1."""

_INK = 0.35, 0.65
"""Where a stroke's edge begins and ends, in the digit's grey values enlarged."""
HALF = 0.5
"""A pixel that is ink to so much of it, or more, is one of the digit's."""
_SENSE = np.sqrt(np.array([0.30, 0.59, 0.11], np.float32))
"""How much red, green and blue count in a distance between colours."""
_FEW = 0.15


def draw_ink(digits, heights, tops, lefts, size):
    """Enlarge digits (bilinear, then with sharper edges) and put each on an empty square.

    Parameters
    ----------
    digits : (n, 8, 8) array
        Strokes are 1, the rest is 0.
    heights : (n,) array
        Height and width of each digit, in pixels; ``tops`` and ``lefts``, (n,), are its upper left corner. None of
        them needs to be whole.
    size : int
        Height and width of the square.

    Returns
    -------
    numpy.ndarray
        (n, size, size) float32: 1 is ink.

    Examples
    --------
    >>> draw_ink(np.ones((1, 8, 8)), [2.0], [1.0], [0.0], 4)[0]
    array([[0., 0., 0., 0.],
           [1., 1., 0., 0.],
           [1., 1., 0., 0.],
           [0., 0., 0., 0.]], dtype=float32)
    """
    digits = np.asarray(digits, np.float32)
    down, across = (_taps(digits.shape[1], np.asarray(heights), np.asarray(first), size) for first in (tops, lefts))
    grey = down @ digits @ across.transpose(0, 2, 1)
    edge = np.clip((grey - _INK[0]) / (_INK[1] - _INK[0]), 0, 1)
    return edge * edge * (3 - 2 * edge)


def _taps(cells, lengths, first, size):
    """What each pixel takes of each cell, (n, size, cells): the cells on both sides of its centre, nothing beyond."""
    centres = (np.arange(size) + 0.5 - first[:, None]) / lengths[:, None] * cells - 0.5
    return np.maximum(0, 1 - np.abs(centres[..., None] - np.arange(cells))).astype(np.float32)


def ink_boxes(ink):
    """Return the extent of the ink in each square, (n, 4) float32: x1, y1, x2, y2, edges of pixels that are half ink.

    Examples
    --------
    >>> ink_boxes(draw_ink(np.ones((1, 8, 8)), [2.0], [1.0], [0.0], 4))
    array([[0., 1., 2., 3.]], dtype=float32)
    """
    sides = []
    for axis in (1, 2):
        some = (ink >= HALF).any(axis=axis)
        sides.append((some.argmax(axis=1), some.shape[1] - some[:, ::-1].argmax(axis=1)))
    (left, right), (top, bottom) = sides
    return np.stack([left, top, right, bottom], axis=1).astype(np.float32)


def contrasting_colours(images, ink, generator, alike=0.35, spread=0.06):
    """Choose for each picture one of ``COLOURS`` that differs from what its ink will cover.

    Parameters
    ----------
    images : (n, size, size, 3) uint8
    ink : (n, size, size)
    generator : numpy.random.Generator
    alike : float
        A pixel is like a colour if the two are no further apart, in 0..1, green counting most as in lightness. All
        colours stand to choice that few of the pixels beneath are like; where there is none, the one with fewest.
    spread : float
        Each red, green and blue varies by up to so much.

    Returns
    -------
    names : (n,) int64
        Which of ``COLOURS``, in their order.
    colours : (n, 3) float32
    """
    palette = np.array(list(COLOURS.values()), np.float32)
    beneath, share = images * (_SENSE / 255), np.empty((len(images), len(palette)))
    lengths, amount = (beneath * beneath).sum(axis=-1), np.maximum(ink.sum(axis=(1, 2)), 1e-6)
    for i, colour in enumerate(palette * _SENSE):
        squares = lengths - 2 * (beneath @ colour) + (colour * colour).sum()
        share[:, i] = ((squares <= alike * alike) * ink).sum(axis=(1, 2)) / amount
    names = np.where(share <= _FEW, -generator.random(share.shape), share).argmin(axis=1)
    colours = palette[names] + generator.uniform(-spread, spread, (len(names), 3))
    return names, np.clip(colours, 0, 1).astype(np.float32)


def paint(images, ink, colours):
    """Return pictures, (n, size, size, 3) uint8, with ink of these colours, (n, 3) in 0..1, on them."""
    ink = ink[..., None]
    return np.rint(images * (1 - ink) + 255 * colours[:, None, None].astype(np.float32) * ink).astype(np.uint8)
