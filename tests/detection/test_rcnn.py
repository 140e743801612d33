"""R-CNN: regions with their context, each step of its training, and the contract of detectors."""

import numpy as np
import pytest
from detector_checks import check_detector, grids, squares

from pycnn.detection import RCNN


def small(**options):
    return RCNN(["red", "green"], (16, 16, 3), backbone="small", context=2, units=16, **options)


def test_contract(tmp_path):
    check_detector(small(), tmp_path, {"epochs": 2}, least_map=0.4, proposals=grids)


@pytest.mark.usefixtures("without_numbers")
def test_the_papers_network():
    """AlexNet of 20 classes and the background; the regression reads pool5, the SVMs read fc7."""
    detector = RCNN([f"class {i}" for i in range(20)])
    assert detector.count_params() == 60_965_224 - 1000 * 4097 + 21 * 4097
    assert detector.features.output_shape == [(None, 9216), (None, 4096)]


def test_warped_regions_show_their_context():
    """The region fills the middle 12 of 16 pixels; beyond the image is the mean."""
    detector = small()
    detector._learnt["mean"] = np.array([50, 50, 50], np.float32)
    image = np.full((32, 32, 3), 60, np.uint8)
    image[12:24, 12:24] = 90
    (inner,) = detector._warp(image, [[12, 12, 24, 24]])
    assert inner.shape == (16, 16, 3)
    np.testing.assert_allclose(inner[4:12, 4:12], 40)
    np.testing.assert_allclose(inner[0], 10)
    (corner,) = detector._warp(image, [[0, 0, 12, 12]])
    np.testing.assert_allclose(corner[0], 0)
    np.testing.assert_allclose(corner[6, 6], 10)


def test_regression_finds_boxes_more_exactly():
    data, held_out = squares(96), squares(32, seed=1)
    detector = small()
    detector.fit(data.images, data.truth, grids(data.images), epochs=2, verbose=0)
    proposals = grids(held_out.images)
    exact, loose = (
        detector.evaluate(
            held_out.images, held_out.truth, iou_threshold=0.7, proposals=proposals, box_regression=box_regression
        )["map"]
        for box_regression in (True, False)
    )
    assert exact > loose


def test_features_are_cached_on_disk(tmp_path):
    data = squares(12)
    proposals = grids(data.images)
    small().fit(data.images, data.truth, proposals, epochs=1, cache=tmp_path, verbose=0)
    count = sum(map(len, proposals)) + 12
    assert np.load(tmp_path / "last.npy", mmap_mode="r").shape == (count, 16)
    assert np.load(tmp_path / "maps.npy", mmap_mode="r").shape == (count, 4 * 4 * 64)


def test_classes_without_objects_are_never_told():
    data = squares(40)
    green = [i for i, truth in enumerate(data.truth) if truth.labels[0] == 1]
    only, detector = data[green], small()
    detector.fit(only.images, only.truth, grids(only.images), epochs=1, verbose=0)
    found = detector.predict(data.images, grids(data.images), score_threshold=0.0)
    assert all(f.scores[f.labels == 0].max(initial=0) < 1e-30 for f in found)


def test_bad_context():
    with pytest.raises(ValueError, match="context=8"):
        RCNN(["a"], (16, 16, 3), backbone="small", context=8)
