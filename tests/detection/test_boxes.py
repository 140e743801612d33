"""Areas, formats, clipping and the likeness of boxes: by hand, against PyTorch's autograd, and by gradcheck."""

import math

import numpy as np
import pytest
from helpers import assert_close, peer

import pycnn
from pycnn.autograd import gradcheck
from pycnn.detection import (
    box_area,
    box_convert,
    box_iou,
    clip_boxes,
    complete_box_iou,
    distance_box_iou,
    generalized_box_iou,
    iou_rating,
    remove_small_boxes,
)

MEASURES = {
    "box_iou": box_iou,
    "generalized": generalized_box_iou,
    "distance": distance_box_iou,
    "complete": complete_box_iou,
}
POINT, FLAT, TALL = [3, 3, 3, 3], [1, 2, 6, 2], [4, 0, 4, 7]
WITHOUT_AREA = [POINT, POINT, FLAT, TALL, [0, 0, 4, 4], [3, 3, 9, 9]]


def random_boxes(count, seed=0):
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 8, (count, 2)), rng.uniform(1, 6, (count, 2))
    return np.concatenate([corner, corner + size], axis=1)


def in_torch(name, a, b):
    """The measure as its paper writes it, pairwise."""
    torch = peer("torch")
    a, b = a[:, None], b[None]
    low, high = torch.maximum(a, b), torch.minimum(a, b)
    inter = (high[..., 2:] - low[..., :2]).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - inter
    hull = low[..., 2:] - high[..., :2]
    iou = inter / union
    if name == "box_iou":
        return iou
    if name == "generalized":
        return iou - (hull.prod(-1) - union) / hull.prod(-1)
    centres = [(x[..., :2] + x[..., 2:]) / 2 for x in (a, b)]
    distance = iou - ((centres[0] - centres[1]) ** 2).sum(-1) / (hull**2).sum(-1)
    if name == "distance":
        return distance
    angles = [torch.atan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1])) for x in (a, b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v)
    return distance - alpha * v


def test_area_and_small_boxes(backend):
    boxes = np.array([[0, 0, 4, 2], [1, 1, 1, 5], [0, 0, 3, 3]])
    np.testing.assert_array_equal(box_area(boxes).numpy(), [8, 0, 9])
    np.testing.assert_array_equal(remove_small_boxes(boxes, 2).numpy(), [0, 2])
    np.testing.assert_array_equal(remove_small_boxes(boxes, 3).numpy(), [2])
    assert remove_small_boxes([], 1).shape == (0,)
    assert box_area(np.zeros((2, 3, 4))).shape == (2, 3)


def test_formats_by_hand(backend):
    same = {"xyxy": [2, 4, 10, 8], "yxyx": [4, 2, 8, 10], "xywh": [2, 4, 8, 4], "cxcywh": [6, 6, 8, 4]}
    for source, box in same.items():
        for target, wanted in same.items():
            converted = box_convert(np.array([[box]], np.float64), source, target)
            np.testing.assert_array_equal(converted.numpy(), [[wanted]])
            assert converted.dtype == np.float64
            assert gradcheck(lambda x, s=source, t=target: box_convert(x, s, t), [np.array(box, np.float64)])
    with pytest.raises(ValueError, match=r"out_fmt must be one of xyxy, .*Received: out_fmt='xyxz'"):
        box_convert([same["xyxy"]], "xyxy", "xyxz")


def test_clipping_by_hand(backend):
    boxes = [[-3, -2, 20, 30], [1, 2, 3, 4], [40, -9, 50, -2]]
    np.testing.assert_array_equal(clip_boxes(boxes, (8, 16)).numpy(), [[0, 0, 16, 8], [1, 2, 3, 4], [16, 0, 16, 0]])
    assert gradcheck(lambda x: clip_boxes(x, (8, 16)), [np.array(boxes, np.float64) + 0.5])


def test_likeness_by_hand(backend):
    """Two squares of side 2, one beside the other; their hull is 4 wide, its diagonal's square is 20."""
    a, b = (
        [[0.0, 0.0, 2.0, 2.0]],
        [[2.0, 0.0, 4.0, 2.0], [1.0, 0.0, 3.0, 2.0], [0.0, 0.0, 2.0, 2.0], [3.0, 0.0, 4.0, 2.0]],
    )
    for name, wanted in {
        "box_iou": [0, 1 / 3, 1, 0],
        "generalized": [0, 1 / 3, 1, -2 / 8],
        "distance": [-4 / 20, 1 / 3 - 1 / 13, 1, -(2.5**2) / 20],
    }.items():
        assert_close(MEASURES[name](a, b).numpy(), np.array([wanted], np.float32), 1e-6)
    v = (2 / math.pi * (math.atan(1) - math.atan(0.5))) ** 2
    wanted = -(2.5**2) / 20 - v * v / (1 + v)
    assert complete_box_iou(a, b)[0, 3].item() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("name", MEASURES)
