"""Which anchors stand for which objects, by hand; and the sampling of them."""

import numpy as np
import pytest

import pycnn
from pycnn.detection import match, sample

OBJECTS = [[0, 0, 10, 10], [20, 0, 30, 10]]


def wide(x, width):
    """A box of height 10: over the first object its IoU is the common width over that of both."""
    return [x, 0, x + width, 10]


def test_matching_by_hand(backend):
    anchors = [
        wide(0, 8),  # .8 of the first
        wide(0, 7),  # .7: enough
        wide(0, 5),  # .5: neither
        wide(0, 3),  # .3: not below
        wide(0, 2),  # .2: background
        wide(20, 4),  # .4 of the second, which has no better one
        wide(26, 4),  # .4: as good
        wide(50, 9),  # meets nothing
    ]
    np.testing.assert_array_equal(match(OBJECTS, anchors).numpy(), [0, 0, -2, -2, -1, 1, 1, -1])
    np.testing.assert_array_equal(match(OBJECTS, anchors, best=False).numpy(), [0, 0, -2, -2, -1, -2, -2, -1])
    usable = np.arange(8) != 0
    np.testing.assert_array_equal(match(OBJECTS, anchors, usable=usable).numpy(), [-2, 0, -2, -2, -1, 1, 1, -1])
    fast = match(OBJECTS, anchors, 0.5, (0.25, 0.5), best=False)
    np.testing.assert_array_equal(fast.numpy(), [0, 0, 0, -1, -2, -1, -1, -2])


def test_the_best_anchor_of_an_object_may_be_background_by_its_overlap(backend):
    np.testing.assert_array_equal(match(OBJECTS, [wide(20, 1), wide(40, 1)]).numpy(), [1, -1])


def test_an_object_that_meets_no_anchor_has_none(backend):
    np.testing.assert_array_equal(match(OBJECTS, [wide(50, 9), wide(60, 9)]).numpy(), [-1, -1])


def test_the_best_anchor_stands_for_what_it_overlaps_most(backend):
    """It is the best of the second object, too, but lies on the first."""
    truth = [[0, 0, 10, 10], [9, 0, 19, 10]]
    np.testing.assert_array_equal(match(truth, [wide(0, 10), wide(30, 1)]).numpy(), [0, -1])


def test_no_objects_and_no_anchors(backend):
    np.testing.assert_array_equal(match([], [wide(0, 4), wide(0, 9)]).numpy(), [-1, -1])
    np.testing.assert_array_equal(match([], [wide(0, 4)], positive=0.0, negative=0.0).numpy(), [-2])
    assert match(OBJECTS, []).shape == (0,)
    assert match([], []).shape == (0,)


def test_what_cannot_be_matched_is_refused(backend):
    with pytest.raises(ValueError, match=r"truth need x1 <= x2 and y1 <= y2\. Received: truth\[1\]="):
        match([wide(0, 1), wide(0, -1)], [wide(0, 1)])
    with pytest.raises(ValueError, match="thresholds must be 0 <= negative <= positive <= 1"):
        match(OBJECTS, OBJECTS, 0.3, 0.7)
    with pytest.raises(
        ValueError, match=r"usable must have one value for each of the 2 anchors\. Received: usable.shape=\(3,\)"
    ):
        match(OBJECTS, OBJECTS, usable=[True] * 3)
    with pytest.raises(ValueError, match=r"anchors must have the shape \(N, 4\)"):
        match(OBJECTS, np.zeros((4, 5)))


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [
        (100, 500, (64, 192)),
        (10, 500, (10, 246)),
        (100, 50, (64, 50)),
        (0, 500, (0, 256)),
        (100, 0, (64, 0)),
        (0, 0, (0, 0)),
    ],
)
def test_numbers_of_a_sample(backend, positives, negatives, expected):
    labels = np.repeat([3, -1, -2], [positives, negatives, 40])
    np.random.default_rng(0).shuffle(labels)
    chosen = sample(labels, 256, 0.25, np.random.default_rng(1)).numpy()
    assert len(set(chosen.tolist())) == len(chosen)
    assert (chosen[1:] > chosen[:-1]).all()
    assert ((labels[chosen] == 3).sum(), (labels[chosen] == -1).sum()) == expected
    assert len(chosen) == sum(expected)


def test_samples_are_drawn_evenly_and_by_the_generator(backend):
    labels, generator = np.array([0, 1, -1, -1, -1, -2]), np.random.default_rng(0)
    times = np.zeros(6)
    for _ in range(300):
        np.add.at(times, sample(labels, 2, 0.5, generator).numpy(), 1)
    assert times[5] == 0
    assert (abs(times[:2] - 150) < 40).all()
    assert (abs(times[2:5] - 100) < 40).all()
    draws = [sample(np.full(50, -1), 10, 0.5, np.random.default_rng(5)).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*draws)
    pycnn.utils.set_random_seed(3)
    first = sample(np.full(50, -1), 10, 0.5).numpy()
    pycnn.utils.set_random_seed(3)
    np.testing.assert_array_equal(sample(np.full(50, -1), 10, 0.5).numpy(), first)


def test_wrong_samples_are_refused(backend):
    with pytest.raises(ValueError, match="labels must be a vector of integers"):
        sample([0.5], 1, 0.5)
    with pytest.raises(ValueError, match=r"positive_fraction must lie in \[0, 1\]"):
        sample([1], 1, 1.5)
