"""What is said of regions: columns that belong together, and errors that name what is wrong."""

import numpy as np
import pytest

from pycnn.captioning import DescribedImages, DescribedRegions

BOXES = [[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]]


def test_rows_are_taken_together():
    found = DescribedRegions(BOXES, ["a", "b", "c"], [0.1, 0.2, 0.3])
    assert (found.boxes.dtype, found.scores.dtype) == (np.float32, np.float32)
    assert found[::2] == DescribedRegions([BOXES[0], BOXES[2]], ["a", "c"], [0.1, 0.3])
    assert found[np.array([False, True, False])] == found[1] == found[[1]] == found[-2]
    assert found[[]] == found[:0] == DescribedRegions([], [], [])


def test_equal_are_those_with_equal_boxes_captions_and_scores():
    truth = DescribedRegions(BOXES, ["a", "b", "c"])
    assert truth.scores is None
    assert truth == DescribedRegions(np.array(BOXES, float), np.array(["a", "b", "c"]))
    assert truth != DescribedRegions(BOXES, ["a", "b", "d"])
    assert truth != DescribedRegions(BOXES, ["a", "b", "c"], [1, 1, 1])
    assert truth[:1] != DescribedRegions([[0, 0, 1, 2]], ["a"])
    assert truth != BOXES


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[2, 0, 1, 1]], ["a"]), ValueError, r"x1 <= x2 .*boxes\[0\]"),
        (([[0, 0, 1, 1]], ["a", "b"]), ValueError, "each of the 1 boxes. Received: 2 captions"),
        (([[0, 0, 1, 1]], ["a"], [1.0, 2.0]), ValueError, "scores must have one value"),
        (([[0, 0, 1, 1]], ["a"], [np.nan]), ValueError, "scores must be finite"),
        (([[0, 0, 1, 1]], "a"), TypeError, "captions must be a sequence of sentences. Received: captions='a'"),
        (([[0, 0, 1, 1]], [7]), TypeError, r"captions must be sentences. Received: captions\[0\]=7"),
    ],
)
def test_wrong_columns_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        DescribedRegions(*arguments)


def test_images_truth_and_labels_belong_together():
    truth = [DescribedRegions(BOXES[:n], ["a", "b", "c"][:n]) for n in (1, 0, 3)]
    data = DescribedImages(np.arange(12).reshape(3, 2, 2, 1), truth, [[5], [], [7, 8, 9]])
    assert data.captions == ["a", "a", "b", "c"]
    image, regions = data[2]
    assert image.ravel().tolist() == [8, 9, 10, 11]
    assert regions == truth[2]
    some = data[np.array([True, False, True])]
    assert (some.images[:, 0, 0, 0].tolist(), [labels.tolist() for labels in some.labels]) == ([0, 8], [[5], [7, 8, 9]])
    assert data[1:].truth == truth[1:]
    assert len(DescribedImages([np.zeros((n, 2, 3)) for n in (4, 5, 6)], truth)[[2, 0]].images[0]) == 6
    assert repr(data) == "DescribedImages(3 images, 4 regions)"
    with pytest.raises(ValueError, match="2 images, 3 of truth"):
        DescribedImages(data.images[:2], truth)
    with pytest.raises(TypeError, match=r"truth\[0\] of list"):
        DescribedImages(data.images, [[]] * 3)
    with pytest.raises(ValueError, match=r"labels\[2\] must have one value for each of the 3 boxes"):
        DescribedImages(data.images, truth, [[5], [], [7]])
    with pytest.raises(ValueError, match="Received: 1 arrays, 3 images"):
        DescribedImages(data.images, truth, [[5]])
