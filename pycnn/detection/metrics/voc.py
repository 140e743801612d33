"""Average precision as PASCAL VOC counts it, and the curves of precision over recall that it is the area under."""

from typing import NamedTuple

import numpy as np

from pycnn.backend.geometry import is_real
from pycnn.detection.metrics.gather import best_overlaps, by_class, gather, meetings
from pycnn.detection.metrics.table import mean_of_known, text_table

YEARS = (2007, 2010)


class PrecisionRecallCurve(NamedTuple):
    """Precision and recall of one class after each detection, from the most certain one on.

    The attributes are the class's ``name``; ``scores``, ``precision`` and ``recall``, (n,) float64, of the detections
    that count; and ``positives``, the number of objects that are to be found. Without any, ``recall`` is NaN.
    """

    name: str
    scores: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    positives: int

    def average_precision(self, year=2007):
        """Return the average precision of VOC 2007 (11 points) or 2010 (area); NaN if there are no objects.

        Examples
        --------
        >>> curve = PrecisionRecallCurve("cat", np.array([0.9, 0.8]), np.array([1, 0.5]), np.array([0.5, 0.5]), 2)
        >>> round(curve.average_precision(2007), 4), curve.average_precision(2010)
        (0.5455, 0.5)
        """
        if year not in YEARS:
            raise ValueError(f"year must be 2007 or 2010. Received: year={year!r}")
        if not self.positives:
            return float("nan")
        best = np.r_[np.maximum.accumulate(self.precision[::-1])[::-1], 0.0]  # at this recall or a higher one
        if year == 2007:
            hits = np.rint(self.recall * self.positives)
            return float(best[np.searchsorted(10 * hits, self.positives * np.arange(11))].mean())  # tenths are exact
        return float((np.diff(self.recall, prepend=0.0) * best[:-1]).sum())


class VocAveragePrecision(NamedTuple):
    """Average precision of each class; ``print`` shows a table.

    The attributes are ``class_names``, ``per_class`` (classes,) float64, NaN for classes without objects, and
    ``curves``, the ``PrecisionRecallCurve`` of each class.
    """

    class_names: tuple
    per_class: np.ndarray
    curves: list

    @property
    def mean(self):
        """Mean over the classes that have objects (VOC's mAP), a float; NaN if there are no objects at all."""
        return mean_of_known(self.per_class)

    def __str__(self):
        rows = []
        for curve, ap in zip(self.curves, self.per_class, strict=True):
            recall = np.r_[0.0 if curve.positives else np.nan, curve.recall][-1]
            rows.append([curve.name, curve.positives, len(curve.scores), recall, ap])
        rows.append(["all", *(sum(row[i] for row in rows) for i in (1, 2)), "", self.mean])
        return text_table(["class", "objects", "detections", "recall", "AP"], rows)


