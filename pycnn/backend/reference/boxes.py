"""Overlaps of boxes and greedy suppression: box by box."""

import numpy as np

from pycnn.backend.reference.result import deliver


def box_iou(a, b, out=None):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    width, height = np.moveaxis(np.maximum(high - low, 0), 2, 0)
    inter = width * height
    union = _area(a)[:, None] + _area(b) - inter
    return deliver(np.where(union > 0, inter / np.where(union > 0, union, 1), 0), out, a.dtype)


def nms(boxes, scores, iou_threshold, labels=None, out=None):
    threshold = boxes.dtype.type(iou_threshold)
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        suppressed = box_iou(boxes[best : best + 1], boxes[left])[0] > threshold
        if labels is not None:
            suppressed &= labels[left] == labels[best]
        left = left[~suppressed]
    return deliver(np.concatenate([kept, np.full(len(boxes) - len(kept), -1)]), out, np.int64)


def _area(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
