"""Non-maximum suppression, hard and soft, and fusion: by hand, and against ONNX Runtime and OpenCV."""

from functools import cache

import numpy as np
import pytest
from helpers import assert_close, peer

from pycnn.detection import batched_nms, nms, soft_nms, weighted_boxes

SQUARES = [[0.0, 0.0, 4.0, 4.0], [0.0, 1.0, 4.0, 5.0], [8.0, 8.0, 9.0, 9.0]]  # the first two: IoU 12/20


def scene(count, seed, ties=False):
    """Random boxes around some centres, x1, y1, x2, y2, and scores, of which some are equal."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 300, (count // 8 + 1, 2))[rng.integers(0, count // 8 + 1, count)]
    centres += rng.normal(0, 5, (count, 2))
    size = rng.uniform(15, 60, (count, 2))
    boxes = np.concatenate([centres - size / 2, centres + size / 2], axis=1).astype(np.float32)
    scores = rng.integers(0, 20, count) / 20 if ties else rng.permutation(count) / count
    return boxes, (scores + 1 / 32).astype(np.float32)


@cache
def session():
    """ONNX Runtime with one operation, NonMaxSuppression, of its first image and class."""
    onnx, runtime = peer("onnx"), peer("onnxruntime")
    floats, integers = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("NonMaxSuppression", ["boxes", "scores", "most", "threshold"], ["kept"])
    inputs = [
        value("boxes", floats, [1, None, 4]),
        value("scores", floats, [1, None, None]),
        value("most", integers, [1]),
        value("threshold", floats, [1]),
    ]
    graph = onnx.helper.make_graph([node], "nms", inputs, [value("kept", integers, [None, 3])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 11)], ir_version=8)
    return runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def by_onnx(boxes, scores, threshold, labels=None):
    """Boxes are y1, x1, y2, x2 there; the kept come class by class."""
    classes = [0] if labels is None else sorted(set(labels.tolist()))
    if labels is None:
        labels = np.zeros(len(boxes), int)
    kept = []
    for label in classes:
        own = np.flatnonzero(labels == label)
        (found,) = session().run(
            None,
            {
                "boxes": boxes[None, own][:, :, [1, 0, 3, 2]],
                "scores": scores[None, None, own],
                "most": np.array([len(own)]),
                "threshold": np.array([threshold], np.float32),
            },
        )
        kept += own[found[:, 2]].tolist()
    return sorted(kept, key=lambda i: (-scores[i], i))


def test_by_hand(backend):
    assert nms(SQUARES, [0.6, 0.9, 0.7], 0.5).numpy().tolist() == [1, 2]
    assert nms(SQUARES, [0.6, 0.9, 0.7], 0.6).numpy().tolist() == [1, 2, 0]  # float32(12/20) is the threshold
    assert nms(SQUARES, [0.6, 0.9, 0.7], 0.7).numpy().tolist() == [1, 2, 0]
    assert batched_nms(SQUARES, [0.6, 0.9, 0.7], [0, 1, 0], 0.5).numpy().tolist() == [1, 2, 0]
    assert batched_nms(SQUARES, [0.6, 0.9, 0.7], [1, 1, 0], 0.5).numpy().tolist() == [1, 2]
    assert nms(SQUARES, [1, 1, 1], 0.5).numpy().tolist() == [0, 2]
    assert nms(SQUARES, [1, 1, 1], 0.5).dtype == np.int64


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("count", [1, 50, 300])
def test_the_same_boxes_as_onnx_runtime(backend, count, ties):
    for seed in range(3):
        boxes, scores = scene(count, seed, ties)
        labels = np.random.default_rng(seed).integers(0, 4, count)
        for threshold in (0.0, 0.3, 0.5, 0.7):
            assert nms(boxes, scores, threshold).numpy().tolist() == by_onnx(boxes, scores, threshold)
        assert batched_nms(boxes, scores, labels, 0.5).numpy().tolist() == by_onnx(boxes, scores, 0.5, labels)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_boxes_as_opencv(backend, seed):
    dnn = peer("cv2").dnn
    boxes, scores = scene(300, seed)
    boxes = np.round(boxes)  # of which it makes integers
    as_opencv = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(int).tolist()
    for threshold in (0.31, 0.5001, 0.7):  # that no overlap is, for it takes 1 - (1 - IoU)
        expected = np.asarray(dnn.NMSBoxes(as_opencv, scores.tolist(), 0.0, threshold)).ravel().tolist()
        assert nms(boxes, scores, threshold).numpy().tolist() == expected


def test_a_hundred_thousand_boxes_as_onnx_runtime():
    boxes, scores = scene(100_000, 0)
    which = np.arange(100_000) % 50
    boxes[:, [0, 2]] += which[:, None] * 500  # fifty scenes side by side, of which it sees one
    kept, first = nms(boxes, scores, 0.5).numpy(), which == 0
    assert 5_000 < len(kept) < 90_000
    np.testing.assert_array_equal(kept[first[kept]], np.flatnonzero(first)[by_onnx(boxes[first], scores[first], 0.5)])


def test_soft_by_hand(backend):
    boxes, before = np.array(SQUARES), np.array([0.9, 0.8, 0.7])
    indices, scores = soft_nms(boxes, before, 0.5, method="linear")
    assert indices.numpy().tolist() == [0, 2, 1]
    assert_close(scores.numpy(), np.array([0.9, 0.7, 0.8 * 0.4]), 1e-12)
    indices, scores = soft_nms(boxes, before, sigma=0.5)
    assert indices.numpy().tolist() == [0, 2, 1]
    assert_close(scores.numpy(), np.array([0.9, 0.7, 0.8 * np.exp(-0.6 * 0.6 / 0.5)]), 1e-12)
    assert soft_nms(boxes, before, 0.5, score_threshold=0.5, method="linear")[0].numpy().tolist() == [0, 2]
    indices, scores = soft_nms(boxes[[0, 0, 0]], [0.5, 0.75, 1], method="linear")  # nothing is left of the others
    assert indices.numpy().tolist() == [2]
    assert scores.numpy().tolist() == [1.0]


@pytest.mark.parametrize("method", ["linear", "gaussian"])
@pytest.mark.parametrize("count", [5, 100])
def test_soft_as_opencv(backend, method, count):
    dnn = peer("cv2").dnn
    boxes, scores = scene(count, 1)
    boxes = np.round(boxes)
    as_opencv = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(int).tolist()
    kind = {"linear": 1, "gaussian": 2}[method]
    theirs = dnn.softNMSBoxes(as_opencv, scores.tolist(), 0.05, 0.3, sigma=0.5, method=kind)
    indices, rescored = soft_nms(boxes, scores, 0.3, 0.5, 0.05, method)
    assert indices.numpy().tolist() == np.asarray(theirs[1]).ravel().tolist()
    assert_close(rescored.numpy(), np.asarray(theirs[0], np.float32).ravel(), 1e-5)


def test_fusion_by_hand(backend):
    boxes, scores, indices = weighted_boxes([*SQUARES, [8, 8, 9, 9.5]], [0.25, 0.75, 0.5, 0.5], 0.5)
    assert indices.numpy().tolist() == [1, 2]
    assert_close(boxes.numpy(), np.array([[0, 0.75, 4, 4.75], [8, 8, 9, 9.25]], np.float32), 1e-6)
    assert_close(scores.numpy(), np.array([0.5, 0.5], np.float32), 1e-6)
    _, scores, indices = weighted_boxes(SQUARES, [0.25, 0.75, 0.5], 0.5, labels=[1, 2, 2])
    assert indices.numpy().tolist() == [1, 2, 0]
    assert scores.numpy().tolist() == [0.75, 0.5, 0.25]


def test_boxes_without_area_or_score_are_fused_with_themselves(backend):
    boxes, scores, indices = weighted_boxes([[3, 3, 3, 3], [3, 3, 3, 3], [0, 0, 1, 1]], [0, 1, 0])
    assert indices.numpy().tolist() == [1, 0, 2]
    np.testing.assert_array_equal(boxes.numpy(), [[3, 3, 3, 3], [3, 3, 3, 3], [0, 0, 1, 1]])
    assert scores.numpy().tolist() == [1, 0, 0]


def test_none_of_them(backend):
    assert nms([], [], 0.5).shape == (0,)
    assert batched_nms(np.zeros((0, 4)), [], [], 0.5).shape == (0,)
    assert [x.shape for x in soft_nms([], [])] == [(0,), (0,)]
    assert [x.shape for x in weighted_boxes([], [])] == [(0, 4), (0,), (0,)]


FUNCTIONS = {
    "nms": lambda boxes, scores: nms(boxes, scores, 0.5),
    "batched_nms": lambda boxes, scores: batched_nms(boxes, scores, np.zeros(len(boxes), int), 0.5),
    "soft_nms": soft_nms,
    "weighted_boxes": weighted_boxes,
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_bad_input_is_refused(backend, function):
    for wrong in ([0, 0, -1, 1], [0, 1, 1, 0], [0, 0, np.nan, 1]):
        with pytest.raises(ValueError, match=r"boxes need x1 <= x2 and y1 <= y2\. Received: boxes\[1\]="):
            function([SQUARES[0], wrong], [0.5, 0.6])
    with pytest.raises(ValueError, match=r"one value for each of the 3 boxes\. Received: scores\.shape=\(2,\)"):
        function(SQUARES, [0.5, 0.6])
    with pytest.raises(ValueError, match=r"scores must be numbers\. Received: scores\[2\]=nan"):
        function(SQUARES, [0.5, 0.6, np.nan])
    with pytest.raises(ValueError, match=r"boxes must have the shape \(N, 4\)\. Received: boxes\.shape=\(3, 5\)"):
        function(np.zeros((3, 5)), [0.5, 0.6, 0.7])


def test_bad_options_are_refused(backend):
    with pytest.raises(ValueError, match=r"iou_threshold must lie in \[0, 1\]\. Received: iou_threshold=1.5"):
        nms(SQUARES, [1, 2, 3], 1.5)
    for wrong in ([0, 1], [0.5, 1, 2]):
        with pytest.raises(ValueError, match="labels must be one integer for each of the 3 boxes"):
            batched_nms(SQUARES, [1, 2, 3], wrong, 0.5)
    with pytest.raises(ValueError, match="method must be 'gaussian' or 'linear'. Received: method='hard'"):
        soft_nms(SQUARES, [1, 2, 3], method="hard")
    with pytest.raises(ValueError, match="sigma must be above 0"):
        soft_nms(SQUARES, [1, 2, 3], sigma=0)
