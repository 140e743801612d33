"""Anchors by hand and as the papers count them; boxes as differences from anchors."""

import math

import numpy as np
import pytest
from helpers import assert_close

from pycnn.autograd import gradcheck
from pycnn.detection import anchor_grid, decode_boxes, encode_boxes, generate_anchors, inside_image

NINE = """-83,-39,100,56 -175,-87,192,104 -359,-183,376,200 -55,-55,72,72 -119,-119,136,136 -247,-247,264,264
          -35,-79,52,96 -79,-167,96,184 -167,-343,184,360"""


def test_the_nine_anchors_of_faster_rcnn(backend):
    nine = [[float(n) for n in box.split(",")] for box in NINE.split()]
    np.testing.assert_array_equal(generate_anchors(16, (0.5, 1, 2), (8, 16, 32), legacy=True).numpy(), nine)


def test_anchors_have_the_area_and_the_ratio_asked_for(backend):
    anchors = generate_anchors(16, (0.5, 1, 3), (2, 4)).numpy().astype(np.float64)
    assert anchors.shape == (6, 4)
    width, height = (anchors[:, 2:] - anchors[:, :2]).T
    assert_close(height / width, np.repeat([0.5, 1, 3], 2), 1e-6)
    assert_close(width * height, np.tile([32.0**2, 64.0**2], 3), 1e-6)
    assert_close((anchors[:, 2:] + anchors[:, :2]) / 2, np.full((6, 2), 8.0), 1e-6)


def test_as_many_anchors_as_the_paper_counts(backend):
    """A 600 x 1000 image has a map of 38 x 63, with pooling in ceil mode."""
    grid = anchor_grid(generate_anchors(legacy=True), (38, 63), 16)
    assert grid.shape == (21_546, 4)
    assert int(inside_image(grid, (600, 1000), legacy=True).numpy().sum()) == 7_790


def test_grid_by_hand(backend):
    grid = anchor_grid(np.array([[0.0, 0, 4, 2], [1, 1, 2, 2]]), (2, 2), (10, 20)).numpy()
    shifts = [[0, 0, 0, 0], [20, 0, 20, 0], [0, 10, 0, 10], [20, 10, 20, 10]]
    wanted = [
        [a + s for a, s in zip(box, shift, strict=True)] for shift in shifts for box in ([0, 0, 4, 2], [1, 1, 2, 2])
    ]
    np.testing.assert_array_equal(grid, wanted)
    assert grid.dtype == np.float64
    assert anchor_grid([[0.0, 0.0, 1.0, 1.0]], (0, 3), 8).shape == (0, 4)


def test_inside_by_hand(backend):
    boxes = [[0, 0, 8, 6], [-0.5, 0, 1, 1], [0, -1, 1, 1], [0, 0, 9, 1], [0, 0, 1, 7], [0, 0, 7, 5]]
    np.testing.assert_array_equal(inside_image(boxes, (6, 8)).numpy(), [1, 0, 0, 0, 0, 1])
    np.testing.assert_array_equal(inside_image(boxes, (6, 8), legacy=True).numpy(), [0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("wrong", [{"base_size": 0}, {"ratios": []}, {"scales": (1, -1)}])
def test_wrong_anchors_are_refused(wrong):
    (argument,) = wrong
    with pytest.raises(ValueError, match=f"{argument} must be .* above 0. Received: {argument}="):
        generate_anchors(**wrong)
    with pytest.raises(ValueError, match="map_size must be two integers"):
        anchor_grid([[0.0, 0.0, 1.0, 1.0]], (2, 1.5), 16)


def test_encoding_by_hand(backend):
    """Of an anchor 4 wide and 8 high: a box twice as wide, half as high, a quarter of its width to the right."""
    anchor, box = [[0.0, 0.0, 4.0, 8.0]], [[-1.0, 4.0, 7.0, 8.0]]
    wanted = np.array([[0.25, 0.25, math.log(2), -math.log(2)]])
    assert_close(encode_boxes(box, anchor).numpy(), wanted.astype(np.float32), 1e-6)
    weighted = wanted * [10, 10, 5, 5]
    assert_close(encode_boxes(box, anchor, weights=(10, 10, 5, 5)).numpy(), weighted.astype(np.float32), 1e-6)
    assert_close(encode_boxes(box, anchor, deviations=(0.1, 0.1, 0.2, 0.2)).numpy(), weighted.astype(np.float32), 1e-6)
    assert_close(decode_boxes(weighted, anchor, deviations=(0.1, 0.1, 0.2, 0.2)).numpy(), np.array(box), 1e-6)


def test_legacy_encoding_by_hand(backend):
    """Sides are 4 and 8 pixels, and 8 and 4."""
    anchor, box = [[0.0, 0.0, 3.0, 7.0]], [[-1.0, 4.0, 6.0, 7.0]]
    wanted = np.array([[0.25, 0.25, math.log(2), -math.log(2)]])
    assert_close(encode_boxes(box, anchor, legacy=True).numpy(), wanted.astype(np.float32), 1e-6)
    assert_close(decode_boxes(wanted, anchor, legacy=True).numpy(), np.array(box), 1e-6)


@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_encoded_is_decoded(backend, legacy):
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 50, (2, 30, 2)), rng.uniform(1, 40, (2, 30, 2))
    boxes, anchors = np.concatenate([corner, corner + size], axis=-1)
    options = {"weights": (10, 9, 5, 4), "legacy": legacy}
    assert_close(decode_boxes(encode_boxes(boxes, anchors, **options), anchors, **options).numpy(), boxes, 1e-12)
    assert gradcheck(lambda b, a: encode_boxes(b, a, **options), [boxes[:3], anchors[:3]])
    assert gradcheck(lambda d, a: decode_boxes(d, a, **options), [rng.normal(0, 1, (3, 4)), anchors[:3]])


def test_boxes_of_each_class_have_anchors_in_common(backend):
    deltas, anchors = np.zeros((5, 3, 4)), np.tile([0.0, 0, 2, 2], (5, 1, 1))
    decoded = decode_boxes(deltas, anchors)
    assert decoded.shape == (5, 3, 4)
    np.testing.assert_array_equal(decoded.numpy()[4, 2], [0, 0, 2, 2])


def test_extreme_differences_stay_finite(backend):
    decoded = decode_boxes([[0.0, 0.0, 1e4, 1e4]], [[0.0, 0.0, 16.0, 16.0]]).numpy()
    assert_close(decoded[0, 2:] - decoded[0, :2], np.full(2, 1000, np.float32), 1e-5)
    assert np.isfinite(encode_boxes([[3.0, 3.0, 3.0, 3.0]], [[0.0, 0.0, 4.0, 0.0]]).numpy()).all()


def test_wrong_weights_are_refused():
    box = [[0.0, 0.0, 1.0, 1.0]]
    with pytest.raises(ValueError, match="weights must be four numbers"):
        encode_boxes(box, box, weights=(1, 1))
    with pytest.raises(ValueError, match="either weights or deviations can be given"):
        decode_boxes(box, box, weights=(1, 1, 1, 1), deviations=(1, 1, 1, 1))
