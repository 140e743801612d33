"""Detection: what objects are in an image, and where.

records.py    Detections, GroundTruth, AnnotatedImages: what every detector, metric and reader speaks in
datasets/     pictures with the truth about them
metrics/      average precision of VOC and COCO, curves, kinds of errors

Boxes are x1, y1, x2, y2 in pixels, edges and not centres, without +1; classes count from 0.
"""

from pycnn.detection.metrics import (
    MeanAveragePrecision,
    coco_average_precision,
    error_types,
    precision_recall_curves,
    voc_average_precision,
)
from pycnn.detection.records import AnnotatedImages, Detections, GroundTruth

__all__ = [
    "AnnotatedImages",
    "Detections",
    "GroundTruth",
    "MeanAveragePrecision",
    "coco_average_precision",
    "error_types",
    "precision_recall_curves",
    "voc_average_precision",
]
