"""Average precision of boxes with sentences: a region is right if its place and its sentence are."""

from typing import NamedTuple

import numpy as np

from pycnn.captioning.metrics.meteor import meteor
from pycnn.captioning.records import DescribedRegions, check_described
from pycnn.captioning.vocabulary import tokenize
from pycnn.detection import Detections, GroundTruth
from pycnn.detection.metrics.coco import interpolated_precision
from pycnn.detection.metrics.gather import best_overlaps, by_class, gather, meetings, overlap
from pycnn.detection.metrics.table import text_table
from pycnn.detection.metrics.voc import check_threshold, judge

IOUS = (0.3, 0.4, 0.5, 0.6, 0.7)
METEORS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
_SAME = 0.7
"""Boxes of the truth that overlap so much are one region, with several references."""


class DenseCaptioningAveragePrecision(NamedTuple):
    """Average precision for each overlap and each METEOR that are asked for; ``print`` shows a table.

    The attributes are ``positives``, the number of regions that are to be found; ``precision`` (5, 6) float64, for
    the overlaps 0.3, 0.4, ... 0.7 and METEOR above 0, 0.05, ... 0.25; and ``boxes`` (5,), of the boxes alone, whatever
    is said of them. Without regions all are NaN.
    """

    positives: int
    precision: np.ndarray
    boxes: np.ndarray

    @property
    def mean(self):
        """Mean of the 30 (DenseCap's mAP), a float; NaN if there are no regions."""
        return float(self.precision.mean())

    def __str__(self):
        head = ["IoU", "boxes", *(f"METEOR > {least:g}" for least in METEORS)]
        rows = [[f"{iou:g}", self.boxes[i], *self.precision[i]] for i, iou in enumerate(IOUS)]
        rows.append(["mean", self.boxes.mean(), *self.precision.mean(axis=0)])
        return f"{text_table(head, rows)}\n\n{text_table(['regions', 'mAP'], [[str(self.positives), self.mean]])}"


def dense_captioning_average_precision(truth, predictions):
    """Return DenseCap's average precision: over five overlaps and six scores of the sentences.

    First, boxes of the truth that overlap by 0.7 or more become one region, their mean, with all their sentences as
    references; the box that has most others joins with these first. From the most certain prediction on, each belongs
    to the region that it overlaps most, and takes it if no other one of its image has, however little they overlap and
    whatever it says. A prediction that has taken a region is right if they overlap by at least 0.3, 0.4, ... 0.7, and
    if the METEOR of its sentence (see ``meteor``) is above 0, 0.05, ... 0.25. Average precision is the mean at 101
    recalls of the highest precision there or at a higher one.

    This is the rule of the authors' program. It counts pixels from their centres and adds 1 to widths, which here are
    edges, and its METEOR is version 1.5.

    Parameters
    ----------
    truth : sequence of DescribedRegions, or DescribedImages
    predictions : sequence of DescribedRegions
        One for each image, with scores.

    Returns
    -------
    DenseCaptioningAveragePrecision
        ``.mean``, ``.precision`` and ``.boxes``.

    References
    ----------
    Johnson, Karpathy and Fei-Fei, "DenseCap: Fully Convolutional Localization Networks for Dense Captioning", CVPR
    2016, section 4.1.

    Examples
    --------
    >>> truth = [DescribedRegions([[0, 0, 10, 10], [20, 0, 30, 10]], ["a red hat", "a dog"])]
    >>> found = [DescribedRegions([[0, 0, 10, 6], [20, 0, 30, 10]], ["the red hat", "two cats"], [0.9, 0.8])]
    >>> print(dense_captioning_average_precision(truth, found))
    IoU   boxes  METEOR > 0  METEOR > 0.05  METEOR > 0.1  METEOR > 0.15  METEOR > 0.2  METEOR > 0.25
    0.3   1.000       0.505          0.505         0.505          0.505         0.505          0.505
    0.4   1.000       0.505          0.505         0.505          0.505         0.505          0.505
    0.5   1.000       0.505          0.505         0.505          0.505         0.505          0.505
    0.6   1.000       0.505          0.505         0.505          0.505         0.505          0.505
    0.7   0.252       0.000          0.000         0.000          0.000         0.000          0.000
    mean  0.850       0.404          0.404         0.404          0.404         0.404          0.404
    <BLANKLINE>
    regions    mAP
    2        0.404
    """
    truth, predictions = _checked(truth, predictions)
    merged = [_merged(regions) for regions in truth]
    objects, found, _ = gather(
        [GroundTruth(boxes, np.zeros(len(boxes), int)) for boxes, _ in merged],
        [Detections(regions.boxes, np.zeros(len(regions), int), regions.scores) for regions in predictions],
    )
    largest, which = best_overlaps(found, objects, meetings(found.images, objects.images))
    (order,) = by_class(found.labels, found.scores, 1)
    belongs = order[largest[order] > 0]
    _, first = np.unique(which[belongs], return_index=True)
    takers = belongs[first]
    captions = [caption for regions in predictions for caption in regions.captions]
    references = [sentences for _, groups in merged for sentences in groups]
    quality = np.full(len(captions), -1.0)
    quality[takers] = meteor([references[which[i]] for i in takers], [captions[i] for i in takers])
    placed = largest[:, None] >= IOUS
    said = quality[:, None] > (-1.0, *METEORS)  # whatever is said first
    precision = _precision((placed[:, :, None] & said[:, None])[order], len(objects.labels))
    return DenseCaptioningAveragePrecision(len(objects.labels), precision[:, 1:], precision[:, 0])


