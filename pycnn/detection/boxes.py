"""Boxes: areas, formats, overlaps, and how alike two of them are, as losses take it. Tensors come out."""

import math

import numpy as np

from pycnn import ops
from pycnn.autograd import Tensor, as_tensor, is_grad_enabled
from pycnn.backend import get_backend
from pycnn.backend.geometry import is_real
from pycnn.backend.recording import check
from pycnn.ops.promotion import as_float, same_float

EXCELLENT, GOOD = 0.9, 0.7
_CORNERS = {  # format -> x1, y1, x2, y2 of its four numbers
    "xyxy": lambda a, b, c, d: (a, b, c, d),
    "yxyx": lambda a, b, c, d: (b, a, d, c),
    "xywh": lambda x, y, w, h: (x, y, x + w, y + h),
    "cxcywh": lambda x, y, w, h: (x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h),
}
_FROM_CORNERS = {
    "xyxy": lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    "yxyx": lambda x1, y1, x2, y2: (y1, x1, y2, x2),
    "xywh": lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    "cxcywh": lambda x1, y1, x2, y2: (0.5 * (x1 + x2), 0.5 * (y1 + y2), x2 - x1, y2 - y1),
}


def number_tensor(argument, values):
    """A tensor of real numbers, or an error that names the argument."""
    try:
        tensor = as_tensor(values)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{argument} must be numbers, in rows of one length. Received: {argument}={values!r}"
        ) from None
    if tensor.dtype.kind not in "fiub":
        raise TypeError(f"{argument} must be real numbers. Received: {argument}.dtype={tensor.dtype}")
    return tensor


def float_boxes(argument, boxes, ndim=None):
    """A floating tensor of boxes, whose last axis is four numbers; [] is none of them. Values are not looked at."""
    boxes = number_tensor(argument, boxes)
    if boxes.shape == (0,):
        boxes = ops.reshape(boxes, (0, 4))
    if not boxes.ndim or boxes.shape[-1] != 4 or ndim not in (None, boxes.ndim):
        shape = "(N, 4)" if ndim == 2 else "(..., 4)"
        raise ValueError(f"{argument} must have the shape {shape}. Received: {argument}.shape={boxes.shape}")
    return boxes if boxes.dtype.kind == "f" else Tensor.wrap(as_float(boxes.data))


def check_corners(argument, boxes):
    """Require x1 <= x2 and y1 <= y2 of the array's boxes, which no NaN is."""
    if not bool((boxes[..., 2:] >= boxes[..., :2]).all()):
        flat = get_backend().to_numpy(boxes).reshape(-1, 4)
        row = int(np.argmin((flat[:, 2:] >= flat[:, :2]).all(axis=1)))
        raise ValueError(f"{argument} need x1 <= x2 and y1 <= y2. Received: {argument}[{row}]={flat[row].tolist()}")


