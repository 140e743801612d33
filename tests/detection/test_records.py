"""What is known of objects in images: columns that belong together, and errors that name what is wrong."""

import numpy as np
import pytest

from pycnn.detection import AnnotatedImages, Detections, GroundTruth


def test_columns_have_their_types_and_lengths():
    found = Detections([[0, 1, 2, 3]], [4], [0.5])
    assert (found.boxes.dtype, found.labels.dtype, found.scores.dtype) == (np.float32, np.int64, np.float32)
    assert (len(found), len(Detections([], [], []))) == (1, 0)


def test_rows_are_taken_together():
    found = Detections([[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3]], [0, 1, 2], [0.1, 0.2, 0.3])
    assert found[::2] == Detections([[0, 0, 1, 1], [0, 0, 3, 3]], [0, 2], [0.1, 0.3])
    assert found[np.array([False, True, False])] == found[1] == found[[1]]
    assert found != found[:2]


def test_areas_are_those_of_the_boxes_unless_given():
    assert GroundTruth([[1, 1, 4, 3]], [0]).areas.tolist() == [6.0]
    assert GroundTruth([[1, 1, 4, 3]], [0], areas=[5.5]).areas.tolist() == [5.5]


def test_ordinary_objects():
    truth = GroundTruth([[0, 0, i, i] for i in (1, 2, 3)], [0, 1, 2], difficult=[1, 0, 0], crowd=[0, 0, 1])
    assert truth.ordinary() == GroundTruth([[0, 0, 2, 2]], [1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[2, 0, 1, 1]], [0], [1.0]), r"x1 <= x2 .*boxes\[0\]"),
        (([[0, 0, 1]], [0], [1.0]), r"\(N, 4\)"),
        (([[0, 0, 1, np.nan]], [0], [1.0]), "finite"),
        (([[0, 0, 1, 1]], [0, 1], [1.0]), "labels must have one value"),
        (([[0, 0, 1, 1]], [0], [1.0, 2.0]), "scores must have one value"),
        (([[0, 0, 1, 1]], [-1], [1.0]), "labels must be integers >= 0"),
        (([[0, 0, 1, 1]], [0.5], [1.0]), "labels must be integers >= 0"),
        (([[0, 0, 1, 1]], [0], [np.inf]), "scores must be finite"),
    ],
)
def test_wrong_columns_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Detections(*arguments)


def test_images_and_truth_belong_together():
    truth = [GroundTruth([[0, 0, 2, 2]], [i]) for i in range(3)]
    data = AnnotatedImages(np.arange(3 * 4).reshape(3, 2, 2, 1), truth, ["a", "b", "c"])
    image, objects = data[1]
    assert image.ravel().tolist() == [4, 5, 6, 7]
    assert objects == truth[1]
    assert [t.labels.tolist() for t in data[1:].truth] == [[1], [2]]
    assert data[np.array([True, False, True])].images[:, 0, 0, 0].tolist() == [0, 8]
    assert [
        len(i) for i in AnnotatedImages([np.zeros((n, 2, 3)) for n in (4, 5)], truth[:2], "abc")[[1, 0]].images
    ] == [5, 4]
    with pytest.raises(ValueError, match="2 images, 3 of truth"):
        AnnotatedImages(data.images[:2], truth, ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"truth\[2\].labels"):
        AnnotatedImages(data.images, truth, ["a", "b"])
    with pytest.raises(TypeError, match="ndarray"):
        AnnotatedImages(data.images, [np.zeros((1, 4))] * 3, ["a"])
