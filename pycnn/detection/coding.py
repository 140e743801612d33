"""Boxes as what a network predicts: where they lie by the side of anchors (R-CNN, section C)."""

import math

import numpy as np

from pycnn import config, ops
from pycnn.backend.geometry import is_real
from pycnn.detection.boxes import check_broadcast, columns, float_boxes

LARGEST = math.log(1000 / 16)
"""Of the logarithms of width and height that are decoded: Detectron's, so that nothing overflows."""


def _factors(weights, deviations):
    """What differences are multiplied by, x, y, width, height."""
    if weights is not None and deviations is not None:
        raise ValueError(
            "either weights or deviations can be given, one being 1 / the other. "
            f"Received: weights={weights}, deviations={deviations}"
        )
    name, values = ("weights", weights) if deviations is None else ("deviations", deviations)
    if values is None:
        return (1.0,) * 4
    if not np.iterable(values) or len(values) != 4 or not all(is_real(v) and 0 < v < math.inf for v in values):
        raise ValueError(f"{name} must be four numbers above 0: of x, y, width, height. Received: {name}={values!r}")
    return tuple(float(v) if deviations is None else 1 / v for v in values)


def _sides_and_centres(boxes, legacy):
    x1, y1, x2, y2 = columns(boxes)
    width, height = x2 - x1 + legacy, y2 - y1 + legacy
    return width, height, x1 + 0.5 * width, y1 + 0.5 * height


def encode_boxes(boxes, anchors, weights=None, deviations=None, legacy=False):
    """What a network should predict at the anchors to find the boxes.

    dx = (x - x_a) / w_a and dw = log(w / w_a) of centres and widths, the same of y and heights.

    Parameters
    ----------
    boxes, anchors : (..., 4)
        Corners; the shapes broadcast. Sides below ``config.epsilon()`` count as that.
    weights, deviations : four numbers, optional
        What dx, dy, dw, dh are multiplied by, or else divided by: (10, 10, 5, 5) is the same as (.1, .1, .2, .2).
    legacy : bool
        Whether a side is x2 - x1 + 1, corners being pixels, as in the first R-CNNs.

    Returns
    -------
    Tensor (..., 4)
        dx, dy, dw, dh. Gradients flow to both.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.encode_boxes([[2.0, 0.0, 6.0, 8.0]], [[0.0, 0.0, 4.0, 8.0]]).numpy()
    array([[0.5, 0. , 0. , 0. ]], dtype=float32)
    """
    kx, ky, kw, kh = _factors(weights, deviations)
    boxes, anchors = float_boxes("boxes", boxes), float_boxes("anchors", anchors)
    check_broadcast(boxes=boxes, anchors=anchors)
    width, height, x, y = _sides_and_centres(boxes, int(legacy))
    anchor_width, anchor_height, anchor_x, anchor_y = _sides_and_centres(anchors, int(legacy))
    width, height, anchor_width, anchor_height = (
        ops.maximum(side, config.epsilon()) for side in (width, height, anchor_width, anchor_height)
    )
    dx, dy = (x - anchor_x) / anchor_width * kx, (y - anchor_y) / anchor_height * ky
    return ops.stack([dx, dy, ops.log(width / anchor_width) * kw, ops.log(height / anchor_height) * kh], axis=-1)


def decode_boxes(deltas, anchors, weights=None, deviations=None, legacy=False):
    """The boxes of which ``encode_boxes`` made ``deltas``; the arguments are the same.

    dw and dh, once divided by their weights, count as at most log(1000/16). For boxes of each class give deltas
    (N, classes, 4) and anchors (N, 1, 4).

    Returns
    -------
    Tensor (..., 4)
        Corners. Gradients flow to both.

    Examples
    --------
    >>> import pycnn
    >>> pycnn.detection.decode_boxes([[0.5, 0.0, 0.0, 0.0]], [[0.0, 0.0, 4.0, 8.0]]).numpy()
    array([[2., 0., 6., 8.]], dtype=float32)
    """
    kx, ky, kw, kh = _factors(weights, deviations)
    deltas, anchors = float_boxes("deltas", deltas), float_boxes("anchors", anchors)
    check_broadcast(deltas=deltas, anchors=anchors)
    dx, dy, dw, dh = columns(deltas)
    anchor_width, anchor_height, x, y = _sides_and_centres(anchors, int(legacy))
    x, y = x + dx / kx * anchor_width, y + dy / ky * anchor_height
    width = anchor_width * ops.exp(ops.minimum(dw / kw, LARGEST))
    height = anchor_height * ops.exp(ops.minimum(dh / kh, LARGEST))
    x1, y1 = x - 0.5 * width, y - 0.5 * height
    return ops.stack([x1, y1, x1 + width - int(legacy), y1 + height - int(legacy)], axis=-1)
