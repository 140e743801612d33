"""What kinds of errors a detector makes."""

from typing import NamedTuple

import numpy as np

from pycnn.detection.metrics.gather import best_overlaps, by_class, gather, meetings
from pycnn.detection.metrics.table import text_table
from pycnn.detection.metrics.voc import check_threshold, judge


class ErrorTypes(NamedTuple):
    """Numbers of right and wrong detections by kind, and of missed objects; ``print`` shows a table.

    The attributes are ``class_names`` and, for each class, integers (classes,): ``correct``, ``localisation``,
    ``duplicate``, ``confusion``, ``background`` count detections of this class; ``missed`` counts its objects.
    """

    class_names: tuple
    correct: np.ndarray
    localisation: np.ndarray
    duplicate: np.ndarray
    confusion: np.ndarray
    background: np.ndarray
    missed: np.ndarray

    @property
    def per_class(self):
        """All numbers, (classes, 6), in the order of the attributes."""
        return np.stack(self[1:], axis=1)

    @property
    def total(self):
        """Sums over the classes: name -> int."""
        return {name: int(column.sum()) for name, column in zip(self._fields[1:], self[1:], strict=True)}

    @property
    def mean(self):
        """Means over the classes: name -> float; NaN without classes."""
        count = len(self.class_names)
        return {name: number / count if count else float("nan") for name, number in self.total.items()}

    def __str__(self):
        rows = [[name, *row] for name, row in zip(self.class_names, self.per_class, strict=True)]
        return text_table(["class", *self._fields[1:]], [*rows, ["all", *self.total.values()]])


def error_types(
    truth, detections, classes=None, iou_threshold=0.5, background_threshold=0.1, score_threshold=None, plus_one=False
):
    """Sort detections by what is wrong with them.

    A detection is

    - correct, if it is a hit as in ``precision_recall_curves``;
    - a duplicate, if it belongs to an object that a more certain one has hit;
    - badly localised, if it overlaps an object of its class by ``background_threshold`` or more, but too little;
    - a confusion, if it does so with objects of other classes alone;
    - background, if it overlaps nothing so much.

    Detections that belong to difficult objects or crowds are not counted. Objects are missed that no detection hits.

    Parameters
    ----------
    truth, detections, classes, iou_threshold, plus_one
        See ``precision_recall_curves``.
    background_threshold : float
        In (0, ``iou_threshold``].
    score_threshold : float, optional
        Detections count from this score on. Unless given, the most certain ones of each class count, as many as it
        has objects, so that a perfect detector makes no errors and a poor one not more for detecting more.

    Returns
    -------
    ErrorTypes

    References
    ----------
    Hoiem, Chodpathumwan and Dai, "Diagnosing Error in Object Detectors", ECCV 2012, whose order of kinds and choice of
    detections these are; duplicates, which it counts as badly localised, are kept apart as in Bolya et al., "TIDE: A
    General Toolbox for Identifying Object Detection Errors", ECCV 2020.

    Examples
    --------
    >>> from pycnn.detection import Detections, GroundTruth
    >>> truth = [GroundTruth([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], labels=[0, 0, 1])]
    >>> found = [Detections([[0, 0, 10, 9], [20, 0, 30, 4], [20, 0, 30, 10]], [0, 0, 1], [0.9, 0.8, 0.7])]
    >>> print(error_types(truth, found, ["coin", "key"]))
    class  correct  localisation  duplicate  confusion  background  missed
    coin         1             1          0          0           0       1
    key          0             0          0          1           0       1
    all          1             1          0          1           0       2
    """
    check_threshold("iou_threshold", iou_threshold)
    if not 0 < background_threshold <= iou_threshold:
        raise ValueError(
            f"background_threshold must lie in (0, {iou_threshold}], up to iou_threshold. "
            f"Received: background_threshold={background_threshold!r}"
        )
    objects, found, names = gather(truth, detections, classes)
    needed = np.bincount(objects.labels[~(objects.difficult | objects.crowd)], minlength=len(names))
    hits, counted = judge(objects, found, iou_threshold, plus_one)
    counted &= _considered(found, counted, needed, score_threshold)
    own, other = _overlaps(objects, found, plus_one)
    kinds = [hits, own >= iou_threshold, own >= background_threshold, other >= background_threshold]
    correct, duplicate, localisation, confusion, background = (
        np.bincount(found.labels[counted & kind], minlength=len(names)) for kind in _first_of(kinds)
    )
    return ErrorTypes(names, correct, localisation, duplicate, confusion, background, needed - correct)


def _considered(found, counted, needed, score_threshold):
    if score_threshold is not None:
        return found.scores >= score_threshold
    chosen = np.zeros(len(found.labels), bool)
    for mine, count in zip(by_class(found.labels, found.scores, len(needed)), needed, strict=True):
        chosen[mine[counted[mine]][:count]] = True
    return chosen


def _overlaps(objects, found, plus_one):
    """The largest overlap of each detection with an object of its class, and with one of another class."""
    pairs = list(meetings(found.images, objects.images))
    same = [found.labels[mine] == objects.labels[theirs] for mine, theirs in pairs]
    for wanted in (same, [~flags for flags in same]):
        chosen = [(mine[flags], theirs[flags]) for (mine, theirs), flags in zip(pairs, wanted, strict=True)]
        yield best_overlaps(found, objects, chosen, plus_one)[0]


def _first_of(kinds):
    """Each kind without those before it, and at last what is of no kind."""
    rest = np.ones(len(kinds[0]), bool)
    for kind in kinds:
        yield rest & kind
        rest = rest & ~kind
    yield rest