def exact_caption_average_precision(truth, predictions, iou_threshold=0.5):
    """Return the average precision of boxes with sentences that are right in each word.

    A prediction belongs to the region of its image with the same sentence that it overlaps most, and is right if they
    overlap by at least ``iou_threshold`` and no more certain one has hit the same region: VOC's rule with sentences in
    the place of classes, in one list for all of them. Average precision is the mean at 101 recalls, as COCO's.

    Parameters
    ----------
    truth : sequence of DescribedRegions, or DescribedImages
    predictions : sequence of DescribedRegions
        One for each image, with scores.
    iou_threshold : float
        In (0, 1].

    Returns
    -------
    float
        NaN if there are no regions.

    Examples
    --------
    >>> truth = [DescribedRegions([[0, 0, 10, 10], [20, 0, 30, 10]], ["a red hat", "a dog"])]
    >>> found = [DescribedRegions([[0, 0, 10, 6], [20, 0, 30, 10]], ["a red hat", "a dot"], [0.9, 0.8])]
    >>> round(exact_caption_average_precision(truth, found), 3)
    0.505
    """
    check_threshold("iou_threshold", iou_threshold)
    truth, predictions = _checked(truth, predictions)
    numbers = {}
    labels = [
        [numbers.setdefault(tuple(tokenize(caption)), len(numbers)) for caption in regions.captions]
        for regions in [*truth, *predictions]
    ]
    objects, found, _ = gather(
        [GroundTruth(regions.boxes, own) for regions, own in zip(truth, labels[: len(truth)], strict=True)],
        [
            Detections(regions.boxes, own, regions.scores)
            for regions, own in zip(predictions, labels[len(truth) :], strict=True)
        ],
    )
    hits, _ = judge(objects, found, iou_threshold)
    order = np.argsort(-found.scores, kind="stable")
    return float(_precision(hits[order, None, None], len(objects.labels))[0, 0])


def _precision(hits, positives):
    """Average precision of columns of hits, (n, rows, columns), from the most certain one on."""
    return interpolated_precision(hits, np.ones(hits.shape, bool), [positives] * hits.shape[1])


def _checked(truth, predictions):
    truth, predictions = list(getattr(truth, "truth", truth)), list(predictions)
    check_described(truth, truth)
    if len(predictions) != len(truth):
        raise ValueError(
            "predictions must have one DescribedRegions for each image. "
            f"Received: {len(predictions)} predictions, {len(truth)} of truth"
        )
    for i, regions in enumerate(predictions):
        if not isinstance(regions, DescribedRegions):
            raise TypeError(
                f"predictions must hold DescribedRegions. Received: predictions[{i}] of {type(regions).__name__}"
            )
        if regions.scores is None:
            raise ValueError(f"predictions must have scores. Received: predictions[{i}].scores=None")
    return truth, predictions


def _merged(regions):
    """Boxes of which none are the same region, and the sentences of each."""
    n = len(regions)
    pairs = np.indices((n, n)).reshape(2, -1)
    alike = overlap(*regions.boxes.astype(np.float64)[pairs]).reshape(n, n) >= _SAME
    np.fill_diagonal(alike, True)
    boxes, captions = [], []
    while alike.any():
        group = np.flatnonzero(alike[alike.sum(axis=1).argmax()])
        boxes.append(regions.boxes[group].mean(axis=0))
        captions.append([regions.captions[i] for i in group])
        alike[group], alike[:, group] = False, False
    return np.reshape(boxes, (-1, 4)), captions