def check_broadcast(**boxes):
    """Require that boxes (..., 4), two by name, meet one by one."""
    shapes = [b.shape for b in boxes.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        first, second = boxes
        raise ValueError(
            f"{first} and {second} must be equally many, or have shapes that broadcast. "
            f"Received: {first}.shape={shapes[0]}, {second}.shape={shapes[1]}"
        ) from None


def height_and_width(size):
    """The two numbers of ``size``, or an error."""
    sides = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else ()
    if len(sides) != 2 or not all(is_real(side) and side >= 0 for side in sides):
        raise ValueError(f"size must be (height, width), two numbers >= 0. Received: size={size!r}")
    return sides


def columns(boxes):
    """The four numbers of each box, as four tensors."""
    return tuple(boxes[..., i] for i in range(4))


def ratio(above, below):
    """above / below, and 0 with a gradient of 0 where below is 0 (and above, too)."""
    is_zero = ops.equal(below, 0)
    return ops.where(is_zero, 0.0, above / ops.where(is_zero, 1.0, below))


def box_area(boxes):
    """Area of each box: (..., 4) -> Tensor (...).

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.box_area([[0.0, 0.0, 4.0, 2.0]]).numpy()
    array([8.], dtype=float32)
    """
    x1, y1, x2, y2 = columns(float_boxes("boxes", boxes))
    return (x2 - x1) * (y2 - y1)


def box_convert(boxes, in_fmt, out_fmt):
    """Boxes in another format.

    Parameters
    ----------
    boxes : (..., 4)
    in_fmt, out_fmt : {"xyxy", "yxyx", "xywh", "cxcywh"}
        Two corners, in either order of x and y; corner (COCO) or centre (YOLO), width and height.

    Returns
    -------
    Tensor (..., 4)

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.box_convert([2.0, 4.0, 10.0, 8.0], "xyxy", "cxcywh").numpy()
    array([6., 6., 8., 4.], dtype=float32)
    """
    for argument, name in (("in_fmt", in_fmt), ("out_fmt", out_fmt)):
        if not isinstance(name, str) or name not in _CORNERS:
            raise ValueError(f"{argument} must be one of {', '.join(_CORNERS)}. Received: {argument}={name!r}")
    boxes = float_boxes("boxes", boxes)
    return boxes if in_fmt == out_fmt else ops.stack(_FROM_CORNERS[out_fmt](*_CORNERS[in_fmt](*columns(boxes))), -1)


def clip_boxes(boxes, size):
    """Boxes (..., 4), as far as they lie in an image of ``size`` (height, width); what lies outside becomes empty.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.clip_boxes([[-3.0, 2.0, 20.0, 9.0]], (8, 16)).numpy()
    array([[ 0.,  2., 16.,  8.]], dtype=float32)
    """
    boxes, (height, width) = float_boxes("boxes", boxes), height_and_width(size)
    limits = get_backend().asarray(np.array([width, height, width, height], boxes.dtype))
    return ops.minimum(ops.maximum(boxes, 0.0), Tensor.wrap(limits))


def remove_small_boxes(boxes, min_size):
    """Indices of the boxes (N, 4) both of whose sides are at least ``min_size``: Tensor (K,) int64.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.remove_small_boxes([[0.0, 0.0, 9.0, 1.0], [0.0, 0.0, 4.0, 4.0]], 2).numpy()
    array([1])
    """
    boxes = float_boxes("boxes", boxes, 2).data
    if not is_real(min_size):
        raise ValueError(f"min_size must be a number. Received: min_size={min_size!r}")
    return Tensor.wrap(get_backend().xp.flatnonzero(((boxes[:, 2:] - boxes[:, :2]) >= min_size).all(axis=1)))


def _both(a, b, pairwise):
    a, b = float_boxes("a", a, 2 if pairwise else None), float_boxes("b", b, 2 if pairwise else None)
    if a.dtype != b.dtype:
        wide = same_float(a.data[:0], b.data[:0])[0].dtype
        a, b = ops.cast(a, wide), ops.cast(b, wide)
    if not pairwise:
        check_broadcast(a=a, b=b)
    return a, b


class _Pair:
    """What the measures of likeness have in common: sides, intersection, union and hull of each pair of boxes.

    A box whose corners are exchanged, which a network may predict, has no area.
    """

    def __init__(self, a, b, pairwise):
        a, b = _both(a, b, pairwise)
        self.a, self.b = columns(a[:, None] if pairwise else a), columns(b[None] if pairwise else b)
        low = [ops.maximum(self.a[k], self.b[k]) for k in (0, 1)]
        high = [ops.minimum(self.a[k], self.b[k]) for k in (2, 3)]
        inter = ops.maximum(high[0] - low[0], 0.0) * ops.maximum(high[1] - low[1], 0.0)
        self.sides = [[ops.maximum(box[k + 2] - box[k], 0.0) for k in (0, 1)] for box in (self.a, self.b)]
        (wa, ha), (wb, hb) = self.sides
        self.union = wa * ha + wb * hb - inter
        self.iou = ratio(inter, self.union)

    def hull(self):
        """Sides of the smallest box around both."""
        return [ops.maximum(self.a[k + 2], self.b[k + 2]) - ops.minimum(self.a[k], self.b[k]) for k in (0, 1)]

    def apart(self):
        """Squared distance of the centres, over that of the hull's corners."""
        dx, dy = (0.5 * (self.a[k] + self.a[k + 2] - self.b[k] - self.b[k + 2]) for k in (0, 1))
        width, height = self.hull()
        return ratio(dx * dx + dy * dy, width * width + height * height)


def box_iou(a, b, pairwise=True):
    """Intersection over union.

    Parameters
    ----------
    a, b : (N, 4) and (M, 4)
        Boxes x1, y1, x2, y2. Where no gradient is wanted these are checked to have x1 <= x2 and y1 <= y2.
    pairwise : bool
        Whether each box of ``a`` meets each of ``b``; otherwise they meet one by one, and shapes (..., 4) broadcast.

    Returns
    -------
    Tensor (N, M) or (...)
        0 for boxes without area. Gradients flow to both.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.box_iou([[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]]).numpy()
    array([[0.33333334, 0.        ]], dtype=float32)
    """
    a, b = _both(a, b, pairwise)
    if is_grad_enabled() and (a.requires_grad or b.requires_grad):
        return _Pair(a, b, pairwise).iou
    check(check_corners, "a", a.data)
    check(check_corners, "b", b.data)
    return Tensor.wrap(get_backend().box_iou(a.data, b.data)) if pairwise else _Pair(a, b, pairwise).iou


def generalized_box_iou(a, b, pairwise=True):
    """IoU less the part of the hull of both boxes that belongs to neither, in [-1, 1] (Rezatofighi et al. 2019).

    The arguments are those of ``box_iou``; 1 - the result is a loss that draws boxes together before they meet. Boxes
    whose hull has no area have 0; all gradients are finite.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.generalized_box_iou([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]]).numpy()
    array([[-0.5]], dtype=float32)
    """
    pair = _Pair(a, b, pairwise)
    width, height = pair.hull()
    hull = width * height
    return pair.iou - ratio(hull - pair.union, hull)


def distance_box_iou(a, b, pairwise=True):
    """IoU less the squared distance of the centres, over that of the hull's corners (Zheng et al. 2020).

    The arguments are those of ``box_iou``, and 1 - the result is a loss. Two boxes that are one point have 0.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.distance_box_iou([[0.0, 0.0, 2.0, 2.0]], [[0.0, 2.0, 2.0, 4.0]]).numpy()
    array([[-0.2]], dtype=float32)
    """
    pair = _Pair(a, b, pairwise)
    return pair.iou - pair.apart()


def complete_box_iou(a, b, pairwise=True):
    """``distance_box_iou`` less alpha * v, where v is how different the ratios of the sides are (Zheng et al. 2020).

    v = (2/pi * (atan(wa/ha) - atan(wb/hb)))**2 and alpha = v / (1 - iou + v), which as in the paper counts as a
    constant where gradients are made. A box that is a point has the ratio 0.
    """
    pair = _Pair(a, b, pairwise)
    angles = [ops.arctan2(w, ops.where(ops.equal(w + h, 0), 1.0, h)) for w, h in pair.sides]
    v = (2 / math.pi * (angles[0] - angles[1])) ** 2
    alpha = ops.stop_gradient(ratio(v, 1 - pair.iou + v))
    return pair.iou - pair.apart() - alpha * v


def iou_rating(iou):
    """How good an overlap is, in a word: above 0.9 "excellent", above 0.7 "good", else "poor".

    The edges belong to the lower word: 0.9 is "good", 0.7 is "poor". An array gives an array of the host.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.iou_rating(0.95)
    'excellent'
    >>> pycnn.detection.iou_rating([0.9, 0.7, 0.2]).tolist()
    ['good', 'poor', 'poor']
    """
    values = as_tensor(iou).numpy()
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"iou must lie in [0, 1]. Received: iou={iou!r}")
    words = np.where(values > EXCELLENT, "excellent", np.where(values > GOOD, "good", "poor"))
    return words if words.ndim else str(words)
