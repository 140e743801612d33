"""Proposals: where they must be, their order, recall on scenes, and that of OpenCV's selective search beside it."""

import numpy as np
import pytest
from helpers import peer

import pycnn
from pycnn.detection import GroundTruth, grid_proposals, proposal_recall, selective_search, selective_search_all
from pycnn.detection.datasets import digit_scenes

_, SCENES = digit_scenes.load_data(seed=1, train_size=1, test_size=40)


def squares():
    """Two squares on a ground with a gradient, and their boxes."""
    image = np.repeat(np.linspace(60, 90, 64, dtype=np.uint8)[:, None, None], 80, axis=1).repeat(3, axis=2)
    boxes = np.float32([[8, 10, 28, 40], [40, 20, 72, 44]])
    for (x1, y1, x2, y2), colour in zip(boxes.astype(int), [(220, 30, 30), (30, 40, 230)], strict=True):
        image[y1:y2, x1:x2] = colour
    return image, boxes


@pytest.mark.parametrize("mode", ["single", "fast", "quality"])
@pytest.mark.parametrize("enlarge", [1, 2, 1.5])
def test_finds_squares(mode, enlarge):
    image, boxes = squares()
    found = selective_search(image, mode, enlarge=enlarge)
    assert found.dtype == np.float32
    assert proposal_recall([GroundTruth(boxes, [0, 1])], [found], 0.9) == 1
    assert [0, 0, 80, 64] in found.tolist()
    assert len(np.unique(found, axis=0)) == len(found)
    assert (found[:, :2] >= 0).all()
    assert (found[:, :2] < found[:, 2:]).all()
    assert (found[:, 2:] <= [80, 64]).all()


@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 1), (64, 80, 3)])
def test_grey_images_and_floats(shape):
    image, boxes = squares()
    grey = image[..., :1] if len(shape) == 3 else image[..., 0]
    grey = np.broadcast_to(grey, shape)
    found = selective_search(grey)
    assert proposal_recall([GroundTruth(boxes[:1], [0])], [found], 0.9) == 1
    np.testing.assert_array_equal(selective_search(grey / np.float32(255)), found)


def test_modes_add_boxes():
    counts = [len(selective_search(SCENES.images[0], mode)) for mode in ("single", "fast", "quality")]
    assert counts == sorted(counts)
    assert counts[0] * 2 < counts[1] < counts[2] / 2


def test_the_same_again_and_in_threads():
    images = SCENES.images[:6]
    each = [selective_search(image) for image in images]
    for workers in (1, 2, None):
        for boxes, expected in zip(selective_search_all(images, workers), each, strict=True):
            np.testing.assert_array_equal(boxes, expected)
    assert selective_search_all([], 2) == []
    cut = selective_search_all(images, 2, max_proposals=3, mode="single")
    assert [len(boxes) for boxes in cut] == [3] * 6
    with pytest.raises(ValueError, match="workers must be an integer >= 1. Received: workers=0"):
        selective_search_all(images, 0)


def test_seed_changes_the_order_alone():
    image = SCENES.images[0]
    first, other = selective_search(image, seed=0), selective_search(image, seed=1)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(np.unique(first, axis=0), np.unique(other, axis=0))


def test_large_regions_come_first_by_tendency():
    areas = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in map(selective_search, SCENES.images[:10])]
    first, last = (np.mean([a[part].mean() for a in areas]) for part in (slice(20), slice(-20, None)))
    assert first > 3 * last


def test_fewer():
    image = SCENES.images[0]
    every = selective_search(image)
    np.testing.assert_array_equal(selective_search(image, max_proposals=7), every[:7])
    assert selective_search(image, max_proposals=0).shape == (0, 4)
    sides = (every[:, 2:] - every[:, :2]).min(axis=1)
    np.testing.assert_array_equal(selective_search(image, min_side=8), every[sides >= 8])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (5, 1)])
def test_tiny_images(shape):
    np.testing.assert_array_equal(selective_search(np.zeros(shape, np.uint8)), [[0, 0, shape[1], shape[0]]])


def test_recall_on_digit_scenes():
    found = selective_search_all(SCENES.images)
    assert np.mean([len(boxes) for boxes in found]) < 182
    half, most = proposal_recall(SCENES.truth, found, [0.5, 0.7])
    assert half >= 0.98
    assert most >= 0.96


