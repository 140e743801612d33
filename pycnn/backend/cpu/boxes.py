"""Overlaps of boxes and greedy suppression on the CPU."""

import numpy as np

from pycnn.backend.cpu.arrays import contiguous, result
from pycnn.backend.cpu.compiled import run
from pycnn_ext import boxes as ext


def box_iou(a, b, out=None):
    a, b = contiguous(a, b)
    out = result((len(a), len(b)), a.dtype, out)
    if out.size:
        run(ext.box_iou, a, b, out)
    return out


def nms(boxes, scores, iou_threshold, labels=None, out=None):
    boxes, scores = np.ascontiguousarray(boxes), np.ascontiguousarray(scores)
    out = np.empty(len(boxes), np.int64) if out is None else out
    if labels is None:
        count = ext.nms(boxes, scores, None, (len(boxes),), iou_threshold, out)
    else:
        members = np.argsort(labels, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(labels[members])) + 1, len(boxes))
        count = ext.nms(boxes, scores, members, ends, iou_threshold, out)
        kept, order = np.sort(out[:count]), np.empty(count, np.int64)
        ext.order_falling(scores[kept], order)
        out[:count] = kept[order]
    out[count:] = -1
    return out
