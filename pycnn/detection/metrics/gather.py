"""The objects and detections of all images in columns, and which of them meet: what every metric here begins with."""

from typing import NamedTuple

import numpy as np

from pycnn.backend.geometry import is_integer
from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth, check_truth

_PAIRS = 1 << 21
"""Pairs of boxes that are looked at together: it bounds the memory, and does not change what comes out."""


class Objects(NamedTuple):
    """What is there: columns over all images, one row an object, in the order of the images."""

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    difficult: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray


class Found(NamedTuple):
    """What was found: columns over all images, one row a detection, in the order of the images."""

    images: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


def rows_of(argument, values, kind):
    """Return a list of one of ``kind`` for each image, or raise."""
    if isinstance(values, kind) or not np.iterable(values):
        raise TypeError(
            f"{argument} must be a sequence of {kind.__name__}, one for each image. Received: {type(values).__name__}"
        )
    return list(values)


def gather(truth, detections, classes=None):
    """Check what is true and what was found, and put both into columns.

    Parameters
    ----------
    truth : sequence of GroundTruth, or AnnotatedImages
    detections : sequence of Detections
        One for each image.
    classes : int or sequence of str, optional
        How many classes there are, or their names. Those of the ``AnnotatedImages``, or else as many as the labels
        tell, unless given.

    Returns
    -------
    objects : Objects
    found : Found
        Boxes as float64.
    names : tuple of str
        Of the classes.

    Raises
    ------
    ValueError
        If there is not one ``Detections`` for each image, or a label is not below the number of classes.
    """
    if isinstance(truth, AnnotatedImages):
        classes = truth.class_names if classes is None else classes
        truth = truth.truth
    truth, detections = rows_of("truth", truth, GroundTruth), rows_of("detections", detections, Detections)
    if len(truth) != len(detections):
        raise ValueError(
            "detections must have one Detections for each image. "
            f"Received: {len(detections)} detections, {len(truth)} of truth"
        )
    for i, one in enumerate(detections):
        if not isinstance(one, Detections):
            raise TypeError(
                f"detections must hold Detections objects. Received: detections[{i}] of {type(one).__name__}"
            )
    check_truth(truth, truth, float("inf"))
    objects, found = _columns(Objects, truth), _columns(Found, detections)
    highest = max(objects.labels.max(initial=-1), found.labels.max(initial=-1))
    names = _names(classes, highest)
    if highest >= len(names):
        raise ValueError(f"labels must be below the number of classes, {len(names)}. Received: a label {highest}")
    return objects, found, names


def _names(classes, highest):
    if classes is None:
        classes = int(highest) + 1
    if isinstance(classes, (str, bytes)):
        raise ValueError(f"classes must be a number or names of classes. Received: classes={classes!r}")
    if not np.iterable(classes):
        if not is_integer(classes) or classes < 0:
            raise ValueError(f"classes must be a number or names of classes. Received: classes={classes!r}")
        classes = range(int(classes))
    return tuple(map(str, classes))


_EMPTY = {"labels": np.zeros(0, np.int64), "boxes": np.zeros((0, 4))}


def _columns(kind, records):
    counts = [len(record) for record in records]
    columns = [np.repeat(np.arange(len(records)), counts)]
    for name in kind._fields[1:]:
        columns.append(np.concatenate([_EMPTY.get(name, np.zeros(0)), *(getattr(record, name) for record in records)]))
    columns = dict(zip(kind._fields, columns, strict=True))
    for name in {"difficult", "crowd"} & set(kind._fields):
        columns[name] = columns[name].astype(bool)
    return kind(**columns)


def meetings(found_groups, object_groups):
    """Yield all pairs of a detection and an object of the same group, as arrays of indices, in parts.

    A part holds whole detections, in their order; the objects of each are in their order, too.

    Parameters
    ----------
    found_groups, object_groups : (n,) and (m,) integers
        Which group each belongs to.

    Yields
    ------
    found, objects : (pairs,) integers

    Examples
    --------
    >>> for pair in meetings(np.array([5, 2, 5]), np.array([5, 5, 3])):
    ...     print(*pair)
    [0 0 2 2] [0 1 0 1]
    """
    order = np.argsort(object_groups, kind="stable")
    ranked = object_groups[order]
    starts, stops = (np.searchsorted(ranked, found_groups, side=side) for side in ("left", "right"))
    counts = stops - starts
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.unique(np.searchsorted(ends, np.arange(_PAIRS, total, _PAIRS)))
    for low, high in zip((0, *cuts), (*cuts, len(counts)), strict=True):
        own = counts[low:high]
        found = np.repeat(np.arange(low, high), own)
        within = np.arange(len(found)) - np.repeat(np.cumsum(own) - own, own)
        if len(found):
            yield found, order[starts[found] + within]


def overlap(found, objects, crowd=False, plus_one=False):
    """Return intersection over union of each pair of boxes, (n, 4) float64 both; 0 where both are without area.

    ``crowd`` says where the object is a crowd: there the union is the detection alone. With ``plus_one`` a box of
    whole numbers includes its last pixel, as in VOC.
    """
    extra = 1.0 if plus_one else 0.0
    low, high = np.maximum(found[:, :2], objects[:, :2]), np.minimum(found[:, 2:], objects[:, 2:])
    sides = high - low + extra
    common = np.where((sides > 0).all(axis=1), sides.prod(axis=1), 0.0)
    own, other = ((boxes[:, 2:] - boxes[:, :2] + extra).prod(axis=1) for boxes in (found, objects))
    union = np.where(crowd, own, own + other - common)
    return np.divide(common, union, out=np.zeros(len(common)), where=common > 0)


def best_overlaps(found, objects, pairs, plus_one=False):
    """Return for each detection its largest overlap with an object of ``pairs``, and which object it is.

    Of several objects that overlap equally it is the first one; without any, 0 and -1.
    """
    largest, which = np.zeros(len(found.labels)), np.full(len(found.labels), -1)
    for mine, theirs in pairs:
        if not len(mine):
            continue
        shares = overlap(found.boxes[mine], objects.boxes[theirs], plus_one=plus_one)
        first = np.flatnonzero(np.r_[True, mine[1:] != mine[:-1]])
        largest[mine[first]] = np.maximum.reduceat(shares, first)
        hits = np.flatnonzero(shares == largest[mine])[::-1]  # the last one that is written is the first one
        which[mine[hits]] = theirs[hits]
    return largest, which


def by_class(labels, scores, count):
    """Return for each class the indices of its detections, the most certain first; of equal ones the earlier one."""
    order = np.lexsort((-scores, labels))
    return np.split(order, np.searchsorted(labels[order], np.arange(1, count)))[:count]
