"""What is known of the objects in images: found by a detector, or true; and images with what is true of them."""

from collections.abc import Sequence

import numpy as np


def checked_boxes(argument, boxes):
    """Return boxes as an (N, 4) float32 array of the host, or raise a ValueError that names ``argument``."""
    boxes = _host_numbers(argument, boxes).astype(np.float32)
    if boxes.size == 0:
        boxes = boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"{argument} must have the shape (N, 4): x1, y1, x2, y2 of each. Received: {argument}.shape={boxes.shape}"
        )
    if not np.isfinite(boxes).all():
        row = int(np.flatnonzero(~np.isfinite(boxes).all(axis=1))[0])
        raise ValueError(f"{argument} must be finite. Received: {argument}[{row}]={boxes[row].tolist()}")
    wrong = (boxes[:, 2] < boxes[:, 0]) | (boxes[:, 3] < boxes[:, 1])
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{argument} need x1 <= x2 and y1 <= y2. Received: {argument}[{row}]={boxes[row].tolist()}")
    return boxes


def _host_numbers(argument, values):
    try:
        array = np.asarray(values)
    except ValueError:  # rows of several lengths
        array = np.empty(0, object)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{argument} must be numbers, in rows of one length. Received: {argument}={values!r}")
    return array


def checked_column(argument, values, count, dtype):
    """Return ``count`` values as an array of the host, or raise a ValueError that names ``argument``."""
    values = _host_numbers(argument, values)
    if values.size == 0:
        values = values.reshape(0)
    if values.shape != (count,):
        raise ValueError(
            f"{argument} must have one value for each of the {count} boxes. Received: {argument}.shape={values.shape}"
        )
    if dtype is np.int64 and values.size and (values.dtype.kind not in "iu" or values.min() < 0):
        raise ValueError(f"{argument} must be integers >= 0. Received: {argument}={values.tolist()[:10]}")
    return values.astype(dtype)


class _Rows:
    """Columns of one length each, beside ``boxes``: taken together by an index, a slice or a mask."""

    _columns = ("boxes", "labels")

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            index = [index]
        return type(self)(**{name: getattr(self, name)[index] for name in self._columns})

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self._columns)

    __hash__ = None

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n).tolist()}' for n in self._columns)})"


class Detections(_Rows):
    """What a detector found in one image.

    Parameters
    ----------
    boxes : (N, 4) array
        x1, y1, x2, y2 in pixels of the image, edges and not centres of pixels: a box of one pixel is (0, 0, 1, 1).
    labels : (N,) integers
        Classes, from 0; there is no number for the background.
    scores : (N,) array

    Attributes
    ----------
    boxes, labels, scores : numpy.ndarray
        float32, int64, float32.

    Raises
    ------
    ValueError
        If a box has x2 < x1 or y2 < y1, a number is not finite, or the lengths differ.

    Examples
    --------
    >>> found = Detections([[0, 0, 8, 8], [2, 2, 4, 4]], labels=[3, 1], scores=[0.25, 0.75])
    >>> found[found.scores > 0.5]
    Detections(boxes=[[2.0, 2.0, 4.0, 4.0]], labels=[1], scores=[0.75])
    """

    _columns = ("boxes", "labels", "scores")

    def __init__(self, boxes, labels, scores):
        self.boxes = checked_boxes("boxes", boxes)
        self.labels = checked_column("labels", labels, len(self.boxes), np.int64)
        self.scores = checked_column("scores", scores, len(self.boxes), np.float32)
        if not np.isfinite(self.scores).all():
            raise ValueError(f"scores must be finite. Received: scores={self.scores.tolist()[:10]}")


