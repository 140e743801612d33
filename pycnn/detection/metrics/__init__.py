"""How good detections are, over a data set. NumPy on the host, whatever the backend.

gather.py   objects and detections in columns, overlaps     voc.py     average precision of VOC, curves
coco.py     average precision and recall of COCO            table.py   tables to print
errors.py   what kinds of errors there are                  mean.py    MeanAveragePrecision, for ``evaluate``

Classes that have no objects have NaN, and means leave them out; if there are no objects at all, a mean is NaN.
"""

from pycnn.detection.metrics.coco import CocoAveragePrecision, coco_average_precision
from pycnn.detection.metrics.errors import ErrorTypes, error_types
from pycnn.detection.metrics.mean import MeanAveragePrecision
from pycnn.detection.metrics.voc import (
    PrecisionRecallCurve,
    VocAveragePrecision,
    precision_recall_curves,
    voc_average_precision,
)

__all__ = [
    "CocoAveragePrecision",
    "ErrorTypes",
    "MeanAveragePrecision",
    "PrecisionRecallCurve",
    "VocAveragePrecision",
    "coco_average_precision",
    "error_types",
    "precision_recall_curves",
    "voc_average_precision",
]
