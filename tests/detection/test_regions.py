"""The first regions against scikit-image; their histograms, and the grouping, by hand and by an obvious program."""

import itertools

import numpy as np
import pytest
from skimage.segmentation import felzenszwalb

from pycnn.datasets import photographs
from pycnn.detection.regions import (
    COLOUR_BINS,
    TEXTURE_BINS,
    Regions,
    describe_regions,
    first_regions,
    group_regions,
    neighbours,
    sorted_edges,
)

ALL_TERMS = ["".join(terms) for n in (1, 2, 3, 4) for terms in itertools.combinations("ctsf", n)]


def in_order(labels):
    """The same regions, numbered by their first pixels."""
    _, first, numbers = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers.reshape(labels.shape)]


@pytest.mark.parametrize(("scale", "min_size"), [(20, 1), (50, 20), (100, 5)])
@pytest.mark.parametrize("channels", [1, 3])
def test_first_regions_are_those_of_scikit_image(scale, min_size, channels):
    (piece,) = photographs.random_pieces(["china"], 1, 40, np.random.default_rng(3)) / np.float32(255)
    noise = np.random.default_rng(1).random((40, 40, 3)).astype(np.float32) / 4
    image = np.ascontiguousarray((piece[:, :33] * 0.75 + noise[:, :33])[..., :channels])
    labels, count = first_regions(sorted_edges(image, 0.8), image.shape[:2], scale, min_size)
    expected = felzenszwalb(image.astype(np.float64), scale=scale, sigma=0.8, min_size=min_size, channel_axis=-1)
    assert count == len(np.unique(expected))
    assert count > 2
    np.testing.assert_array_equal(labels, in_order(expected))


def test_two_flat_halves():
    image = np.zeros((5, 6, 1), np.float32)
    image[:, 4:] = 1
    labels, count = first_regions(sorted_edges(image, 0), (5, 6), 50, 1)
    assert count == 2
    np.testing.assert_array_equal(labels, image[..., 0])
    labels, count = first_regions(sorted_edges(image, 0), (5, 6), 50, min_size=11)  # the right half has 10 pixels
    assert count == 1
    assert not labels.any()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 1), (6, 1, 3)])
def test_images_of_one_row_or_column(shape):
    image = np.zeros(shape, np.float32)
    labels, count = first_regions(sorted_edges(image, 0.8), shape[:2], 50, 1)
    assert count == 1
    boxes, merges = group_regions(describe_regions(labels, count, image))
    np.testing.assert_array_equal(boxes, [[0, 0, shape[1], shape[0]]])
    assert merges.shape == (0, 2)


def test_neighbours_touch_at_sides_and_corners():
    labels = np.int32([[0, 0, 1], [2, 0, 1], [2, 2, 3]])
    np.testing.assert_array_equal(neighbours(labels, 4), [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]])
    np.testing.assert_array_equal(neighbours(np.int32([[0, 1, 2]]), 3), [[0, 1], [1, 2]])


def test_histograms_by_hand():
    """Two regions; colours .1, .5, .99 and 1 in 25 bins, slopes in 10 bins of eight directions."""
    labels = np.int32([[0, 0], [1, 0]])
    image = np.float32([[[0.1], [0.5]], [[0.99], [1.0]]])
    down, right = np.float32([[[0, 0.2], [0, -0.5]], [[1, 0.2], [-0.55, 0]]])[..., None]
    found = describe_regions(labels, 2, image, np.stack([down, right]))
    colour, texture = found.histograms[:, :COLOUR_BINS], found.histograms[:, COLOUR_BINS:].reshape(2, 8, TEXTURE_BINS)
    expected = np.zeros((2, COLOUR_BINS))
    expected[0, [2, 12, 24]] = 1 / 3
    expected[1, 24] = 1
    np.testing.assert_allclose(colour, expected, rtol=1e-6)
    # Right, right and down, down, left and down, and the four against them; a slope of s > 0 is in bin int(10 s).
    slopes = [(1, 0.7071, 0, -0.7071), (0.2, 0.2828, 0.2, 0), (0, -0.3536, -0.5, -0.3536), (-0.55, -0.3889, 0, 0.3889)]
    counts = np.zeros((2, 8, TEXTURE_BINS))
    for region, pixel in zip((0, 0, 0, 1), slopes, strict=True):
        for direction, slope in enumerate([*pixel, *(-s for s in pixel)]):
            counts[region, direction, min(9, int(10 * max(slope, 0) + 1e-3))] += 1
    np.testing.assert_allclose(texture, counts / counts.sum(axis=(1, 2), keepdims=True), rtol=1e-6)
    np.testing.assert_array_equal(found.sizes, [3, 1])
    np.testing.assert_array_equal(found.boxes, [[0, 0, 2, 2], [0, 1, 1, 2]])
    assert (found.colours, found.pixels) == (COLOUR_BINS, 4)


def random_regions(seed, count=14, size=24):
    """Regions around random points, with random histograms."""
    random = np.random.default_rng(seed)
    y, x = random.permutation(size * size)[:count][:, None, None] // size, random.integers(0, size, (count, 1, 1))
    places = np.arange(size)
    labels = in_order(((places[:, None] - y) ** 2 + (places - x) ** 2).argmin(axis=0)).astype(np.int32)
    count = labels.max() + 1
    colour, texture = random.random((2, count, 40)) ** 4
    histograms = np.hstack([part / part.sum(axis=1, keepdims=True) for part in (colour, texture)]).astype(np.float32)
    boxes = [[x.min(), y.min(), x.max() + 1, y.max() + 1] for y, x in (np.nonzero(labels == i) for i in range(count))]
    sizes = np.bincount(labels.ravel()).astype(np.int32)
    return Regions(histograms, sizes, np.int32(boxes), neighbours(labels, count), 40, labels.size), labels