class GroundTruth(_Rows):
    """The objects that are in one image.

    Parameters
    ----------
    boxes : (N, 4) array
        As those of ``Detections``.
    labels : (N,) integers
        Classes, from 0.
    difficult : (N,) bools, optional
        VOC's mark: objects that a detector need not find. None of them unless given.
    crowd : (N,) bools, optional
        COCO's ``iscrowd``: boxes around many objects. None of them unless given.
    areas : (N,) array, optional
        COCO's areas, of the objects' outlines; those of the boxes unless given.

    Attributes
    ----------
    boxes, labels, difficult, crowd, areas : numpy.ndarray
        float32, int64, bool, bool, float64.

    Examples
    --------
    >>> GroundTruth([[0, 0, 8, 4]], labels=[3]).areas
    array([32.])
    >>> len(GroundTruth([], []))
    0
    """

    _columns = ("boxes", "labels", "difficult", "crowd", "areas")

    def __init__(self, boxes, labels, difficult=None, crowd=None, areas=None):
        self.boxes = checked_boxes("boxes", boxes)
        n = len(self.boxes)
        self.labels = checked_column("labels", labels, n, np.int64)
        self.difficult = checked_column("difficult", np.zeros(n) if difficult is None else difficult, n, bool)
        self.crowd = checked_column("crowd", np.zeros(n) if crowd is None else crowd, n, bool)
        if areas is None:
            areas = np.prod(self.boxes[:, 2:].astype(np.float64) - self.boxes[:, :2], axis=1)
        self.areas = checked_column("areas", areas, n, np.float64)
        if not ((self.areas >= 0) & np.isfinite(self.areas)).all():
            raise ValueError(f"areas must be finite and at least 0. Received: areas={self.areas.tolist()[:10]}")

    def ordinary(self):
        """Return the objects that are neither difficult nor crowds: those that detectors learn."""
        return self[~(self.difficult | self.crowd)]


class AnnotatedImages(Sequence):
    """Images, what is true of each, and the names of the classes: what a detector is trained and tested on.

    ``data[i]`` is the pair (image, truth); ``data[10:20]``, or an array of indices or bools, is a smaller set.

    Parameters
    ----------
    images : array or sequence of arrays
        Each (height, width, channels), uint8 in 0..255; a sequence may load an image when it is asked for, and if it
        has a method ``subset(indices)``, a smaller set takes what that returns.
    truth : sequence of GroundTruth
    class_names : sequence of str

    Raises
    ------
    ValueError
        If there are more images than truths or the other way round, or a label that has no name.
    """

    def __init__(self, images, truth, class_names):
        if not hasattr(class_names, "__len__"):
            raise TypeError(f"class_names must be a sequence of str. Received: class_names={class_names!r}")
        truth = list(truth) if np.iterable(truth) and not isinstance(truth, GroundTruth) else truth
        check_truth(images, truth, len(class_names))
        self.images, self.truth, self.class_names = images, truth, tuple(class_names)

    def __len__(self):
        return len(self.truth)

    def __getitem__(self, index):
        if isinstance(index, (int, np.integer)):
            return self.images[index], self.truth[index]
        index = row_numbers(index, len(self))
        images = some_images(self.images, index)
        return AnnotatedImages(images, [self.truth[i] for i in index], self.class_names)

    def __repr__(self):
        objects = sum(map(len, self.truth))
        return f"AnnotatedImages({len(self)} images, {objects} objects, {len(self.class_names)} classes)"


def row_numbers(index, count):
    """Return which of ``count`` rows a slice, or an array of indices or bools, names: a range or an array."""
    return range(count)[index] if isinstance(index, slice) else np.arange(count)[index]


def some_images(images, numbers):
    """Return these images of an array or sequence of them, unread if they are in files."""
    if isinstance(images, np.ndarray):
        return images[np.asarray(numbers, np.intp)]
    if hasattr(images, "subset"):
        return images.subset(numbers)
    return [images[i] for i in numbers]


def check_truth(images, truth, classes):
    """Require one ``GroundTruth`` for each image, and labels below ``classes``."""
    if isinstance(truth, GroundTruth) or not hasattr(truth, "__len__"):
        raise TypeError(f"truth must be a sequence of GroundTruth objects. Received: {type(truth).__name__}")
    if not hasattr(images, "__len__"):
        raise TypeError(f"images must be a sequence of arrays. Received: {type(images).__name__}")
    if len(images) != len(truth):
        raise ValueError(
            f"truth must have one GroundTruth for each image. Received: {len(images)} images, {len(truth)} of truth"
        )
    for i, objects in enumerate(truth):
        if not isinstance(objects, GroundTruth):
            raise TypeError(f"truth must hold GroundTruth objects. Received: truth[{i}] of {type(objects).__name__}")
        if len(objects) and objects.labels.max() >= classes:
            raise ValueError(
                f"labels must be below the number of classes, {classes}. "
                f"Received: truth[{i}].labels={objects.labels.tolist()}"
            )


def check_proposals(proposals, count):
    """Return proposals as a list of (n, 4) float32 arrays, one for each of ``count`` images, or raise."""
    if not hasattr(proposals, "__len__") or len(proposals) != count:
        raise ValueError(
            "proposals must have one array (n, 4) for each image. "
            f"Received: {len(proposals) if hasattr(proposals, '__len__') else repr(proposals)} for {count} images"
        )
    return [checked_boxes(f"proposals[{i}]", boxes) for i, boxes in enumerate(proposals)]
