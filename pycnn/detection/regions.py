"""Regions of one image, for selective search: the first ones, what each looks like, and their merging.

The loops are compiled (``pycnn_ext.selective_search``) and leave Python's lock to other threads.
"""

from typing import NamedTuple

import numpy as np

from pycnn.detection.colour_spaces import blur, slopes
from pycnn_ext import selective_search as ext

COLOUR_BINS, TEXTURE_BINS = 25, 10
TERMS = {"c": "colour", "t": "texture", "s": "size", "f": "fill"}


class Regions(NamedTuple):
    """Regions and their neighbourhood: one row each.

    ``histograms`` (R, F) float32, of which the first ``colours`` numbers are of colours and the others of texture;
    ``sizes`` (R,) int32, pixels; ``boxes`` (R, 4) int32; ``pairs`` (E, 2) int32, which regions touch, the lower number
    first; and the ``pixels`` of the whole image.
    """

    histograms: np.ndarray
    sizes: np.ndarray
    boxes: np.ndarray
    pairs: np.ndarray
    colours: int
    pixels: int


def sorted_edges(image, sigma):
    """Return the edges between all pixels that touch, the lowest difference of colours first, for ``first_regions``."""
    height, width = image.shape[:2]
    keys = np.empty(4 * height * width - 3 * (height + width) + 2, np.uint64)
    ext.edge_costs(blur(image, sigma), keys)
    keys.sort()
    return keys


def first_regions(keys, shape, scale, min_size):
    """Segment an image (Felzenszwalb and Huttenlocher 2004).

    Parameters
    ----------
    keys : array
        What ``sorted_edges`` returned.
    shape : (height, width)
    scale : float
        The larger, the larger are regions: k of the paper, whose colours are in 0..255.
    min_size : int
        Pixels of the smallest region that may remain.

    Returns
    -------
    labels : (height, width) int32
        Region of each pixel, numbered by their first pixels.
    count : int
    """
    labels = np.empty(shape, np.int32)
    return labels, ext.segment(keys, scale / 255, min_size, labels)


def describe_regions(labels, count, image, derivatives=None):
    """Return the ``Regions`` of ``labels``: how the image, (height, width, channels) in 0..1, looks in each."""
    derivatives = slopes(image) if derivatives is None else derivatives
    steepest = np.abs(derivatives).max(axis=(0, 1, 2))
    shares = np.divide(1, steepest, out=np.zeros_like(steepest), where=steepest > 0)
    channels = image.shape[2]
    length = channels * (COLOUR_BINS + 8 * TEXTURE_BINS)
    histograms = np.empty((count, length), np.float32)
    sizes, boxes = np.empty(count, np.int32), np.empty((count, 4), np.int32)
    ext.describe(labels, image, derivatives, shares, COLOUR_BINS, TEXTURE_BINS, histograms, sizes, boxes)
    return Regions(histograms, sizes, boxes, neighbours(labels, count), channels * COLOUR_BINS, labels.size)


def neighbours(labels, count):
    """Return which regions touch, at a side or a corner: (E, 2) int32, sorted, the lower number first."""
    touching = (
        (labels[:, :-1], labels[:, 1:]),
        (labels[:-1], labels[1:]),
        (labels[:-1, :-1], labels[1:, 1:]),
        (labels[:-1, 1:], labels[1:, :-1]),
    )
    keys = [np.minimum(a, b)[a != b] * np.int64(count) + np.maximum(a, b)[a != b] for a, b in touching]
    keys = np.unique(np.concatenate(keys))
    return np.stack([keys // count, keys % count], axis=1).astype(np.int32)


def group_regions(regions, terms="ctsf"):
    """Merge the two most similar neighbours, again and again, until one region is left (Uijlings et al. 2013).

    Parameters
    ----------
    regions : Regions
    terms : str
        What similarity is the sum of: c for the intersection of histograms of colours, t for that of textures, s for
        what small regions have, f for those that fill the box around both. Equal ones: the lower numbers first.

    Returns
    -------
    boxes : (2R - 1, 4) int32
        Of the regions, then of the merged ones in their order: the last is the whole image.
    merges : (R - 1, 2) int32
        Which two regions became each merged one.
    """
    count = len(regions.sizes)
    histograms = np.empty((2 * count - 1, regions.histograms.shape[1]), np.float32)
    sizes, boxes = np.empty(2 * count - 1, np.int32), np.empty((2 * count - 1, 4), np.int32)
    histograms[:count], sizes[:count], boxes[:count] = regions.histograms, regions.sizes, regions.boxes
    merges = np.empty((count - 1, 2), np.int32)
    chosen = [term in terms for term in TERMS]
    ext.group(regions.pairs, count, regions.colours, regions.pixels, chosen, histograms, sizes, boxes, merges)
    return boxes, merges