def test_beside_opencv():
    """With fewer boxes the recall is at most three points lower: two or three of these digits."""
    search = getattr(getattr(peer("cv2"), "ximgproc", None), "segmentation", None)
    assert search, "opencv-contrib-python-headless must be the only wheel of OpenCV"
    theirs = []
    for image in SCENES.images:
        large = np.kron(image[..., ::-1], np.ones((2, 2, 1), np.uint8))
        searching = search.createSelectiveSearchSegmentation()
        searching.setBaseImage(large)
        searching.switchToSelectiveSearchFast(50, 50, 0.8)
        x, y, width, height = searching.process().T / 2
        theirs.append(np.stack([x, y, x + width, y + height], axis=1))
    ours = selective_search_all([np.kron(image, np.ones((2, 2, 1), np.uint8)) for image in SCENES.images], min_size=100)
    ours = [boxes / 2 for boxes in ours]
    assert 50 < np.mean([len(boxes) for boxes in ours]) < np.mean([len(boxes) for boxes in theirs])
    expected = proposal_recall(SCENES.truth, theirs, [0.5, 0.7])
    assert (proposal_recall(SCENES.truth, ours, [0.5, 0.7]) >= expected - 0.03).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "slow"}, "mode must be one of single, fast, quality. Received: mode='slow'"),
        ({"scale": 0}, "scale must be a positive number. Received: scale=0"),
        ({"enlarge": -1}, "enlarge must be a positive number"),
        ({"sigma": -0.1}, "sigma must be a number >= 0"),
        ({"min_side": float("nan")}, "min_side must be a number >= 0"),
        ({"min_size": 0}, "min_size must be an integer >= 1"),
        ({"max_proposals": 2.5}, "max_proposals must be an integer >= 0"),
        ({"seed": -1}, "seed must be an integer >= 0"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        selective_search(np.zeros((8, 8, 3), np.uint8), **options)


def test_wrong_images():
    for image in (np.zeros((8, 8, 2)), np.zeros((0, 8, 3)), np.zeros(8)):
        with pytest.raises(ValueError, match="image must have the shape"):
            selective_search(image)
    for image in (np.full((8, 8), 7), np.full((8, 8), 1.5), np.full((8, 8), np.nan)):
        with pytest.raises(ValueError, match="image must be uint8 in 0..255, or floats in 0..1"):
            selective_search(image)


def test_grid_by_hand():
    found = grid_proposals((8, 10), scales=[8, 4], aspect_ratios=[1, 4], stride=4)
    squares = [[x, 0, x + 8, 8] for x in (0, 2)]
    # A side of 8 and a ratio of 4: 16 high, cut to 8, and 4 wide.
    towers = [[x, 0, x + 4, 8] for x in (0, 3, 6)]
    small = [[x, y, x + 4, y + 4] for y in (0, 4) for x in (0, 3, 6)]
    narrow = [[x, 0, x + 2, 8] for x in (0, 4, 8)]
    np.testing.assert_array_equal(found, squares + towers + small + narrow)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(grid_proposals(6, [6, 60]), [[0, 0, 6, 6]])
    with pytest.raises(ValueError, match=r"scales must be one or more positive numbers. Received: scales=\[0\]"):
        grid_proposals(6, [0])
    with pytest.raises(ValueError, match="stride must be a positive number"):
        grid_proposals(6, [4], stride=-1)
    with pytest.raises(ValueError, match="image_size"):
        grid_proposals((6, 0), [4])


def test_recall_by_hand():
    truth = [GroundTruth([[0, 0, 10, 10], [0, 0, 4, 4]], [0, 0]), GroundTruth([], []), GroundTruth([[5, 5, 9, 9]], [0])]
    found = [[[0, 0, 10, 6], [50, 50, 60, 60]], [[0, 0, 1, 1]], []]  # .6, 16 / 60; nothing to find; nothing found
    assert proposal_recall(truth, found) == 1 / 3
    np.testing.assert_array_equal(proposal_recall(truth, found, [0.25, 0.6, 0.61]), [2 / 3, 1 / 3, 0])
    assert np.isnan(proposal_recall([GroundTruth([], [])], [[]]))
    hidden = GroundTruth([[0, 0, 10, 10], [0, 0, 4, 4]], [0, 0], difficult=[False, True])
    crowd = GroundTruth([[0, 0, 10, 10], [0, 0, 4, 4]], [0, 0], crowd=[False, True])
    assert proposal_recall([hidden, crowd], [found[0]] * 2) == 1
    with pytest.raises(ValueError, match="truth and proposals must be equally many. Received: 3 truth, 1 proposals"):
        proposal_recall(truth, [[]])


def test_public():
    for name in ("selective_search", "selective_search_all", "grid_proposals", "proposal_recall"):
        assert name in pycnn.detection.__all__