def grouped_slowly(regions, labels, terms):
    """All pairs of neighbours looked at anew before each merge; everything from the pixels and the definitions."""
    members = [{i} for i in range(len(regions.sizes))]
    alive, merges, boxes = set(range(len(members))), [], [list(map(int, box)) for box in regions.boxes]

    def histogram(i):
        weights = regions.sizes[list(members[i])].astype(np.float64)
        return weights @ regions.histograms[list(members[i])] / weights.sum()

    def likeness(a, b):
        low, size = np.minimum(histogram(a), histogram(b)), sum(regions.sizes[i] for i in members[a] | members[b])
        y, x = np.nonzero(np.isin(labels, list(members[a] | members[b])))
        around = (y.max() + 1 - y.min()) * (x.max() + 1 - x.min())
        values = {
            "c": low[: regions.colours].sum(),
            "t": low[regions.colours :].sum(),
            "s": 1 - size / labels.size,
            "f": 1 - (around - size) / labels.size,
        }
        return sum(values[term] for term in terms)

    touching = {tuple(map(int, pair)) for pair in regions.pairs}
    known = {}
    while len(alive) > 1:
        pairs = [(a, b) for a, b in itertools.combinations(sorted(alive), 2)
                 if any((min(i, j), max(i, j)) in touching for i in members[a] for j in members[b])]  # fmt: skip
        known |= {pair: round(likeness(*pair), 5) for pair in pairs if pair not in known}
        a, b = max(pairs, key=lambda pair: (known[pair], -pair[0], -pair[1]))
        y, x = np.nonzero(np.isin(labels, list(members[a] | members[b])))
        boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
        alive = alive - {a, b} | {len(members)}
        members.append(members[a] | members[b])
        merges.append([a, b])
    return boxes, merges


@pytest.mark.parametrize("terms", ALL_TERMS)
def test_grouping_is_that_of_an_obvious_program(terms):
    regions, labels = random_regions(seed=len(terms))
    boxes, merges = group_regions(regions, terms)
    expected_boxes, expected_merges = grouped_slowly(regions, labels, terms)
    np.testing.assert_array_equal(merges, expected_merges)
    np.testing.assert_array_equal(boxes, expected_boxes)


def row_of(sizes, colours):
    """Regions of one row of pixels, each with one number for its colour and none for its texture."""
    ends = np.cumsum(sizes)
    boxes = [[end - size, 0, end, 1] for size, end in zip(sizes, ends, strict=True)]
    pairs = [[i, i + 1] for i in range(len(sizes) - 1)]
    histograms = np.eye(10, dtype=np.float32)[colours]
    return Regions(histograms, np.int32(sizes), np.int32(boxes), np.int32(pairs), 10, int(ends[-1]))


def test_colour_by_hand():
    """The two of one colour first; then what has half of that colour is less like the third than the fourth is."""
    _, merges = group_regions(row_of([4, 4, 4, 4], [1, 1, 2, 2]), "c")
    np.testing.assert_array_equal(merges, [[0, 1], [2, 3], [4, 5]])
    _, merges = group_regions(row_of([1, 3, 2, 6], [1, 2, 1, 2]), "cs")
    # With .s: 0 1: 0 + 8/12, 1 2: 0 + 7/12, 2 3: 0 + 4/12. Then {0 1} is 1/4 of colour 1: + 2: 1/4 + 6/12.
    np.testing.assert_array_equal(merges, [[0, 1], [2, 4], [3, 5]])


def test_size_merges_the_smallest_neighbours_first():
    _, merges = group_regions(row_of([5, 4, 2, 1, 3], [0] * 5), "s")
    np.testing.assert_array_equal(merges, [[2, 3], [4, 5], [0, 1], [6, 7]])  # 2+1, 3+3, then 5+4 before 4+6


def test_fill_prefers_what_closes_a_gap():
    """A bar between two others: with the wide one it fills its box, with the high one a corner is left."""
    labels = np.int32([[0, 1, 1, 1], [0, 2, 2, 2], [0, 0, 0, 0]])
    regions = describe_regions(labels, 3, np.zeros((3, 4, 1), np.float32))
    boxes, merges = group_regions(regions, "f")
    np.testing.assert_array_equal(merges, [[1, 2], [0, 3]])
    np.testing.assert_array_equal(boxes, [[0, 0, 4, 3], [1, 0, 4, 1], [1, 1, 4, 2], [1, 0, 4, 2], [0, 0, 4, 3]])


def test_of_equal_ones_the_lower_numbers_come_first():
    _, merges = group_regions(row_of([1] * 6, [3] * 6), "c")
    np.testing.assert_array_equal(merges, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]])


def test_many_regions():
    """Every pixel its own: the hierarchy is whole, and each box that of the two it came from."""
    labels = np.arange(40 * 50, dtype=np.int32).reshape(40, 50)
    image = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32)
    boxes, merges = group_regions(describe_regions(labels, labels.size, image))
    np.testing.assert_array_equal(np.sort(merges.ravel()), np.arange(2 * labels.size - 2))
    low, high = boxes[merges, :2].min(axis=1), boxes[merges, 2:].max(axis=1)
    np.testing.assert_array_equal(boxes[labels.size :], np.hstack([low, high]))
