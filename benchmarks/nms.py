"""Greedy non-maximum suppression against a scalar loop compiled from C, which has one thread."""

import ctypes
from functools import partial

import numpy as np

from benchmarks.contest import OURS, make_row, show
from benchmarks.loops import loop
from benchmarks.timing import interleave
from pycnn.backend import cpu

GATES = {1000: 5.0, 10_000: 15.0}  # number of boxes -> the ratio to reach
SIDE, THRESHOLD = 1000.0, 0.5


def run(torch, args):
    """A row for each scene and number of boxes."""
    rows = []
    for count, gate in GATES.items():
        for name, scene in SCENES.items():
            arguments = (*with_scores(scene(np.random.default_rng(0), count)), THRESHOLD)
            times = interleave({OURS: partial(cpu.nms, *arguments), "C loop": partial(in_c, *arguments)}, args.seconds)
            row = make_row("non-maximum suppression", f"{count} boxes, {name}", "nms", times, gate=gate)
            rows.append(show(row))
    return rows


def in_c(boxes, scores, threshold):
    """The indices of those kept, as ``loops/nms.c`` finds them."""
    kept = np.empty(len(boxes), np.int64)
    nms = loop("nms").nms
    nms.restype = ctypes.c_ssize_t
    addresses = [ctypes.c_void_p(a.ctypes.data) for a in (boxes, scores, kept)]
    count = nms(*addresses[:2], ctypes.c_ssize_t(len(boxes)), ctypes.c_float(threshold), addresses[2])
    return kept[:count]


def with_scores(boxes):
    """Boxes and their scores, all different."""
    scores = np.random.default_rng(1).permutation(len(boxes)) / len(boxes)
    return boxes.astype(np.float32), scores.astype(np.float32)


def _boxes(corners, sizes):
    return np.concatenate([corners, corners + sizes], axis=1)


def clustered(rng, count):
    """A hundred boxes around each object, as a detector finds them."""
    objects = max(count // 100, 1)
    which = rng.integers(0, objects, count)
    corners = rng.uniform(0, SIDE, (objects, 2))[which] + rng.normal(0, 4, (count, 2))
    return _boxes(corners, rng.uniform(30, 100, (objects, 2))[which] * np.exp(rng.normal(0, 0.1, (count, 2))))


def uniform(rng, count):
    """Boxes of all sizes anywhere."""
    return _boxes(rng.uniform(0, SIDE, (count, 2)), rng.uniform(5, 100, (count, 2)))


def all_kept(rng, count):
    """Boxes in rows and columns that do not touch, in random order."""
    columns = int(count**0.5) + 1
    places = rng.permutation(count)
    return _boxes(np.stack([places % columns, places // columns], axis=1) * 10.0, np.full((count, 2), 8.0))


def all_suppressed(rng, count):
    """Nearly the same box again and again."""
    return _boxes(rng.uniform(0, 1, (count, 2)), 100 + rng.uniform(0, 1, (count, 2)))


SCENES = {
    "clustered": clustered,
    "uniform": uniform,
    "all kept": all_kept,
    "all suppressed": all_suppressed,
}
