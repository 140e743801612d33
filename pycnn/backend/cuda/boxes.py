"""Overlaps of boxes and greedy suppression on the GPU; nothing comes to the host."""

import cupy as cp
import numpy as np

from pycnn.backend.cuda.arrays import contiguous, result
from pycnn.backend.cuda.launch import blocks_for, elementwise_blocks, launch

TILE = 64  # boxes, a bit of a mask each, as in kernels/boxes.cu
CHUNK = TILE * TILE  # candidates whose masks are there at a time: 2 MiB; at most as in kernels/boxes.cu


def box_iou(a, b, out=None):
    a, b = contiguous(a, b)
    out = result((len(a), len(b)), a.dtype, out)
    launch("boxes", "box_iou", elementwise_blocks(out.size), a, b, out, len(b), out.size)
    return out


def nms(boxes, scores, iou_threshold, labels=None, out=None):
    count = len(boxes)
    out = result((count,), np.int64, out)
    order = cp.argsort(0 - contiguous(scores), kind="stable")
    boxes, labels = contiguous(boxes[order], None if labels is None else labels[order])
    gone, places = cp.zeros(count, np.uint8), result((count,), np.int32)
    begins = range(0, count, CHUNK)
    counts = cp.zeros(len(begins) + 1, np.int32)
    masks = result((min(count, CHUNK) * blocks_for(min(count, CHUNK), TILE),), np.int64)
    for chunk, first in enumerate(begins):
        last = min(count, first + CHUNK)
        words = blocks_for(last - first, TILE)
        own = boxes[first:last], None if labels is None else labels[first:last]
        launch("boxes", "nms_masks", (words, words), *own, iou_threshold, masks, last - first)
        launch("boxes", "nms_choose", 1, masks, gone, places, counts, chunk, first, last - first)
        later = (boxes, labels, iou_threshold, places, counts, gone, chunk, last, count)
        launch("boxes", "nms_suppress", blocks_for(count - last, TILE), *later)
    launch("boxes", "nms_indices", elementwise_blocks(count), places, counts, order, out, len(begins), count)
    return out
