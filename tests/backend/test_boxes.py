"""Overlaps of boxes and greedy suppression: by hand, against a plain loop, and the same on every backend."""

import numpy as np
import pytest
from cuda_emulator import backend as cuda_emulated
from helpers import assert_close
from kernel_calls import run

import pycnn
from pycnn.backend import reference

DTYPES = ("float32", "float64")
TRIPLE = [[0, 0, 10, 10], [0, 0, 10, 5], [0, 5, 10, 10], [20, 20, 30, 30]]  # IoU of the first and others: 1/2, 1/2, 0


def random_boxes(count, dtype, seed=0, extent=100.0):
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, extent, (count, 2)), rng.uniform(0, 30, (count, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(dtype)


def greedy(boxes, scores, threshold, labels=None):
    """Indices that are kept, one pair at a time, with exact comparisons of numbers in float64."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        if all((labels is not None and labels[i] != labels[k]) or iou(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
    return kept


def iou(a, b):
    width, height = (max(min(a[k + 2], b[k + 2]) - max(a[k], b[k]), 0) for k in (0, 1))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union else 0.0


def kept_by(backend, boxes, scores, threshold, labels=None):
    result = run(backend, "nms", boxes, scores, threshold, labels)
    assert result.shape == (len(boxes),)
    assert result.dtype == np.int64
    kept = result[: (result >= 0).sum()]
    np.testing.assert_array_equal(result[len(kept) :], -1)
    return kept.tolist()


@pytest.mark.parametrize("dtype", DTYPES)
def test_overlaps_by_hand(backend, dtype):
    boxes = np.array([*TRIPLE, [5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 0, 9], [10, 0, 12, 10]], dtype)
    overlaps = run(backend, "box_iou", boxes[:2], boxes)
    assert overlaps.dtype == dtype
    np.testing.assert_array_equal(overlaps[0], [1, 0.5, 0.5, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(overlaps[1], [0.5, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(run(backend, "box_iou", boxes[4:7], boxes[4:7]), np.zeros((3, 3)))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (3, 17), (40, 64), (70, 131)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_overlaps_have_the_same_bits_everywhere(backend, dtype, shape):
    a, b = random_boxes(shape[0], dtype), random_boxes(shape[1], dtype, 1)
    overlaps = run(backend, "box_iou", a, b)
    np.testing.assert_array_equal(overlaps, reference.box_iou(a, b))
    assert_close(overlaps, np.array([[iou(x, y) for y in b] for x in a.astype(np.float64)]).reshape(shape))


@pytest.mark.parametrize(
    ("threshold", "kept"),
    [(0.0, [0, 3]), (0.49, [0, 3]), (0.5, [0, 1, 2, 3]), (0.51, [0, 1, 2, 3]), (1.0, [0, 1, 2, 3])],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_suppression_by_hand_is_strict(backend, dtype, threshold, kept):
    boxes = np.array(TRIPLE, dtype)
    assert kept_by(backend, boxes, np.array([0.9, 0.8, 0.7, 0.6], dtype), threshold) == kept


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("whole", [1, 2, 3, 7, 10, 15, 31])
def test_an_overlap_that_is_the_threshold_does_not_suppress(backend, whole, dtype):
    """IoU part/whole, both integers, against part/whole rounded once: products of the threshold would differ."""
    parts = np.arange(1, whole + 1)
    boxes = np.array([[0, 0, whole, 1]] + [[0, 0, part, 1] for part in parts], dtype)
    scores = np.linspace(1, 0.5, len(boxes)).astype(dtype)
    for i, part in enumerate(parts, 1):
        threshold = part / whole
        assert kept_by(backend, boxes[[0, i]], scores[[0, i]], threshold) == [0, 1]
        below = float(np.nextafter(np.array(threshold, dtype), np.array(0, dtype)))
        assert kept_by(backend, boxes[[0, i]], scores[[0, i]], below) == [0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_scores_go_by_index(backend, dtype):
    boxes = np.array([[0, 0, 4, 4]] * 3 + [[9, 9, 12, 12]] * 2, dtype)
    assert kept_by(backend, boxes, np.zeros(5, dtype), 0.5) == [0, 3]
    assert kept_by(backend, boxes, np.array([-0.0, 0.0, 0.0, 1.0, 1.0], dtype), 0.5) == [3, 0]
    assert kept_by(backend, boxes, np.array([-1, -0.5, -2, -np.inf, np.inf], dtype), 0.5) == [4, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_boxes_without_area_suppress_nothing(backend, dtype):
    boxes = np.array([[3, 3, 3, 3], [3, 3, 3, 3], [0, 0, 9, 9], [4, 0, 4, 9]], dtype)
    assert kept_by(backend, boxes, np.array([4, 3, 2, 1], dtype), 0.0) == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 64, 65, 200])
@pytest.mark.parametrize("dtype", DTYPES)
def test_suppression_agrees_with_a_plain_loop(backend, dtype, count):
    rng = np.random.default_rng(count)
    boxes = random_boxes(count, dtype, extent=60.0)
    scores, labels = rng.integers(0, 20, count).astype(dtype) / 20, rng.integers(-2, 3, count)
    for threshold in (0.0, 0.3, 0.7):
        assert kept_by(backend, boxes, scores, threshold) == greedy(boxes.tolist(), scores, threshold)
        assert kept_by(backend, boxes, scores, threshold, labels) == greedy(boxes.tolist(), scores, threshold, labels)


@pytest.mark.parametrize("seed", range(4))
def test_suppression_is_the_same_on_every_backend(backend, seed):
    """Over several blocks of candidates, on a grid where overlaps often are equal to the threshold."""
    dtype, rng = DTYPES[seed % 2], np.random.default_rng(seed)
    count = int(rng.integers(500, 1000))
    corner, size = rng.integers(0, 60, (count, 2)), rng.integers(0, 12, (count, 2))
    boxes = np.concatenate([corner, corner + size], axis=1).astype(dtype)
    scores = rng.integers(-50, 50, count).astype(dtype)
    labels = rng.integers(0, 5, count)
    for threshold in (0.5, 2 / 3, 0.3):
        expected = reference.nms(boxes, scores, threshold)
        np.testing.assert_array_equal(run(backend, "nms", boxes, scores, threshold), expected)
    expected = reference.nms(boxes, scores, 0.25, labels)
    np.testing.assert_array_equal(run(backend, "nms", boxes, scores, 0.25, labels), expected)


SCORES = {
    "equal": lambda i: np.zeros(len(i)),
    "rising": lambda i: i,
    "falling": lambda i: -i,
    "few good": lambda i: (i % 5 == 0) * 1000 + i % 7,
    "few bad": lambda i: (i % 5 != 0) * 1000 + i % 7,
    "infinite": lambda i: np.where(i % 3 == 0, np.inf, np.where(i % 3 == 1, -np.inf, -0.0 * i)),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", SCORES)
def test_suppression_does_not_depend_on_how_scores_are_spread(backend, kind, dtype):
    """The CPU takes the best first, those up to a score that it finds by a sample."""
    boxes, scores = random_boxes(900, dtype, extent=150.0), SCORES[kind](np.arange(900)).astype(dtype)
    expected = reference.nms(boxes, scores, 0.2)
    np.testing.assert_array_equal(run(backend, "nms", boxes, scores, 0.2), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_a_box_whose_area_overflows_is_kept(backend, dtype):
    side = np.sqrt(np.finfo(dtype).max) * 4
    boxes = np.array([[0, 0, side, side], [0, 0, 1, 1], [0, 0, side, side], [0, 0, 1, 1]], dtype)
    assert kept_by(backend, boxes, np.array([4, 3, 2, 1], dtype), 0.5) == [0, 1, 2]


@pytest.mark.each_kernel
def test_chunks_of_the_gpu_are_joined(backend, monkeypatch):
    """Many chunks, the last of which is not whole, and a chunk of which nothing is kept."""
    if backend.name.startswith("cuda"):
        monkeypatch.setattr(backend.boxes, "CHUNK", 128)
    boxes, scores = random_boxes(900, "float32", extent=200.0), np.linspace(1, 0, 900, dtype=np.float32)
    boxes[128:256] = boxes[0]
    expected = reference.nms(boxes, scores, 0.4)
    np.testing.assert_array_equal(run(backend, "nms", boxes, scores, 0.4), expected)


def test_a_hundred_thousand_boxes(backend):
    """Within memory: all of their overlaps would take 40 GB."""
    if backend.name == cuda_emulated.NAME:
        return  # whose memory is measured below
    rng = np.random.default_rng(0)
    centers = rng.uniform(0, 2000, (150, 2))[rng.integers(0, 150, 100_000)] + rng.normal(0, 2, (100_000, 2))
    boxes = np.concatenate([centers - 30, centers + 30], axis=1).astype(np.float32)
    scores = rng.permutation(100_000).astype(np.float32)
    kept = kept_by(backend, boxes, scores, 0.5)
    assert kept == reference.nms(boxes, scores, 0.5)[: len(kept)].tolist()
    assert 100 <= len(kept) < 1000  # centres, of which some overlap
    apart = np.arange(30_000, dtype=np.float32)[:, None] * 2 + np.array([0, 0, 1, 1], np.float32)
    if backend.name != "reference":
        np.testing.assert_array_equal(kept_by(backend, apart, scores[:30_000], 0.5), np.argsort(-scores[:30_000]))


def test_threads_give_the_same_boxes():
    pycnn.set_backend("cpu")
    boxes, scores = random_boxes(5000, "float32", extent=500.0), np.zeros(5000, np.float32)
    before, results = pycnn.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            pycnn.set_num_threads(threads)
            results.append(kept_by(pycnn.get_backend(), boxes, scores, 0.3))
    finally:
        pycnn.set_num_threads(before)
    assert results[0] == results[1] == results[2]
    assert 1000 < len(results[0]) < 5000