def precision_recall_curves(truth, detections, classes=None, iou_threshold=0.5, plus_one=False):
    """Count hits and misses as VOC does, class for class, from the most certain detection on.

    A detection belongs to the object of its class and image that it overlaps most. It is a hit if they overlap by at
    least ``iou_threshold`` and no more certain detection has hit the same object: second detections are misses. What
    belongs to a ``difficult`` object, or a ``crowd``, is neither, and such objects need not be found. Of equally
    certain detections the one in the earlier image comes first.

    Parameters
    ----------
    truth : sequence of GroundTruth, or AnnotatedImages
        An image may be without objects, and so may be all of them.
    detections : sequence of Detections
        One for each image.
    classes : int or sequence of str, optional
        How many classes there are, or their names. Those of the ``AnnotatedImages``, or else as many as the labels
        tell, unless given.
    iou_threshold : float
        In (0, 1].
    plus_one : bool
        VOC's files name the last pixel that a box includes, and VOC adds 1 to widths and heights. Boxes of pycnn are
        edges, and ``pycnn.detection.datasets.voc`` reads them so; the overlaps are the same without the 1. True is
        for boxes that still are as in the files.

    Returns
    -------
    list of PrecisionRecallCurve
        One for each class.

    References
    ----------
    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 2010, section 4.2, and VOCevaldet.m.

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth
    >>> truth = [GroundTruth([[0, 0, 10, 10], [20, 0, 30, 10]], labels=[0, 0])]
    >>> found = [Detections([[0, 0, 10, 9], [50, 50, 60, 60]], labels=[0, 0], scores=[0.9, 0.4])]
    >>> (curve,) = precision_recall_curves(truth, found, ["coin"])
    >>> curve.precision, curve.recall
    (array([1. , 0.5]), array([0.5, 0.5]))
    """
    check_threshold("iou_threshold", iou_threshold)
    objects, found, names = gather(truth, detections, classes)
    hits, counted = judge(objects, found, iou_threshold, plus_one)
    optional = objects.difficult | objects.crowd
    positives = np.bincount(objects.labels[~optional], minlength=len(names))
    curves = []
    for name, mine, total in zip(names, by_class(found.labels, found.scores, len(names)), positives, strict=True):
        mine = mine[counted[mine]]
        right = np.cumsum(hits[mine], dtype=np.float64)
        recall = right / total if total else np.full(len(mine), np.nan)
        curves.append(
            PrecisionRecallCurve(name, found.scores[mine], right / np.arange(1, len(mine) + 1), recall, int(total))
        )
    return curves


def check_threshold(name, value):
    """Require an overlap in (0, 1]."""
    if not is_real(value) or not 0 < value <= 1:
        raise ValueError(f"{name} must lie in (0, 1]. Received: {name}={value!r}")


def judge(objects, found, iou_threshold, plus_one=False):
    """Return for each detection whether it is a hit, and whether it counts; those on difficult objects do not."""
    images = 1 + max(objects.images.max(initial=0), found.images.max(initial=0))
    groups = (rows.labels * images + rows.images for rows in (found, objects))
    largest, which = best_overlaps(found, objects, meetings(*groups), plus_one)
    belongs = np.flatnonzero(largest >= iou_threshold)
    hits, counted = np.zeros(len(largest), bool), np.ones(len(largest), bool)
    optional = (objects.difficult | objects.crowd)[which[belongs]]
    counted[belongs[optional]] = False
    belongs = belongs[~optional]
    belongs = belongs[np.argsort(-found.scores[belongs], kind="stable")]
    _, first = np.unique(which[belongs], return_index=True)  # of each object the most certain one
    hits[belongs[first]] = True
    return hits, counted


def voc_average_precision(truth, detections, classes=None, iou_threshold=0.5, year=2007, plus_one=False):
    """Return the average precision of each class, as PASCAL VOC defines it.

    Parameters
    ----------
    truth, detections, classes, iou_threshold, plus_one
        See ``precision_recall_curves``, which says what is a hit.
    year : {2007, 2010}
        2007: mean of the highest precisions at recalls of at least 0, 0.1, ... 1, which are compared exactly. 2010:
        area under the curve, of which each point is raised to the highest precision at its recall or a higher one.

    Returns
    -------
    VocAveragePrecision
        ``.mean``, ``.per_class`` and ``.curves``.

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth
    >>> truth = [GroundTruth([[0, 0, 10, 10], [20, 0, 30, 10]], labels=[0, 0])]
    >>> found = [Detections([[0, 0, 10, 9], [50, 50, 60, 60]], labels=[0, 0], scores=[0.9, 0.4])]
    >>> print(voc_average_precision(truth, found, ["coin", "key"], year=2010))
    class  objects  detections  recall     AP
    coin         2           2   0.500  0.500
    key          0           0       -      -
    all          2           2          0.500
    """
    if year not in YEARS:
        raise ValueError(f"year must be 2007 or 2010. Received: year={year!r}")
    curves = precision_recall_curves(truth, detections, classes, iou_threshold, plus_one)
    per_class = np.array([curve.average_precision(year) for curve in curves], np.float64)
    return VocAveragePrecision(tuple(curve.name for curve in curves), per_class, curves)