def test_values_and_gradients_agree_with_pytorch(backend, name):
    torch = peer("torch")
    a, b = random_boxes(6), random_boxes(5, 1)
    weights = np.random.default_rng(2).standard_normal((6, 5))
    ours = [pycnn.Tensor(x, requires_grad=True) for x in (a, b)]
    theirs = [torch.tensor(x, requires_grad=True) for x in (a, b)]
    y, expected = MEASURES[name](*ours), in_torch(name, *theirs)
    assert_close(y.numpy(), expected.detach().numpy(), 1e-12)
    y.backward(weights)
    expected.backward(torch.tensor(weights))
    for our, their in zip(ours, theirs, strict=True):
        assert_close(our.grad.numpy(), their.grad.numpy(), 1e-10)


@pytest.mark.parametrize("name", MEASURES)
def test_one_by_one_is_the_diagonal_of_all_pairs(backend, name):
    a, b = random_boxes(7), random_boxes(7, 1)
    wanted = MEASURES[name](a, b).numpy().diagonal()
    np.testing.assert_array_equal(MEASURES[name](a, b, pairwise=False).numpy(), wanted)
    broadcast = MEASURES[name](a.reshape(7, 1, 4), b[:3], pairwise=False)
    np.testing.assert_array_equal(broadcast.numpy(), MEASURES[name](a, b[:3]).numpy())


@pytest.mark.parametrize("name", ["box_iou", "generalized", "distance"])  # alpha of the complete one is a constant
def test_gradcheck(backend, name):
    assert gradcheck(MEASURES[name], [random_boxes(3), random_boxes(2, 1)])
    assert gradcheck(lambda a, b: MEASURES[name](a, b, pairwise=False), [random_boxes(3), random_boxes(3, 1)])


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_boxes_without_area_have_finite_values_and_gradients(backend, name, dtype):
    inverted = [5, 6, 2, 1]
    a, b = (pycnn.Tensor(np.array([*WITHOUT_AREA, inverted], dtype), requires_grad=True) for _ in range(2))
    y = MEASURES[name](a, b)
    assert y.dtype == dtype
    y.sum().backward()
    for values in (y.numpy(), a.grad.numpy(), b.grad.numpy()):
        assert np.isfinite(values).all()
    assert y[0, 1].item() == 0  # a point, twice
    assert y[4, 4].item() == 1
    assert y.numpy().min() >= -2


def test_overlaps_are_those_of_the_kernel_with_and_without_gradients(backend):
    a, b = random_boxes(40).astype("f4"), random_boxes(30, 1).astype("f4")
    with_gradient = box_iou(pycnn.Tensor(a, requires_grad=True), b)
    np.testing.assert_array_equal(with_gradient.numpy(), box_iou(a, b).numpy())


def test_none_of_them(backend):
    boxes = random_boxes(3)
    for measure in MEASURES.values():
        assert measure([], boxes).shape == (0, 3)
        assert measure(boxes, []).shape == (3, 0)
        assert measure(boxes[:0], boxes[:0], pairwise=False).shape == (0,)
    assert clip_boxes([], (4, 4)).shape == (0, 4)
    assert box_convert([], "xyxy", "xywh").shape == (0, 4)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (1, 2, 4)])
def test_wrong_shapes_are_refused(backend, shape):
    with pytest.raises(ValueError, match=r"a must have the shape \(N, 4\)\. Received: a\.shape=\("):
        box_iou(np.zeros(shape), np.zeros((2, 4)))
    if shape[-1] != 4:
        with pytest.raises(ValueError, match=r"boxes must have the shape \(\.\.\., 4\)"):
            box_area(np.zeros(shape))


def test_exchanged_corners_are_refused(backend):
    for wrong in ([0, 0, -1, 5], [0, 5, 4, 4], [0, 0, np.nan, 4]):
        for pairwise in (True, False):
            with pytest.raises(ValueError, match=r"b need x1 <= x2 and y1 <= y2\. Received: b\[1\]=\["):
                box_iou([[0.0, 0.0, 1.0, 1.0]] * 2, [[0.0, 0.0, 1.0, 1.0], wrong], pairwise)


def test_rating():
    assert [iou_rating(x) for x in (1, 0.91, 0.9, 0.71, 0.7, 0.69, 0)] == ["excellent"] * 2 + ["good"] * 2 + [
        "poor"
    ] * 3
    assert iou_rating(np.float32([0.9, 0.7])).tolist() == ["good", "poor"]
    for wrong in (1.1, -0.1, np.nan):
        with pytest.raises(ValueError, match=r"iou must lie in \[0, 1\]"):
            iou_rating(wrong)
